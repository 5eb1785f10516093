"""Uploaded files in the database, so that a page may be answered by any machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select, update

from crmlink.store import Database, Upload, UploadPart
from crmlink.store.base import utc_now

PART_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class SharedUploads:
    """The uploads of one workspace."""

    database: Database
    workspace_id: int

    def put(self, token: str, description: Mapping[str, Any], file: Path) -> None:
        """Store a file and its description."""
        with self.database.engine.begin() as connection:
            connection.execute(
                insert(Upload).values(
                    id=token,
                    workspace_id=self.workspace_id,
                    description=dict(description),
                    created_at=utc_now(),
                )
            )
            for number, content in enumerate(_parts(file)):
                connection.execute(
                    insert(UploadPart).values(upload_id=token, number=number, content=content)
                )

    def describe(self, token: str, description: Mapping[str, Any]) -> None:
        """Store a file's description anew; nothing if it is gone."""
        with self.database.engine.begin() as connection:
            connection.execute(
                update(Upload).where(self._is(token)).values(description=dict(description))
            )

    def description(self, token: str) -> dict[str, Any] | None:
        """Return a file's description, None if there is none."""
        with self.database.engine.begin() as connection:
            return connection.scalar(select(Upload.description).where(self._is(token)))

    def has_content(self, token: str) -> bool:
        """Return whether a file is still there."""
        with self.database.engine.begin() as connection:
            return _has_content(connection, self._is(token))

    def fetch(self, token: str, file: Path) -> bool:
        """Write a file's content; returns False if it is gone."""
        beside = file.with_suffix(f".{secrets.token_hex(4)}")
        query = select(UploadPart.content).join(Upload).where(self._is(token))
        with self.database.engine.begin() as connection:
            if not _has_content(connection, self._is(token)):
                return False
            beside.touch(mode=0o600)
            with beside.open("wb") as out:
                parts = query.order_by(UploadPart.number).execution_options(yield_per=4)
                for content in connection.scalars(parts):
                    out.write(content)
        beside.replace(file)
        return True

    def drop_content(self, token: str) -> None:
        """Delete a file's content, and keep its description."""
        with self.database.engine.begin() as connection:
            self._drop(connection, self._is(token))

    def forget(self, token: str) -> None:
        """Delete a file and its description."""
        with self.database.engine.begin() as connection:
            self._forget(connection, self._is(token))

    def tokens(self) -> list[str]:
        """Return the files whose content is there."""
        query = select(Upload.id).where(Upload.workspace_id == self.workspace_id)
        with self.database.engine.begin() as connection:
            return list(
                connection.scalars(query.where(exists().where(UploadPart.upload_id == Upload.id)))
            )

    def forget_older(self, seconds: float) -> None:
        """Delete what was uploaded longer ago."""
        oldest = utc_now() - timedelta(seconds=seconds)
        with self.database.engine.begin() as connection:
            self._forget(
                connection,
                (Upload.workspace_id == self.workspace_id) & (Upload.created_at < oldest),
            )

    def _is(self, token: str) -> ColumnElement[bool]:
        return (Upload.workspace_id == self.workspace_id) & (Upload.id == token)

    def _forget(self, connection: Connection, which: ColumnElement[bool]) -> None:
        self._drop(connection, which)
        connection.execute(delete(Upload).where(which))

    def _drop(self, connection: Connection, which: ColumnElement[bool]) -> None:
        parts = UploadPart.upload_id.in_(select(Upload.id).where(which))
        connection.execute(delete(UploadPart).where(parts))


def _has_content(connection: Connection, which: ColumnElement[bool]) -> bool:
    query = select(UploadPart.number).join(Upload).where(which).limit(1)
    return connection.scalar(query) is not None


def _parts(file: Path) -> Iterator[bytes]:
    """Yield the parts of a file; an empty file has one."""
    with file.open("rb") as content:
        yield content.read(PART_BYTES)
        while part := content.read(PART_BYTES):
            yield part

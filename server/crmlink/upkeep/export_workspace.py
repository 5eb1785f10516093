"""Everything that an installation holds of one firm, in one file that needs no crmlink to be read.

A ZIP file with a table a file, a row a line in JSON, and ``about.json``. Secrets are left out: what
opens something, and what secrets were derived to. Personal data is in it.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from crmlink.store import Database, Workspace
from crmlink.store.base import utc_now
from crmlink.store.belonging import belongs_to, tables_of_workspaces
from crmlink.store.revisions import newest_revision

SECRETS = frozenset(
    {
        ("connection", "credentials"),
        ("contact_source", "webhook_key"),
        ("device", "previous_hash"),
        ("device", "token_hash"),
        ("invitation", "token_hash"),
        ("mail_settings", "password"),
        ("page_session", "token_hash"),
        ("pairing", "device_code_hash"),
        ("pairing", "user_code"),
        ("person", "login"),  # the same in another firm's export
        ("person", "password_hash"),
        ("refresh", "token_hash"),
        ("source_account", "credentials"),
        ("source_sign_in", "sealed"),
        ("source_sign_in", "state_hash"),
        ("web_connector", "password_hash"),
        ("web_connector", "ticket_hash"),
    }
)
# The access token among others, and files that wait to be imported.
PASSING = frozenset({("commusoft_pace", "state"), ("upload_part", "content")})
CHUNK_SIZE = 1_000  # rows read at once
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends


def export_workspace(database: Database, workspace: Workspace, file: Path) -> int:
    """Write a new file with all rows of a workspace, as they are at one moment.

    Returns how many rows there are. Raises FileExistsError or OSError.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    counts: dict[str, int] = {}
    with (
        os.fdopen(descriptor, "wb") as raw,
        zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive,
        database.snapshot() as session,
    ):
        for table in tables_of_workspaces():
            counts[table.name] = _write_table(archive, session, table, workspace.id)
        about = {
            "workspace": workspace.public_id,
            "name": workspace.name,
            "made_at": utc_now().isoformat(),
            "tables": newest_revision(),
            "rows": counts,
        }
        archive.writestr("about.json", json.dumps(about, ensure_ascii=False, indent=1))
    return sum(counts.values())


def _write_table(
    archive: zipfile.ZipFile, session: Session, table: Table, workspace_id: int
) -> int:
    count = 0
    with archive.open(f"{table.name}.jsonl", "w") as out:
        for row in _rows(session, table, workspace_id):
            out.write(json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n")
            count += 1
    return count


def _rows(session: Session, table: Table, workspace_id: int) -> Iterator[dict[str, Any]]:
    columns = [column for column in table.c if (table.name, column.name) not in SECRETS | PASSING]
    query = select(*columns).where(belongs_to(table, workspace_id))
    for row in session.execute(query, execution_options={"yield_per": CHUNK_SIZE}):
        yield dict(zip((column.name for column in columns), row, strict=True))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)

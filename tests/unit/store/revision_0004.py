"""Databases as crmlink 0004 left them: the sandbox and each account a workspace of its own."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crmlink.store import Database

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TIME = sa.DateTime(timezone=True)
ACCOUNT = "https://crm.example/api#firm"
JSON_COLUMNS = {"scopes", "details", "phones", "differences", "preferences", "dialect", "reasons"}


def day(number: float) -> datetime:
    """That many days after the start."""
    return START + timedelta(days=number)


class OldDatabase:
    """Rows of revision 0004, written as its code wrote them; a time is a day after the start."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.migrate("0004")
        self._ids = itertools.count(1)
        self.chains: dict[int, tuple[int, str]] = {}

    def workspace(self, account: str, at: float = 0, **more: Any) -> int:
        return self._add(
            "workspace", account=account, name=account, mirror_version=1, created_at=day(at), **more
        )

    def person(
        self, workspace_id: int, name: str, at: float, role: str = "clerk", **more: Any
    ) -> int:
        """A person who was invited and joined at once; as a copy, only what was copied."""
        fields = {
            "public_id": f"p{next(self._ids):031}",
            "email": f"{name.lower()}@firm.example",
            "password_hash": f"hash of {name}",
            "joined_at": day(at),
            "created_at": day(at),
        } | more
        return self._add("person", workspace_id=workspace_id, name=name, role=role, **fields)

    def invited(self, workspace_id: int, name: str, at: float, **more: Any) -> int:
        """A person, with what the audit says of an invitation that was accepted."""
        person_id = self.person(workspace_id, name, at, **more)
        self.entry(workspace_id, at, "person.invited", self.public_id(person_id), role="clerk")
        self.entry(workspace_id, at, "person.joined", self.public_id(person_id), role="clerk")
        return person_id

    def copied(self, person_id: int, workspace_id: int, at: float) -> int:
        """What connecting an account made of a person."""
        with self.database.reading() as session:
            row = session.execute(_person("*"), {"id": person_id}).one()
        kept = ("name", "email", "role", "password_hash", "sso_subject", "joined_at")
        fields = {name: getattr(row, name) for name in kept} | {"created_at": day(at)}
        fields["joined_at"] = _moment(fields["joined_at"])
        return self.person(workspace_id, at=at, **fields)

    def set_person(self, person_id: int, at: float, action: str, **values: Any) -> None:
        """Change a person as an action of that name does, and say so in the audit."""
        with self.database.writing() as session:
            self._update(session, "person", person_id, values)
            workspace_id = session.scalar(_person("workspace_id"), {"id": person_id})
        if action:
            self.entry(workspace_id, at, action, self.public_id(person_id))

    def remove(self, person_id: int, at: float) -> None:
        self.set_person(
            person_id, at, "person.removed", removed_at=day(at), password_hash=None,
            sso_subject=None,
        )  # fmt: skip

    def erase(self, person_id: int, at: float) -> None:
        email = f"{self.public_id(person_id)}@erased.invalid"
        self.set_person(person_id, at, "personal.erased", name="(erased)", email=email)

    def device(self, workspace_id: int, person_id: int | None = None, **more: Any) -> int:
        number = next(self._ids)
        fields = {
            "public_id": f"d{number:031}", "sort": "browser", "name": f"Device {number}",
            "prefix": f"browser {number}", "token_hash": f"h{number}", "scopes": [],
            "use_count": 0, "created_at": day(0), "expires_at": datetime(2099, 1, 1, tzinfo=UTC),
        } | more  # fmt: skip
        return self._add("device", workspace_id=workspace_id, person_id=person_id, **fields)

    def record(self, workspace_id: int, number: int, name: str = "") -> int:
        blank = dict.fromkeys(("company", "email", "address", "town", "postcode"), "")
        return self._add(
            "record", workspace_id=workspace_id, kind="customer", number=str(number), name=name,
            account_number="", phones=[], changed=1, **blank,
        )  # fmt: skip

    def link(self, workspace_id: int, device_id: int, **more: Any) -> str:
        identity = f"{next(self._ids):032}"
        fields = {
            "id": identity, "idempotency_key": identity, "fingerprint": "", "package": "xero",
            "organisation": "", "kind": "customer", "reference": identity, "contact_name": "C",
            "record_number": "1001", "record_label": "R", "target": identity, "differences": [],
            "state": "linked", "attempt_id": "", "writes": 1, "created_at": day(1),
            "attempted_at": day(1), "settled_at": day(1),
        } | more  # fmt: skip
        self._add("link", workspace_id=workspace_id, device_id=device_id, **fields)
        return identity

    def batch(self, workspace_id: int, device_id: int, link_id: str | None = None) -> str:
        """A list of one contact, with a bad line and a page."""
        identity = f"b{next(self._ids):031}"
        self._add(
            "batch", id=identity, workspace_id=workspace_id, device_id=device_id, package="xero",
            organisation="", created_at=day(1), changed_at=day(1),
        )  # fmt: skip
        self._add(
            "batch_row", batch_id=identity, position=1, kind="customer", reference="R1",
            name="Ann", email="", phones=[], link_id=link_id,
        )  # fmt: skip
        self._add("batch_bad_row", batch_id=identity, line=2, code="empty", args="{}")
        self._add(
            "batch_page", workspace_id=workspace_id, batch_id=identity, key=identity,
            fingerprint="", added=1, completed=0,
        )  # fmt: skip
        return identity

    def entry(
        self, workspace_id: int, at: float, action: str, subject: str = "workspace", **details: Any
    ) -> None:
        """The next line of a workspace's audit, hashed as it was."""
        place, previous = self.chains.get(workspace_id, (0, "0" * 64))
        fields = [
            previous, workspace_id, place + 1, day(at).isoformat(), action, subject, None, None,
            details,
        ]  # fmt: skip
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        self._add(
            "audit_entry", workspace_id=workspace_id, place=place + 1, at=day(at), action=action,
            subject=subject, details=details, previous_hash=previous, hash=digest,
        )  # fmt: skip
        self.chains[workspace_id] = place + 1, digest

    def public_id(self, person_id: int) -> str:
        with self.database.reading() as session:
            return str(session.scalar(_person("public_id"), {"id": person_id}))

    def session(self, person_id: int, at: float = 0) -> None:
        number = next(self._ids)
        self._add(
            "page_session", public_id=f"s{number:031}", person_id=person_id,
            token_hash=f"s{number}", browser="Firefox", address="10.0.0.1", created_at=day(at),
            last_seen_at=day(at),
        )  # fmt: skip

    def add(self, table: str, **values: Any) -> None:
        self._add(table, **values)

    def migrate(self) -> None:
        """Bring it to the newest revision."""
        self.database.migrate()

    def _add(self, table: str, **values: Any) -> int:
        with self.database.writing() as session:
            statement = _table(table, values).insert().values(values)
            session.execute(statement)
            count = sa.select(sa.func.count()).select_from(sa.table(table))
            return int(session.scalar(count) or 0)  # nothing is deleted here: the newest id

    def _update(self, session: Session, table: str, row_id: int, values: dict[str, Any]) -> None:
        target = _table(table, values | {"id": row_id})
        session.execute(target.update().where(target.c.id == row_id).values(values))


def _table(name: str, values: dict[str, Any]) -> sa.TableClause:
    def kind(column: str, value: Any) -> Any:
        if column in JSON_COLUMNS:
            return sa.JSON()
        return TIME if isinstance(value, datetime) else None

    return sa.table(name, *(sa.column(column, kind(column, v)) for column, v in values.items()))


def _person(column: str) -> sa.TextClause:
    return sa.text(f"SELECT {column} FROM person WHERE id = :id")  # noqa: S608 # our own words


def _moment(value: Any) -> datetime | None:
    """A time as either database gives it to a plain query."""
    if value is None:
        return None
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""Migration 0006: the people, devices and hosts of several workspaces become one firm's.

Connecting an account copied people, with their passwords, and what changed afterwards changed one
copy. The newest state of each counts here; who was removed or erased in one workspace, and not
invited again since, is removed or erased in all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

TIME = sa.DateTime(timezone=True)
ERASED, ERASED_EMAIL = "(erased)", "@erased.invalid"
WELCOMES = ("person.invited", "person.invited_again")
JOINED, PASSWORD = "person.joined", "person.password_changed"

person = sa.table(
    "person",
    sa.column("id", sa.Integer),
    sa.column("public_id", sa.String),
    sa.column("workspace_id", sa.Integer),
    sa.column("name", sa.String),
    sa.column("email", sa.String),
    sa.column("role", sa.String),
    sa.column("password_hash", sa.String),
    sa.column("sso_subject", sa.String),
    sa.column("created_at", TIME),
    sa.column("joined_at", TIME),
    sa.column("last_seen_at", TIME),
    sa.column("removed_at", TIME),
)
device = sa.table(
    "device",
    sa.column("id", sa.Integer),
    sa.column("workspace_id", sa.Integer),
    sa.column("person_id", sa.Integer),
    sa.column("sort", sa.String),
    sa.column("name", sa.String),
    sa.column("created_at", TIME),
    sa.column("rotated_at", TIME),
    sa.column("last_used_address", sa.String),
    sa.column("revoked_at", TIME),
    sa.column("revoked_because", sa.String),
)
session = sa.table(
    "page_session",
    sa.column("person_id", sa.Integer),
    sa.column("browser", sa.String),
    sa.column("address", sa.String),
    sa.column("ended_at", TIME),
)
invitation = sa.table(
    "invitation",
    sa.column("id", sa.Integer),
    sa.column("workspace_id", sa.Integer),
    sa.column("person_id", sa.Integer),
    sa.column("created_at", TIME),
    sa.column("used_at", TIME),
)
pairing = sa.table(
    "pairing", sa.column("workspace_id", sa.Integer), sa.column("person_id", sa.Integer)
)
host = sa.table(
    "package_host",
    sa.column("id", sa.Integer),
    sa.column("workspace_id", sa.Integer),
    sa.column("package", sa.String),
    sa.column("host", sa.String),
)
entry = sa.table(
    "audit_entry",
    sa.column("at", TIME),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("details", sa.JSON),
)


@dataclass(frozen=True)
class Event:
    """An entry of the audit about a person."""

    at: datetime
    action: str
    by_sso: bool


@dataclass
class Row:
    """A person as one workspace knew them, and what the audit says of them."""

    values: dict[str, Any]
    events: list[Event] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return self.values[name]

    @property
    def is_erased(self) -> bool:
        return bool(self.email.endswith(ERASED_EMAIL))

    def changed(self, *actions: str) -> datetime:
        """When a person last settled one of these; a copy was right when it was made."""
        times = (event.at for event in self.events if event.action in actions)
        return max(times, default=aware(self.created_at))

    def welcomed_after(self, removal: datetime) -> bool:
        """Whether somebody invited this person after that, or let them be the first admin."""
        is_new = aware(self.created_at) > removal
        return any(
            event.at > removal and (event.action in WELCOMES or (is_new and not event.by_sso))
            for event in self.events
            if event.action in (*WELCOMES, JOINED)
        )


def merge(database: sa.Connection, firm_id: int, in_use: int) -> int:
    """Bring all into one workspace; returns how many rows of people were removed for good."""
    rows = _people(database)
    removed = 0
    for group in _groups(rows):
        live = [row for row in group if row.removed_at is None]
        removals = [aware(row.removed_at) for row in group if row.removed_at]
        last = max(removals, default=None)
        back = [row for row in live if last is None or row.welcomed_after(last)]
        for row in live:
            if last is not None and row not in back:
                _remove(database, row, last)
                removed += 1
        if not back and any(row.is_erased for row in group):
            for row in group:
                _erase(database, row)
        if len(back) > 1:
            _unite(database, back, in_use)
    _end_revoked_tokens(database)
    _unite_hosts(database)
    for table in (person, device, invitation, pairing, host):
        database.execute(table.update().values(workspace_id=firm_id))
    return removed


def aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _people(database: sa.Connection) -> list[Row]:
    rows = [Row(dict(values)) for values in database.execute(sa.select(person)).mappings()]
    by_id = {row.public_id: row for row in rows}
    query = sa.select(entry).where(entry.c.action.startswith("person."))
    for at, action, subject, details in database.execute(query):
        if subject in by_id:
            by_sso = (details or {}).get("by") == "single sign-on"
            by_id[subject].events.append(Event(aware(at), action, by_sso))
    return rows


def _groups(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of one and the same person: by email, and a row without one by when they joined.

    An erased row has lost its email, but its copies have its moment of joining.
    """
    rows = list(rows)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if not row.is_erased:
            groups.setdefault(row.email.lower(), []).append(row)
    for row in rows:
        if row.is_erased:
            copies = (
                group
                for group in groups.values()
                for other in group
                if row.joined_at
                and other.joined_at == row.joined_at
                and other.workspace_id != row.workspace_id
            )
            group = next(copies, None)
            if group is not None:
                group.append(row)
    return list(groups.values())


def _remove(database: sa.Connection, row: Row, at: datetime) -> None:
    """Let somebody in no more, as removing them in every workspace would have done."""
    _set(database, row, removed_at=at, password_hash=None, sso_subject=None)
    _end_log_ins(database, [row.id])
    database.execute(
        device.update()
        .where(device.c.person_id == row.id, device.c.revoked_at.is_(None))
        .values(revoked_at=at, revoked_because="person-removed")
    )
    database.execute(
        invitation.update()
        .where(invitation.c.person_id == row.id, invitation.c.used_at.is_(None))
        .values(used_at=at)
    )


def _erase(database: sa.Connection, row: Row) -> None:
    _set(
        database,
        row,
        name=ERASED,
        email=f"{row.public_id}{ERASED_EMAIL}",
        password_hash=None,
        sso_subject=None,
    )
    database.execute(
        device.update()
        .where(device.c.person_id == row.id)
        .values(name=ERASED, last_used_address=None)
    )
    database.execute(
        session.update().where(session.c.person_id == row.id).values(browser="", address="")
    )


def _unite(database: sa.Connection, live: list[Row], in_use: int) -> None:
    """One of the rows stays, with the newest of each; what the others had acts for it."""
    live.sort(key=lambda row: (row.workspace_id == in_use, aware(row.created_at)))
    kept, others = live[-1], live[:-1]
    password = _newest(live, "password_hash", JOINED, PASSWORD)
    _set(
        database,
        kept,
        name=_newest(live, "name", "person.renamed").name,
        role=_newest(live, "role", "person.role").role,
        password_hash=password.password_hash,
        sso_subject=_newest(live, "sso_subject", JOINED).sso_subject,
        joined_at=min((row.joined_at for row in live if row.joined_at), key=aware, default=None),
        last_seen_at=max(
            (row.last_seen_at for row in live if row.last_seen_at), key=aware, default=None
        ),
    )
    gone = [row.id for row in others]
    _end_log_ins(database, gone if password is kept else [*gone, kept.id])
    for table in (device, invitation, pairing):
        database.execute(
            table.update().where(table.c.person_id.in_(gone)).values(person_id=kept.id)
        )
    _keep_newest_invitation(database, kept.id)
    for row in others:
        _set(database, row, removed_at=datetime.now(UTC), password_hash=None, sso_subject=None)


def _newest(live: list[Row], name: str, *actions: str) -> Row:
    """The row whose value was settled last; one that has none does not count."""
    settled = [row for row in live if getattr(row, name) is not None] or live
    return max(settled, key=lambda row: row.changed(*actions))


def _keep_newest_invitation(database: sa.Connection, person_id: int) -> None:
    open_ones = (invitation.c.person_id == person_id) & invitation.c.used_at.is_(None)
    newest = sa.select(sa.func.max(invitation.c.id)).where(open_ones)
    keep = database.scalar(newest)
    database.execute(
        invitation.update()
        .where(open_ones, invitation.c.id != keep)
        .values(used_at=datetime.now(UTC))
    )


def _end_log_ins(database: sa.Connection, people: list[int]) -> None:
    database.execute(
        session.update()
        .where(session.c.person_id.in_(people), session.c.ended_at.is_(None))
        .values(ended_at=datetime.now(UTC))
    )


def _end_revoked_tokens(database: sa.Connection) -> None:
    """Who revoked all tokens meant the firm's: those of other workspaces end too."""
    query = sa.select(sa.func.max(entry.c.at)).where(entry.c.action == "token.all_revoked")
    at = database.scalar(query)
    if at is None:
        return
    made = sa.func.coalesce(device.c.rotated_at, device.c.created_at)
    database.execute(
        device.update()
        .where(device.c.sort == "script", device.c.revoked_at.is_(None), made <= at)
        .values(revoked_at=at, revoked_because="revoked")
    )


def _unite_hosts(database: sa.Connection) -> None:
    first = sa.select(sa.func.min(host.c.id)).group_by(host.c.package, host.c.host)
    database.execute(host.delete().where(host.c.id.not_in(first)))


def _set(database: sa.Connection, row: Row, **values: Any) -> None:
    row.values.update(values)
    database.execute(person.update().where(person.c.id == row.id).values(values))

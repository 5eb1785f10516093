"""Context of one workspace: everything that suggesting and linking need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.accounting.package_rules import Packages
from crmlink.accounting.rule_file import RuleFile
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.mirror import SyncResult, sync
from crmlink.linking.first_seen import FirstSeen
from crmlink.linking.known_contacts import LiveContacts
from crmlink.linking.list_trust import ListTrust
from crmlink.matching import Address, Matcher
from crmlink.store import Database, MirroredRecord, Ownership, WorkspaceConnection
from crmlink.store.connections import is_in_use
from crmlink.values.contact_details import ContactDetails


class LiveMatcher:
    """Matcher that follows a connection's mirror, as updated by any process."""

    def __init__(self, database: Database, connection_id: int) -> None:
        self._database = database
        self._connection_id = connection_id
        self._matcher = Matcher()
        self._version = 0
        self._lock = threading.Lock()

    def matcher(self) -> Matcher:
        """Return the matcher, updated from the mirror. Raises ConnectionEnded."""
        with self._lock, self._database.reading() as session:
            connection = session.get(WorkspaceConnection, self._connection_id)
            if connection is None:
                raise ConnectionEnded
            version = connection.mirror_version
            if version != self._version:
                changed = (
                    select(MirroredRecord)
                    .filter_by(connection_id=self._connection_id)
                    .where(MirroredRecord.mirror_version > self._version)
                    .execution_options(yield_per=5_000)
                )
                for rows in session.scalars(changed).partitions():
                    self._take(rows)
                self._version = version
        return self._matcher

    def _take(self, rows: Sequence[MirroredRecord]) -> None:
        self._matcher.discard(row.public_id for row in rows if row.deleted_at)
        self._matcher.update((row.public_id, details(row)) for row in rows if not row.deleted_at)


@dataclass(frozen=True)
class WorkspaceContext:
    """A workspace with one of its connections; another connection has another context.

    ``public_connection_id`` is the connection's id for clients; ``practice`` marks this
    installation's sandbox. ``index`` holds its records, ``contacts`` those of its lists.
    ``ownership`` knows this process's work and which processes are alive.
    ``list_trust`` lets links wait to be checked by reads of whole lists; without it each is read
    back alone. ``first_seen`` times writes that Commusoft may still carry out, and attempts of
    versions without owners. ``wake`` notifies the worker of new work; without it the worker finds
    it by polling.
    """

    workspace_id: int
    connection_id: int
    public_connection_id: str
    practice: bool
    database: Database
    commusoft: CommusoftClient
    rule_file: RuleFile
    index: LiveMatcher
    contacts: LiveContacts
    ownership: Ownership
    first_seen: FirstSeen = field(default_factory=FirstSeen)
    list_trust: ListTrust | None = None
    wake: Callable[[], None] = lambda: None
    attempts: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="attempt")
    )

    @property
    def packages(self) -> Packages:
        """The current rules, without the hosts that an admin added."""
        return self.rule_file.current()

    @property
    def has_api(self) -> bool:
        """Whether the account has an API; without one there are only its pages."""
        return self.commusoft.has_api

    @property
    def uses_sandbox(self) -> bool:
        """Whether the remote system is a sandbox, this installation's or another one."""
        return self.practice or self.commusoft.sandbox

    def require_in_use(self, session: Session) -> None:
        """Raise ConnectionEnded unless the workspace still uses this connection."""
        if not is_in_use(session, self.connection_id):
            raise ConnectionEnded

    def sync(
        self, progress: Callable[[SyncResult], None] = lambda _result: None, *, full: bool = True
    ) -> SyncResult:
        """Update the mirror. Raises SyncInProgress or CommusoftError."""
        return sync(
            self.database, self.connection_id, self.commusoft, self.ownership, progress, full=full
        )


def details(row: MirroredRecord) -> ContactDetails:
    """Return a mirrored record's details, for matching."""
    return ContactDetails(
        kind=row.kind,
        person=row.name,
        company=row.company,
        address=row.address,
        town=row.town,
        postcode=row.postcode,
        email=row.email,
        phones=tuple(row.phones),
        account_number=row.account_number,
        other_emails=tuple(row.other_emails),
        other_addresses=tuple(Address(**address) for address in row.other_addresses),
    )

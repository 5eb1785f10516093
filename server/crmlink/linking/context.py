"""Context of one workspace: everything that suggesting and linking need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from crmlink.accounting.package_rules import Packages
from crmlink.accounting.rule_file import RuleFile
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import ConnectionEnded
from crmlink.commusoft.mirror import SyncResult, sync
from crmlink.linking.first_seen import FirstSeen
from crmlink.linking.known_contacts import LiveContacts
from crmlink.linking.list_trust import ListTrust
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.linking.record_counts import RecordCounts
from crmlink.logs import RestingThreads
from crmlink.store import Database, Ownership
from crmlink.store.connections import is_in_use


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
    counts: RecordCounts = field(default_factory=RecordCounts)
    wake: Callable[[], None] = lambda: None
    attempts: RestingThreads = field(default_factory=lambda: RestingThreads(8, "attempt"))

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

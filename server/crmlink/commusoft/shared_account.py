"""What all processes of a PostgreSQL database share of one Commusoft account."""

from __future__ import annotations

from crmlink.commusoft.account_state import SharedState
from crmlink.commusoft.shared_starts import SharedStarts
from crmlink.store import Database


class SharedAccount:
    """Starts of calls, and the state of an account, of one connection."""

    def __init__(self, database: Database, connection_id: int) -> None:
        self.starts = SharedStarts(database, connection_id)
        self.states = SharedState(database, connection_id)

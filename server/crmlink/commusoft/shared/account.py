"""What all processes of a PostgreSQL database share of one Commusoft account."""

from __future__ import annotations

from collections.abc import Callable

from crmlink.commusoft.account_state import SharedState
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.shared.starts import SharedStarts
from crmlink.commusoft.shared.token import SharedToken
from crmlink.commusoft.vault import Vault
from crmlink.store import Database


class SharedAccount:
    """Starts of calls, and the state of an account, of one connection.

    Without a ``vault`` each process has an access token of its own.
    """

    def __init__(
        self, database: Database, connection_id: int, vault: Callable[[], Vault] | None = None
    ) -> None:
        self.starts = SharedStarts(database, connection_id)
        self.states = SharedState(database, connection_id)
        self._vault = vault

    def token_of(self, connection: Connection, limits: ClientLimits) -> SharedToken | None:
        """Return the token that all processes use with these credentials."""
        if self._vault is None:
            return None
        return SharedToken(self.states, self._vault, connection, limits.token_ttl)

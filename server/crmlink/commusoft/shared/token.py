"""The access token of one account, for all processes: Commusoft may know only the newest one.

It is sealed with the installation's vault and bound to the credentials that it was obtained with.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial

from crmlink.commusoft.account_state import AccountState, KeepsState
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.errors import CommusoftTimeout
from crmlink.commusoft.vault import Vault, VaultKeyMissing
from crmlink.deadline import Deadline

POLL_INTERVAL = 0.05  # seconds between two looks whether another process has obtained it


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token, its shape, and how many seconds ago it was obtained."""

    text: str = field(repr=False)
    shape: str
    age: float


class SharedToken:
    """The token of an account; ``seconds`` is how long one is used."""

    def __init__(
        self,
        states: KeepsState,
        vault: Callable[[], Vault],
        connection: Connection,
        seconds: float,
    ) -> None:
        self._states, self._vault, self._seconds = states, vault, seconds
        described = json.dumps(asdict(connection), sort_keys=True).encode()
        self._credentials = hashlib.sha256(described).hexdigest()

    @contextmanager
    def turn(self, deadline: Deadline, rejected: str | None) -> Iterator[KnownToken | None]:
        """Yield another token than the rejected one; None if this process has to obtain it.

        No other process does so until ``keep``, or until the block fails. Raises CommusoftTimeout.
        """
        useless: str | None = None
        while True:
            found = self._states.change(partial(self._take_turn, useless, deadline))
            if isinstance(found, str):  # the sealed token
                known = self._opened(found)
                if known is not None and known.text != rejected:
                    yield known
                    return
                useless = found
            elif found:
                break
            elif deadline.remaining() <= POLL_INTERVAL:
                raise CommusoftTimeout("waiting for another process's token")
            else:
                time.sleep(POLL_INTERVAL)
        try:
            yield None
        except BaseException:
            self._states.change(_end_turn)
            raise

    def keep(self, text: str, shape: str) -> None:
        """Store the token that was obtained."""
        sealed = self._vault().seal(
            {"token": text, "shape": shape, "credentials": self._credentials}
        )

        def keep(state: AccountState, now: float) -> None:
            state.token, state.token_at, state.token_awaited = sealed, now, 0.0

        self._states.change(keep)

    def _take_turn(
        self, useless: str | None, deadline: Deadline, state: AccountState, now: float
    ) -> str | bool:
        """Return the sealed token, or whether it is this process's turn to obtain one."""
        if state.token and state.token != useless and now - state.token_at < self._seconds:
            return state.token
        if state.token_awaited > now:
            return False
        state.token_awaited = now + deadline.remaining()
        return True

    def _opened(self, sealed: str) -> KnownToken | None:
        try:
            found = self._vault().open(sealed)
        except VaultKeyMissing:
            return None
        if found["credentials"] != self._credentials:
            return None
        age = self._states.change(lambda state, now: now - state.token_at)
        return KnownToken(found["token"], found["shape"], age)


def _end_turn(state: AccountState, _: float) -> None:
    state.token_awaited = 0.0

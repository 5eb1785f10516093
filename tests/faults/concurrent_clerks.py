"""Clerks in two server processes over one database, who decide when they are told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation
from crmlink.linking.decisions import Decision, confirm
from crmlink.linking.errors import LinkingError
from crmlink.settings import Settings
from crmlink.store import LinkState
from faults.processes import processes
from support.sandbox import FAST_LIMITS, new_key

NAMES = ("Ada", "Ben", "Cem", "Dee")  # two a process


@dataclass(frozen=True)
class Outcome:
    """What a clerk was told: a link's state, or why not; and who was first, and when."""

    name: str
    record_id: str
    state: LinkState | None = None
    refusal: str | None = None
    first: str | None = None
    since: object = None


@dataclass(frozen=True)
class Clerk:
    """One person's browser, as this process sees it."""

    name: str
    line: Connection

    def outcome(self, limit: float = 60) -> Outcome:
        assert self.line.poll(limit), f"{self.name} was kept waiting"
        outcome: Outcome = self.line.recv()
        return outcome


@contextmanager
def clerks_of(installation: Installation) -> Iterator[list[Clerk]]:
    """Ada and Ben at one server process, Cem and Dee at another."""
    with ExitStack() as exits:
        clerks = []
        for names in (NAMES[:2], NAMES[2:]):
            ours, theirs = zip(*(processes().Pipe() for _ in names), strict=True)
            desks = [
                (name, _device(installation, name), line)
                for name, line in zip(names, theirs, strict=True)
            ]
            process = processes().Process(
                target=_serve, args=(installation.settings, desks), daemon=True
            )
            process.start()
            exits.callback(process.join, 10)
            clerks += [Clerk(name, line) for name, line in zip(names, ours, strict=True)]
            for line in theirs:
                line.close()
            for line in ours:
                exits.callback(line.close)
        yield clerks


def _device(installation: Installation, name: str) -> int:
    return create_api_token(installation.access, command_line_actor(installation.access), name)[
        0
    ].id


def _serve(settings: Settings, desks: list[tuple[str, int, Connection]]) -> None:
    assert settings.commusoft
    installation = open_installation(
        settings, CommusoftClient(settings.commusoft, limits=FAST_LIMITS)
    )
    threads = [threading.Thread(target=_decide, args=(installation, *ctx)) for ctx in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _decide(installation: Installation, name: str, device_id: int, line: Connection) -> None:
    """Confirm what comes over the line, until it is closed."""
    while True:
        try:
            wish: Decision = line.recv()
        except EOFError:
            return
        try:
            link = confirm(installation.workspace, wish, new_key(), device_id)
            outcome = Outcome(name, wish.record_id, link.state)
        except LinkingError as failure:
            first, since = failure.facts.get("by"), failure.facts.get("since")
            outcome = Outcome(name, wish.record_id, None, failure.code, first, since)
        line.send(outcome)

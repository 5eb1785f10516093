"""Two processes, a PUT that takes long, an undo, a kill -9, in every order: both sides agree.

What crmlink says of a record at last is what Commusoft holds, whichever process died, and whenever.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from crmlink.store import Link, LinkState
from faults.gate import HeldRequest, RequestGate, gated_sandbox
from faults.peers import LATE_AFTER, Care, Peer, Peers
from faults.shared_installation import SharedInstallation, open_shared_installation
from support.sandbox import decision, new_key

STEPS = ("start", "decide", "kill", "done")
ORDERS = list(itertools.permutations(STEPS))
LIVING = list(itertools.permutations(("start", "decide", "done")))
# Beats between two steps: none, half of what makes a dead process known, all of it.
PLAYED = [(0, "link"), (3, "link"), (7, "link"), (7, "undo")]


@dataclass(frozen=True)
class TwoProcesses:
    access: SharedInstallation
    gate: RequestGate
    peers: Peers


@pytest.fixture(scope="module")
def setting(lasting_database_url: str, folder: Path) -> Iterator[TwoProcesses]:
    with (
        gated_sandbox(400) as (address, gate),
        open_shared_installation(lasting_database_url, folder, address) as access,
    ):
        peers = Peers(access.installation.settings)
        yield TwoProcesses(access, gate, peers)
        peers.close()


@dataclass
class Takeover:
    """One record, two processes, and a PUT of the first one that Commusoft holds."""

    setting: TwoProcesses
    undoing: bool
    care: Care = Care.CAREFUL
    target: str = field(default_factory=lambda: str(uuid.uuid4()))
    peers: list[Peer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.access = self.setting.access
        self.record_id = self.access.record()
        self.key = new_key()
        self.held: HeldRequest | None = None

    def play(self, order: tuple[str, ...], silence: int) -> None:
        first = self._begin()
        second: Peer | None = None
        alive = [first]
        for step in order:
            if step == "start":
                second = self._start()
                alive.append(second)
            elif step == "kill":
                first.kill()
                alive.remove(first)
            elif step == "decide" and alive:
                self._decide(alive[-1])
            elif step == "done":
                assert self.held
                self.held.carry_out()
            self._pass_time(alive, silence)
        assert second
        self._end(first if first in alive else None, second)

    def _start(self) -> Peer:
        peer = self.setting.peers.start(self.care)
        self.peers.append(peer)
        return peer

    def _begin(self) -> Peer:
        """The first process is in the middle of its PUT."""
        first = self._start()
        wish, device_id = decision(self.record_id, self.target), self.access.device_id
        if self.undoing:
            assert first.do("try_link", wish, new_key(), device_id) == "linked"
            link_id = self._links()[0].id
            self.held = self.setting.gate.hold(self.record_id)
            first.do("unlink", link_id, self.key, device_id)
        else:
            self.held = self.setting.gate.hold(self.record_id)
            first.do("link", wish, self.key, device_id)
        self.held.wait()
        return first

    def _decide(self, peer: Peer) -> None:
        """What a person tries meanwhile: undo the link, or link the contact again."""
        link = self._links()[0]
        if self.undoing:
            wish = decision(self.record_id, self.target, replaces=self.target)
            peer.do("try_link", wish, new_key(), self.access.device_id)
        else:
            peer.do("try_undo", link.id, new_key(), self.access.device_id)

    def _pass_time(self, alive: list[Peer], beats: int) -> None:
        for _ in range(beats):
            for peer in alive:
                peer.do("wait")
        for peer in alive:
            peer.do("finish")

    def _end(self, first: Peer | None, second: Peer) -> None:
        """Commusoft answers, and everything comes to its end."""
        assert self.held
        self.held.release()
        alive = [peer for peer in (first, second) if peer]
        for peer in alive:
            peer.do("rest")
        for _ in range(3):
            self._pass_time(alive, 8)
            if not self._open():
                break  # what is settled is never looked at again
            second.do("leap", LATE_AFTER)
        assert not self._open()

    def _open(self) -> list[Link]:
        return [link for link in self._links() if link.state is LinkState.INTENDED]

    def disagreement(self) -> str | None:
        """What crmlink says beside what Commusoft holds, where they differ."""
        said, states = None, []
        for link in self._links():
            states.append(link.state.value)
            if link.state in (LinkState.LINKED, LinkState.UNDONE):
                said = link.target
        holds = self.access.reference(self.record_id)
        return None if said == holds else f"{states}: {said} said, {holds} there"

    def undo_at_last(self) -> None:
        """A link that came out as linked can be undone, and then is."""
        for link in self._links():
            if link.state is LinkState.LINKED and not link.undoes_id:
                done = self.peers[-1].do("try_undo", link.id, new_key(), self.access.device_id)
                assert done == "linked"

    def _links(self) -> list[Link]:
        with self.access.installation.database.reading() as session:
            return list(
                session.scalars(
                    select(Link)
                    .filter_by(record_number=self.record_id.removeprefix("customer-"))
                    .order_by(Link.created_at)
                )
            )

    def close(self) -> None:
        for peer in self.peers:
            self.setting.peers.give_back(peer)


def played(takeover: Takeover, order: tuple[str, ...], silence: int) -> str | None:
    try:
        takeover.play(order, silence)
        if wrong := takeover.disagreement():
            return wrong
        takeover.undo_at_last()
        return takeover.disagreement()
    finally:
        takeover.close()


@pytest.mark.parametrize(("silence", "what"), PLAYED)
def test_two_processes_agree_with_commusoft_in_every_order(
    setting: TwoProcesses, silence: int, what: str
) -> None:
    wrong = {
        "-".join(order): outcome
        for order in (*ORDERS, *LIVING)
        if (outcome := played(Takeover(setting, what == "undo"), order, silence))
    }
    assert wrong == {}


@pytest.mark.parametrize("twin", [Care.THIEF, Care.HASTY])
def test_the_same_orders_catch_a_process_that_minds_no_other(
    setting: TwoProcesses, twin: Care
) -> None:
    wrong = [
        order
        for order in (("start", "kill", "decide", "done"), ("start", "decide", "done"))
        if played(Takeover(setting, undoing=False, care=twin), order, silence=7)
    ]
    assert wrong

"""Every fault of the sandbox at every point of the write path: what is left, and what comes of it.

One long run of links over real HTTP, a fault striking in each. Right after the fault, while it may
still be there, nothing may be claimed that Commusoft does not show; when it has gone, the link
ends as it should, by itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.records import Record
from crmlink.linking import attempts as life
from crmlink.linking.attempt_rows import settle
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import Decision, confirm
from crmlink.linking.errors import LinkingError
from crmlink.store import Link, LinkState
from crmlink.web.problem_texts import PROBLEMS
from crmlink.web.problems import problem, problem_from_error
from faults.shared_installation import (
    SharedInstallation,
    number_of,
    open_shared_installation,
    sandbox_process,
)
from support.faulty_sandbox.faults import FAULTS
from support.sandbox import decision, new_key

# What an absurd Retry-After costs; and what a fault does that hangs, which alone is given up soon.
SHORT = ClientLimits(
    connect_timeout=10,
    read_timeout=25,
    total_timeout=30,
    max_concurrent=50,
    max_per_second=10_000,
    read_retries=0,
    max_wait=0.3,
    default_retry_after=0.01,
    max_retry_after=0.2,
    open_seconds=0.05,
    late_write_seconds=0,
    record_bytes=256 * 1024,
)
GIVEN_UP_AFTER = 1.0  # seconds
MAX_CALL_SECONDS = 30.0  # seconds
MAX_ROUNDS = 20
NOW_AND_THEN: list[dict[str, Any]] = [
    {"fault": "latency", "seconds": 0.05},
    {"fault": "latency", "seconds": 60},
    *({"fault": name} for name in FAULTS if name not in ("latency", "status")),
    *({"fault": "status", "status": status} for status in (401, 403, 404, 409, 429, 500, 502)),
    {"fault": "status", "status": 429, "retry_after": "1"},
    {"fault": "status", "status": 429, "retry_after": "86400"},
]
# The request is carried out all the same: only a read-back can tell.
DONE: list[dict[str, Any]] = [
    {"fault": "timeout", "done": True},
    {"fault": "html", "done": True},
    {"fault": "empty", "done": True},
    {"fault": "redirect", "done": True},
    *(
        {"fault": "status", "status": status, "done": True}
        for status in (401, 404, 409, 429, 500, 502)
    ),
]
HANGING = ("timeout", "drip", "drip-headers")
READS = {"first read": 0, "comparing read": 1, "read-back": 2}
POINTS = ["log-in", "first read", "comparing read", "PUT", "read-back"]


@dataclass(frozen=True)
class Strike:
    """A fault and the point of the write path from which on it is active."""

    fault: dict[str, Any]
    point: str

    @property
    def name(self) -> str:
        return "-".join(str(value) for value in (*self.fault.values(), "at", self.point))

    def on(self, record_id: str) -> dict[str, Any]:
        """What to ask of the sandbox so that the fault strikes this record's link there."""
        if self.point == "log-in":
            return self.fault | {"method": "POST", "path": "/getToken"}
        on_record = self.fault | {"path": f"/customers/{number_of(record_id)}"}
        if self.point == "PUT":
            return on_record | {"method": "PUT"}
        struck = {"method": "GET", "after": READS[self.point]}
        # From then on every read fails; but an old answer to every read no one could notice.
        once = self.fault["fault"] == "stale" and self.point != "read-back"
        return on_record | struck | ({"count": 1} if once else {})

    @property
    def ends_as(self) -> tuple[LinkState, str | None]:
        """The link's state at last, when the fault has gone, and the code of its failure."""
        kind, done = self.fault["fault"], self.fault.get("done")
        if kind == "stale" and self.point in ("first read", "comparing read"):
            return LinkState.CONFLICT, "record-changed"
        if self.point == "PUT" and (kind == "dropped" or (kind == "empty" and not done)):
            return LinkState.FAILED, "reference-not-kept"  # Commusoft said yes
        if self.point == "PUT" and self.fault.get("status") in (404, 409) and not done:
            return LinkState.FAILED, "write-refused"
        return LinkState.LINKED, None

    @property
    def hangs(self) -> bool:
        return self.fault["fault"] in HANGING or self.fault.get("seconds", 0) > GIVEN_UP_AFTER

    @property
    def most_puts(self) -> int:
        """Two where Commusoft does the write only after the read-back has not found it."""
        return 2 if self.point == "PUT" and self.fault["fault"] == "latency" else 1


STRIKES = [Strike(fault, point) for fault in NOW_AND_THEN for point in POINTS] + [
    Strike(fault, "PUT") for fault in DONE
]
# Only once a PUT is out does the outcome hang on what the database has kept.
PLAYED = [("sqlite", strike) for strike in STRIKES] + [
    ("postgresql", strike) for strike in STRIKES if strike.point == "PUT"
]


@contextmanager
def impatient(client: Any) -> Iterator[None]:
    """Have a client give each call up soon, so that one that hangs costs a test no more."""
    real = client.real if isinstance(client, Twin) else client
    patient = real._limits
    real._limits = replace(patient, total_timeout=GIVEN_UP_AFTER)
    yield
    real._limits = patient


@dataclass
class FaultCase:
    """One link under one fault, and everything about it that is not as promised."""

    access: SharedInstallation
    strike: Strike
    workspace: WorkspaceContext
    prior: str = field(default_factory=lambda: str(uuid.uuid4()))
    target: str = field(default_factory=lambda: str(uuid.uuid4()))
    key: str = field(default_factory=new_key)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.record_id = self.access.record(self.prior)
        self._puts_before = self.access.puts()[self.record_id]

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def play(self) -> list[str]:
        """What went wrong, as sentences."""
        self.access.faults.add(**self.strike.on(self.record_id))
        started = time.monotonic()
        with impatient(self.workspace.commusoft) if self.strike.hangs else nullcontext():
            refusal = self._confirm()
        self.expect(time.monotonic() - started < MAX_CALL_SECONDS, "the call took too long")
        self.expect(self.access.faults.struck() > [0], "the fault did not strike")
        self.access.faults.clear()
        self._judge_right_after(refusal)
        if refusal:
            # A record that was said to be gone comes back with the mirror.
            self.access.workspace.sync()
            self.expect(self._confirm() is None, "the second try was refused too")
        for _ in range(MAX_ROUNDS):
            if not recover(self.workspace):
                break
        self._judge_at_last()
        return self.wrong

    def _confirm(self) -> Exception | None:
        wish: Decision = decision(self.record_id, self.target, replaces=self.prior)
        try:
            confirm(self.workspace, wish, self.key, self.access.device_id)
        except (CommusoftError, LinkingError) as error:
            return error
        return None

    def _judge_right_after(self, refusal: Exception | None) -> None:
        link, held = self.access.link(self.key), self.access.reference(self.record_id)
        if refusal:
            self.expect(link is None and held == self.prior, "refused, yet something was done")
            self._expect_sentence(
                problem_from_error(refusal).code, problem_from_error(refusal).detail
            )
        elif link is None:
            self.wrong.append("the decision was lost")
        elif link.state is LinkState.INTENDED:
            self.expect(link.attempt_id == "", "left, but not free for the next round")
            self._expect_told(link)
        else:
            shown = held == self.target
            self.expect(shown == (link.state is LinkState.LINKED), f"{link.state} is not so")

    def _judge_at_last(self) -> None:
        link, held = self.access.link(self.key), self.access.reference(self.record_id)
        if link is None:
            self.wrong.append("there is no link")
            return
        state, code = self.strike.ends_as
        self.expect(link.state is state, f"it ended as {link.state}")
        self.expect((link.failure or {}).get("code") == code, f"it failed for {link.failure}")
        if state is LinkState.LINKED:
            self.expect(held == self.target, "the reference is not there")
            self.expect(link.prior == self.prior, "the prior value is wrong")
        else:
            self.expect(held == self.prior, "the record is not as it was")
            self._expect_told(link)
        puts = self.access.puts()[self.record_id] - self._puts_before
        self.expect(puts <= self.strike.most_puts, f"{puts} PUTs were done")

    def _expect_told(self, link: Link) -> None:
        failure = link.failure or {"code": "nothing"}
        self.expect(failure["code"] in PROBLEMS, f"no sentence for {failure}")
        if failure["code"] in PROBLEMS:
            self._expect_sentence(failure["code"], problem(**failure).detail)

    def _expect_sentence(self, code: str, text: str) -> None:
        plain = text.endswith(".") and len(text) < 200 and not set(text) & set("{}<>_/")
        self.expect(code != "internal-error" and plain, f"no sentence for a clerk: {text}")


@pytest.fixture(scope="module")
def access(lasting_database_url: str, folder: Path) -> Iterator[SharedInstallation]:
    with (
        sandbox_process(400) as address,
        open_shared_installation(lasting_database_url, folder, address, SHORT) as opened,
    ):
        yield opened


@pytest.fixture(autouse=True)
def quick_read_backs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "READ_BACK_DELAYS", (0.0, 0.02))


@pytest.mark.parametrize(
    ("lasting_database_url", "strike"),
    [pytest.param(kind, strike, id=f"{kind}-{strike.name}") for kind, strike in PLAYED],
    indirect=["lasting_database_url"],
)
def test_a_fault_leaves_nothing_wrong_and_the_link_ends_as_it_should(
    access: SharedInstallation, strike: Strike
) -> None:
    ctx = access.workspace_with(SHORT) if strike.point == "log-in" else access.workspace
    assert FaultCase(access, strike, ctx).play() == []


def test_every_fault_of_the_sandbox_is_in_the_matrix() -> None:
    assert {strike.fault["fault"] for strike in STRIKES} == set(FAULTS)


class Twin:
    """Commusoft's client, broken on purpose."""

    def __init__(self, real: CommusoftClient) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Believing(Twin):
    """Takes its own PUT for the read-back."""

    def __init__(self, real: CommusoftClient) -> None:
        super().__init__(real)
        self.believed: dict[str, Record] = {}

    def write_reference(self, record: Record, reference: str | None, **_: Any) -> None:
        self.believed[record.number] = replace(record, reference=reference)
        self.real.write_reference(record, reference)

    def record(self, kind: Any, number: str, *more: Any) -> Record:
        return self.believed.get(number) or self.real.record(kind, number, *more)


class Insisting(Twin):
    """Sends its PUT again when the answer does not come."""

    def write_reference(self, record: Record, reference: str | None, **_: Any) -> None:
        try:
            self.real.write_reference(record, reference)
        except CommusoftError:
            self.real.write_reference(record, reference)


@pytest.mark.parametrize(
    ("twin", "fault"),
    [
        *((Believing, {"fault": name}) for name in ("dropped", "timeout", "reset", "html")),
        *((Believing, {"fault": "status", "status": status}) for status in (409, 500)),
        *((Insisting, {"fault": name}) for name in ("lost", "broken-off", "drip")),
        (Insisting, {"fault": "status", "status": 502, "done": True}),
    ],
)
def test_the_matrix_catches_a_client_that_does_not_read_back(
    access: SharedInstallation, twin: type[Twin], fault: dict[str, Any]
) -> None:
    broken = replace(access.workspace, commusoft=twin(access.workspace.commusoft))  # type: ignore[arg-type] # stands in for it
    assert FaultCase(access, Strike(fault, "PUT"), broken).play() != []


@pytest.mark.parametrize("name", ["reset", "timeout", "html", "stale"])
def test_the_matrix_catches_a_path_that_gives_up_where_it_cannot_know(
    access: SharedInstallation, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(ctx: WorkspaceContext, link: Link, code: str) -> Link:
        return settle(ctx, link, LinkState.FAILED, {"code": code}, None)

    monkeypatch.setattr(life, "leave_open", give_up)
    assert FaultCase(access, Strike({"fault": name}, "read-back"), access.workspace).play() != []

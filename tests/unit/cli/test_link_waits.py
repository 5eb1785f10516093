"""A command sees to its own link's end: no server need run that would."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from crmlink.cli import link as link_command
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.linking import attempts
from support.sandbox import HOLLOWAY, SandboxHandle
from unit.cli.test_commands import CONTACT, Run, run

__all__ = ["run"]
ARGUMENTS = ("link", CONTACT, "--record", "customer-1001", "--yes")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command looks at once, and not for minutes."""
    monkeypatch.setattr(link_command, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(link_command, "WAIT_AFTER_LATE", -119.0)


def unreachable(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commusoft takes the PUT and then does not answer so many times."""
    plain, calls, written = attempts._read, itertools.count(), attempts._read_back

    def read_back(*arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(attempts, "_read", read)
        return written(*arguments, **more)

    def read(*arguments: Any) -> Any:
        if next(calls) < times:
            raise CommusoftUnreachable
        return plain(*arguments)

    monkeypatch.setattr(attempts, "_read_back", read_back)


def test_a_link_whose_answer_is_late_is_waited_for(
    run: Run, sandbox: SandboxHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(3, monkeypatch)
    linked = run(*ARGUMENTS)
    assert linked.exit_code == 0, linked.output
    assert "Linked: Margaret Holloway" in linked.stdout
    assert "waiting until the outcome is known" in linked.stderr
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_a_link_without_an_outcome_is_not_said_to_be_finished_by_itself(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable(10_000, monkeypatch)
    left = run(*ARGUMENTS)
    assert "Saved, but not finished" in left.stdout
    assert "when Commusoft answers" in left.stdout

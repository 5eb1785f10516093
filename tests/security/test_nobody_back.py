"""Nobody comes back: not by connecting an account, not by disconnecting it, not by a restart.

From outside: a real server, its pages and its command line, and a second process that plays the
firm's Commusoft.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from security.visitors import Installation, Visitor, running

ANNA, ANNAS = "anna@firm.example", "three wet spanners"
EVE, EVES = "eve@firm.example", "four dry hammers"


@pytest.fixture
def commusoft() -> Iterator[str]:
    """The address of what plays the firm's own account."""
    with SandboxServer(create_sandbox(20, 5)) as server:
        yield server.url


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path) as installation:
        yield installation


@pytest.fixture
def anna(installation: Installation) -> Visitor:
    """The first admin."""
    visitor = installation.visitor()
    token = installation.first_invitation()
    assert visitor.join(token, ANNAS, name="Anna Pike", email=ANNA).status_code == 303
    return visitor


def test_a_person_who_was_removed_and_erased_stays_out_whatever_is_connected(
    installation: Installation, anna: Visitor, commusoft: str
) -> None:
    eve = installation.visitor()
    assert eve.join(anna.invite("Eve Sorrel", EVE, "admin"), EVES).status_code == 303
    assert "Connected." in anna.connect_commusoft(commusoft)
    installation.restart()
    assert installation.visitor().log_in(EVE, EVES) == 303, "the account changes no person"

    assert anna.log_in(ANNA, ANNAS) == 303
    person = anna.person_id(EVE)
    assert anna.send(f"/people/{person}/remove", "/account").status_code == 303
    assert installation.run("person", "erase", EVE, "--yes").returncode == 0
    assert installation.visitor().log_in(EVE, EVES) == 401

    assert anna.send("/commusoft/disconnect", "/account").status_code == 303
    installation.restart()
    assert installation.visitor().log_in(EVE, EVES) == 401
    assert eve.get("/people").status_code == 303, "her old log-in opens nothing"
    kept = b"".join(file.read_bytes() for file in installation.folder.glob("crmlink.sqlite*"))
    assert b"Eve Sorrel" not in kept
    assert EVE.encode() not in kept

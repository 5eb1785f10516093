"""No page and no route of the API takes a workspace from the process instead of from its actor."""

from __future__ import annotations

import re
from pathlib import Path

import crmlink

SERVER = Path(crmlink.__file__).parent
OF_A_WORKSPACE = ("access", "workspace", "mail", "sources", "folder", "first", "workspaces")
CALL = r"current_installation\(\)"
NAMED = re.compile(rf"(\w+) = {CALL}\n|, (\w+) = \w+\(\), {CALL}\n")
# Where no one has signed in yet: the first admin's set-up, a forgotten password, the start page.
BEFORE_SIGN_IN = {"pages/sign_in.py", "pages/forgotten.py", "web/auth.py"}


def crossings(text: str) -> list[str]:
    """What a module takes from the installation that belongs to one workspace."""
    names = "|".join([CALL, *(name for found in NAMED.findall(text) for name in found if name)])
    pattern = rf"(?<![\w.])(?:{names})\.({'|'.join(OF_A_WORKSPACE)})\b"
    return [found.group(0) for found in re.finditer(pattern, text)]


def test_no_request_takes_the_workspace_of_the_process() -> None:
    found = {}
    for room in ("pages", "api", "web"):
        for path in sorted((SERVER / room).rglob("*.py")):
            name = path.relative_to(SERVER).as_posix()
            if name not in BEFORE_SIGN_IN and (wrong := crossings(path.read_text("utf-8"))):
                found[name] = wrong
    assert found == {}


def test_taking_it_is_noticed() -> None:
    direct = "mail = current_installation().mail\n"
    named = "    here = current_installation()\n    connect(here.sources)\n"
    beside = "    ctx, here = current_workspace(), current_installation()\n    here.access\n"
    assert [len(crossings(text)) for text in (direct, named, beside)] == [1, 1, 1]
    assert crossings("    here = current_installation()\n    here.wake_workers()\n") == []

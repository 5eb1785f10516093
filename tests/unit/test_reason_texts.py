"""The audit's page has words for everything that the server writes down."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import crmlink
from crmlink.pages.audit import SORTS
from crmlink.pages.labels import ACTIONS

CODE = re.compile(r"[a-z]+\.[a-z_]+")
RECORDERS = ("record_audit", "_record")  # the second is some modules' own way to it


def recorded(tree: ast.AST) -> Iterator[str]:
    """The actions that calls that record in the audit log name in words."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "").endswith(RECORDERS):
            for part in (inner for argument in call.args for inner in ast.walk(argument)):
                if isinstance(part, ast.Constant) and CODE.fullmatch(str(part.value)):
                    yield str(part.value)


def every_action() -> set[str]:
    files = Path(crmlink.__file__).parent.rglob("*.py")
    return {action for file in files for action in recorded(ast.parse(file.read_text("utf-8")))}


def test_each_action_has_words_and_a_sort_to_look_for() -> None:
    found = every_action()
    assert len(found) > 40
    assert found - set(ACTIONS) == set()
    assert {action.partition(".")[0] for action in ACTIONS} == set(SORTS)


def test_an_action_without_words_would_be_noticed() -> None:
    choice = '"kettle.boiled" if done else "kettle.left"'
    tree = ast.parse(f'record_audit(session, 1, None, {choice}, "x")')
    assert set(recorded(tree)) == {"kettle.boiled", "kettle.left"}

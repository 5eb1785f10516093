"""Texts that people see stand in few places, and say things in the words that were agreed on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import crmlink

ROOT = Path(crmlink.__file__).parent
SENTENCE = re.compile(r"[A-Z“][^.!?]* [^.!?]*(?:[.?!]\s.*)?[.?!]$", re.S)
PLACES = (  # where sentences for people may stand, below server/crmlink
    "pages/", "cli/", "web/", "api/", "matching/reason_texts.py", "settings.py",
    "accounting/exports/messages.py", "accounting/rule_loading.py", "access/passwords.py",
    "access/oidc_provider.py", "access/audit/sentences.py", "commusoft/connection.py",
    "commusoft/doctor/messages.py", "commusoft/sandbox/",
)  # fmt: skip
TEXTS = (ROOT / "web" / "problems.py", *(ROOT / "pages").rglob("*.html"))
TEXTS_OF_CODE = tuple((ROOT / "pages").rglob("*.py"))
AVOIDED = (
    r"\b[Ss]omebody\b", r"\b[Mm]eanwhile\b", r"\b[Ll]og(?:ged)? in\b",
    r"(?<!/)\b[Ll]og-ins?\b(?!-)",
    r"\bLog out\b", r"\bHow it stands\b", r"\bGo on\b", r"\b[Tt]hrow(?:n)? away\b",
    r"\bTake away\b", r"\bput to use\b", r"\bmade anew\b", r"\bcarr(?:y|ies) (?:this|the|a)\b",
    r"\bby (?:itself|themselves)\b", r"\b[Ww]hoever\b", r"\b(?:code|link|[Cc]onnection) is over\b",
    r"\bLook again\b",
)  # fmt: skip


def _constants(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def _seen(path: Path) -> str:
    """What people may see of a file: a template without its markup, a module's texts."""
    if path.suffix == ".py":
        return "\n".join(_constants(path))
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"url_for\([^)]*\)", "", text)


def _avoided(text: str) -> list[str]:
    return [found[0] for pattern in AVOIDED for found in re.finditer(pattern, text)]


def test_sentences_for_people_stand_in_few_places() -> None:
    elsewhere = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(PLACES)
        and path.name != "parallel.py"  # what a programmer did wrong
        and any(SENTENCE.fullmatch(text) for text in _constants(path))
    }
    assert not elsewhere


@pytest.mark.parametrize(
    "path", [*TEXTS, *TEXTS_OF_CODE], ids=lambda path: str(path.relative_to(ROOT))
)
def test_pages_and_problems_say_things_in_plain_english(path: Path) -> None:
    assert not _avoided(_seen(path))


def test_words_to_avoid_are_found() -> None:
    assert _avoided("Somebody decided this meanwhile.") == ["Somebody", "meanwhile"]

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
    "pages/", "cli/", "web/", "api/", "matching/reason_texts.py", "settings/",
    "accounting/exports/messages.py", "accounting/rule_loading.py", "access/passwords.py",
    "access/oidc/provider.py", "access/audit/sentences.py", "commusoft/connection.py",
    "commusoft/doctor/messages.py", "commusoft/checklist/", "commusoft/sandbox/",
    "upkeep/texts.py", "mail/texts.py", "mail/field_texts.py", "mail/letters.py",
)  # fmt: skip
OF_OUR_OWN = re.compile(
    r"\b(?:_?(?:MOST|LONGEST|SHORTEST|USUAL|LEAST)_[A-Z_]+|[Ww]hoever|[Ss]omebody|[Nn]obody|[Aa]nybody"
    r"|[Ee]rrand|[Ss]tands?(?= (?:in|on|there|beside|before|behind|under) (?!for\b)))\b"
)  # what comments, docstrings, constants and documents are not to say
TEXTS = tuple((ROOT / "pages").rglob("*.html"))
TEXTS_OF_CODE = (  # modules of which people see the texts
    *(ROOT / "pages").rglob("*.py"),
    *(ROOT / "cli").rglob("*.py"),
    *(ROOT / "api").glob("*.py"),
    *(ROOT / "api" / "batches").glob("*.py"),
    *(ROOT / "commusoft" / "checklist").glob("*.py"),
    ROOT / "upkeep" / "texts.py",
    *(ROOT / "web" / "problem_texts").glob("*.py"),
    *(ROOT / "settings").glob("*.py"),
    *(ROOT / name for name in (
        "web/problems.py", "web/connection_words.py", "matching/reason_texts.py",
        "accounting/exports/messages.py", "accounting/errors.py", "accounting/package_rules.py",
        "access/passwords.py", "access/oidc/provider.py", "access/audit/sentences.py",
        "commusoft/connection.py", "commusoft/doctor/messages.py", "store/only_server.py",
        "mail/texts.py", "mail/field_texts.py", "mail/letters.py",
    )),
)  # fmt: skip
DOCUMENTS = tuple(
    path for path in (ROOT.parents[1] / "README.md", ROOT.parents[1] / "docs" / "whole-lists.md",
                      *(ROOT.parents[1] / "docs" / name
                        for name in ("deploy.md", "install.md", "operate.md"))) if path.is_file()
)  # fmt: skip
AVOIDED = (
    r"\b[Ss]omebody\b", r"\b[Nn]obody\b", r"\b[Aa]nybody\b", r"\b[Ee]verybody\b", r"\b[Ww]hoever\b",
    r"\b[Mm]eanwhile\b", r"\b[Ll]og(?:ged|s)? (?:in|out)\b",
    r"(?<![/-])\b[Ll]og-(?:ins?|outs?)\b(?![-\"])",
    r"\bHow it stands\b", r"\bstands?\b(?!-in)", r"\b[Gg]o on\b", r"\b[Tt]hrow(?:n)? away\b",
    r"\b[Tt]aken? (?:away|back|out)\b", r"\bput to use\b", r"\banew\b", r"\bsettled\b",
    r"\bcarr(?:y|ies) (?:this|the|a)\b", r"\bby (?:itself|themselves)\b",
    r"\b(?:code|link|[Cc]onnection) is over\b", r"\b[Ll]ook again\b", r"\b[Ss]andbox\b(?![”`])",
    r"\bhow far it is\b", r"\b[Dd]oes not know\b", r"\bis nothing that\b",
    r"\bthat crmlink knows\b",
    r"\bnot taken\b", r"\baccounting packages?\b", r"\b[Ss]ay (?:which|who|whether)\b",
    r"\d %", r"%d/%m/%Y", r"«",
)  # fmt: skip


def _prose(tree: ast.Module) -> Iterator[tuple[ast.Constant, bool]]:
    """Docstrings, and whether people see them: those of commands and of the API's operations."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
            and isinstance(node.body[0].value, ast.Constant)
        ):
            yield node.body[0].value, bool(getattr(node, "decorator_list", ()))


def _constants(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(docstring) for docstring, _ in _prose(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def _help(path: Path) -> Iterator[str]:
    """The docstrings that `--help` and the API's description show."""
    if path.is_relative_to(ROOT / "cli") or path.is_relative_to(ROOT / "api"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from (str(docstring.value) for docstring, shown in _prose(tree) if shown)


def _literals(code: re.Match[str]) -> str:
    """The phrases in a piece of Jinja."""
    return " ".join(text for text in re.findall(r'"([^"]*)"', code[0]) if " " in text)


def _attributes(tag: re.Match[str]) -> str:
    """What a tag shows or says."""
    return " ".join(re.findall(r'(?:title|aria-label|placeholder)="([^"]*)"', tag[0]))


def _seen(path: Path) -> str:
    """What people may see of a file: a template without its markup, a module's phrases."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        phrases = [text for text in _constants(path) if " " in text or "%" in text]
        return "\n".join([*phrases, *_help(path)])
    if path.suffix == ".md":
        return re.sub(r"`[^`]*`", "", re.sub(r"```.*?```", "", text, flags=re.S))
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.S)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", _literals, text, flags=re.S)
    return re.sub(r"<[^>]*>", _attributes, text)


def _avoided(text: str) -> list[str]:
    return [found[0] for pattern in AVOIDED for found in re.finditer(pattern, text)]


def test_sentences_for_people_stand_in_few_places() -> None:
    elsewhere = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(PLACES)
        and path.name != "parallel.py"  # what a programmer did wrong
        and path.name != "metrics.py"  # what each figure is, for operators' programs
        and any(SENTENCE.fullmatch(text) for text in _constants(path))
    }
    assert not elsewhere


@pytest.mark.parametrize(
    "path",
    [*TEXTS, *TEXTS_OF_CODE, *DOCUMENTS],
    ids=lambda path: str(path.relative_to(ROOT.parents[1])),
)
def test_texts_say_things_in_plain_english(path: Path) -> None:
    assert not _avoided(_seen(path))


@pytest.mark.parametrize("folder", ["server/crmlink", "extension", "docs"])
def test_code_and_documents_use_the_words_of_the_field(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT.parents[1])}: {word}"
        for path in (ROOT.parents[1] / folder).rglob("*")
        if path.suffix in (".py", ".js", ".md") and "migrations" not in path.parts
        for word in OF_OUR_OWN.findall(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_words_of_our_own_are_found() -> None:
    text = "MOST_ROWS: whoever stands there now; a stand-in that stands for it"
    assert OF_OUR_OWN.findall(text) == ["MOST_ROWS", "whoever", "stands"]


def test_words_to_avoid_are_found() -> None:
    assert _avoided("Somebody decided this meanwhile.") == ["Somebody", "meanwhile"]

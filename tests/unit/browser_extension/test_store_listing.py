"""What is in docs/store says what the extension is, and the server shows the same policy."""

from __future__ import annotations

import html
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

import crmlink
from crmlink.browser_extension.archive import extension_folder

STORE = Path(crmlink.__file__).resolve().parents[2] / "docs" / "store"
TEMPLATES = Path(crmlink.__file__).parent / "pages" / "templates"
SIZES = {
    "1-suggestions": (1280, 800), "2-linked": (1280, 800), "3-review": (1280, 800),
    "4-fill-in": (1280, 800), "5-connect": (1280, 800),
    "tile-small": (440, 280), "tile-large": (1400, 560), "logo": (300, 300),
}  # fmt: skip


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((extension_folder() / "manifest.json").read_text("utf-8"))
    return found


def table_rows(page: str) -> list[str]:
    """The first column of each table of a page."""
    text = (STORE / page).read_text("utf-8")
    return re.findall(r"^\| *([^|]*?) *\|", text, re.M)


def test_each_permission_has_its_reason_and_no_other_has() -> None:
    named = {name for row in table_rows("permissions.md") for name in re.findall(r"`([^`]+)`", row)}
    assert named == {*manifest()["permissions"], *manifest()["optional_host_permissions"]}


def test_data_use_names_what_the_manifest_declares() -> None:
    text = (STORE / "data-use.md").read_text("utf-8")
    declared = manifest()["browser_specific_settings"]["gecko"]["data_collection_permissions"]
    for kind, names in declared.items():
        row = re.search(rf"^\| {kind} \| (.*) \|$", text, re.M)
        assert row, kind
        assert re.findall(r"`(\w+)`", row[1]) == names


def test_the_summary_is_the_manifests_and_fits() -> None:
    folder = extension_folder() / "_locales" / "en_GB"
    messages = json.loads((folder / "messages.json").read_text("utf-8"))
    summary = messages["extension_description"]["message"]
    assert summary in (STORE / "listing.md").read_text("utf-8")
    assert len(summary) <= 132


@pytest.mark.parametrize("name", SIZES)
def test_pictures_have_the_sizes_of_the_stores(name: str) -> None:
    content = (STORE / "pictures" / f"{name}.png").read_bytes()
    assert struct.unpack(">II", content[16:24]) == SIZES[name]
    assert len(content) < 200_000


def test_there_is_no_picture_but_these() -> None:
    assert {file.stem for file in (STORE / "pictures").iterdir()} == set(SIZES)


def in_words(text: str) -> list[str]:
    text = text.replace(chr(0x2019), "'")
    return re.findall(r"[\w'.,:]+", text)


def test_the_server_shows_the_privacy_policy_of_the_stores() -> None:
    page = (TEMPLATES / "privacy.html").read_text("utf-8")
    body = page[page.index("<h1>") : page.index("</section>")]
    shown = in_words(html.unescape(re.sub(r"<[^>]*>", " ", body)))
    text = (STORE / "privacy.md").read_text("utf-8")
    text = re.sub(r"^\|[-|]*\|$", "", text, flags=re.M)
    written = in_words(re.sub(r"[#*|]|^- ", " ", text, flags=re.M))
    assert shown == written
    assert len(shown) > 250

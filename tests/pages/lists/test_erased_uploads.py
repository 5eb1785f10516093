"""A file that waits to be imported when a person in it is erased."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.installation import Installation
from crmlink.pages.lists.erased_uploads import delete_uploads_of_erased
from crmlink.worker import Worker
from support.access_factories import make_person
from support.list_files import CAST, xero_file
from support.page_client import PageClient, signed_in_client, words

MARGARET = CAST[0]


@pytest.fixture
def clerk(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(
        app, installation, make_person(installation.access, "clerk", "Anna Whitcombe")
    )


def send(visitor: PageClient, content: bytes, name: str = "Contacts.csv") -> str:
    reply = visitor.send("/lists/new", file=(io.BytesIO(content), name))
    assert reply.status_code == 303, words(reply)
    return reply.headers["Location"]


def erase_margaret(installation: Installation) -> None:
    erase(installation.access, command_line_actor(installation.access), MARGARET.email)


def files_that_hold(installation: Installation, word: str) -> list[Path]:
    folder = installation.settings.data_dir / "uploads"
    return [path for path in folder.iterdir() if word.encode() in path.read_bytes()]


def test_a_file_that_holds_them_goes_and_its_sender_is_told(
    clerk: PageClient, installation: Installation
) -> None:
    theirs = send(clerk, xero_file(CAST[:2]), "Margaret Holloway.csv")
    others = send(clerk, xero_file(CAST[1:3]), "Others.csv")
    erase_margaret(installation)
    assert delete_uploads_of_erased(installation.settings.data_dir, installation.workspace) == 1
    assert files_that_hold(installation, MARGARET.name) == []
    page = words(clerk.client.get(theirs, follow_redirects=True))
    assert "Someone was erased from crmlink and may have been in this file" in page
    assert "Pryce-Davies" in clerk.read(others)
    assert delete_uploads_of_erased(installation.settings.data_dir, installation.workspace) == 0


def test_the_worker_finds_what_was_erased_on_another_machine(
    clerk: PageClient, installation: Installation
) -> None:
    worker = Worker(installation)
    worker._check_uploads()
    theirs = send(clerk, xero_file(CAST[:2]))
    worker._check_uploads()
    assert "Pryce-Davies" in clerk.read(theirs)
    erase_margaret(installation)
    worker._check_uploads()
    assert files_that_hold(installation, MARGARET.name) == []


def test_until_then_the_page_shows_everybody_else(
    clerk: PageClient, installation: Installation
) -> None:
    theirs = send(clerk, xero_file(CAST[:2]))
    assert MARGARET.name in clerk.read(theirs)
    erase_margaret(installation)
    shown = clerk.read(theirs)
    assert MARGARET.name not in shown
    assert MARGARET.email not in shown
    assert "Pryce-Davies" in shown


def test_a_file_that_cannot_be_read_any_more_goes_too(
    clerk: PageClient, installation: Installation
) -> None:
    send(clerk, xero_file(CAST[1:3]))
    path = next(each for each in (installation.settings.data_dir / "uploads").iterdir()
                if not each.suffix)  # fmt: skip
    path.write_bytes(b"PK\x03\x04 no workbook, perhaps Margaret Holloway")
    erase_margaret(installation)
    assert delete_uploads_of_erased(installation.settings.data_dir, installation.workspace) == 1
    assert not path.exists()

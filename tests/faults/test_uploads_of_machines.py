"""A file that was sent to one machine is looked at, chosen for and saved at another."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.app import create_app
from crmlink.installation import Installation, open_installation
from crmlink.pages.lists.uploads import SHARED_WITHIN
from crmlink.settings import Settings
from crmlink.store import Database, Upload, UploadPart
from crmlink.upkeep.copy_database import copy_to_file
from crmlink.worker import Worker
from support.access_factories import make_person
from support.list_files import CAST, xero_file
from support.page_client import PageClient, signed_in_client, words
from support.page_forms import forms_on

MARGARET = CAST[0]


@dataclass
class Machine:
    """One of two machines with a data folder of its own, and its clerk's browser."""

    installation: Installation
    clerk: PageClient

    @property
    def uploads(self) -> Path:
        return self.installation.settings.data_dir / "uploads"

    def send(self, content: bytes) -> str:
        """Return the address at which the file that was sent is looked at."""
        reply = self.clerk.send("/lists/new", file=(io.BytesIO(content), "Contacts.csv"))
        assert reply.status_code == 303, words(reply)
        return reply.headers["Location"]

    def correct(self, path: str, **fields: str) -> TestResponse:
        form = next(each for each in forms_on(self.clerk.get(path)) if "name-0" in each.values)
        return self.clerk.client.post(path, data=form.values | fields)

    def old(self) -> None:
        """Let an hour pass for its folder."""
        for file in self.uploads.iterdir():
            os.utime(file, (time.time() - 6 * SHARED_WITHIN,) * 2)


@pytest.fixture
def machines(
    app: Flask, installation: Installation, settings: Settings, tmp_path: Path
) -> Iterator[tuple[Machine, Machine]]:
    if settings.database_url.startswith("sqlite"):
        pytest.skip("SQLite has one server")
    folder = tmp_path / "another machine"
    folder.mkdir(mode=0o700)
    for key in ("secret.key", "credential.keys", "extension.key"):
        if (tmp_path / key).exists():
            shutil.copy(tmp_path / key, folder)
    elsewhere = replace(settings, data_dir=folder)
    opened = open_installation(elsewhere)
    person = make_person(installation.access, "clerk", "Anna Whitcombe")
    clerks = (
        signed_in_client(app, installation, person),
        signed_in_client(create_app(elsewhere, opened), opened, person),
    )
    yield Machine(installation, clerks[0]), Machine(opened, clerks[1])
    opened.close()


def count(installation: Installation, table: type[Upload | UploadPart]) -> int:
    with installation.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_any_machine_answers_for_a_file(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    path = here.send(xero_file())
    assert MARGARET.name in there.clerk.read(path)
    there.correct(path, do="", kind="supplier")
    form = next(each for each in forms_on(here.clerk.get(path)) if "name-0" in each.values)
    assert form.values["kind"] == "supplier", "chosen at the other machine"
    there.correct(path, do="keep", kind="both")
    again = here.clerk.client.get(path, follow_redirects=True)
    assert "This file is saved already, as this list." in words(again)
    assert count(here.installation, UploadPart) == 0


def test_a_lost_machine_loses_no_file(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    content = xero_file() + b"\n" * 2_500_000  # in several parts
    path = here.send(content)
    shutil.rmtree(here.uploads)
    assert MARGARET.name in there.clerk.read(path)
    assert (there.uploads / path.rpartition("/")[2]).read_bytes() == content
    assert MARGARET.name in here.clerk.read(path), "and is back where it was"


def test_a_file_that_was_thrown_away_is_gone_everywhere(
    machines: tuple[Machine, Machine],
) -> None:
    here, there = machines
    path = here.send(xero_file())
    there.clerk.read(path)
    here.clerk.send(f"{path}/forget")
    assert there.clerk.get(path).status_code == 303
    assert count(here.installation, Upload) == 0
    there.old()
    Worker(there.installation)._delete_uploads()
    assert list(there.uploads.iterdir()) == []


def test_an_erased_person_leaves_the_database_and_every_machine(
    machines: tuple[Machine, Machine],
) -> None:
    here, there = machines
    workers = [Worker(each.installation) for each in machines]
    path = here.send(xero_file(CAST[:2]))
    there.clerk.read(path)
    lost = here.send(xero_file(CAST[:2]))  # its machine is lost before the erasure
    shutil.rmtree(here.uploads)
    access = here.installation.access
    erase(access, command_line_actor(access), MARGARET.email)
    workers[1]._check_uploads()
    assert count(here.installation, UploadPart) == 0
    for machine in machines:
        left = [each for each in machine.uploads.glob("*") if not each.suffix]
        assert left == []
    page = words(here.clerk.client.get(lost, follow_redirects=True))
    assert "Someone was erased from crmlink and may have been in this file" in page


def test_files_that_wait_are_kept_for_a_day_and_are_in_no_backup(
    machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    here, there = machines
    here.send(xero_file())
    copy_to_file(here.installation.database, tmp_path / "copy.sqlite")
    copy = Database(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    with copy.reading() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 0
    copy.close()
    with here.installation.database.writing() as session:
        session.execute(text("UPDATE upload SET created_at = created_at - interval '25 hours'"))
    Worker(there.installation)._delete_uploads()
    assert count(here.installation, Upload) == count(here.installation, UploadPart) == 0

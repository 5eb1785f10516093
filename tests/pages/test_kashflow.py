"""/sources/connect/kashflow: the sign-in in two steps, and what the page says of reading."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from crmlink.installation import Installation
from crmlink.sources.context import SourceContext
from crmlink.store import ContactSource
from crmlink.store.base import utc_now
from support.accounting_apis.kashflow import (
    CHARACTERS,
    PASSWORD,
    USER,
    FakeKashFlow,
)
from support.accounting_apis.servers import answers
from support.page_client import PageClient, words
from support.source_factories import change_source, sources_at

FORM = "/sources/connect/kashflow"


@pytest.fixture
def sources(installation: Installation, kashflow: FakeKashFlow) -> SourceContext:
    return sources_at(installation, kashflow.package())


def ask(admin: PageClient, **more: str) -> str:
    """Send the password; return the choice that the second step names."""
    page = admin.send(FORM, user_name=USER, password=PASSWORD, **more)
    assert page.status_code == 200, words(page)
    assert "Character 3 Character 4 Character 6" in words(page)
    choice = re.search('name="choice" value="([^"]+)"', page.get_data(as_text=True))
    assert choice
    return choice[1]


def finish(admin: PageClient, choice: str, *characters: str) -> TestResponse:
    reply = admin.send("/sources/characters", choice=choice, character=list(characters))
    for thread in threading.enumerate():
        if thread.name.startswith("reading-"):
            thread.join(30)
    return reply


def one_source(sources: SourceContext) -> ContactSource:
    with sources.database.reading() as session:
        return session.scalars(select(ContactSource)).one()


def test_it_is_read_after_two_steps_and_says_that_it_is_not_read_by_itself(
    admin: PageClient, sources: SourceContext, kashflow: FakeKashFlow
) -> None:
    kashflow.add(4471)
    page = admin.get(FORM).get_data(as_text=True)
    assert page.count("<li>", page.index('<ol class="sketched">'), page.index("</ol>")) == 5
    assert finish(admin, ask(admin), *CHARACTERS).status_code == 303
    text = admin.read("/sources")
    assert "Office Ltd is connected" in text
    assert "✓ Connected" in text
    assert "no: KashFlow asks for your sign-in each time" in text
    assert "Read now …" in text


def test_reading_now_asks_again(
    admin: PageClient, sources: SourceContext, kashflow: FakeKashFlow
) -> None:
    finish(admin, ask(admin), *CHARACTERS)
    source = one_source(sources)
    reply = admin.send(f"/sources/{source.public_id}/sync")
    assert reply.headers["Location"].endswith(f"{FORM}?source={source.public_id}")
    assert f'name="source" value="{source.public_id}"' in admin.get(
        reply.headers["Location"]
    ).get_data(as_text=True)
    kashflow.add(1)
    finish(admin, ask(admin, source=source.public_id), *CHARACTERS)
    assert one_source(sources).read == 1
    kashflow.company = "Shop Ltd"
    finish(admin, ask(admin, source=source.public_id), *CHARACTERS)
    assert "belongs to another company" in admin.read("/sources")
    assert one_source(sources).name == "Office Ltd"


def test_what_was_typed_wrongly_is_told_and_the_password_is_on_no_page(
    admin: PageClient, sources: SourceContext, kashflow: FakeKashFlow
) -> None:
    empty = admin.send(FORM, user_name="", password="")
    assert empty.status_code == 422
    assert "Enter the password." in words(empty)
    wrong = admin.send(FORM, user_name=USER, password="wrong-pass-word")
    assert wrong.status_code == 422
    assert "After several wrong attempts it locks the user." in words(wrong)
    page = wrong.get_data(as_text=True)
    assert "wrong-pass-word" not in page
    assert f'value="{USER}"' in page
    finish(admin, ask(admin), "x", "y", "z")
    assert "didn't accept that" in admin.read("/sources")
    finish(admin, "guessed", *CHARACTERS)
    assert "started by someone else" in admin.read("/sources")


def test_a_reading_that_stopped_is_told_with_what_to_do(
    admin: PageClient, sources: SourceContext, kashflow: FakeKashFlow
) -> None:
    for number in range(1, 4):
        kashflow.add(number)
    kashflow.page_size = 2
    calls = iter([None, None, None, answers(401)()])
    kashflow.server.fault = lambda: next(calls, None)
    finish(admin, ask(admin), *CHARACTERS)
    text = admin.read("/sources")
    assert "Not complete. 2 contacts were read. Select Read now and sign in again" in text
    assert "Reading continues" not in text


def test_a_sign_in_that_was_never_read_with_is_told(
    admin: PageClient, sources: SourceContext, kashflow: FakeKashFlow
) -> None:
    finish(admin, ask(admin), *CHARACTERS)
    source = one_source(sources)
    change_source(sources, source, requested_at=utc_now())  # the process is about to read
    assert "Reading continues in a moment" in admin.read("/sources")
    change_source(sources, source, requested_at=utc_now() - timedelta(minutes=5))  # it ended
    text = admin.read("/sources")
    assert "Not complete." in text
    assert "Reading continues in a moment" not in text


def test_disconnecting_says_that_no_sign_in_was_stored(
    admin: PageClient, sources: SourceContext, kashflow: FakeKashFlow
) -> None:
    finish(admin, ask(admin), *CHARACTERS)
    path = f"/sources/{one_source(sources).public_id}/disconnect"
    assert "crmlink has stored no sign-in of it." in admin.read(path)
    assert admin.send(path).status_code == 303
    assert "Nothing is connected yet" in admin.read("/sources")

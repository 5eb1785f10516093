"""Lists and weekly summaries: one email for each event, to those who want it, with figures only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from crmlink.access.devices import command_line_actor, web_device
from crmlink.batches.control import start_undo, start_writing
from crmlink.batches.progress import summary
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.linking.connections import rotate_keys
from crmlink.linking.context import WorkspaceContext
from crmlink.mail.sender import MailSender, firms_with_emails
from crmlink.mail.server import MailServer, Security
from crmlink.mail.service import WeeklyTime
from crmlink.mail.unsubscribe import kind_of_token, unsubscribe, unsubscribe_token
from crmlink.mail.weekly import firms_with_due_summaries, last_due, queue_weekly
from crmlink.reports import weekly
from crmlink.reports.weekly import WeeklyFigure, weekly_figures
from crmlink.store import (
    Batch,
    BatchState,
    ContactSource,
    ContactState,
    MailKind,
    MailMessage,
    ParkedContact,
    Person,
    SourceAccount,
    SourceContact,
)
from crmlink.store.base import utc_now
from support.access_factories import make_person
from support.batch_factories import accepted, lines_of, wait_for_nothing
from support.mail_servers import FaultyMailServer, both_texts

MONDAY = datetime(2026, 11, 30, 8, 0).astimezone()


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_nothing(monkeypatch)


@pytest.fixture
def faulty(installation: Installation) -> Iterator[FaultyMailServer]:
    with FaultyMailServer() as found:
        installation.first.mail = replace(
            installation.mail,
            environment=found.server,
            public_url="https://crmlink.firm.example",
            practice=lambda: False,
        )
        yield found


@pytest.fixture
def person(installation: Installation) -> Person:
    return make_person(installation.access)


def send(installation: Installation) -> int:
    """Send what waits, as if the time to see it had passed."""
    with installation.database.writing() as session:
        session.query(MailMessage).filter_by(state="waiting").update({"due_at": utc_now()})
    return MailSender(installation.mail, installation.ownership).send_due()


def messages(installation: Installation) -> list[MailMessage]:
    with installation.database.reading() as session:
        return session.query(MailMessage).order_by(MailMessage.id).all()


def linked_list(ctx: WorkspaceContext, device_id: int, contacts: int = 3) -> str:
    batch_id = accepted(ctx, device_id, lines_of(ctx, contacts))
    start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
    write_waiting(ctx)
    return batch_id


def test_a_list_that_ends_and_is_undone_is_told_once_each_to_who_started_it(
    installation: Installation, ctx: WorkspaceContext, person: Person, faulty: FaultyMailServer
) -> None:
    device_id = web_device(installation.access, person).id
    batch_id = linked_list(ctx, device_id)
    assert MailSender(installation.mail, installation.ownership).send_due() == 0, "time to see it"
    assert send(installation) == 1
    plain, html = both_texts(faulty.received.messages[0])
    assert faulty.received.recipients == [person.email]
    assert "3 contacts are linked." in " ".join(plain.split())
    assert f"/lists/{batch_id}" in plain
    for line in lines_of(ctx):
        assert line.name not in plain + html
    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    write_waiting(ctx)
    assert send(installation) == 1
    assert "3 contacts are undone." in " ".join(both_texts(faulty.received.messages[1])[0].split())
    assert len(messages(installation)) == 2


@pytest.mark.parametrize("reason", ["seen", "not-wanted", "not-needed"])
def test_who_has_seen_the_end_or_wants_no_such_email_gets_none(
    installation: Installation,
    ctx: WorkspaceContext,
    person: Person,
    faulty: FaultyMailServer,
    reason: str,
) -> None:
    batch_id = linked_list(ctx, web_device(installation.access, person).id)
    with installation.database.writing() as session:
        if reason == "seen":
            session.get_one(Batch, batch_id).seen_at = utc_now()
        elif reason == "not-wanted":
            session.get_one(Person, person.id).mail_list_ended = False
        else:
            session.get_one(Batch, batch_id).state = BatchState.UNDOING
    assert send(installation) == 0
    assert faulty.commands == []
    assert (messages(installation)[0].problem or {})["code"] == reason


@pytest.mark.parametrize("by_script", [True, False])
def test_a_script_and_who_wants_none_have_no_email_queued(
    installation: Installation,
    ctx: WorkspaceContext,
    person: Person,
    device_id: int,
    by_script: bool,
) -> None:
    with installation.database.writing() as session:
        session.get_one(Person, person.id).mail_list_ended = False
    linked_list(ctx, device_id if by_script else web_device(installation.access, person).id)
    assert messages(installation) == []


def wants_summary(installation: Installation, person: Person) -> None:
    with installation.database.writing() as session:
        session.get_one(Person, person.id).mail_weekly = True


def test_a_weekly_summary_goes_once_a_week_to_those_who_want_it(
    installation: Installation, ctx: WorkspaceContext, person: Person, faulty: FaultyMailServer
) -> None:
    make_person(installation.access)  # did not ask for it
    wants_summary(installation, person)

    def queue(moment: datetime) -> int:
        due = firms_with_due_summaries(installation.database, moment)
        queued = queue_weekly(installation.access, ctx, WeeklyTime(0, 8), moment)
        assert due == ([ctx.workspace_id] if queued else []), "the worker opens no other firm"
        return queued

    assert queue(MONDAY - timedelta(minutes=1)) == 0
    assert queue(MONDAY) == 1
    assert queue(MONDAY) == queue(MONDAY + timedelta(hours=5)) == 0
    assert queue(MONDAY + timedelta(days=2)) == 0, "too late to be of use"
    assert firms_with_emails(installation.database) == [ctx.workspace_id]
    assert send(installation) == 1
    assert firms_with_emails(installation.database) == []
    assert queue(MONDAY + timedelta(days=7, minutes=3)) == 1
    plain, html = both_texts(faulty.received.messages[0])
    assert "customers without a reference" in plain
    links = set(re.findall(r"https?://[^\s\"<]+", plain))
    assert "https://crmlink.firm.example/left/customer" in links
    for line in lines_of(ctx):
        assert line.name not in plain + html


def test_no_summary_comes_when_nothing_is_left(
    installation: Installation,
    ctx: WorkspaceContext,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wants_summary(installation, person)
    monkeypatch.setattr(weekly, "SOURCES", (lambda _ctx, _since: [WeeklyFigure("parked", 0, "/")],))
    assert queue_weekly(installation.access, ctx, WeeklyTime(0, 8), MONDAY) == 0


@pytest.mark.parametrize(
    ("day", "hour", "moment", "due"),
    [
        (0, 8, MONDAY, MONDAY),
        (0, 8, MONDAY - timedelta(seconds=1), MONDAY - timedelta(days=7)),
        (0, 8, MONDAY + timedelta(days=6, hours=23), MONDAY),
        (6, 0, MONDAY, MONDAY - timedelta(days=1, hours=8)),
        (0, 23, MONDAY, MONDAY + timedelta(hours=15) - timedelta(days=7)),
    ],
)
def test_when_a_summary_was_due_last(day: int, hour: int, moment: datetime, due: datetime) -> None:
    assert last_due(WeeklyTime(day, hour), moment) == due


def test_figures_count_records_parked_contacts_and_open_decisions(
    installation: Installation, ctx: WorkspaceContext, device_id: int
) -> None:
    before = {each.code: each.count for each in weekly_figures(ctx)}
    assert before["customers"] > 0
    with installation.database.writing() as session:
        for age in (1, 30):
            session.add(
                ParkedContact(
                    connection_id=ctx.connection_id,
                    device_id=device_id,
                    package="xero",
                    reference=f"parked {age}",
                    name="Mrs Marked",
                    created_at=utc_now() - timedelta(days=age),
                )
            )
    after = {each.code: each.count for each in weekly_figures(ctx)}
    assert (after["parked"], after["parked-new"]) == (2, 1)
    assert "Marked" not in repr(weekly_figures(ctx))


def test_figures_count_live_contacts_without_a_record(
    installation: Installation, ctx: WorkspaceContext
) -> None:
    def figures() -> tuple[int | None, int | None]:
        found = {each.code: each.count for each in weekly_figures(ctx)}
        return found.get("live"), found.get("live-new")

    with installation.database.writing() as session:
        account = SourceAccount(workspace_id=ctx.workspace_id, package="xero")
        source = ContactSource(
            workspace_id=ctx.workspace_id, package="xero", tenant="t", account=account
        )
        session.add_all([account, source])
        session.flush()
        for number, age in enumerate((1, 6, 8, None)):
            seen = None if age is None else utc_now() - timedelta(days=age)
            key = f"k{number}"
            session.add(
                SourceContact(source_id=source.id, key=key, reference=key, name="Mrs Marked",
                              first_seen_at=seen)
            )  # fmt: skip
    assert figures() == (None, None)  # not read whole yet: more may be linked than is known
    with installation.database.writing() as session:
        session.get_one(ContactSource, source.id).fully_synced_at = utc_now()
    assert figures() == (4, 2)
    assert "Marked" not in repr(weekly_figures(ctx))
    with installation.database.writing() as session:
        session.execute(update(SourceContact).values(state=ContactState.ARCHIVED))
    assert figures() == (None, None)


def test_a_link_ends_one_kind_of_email_of_one_person_and_nothing_else(
    installation: Installation, person: Person
) -> None:
    access = installation.access
    wants_summary(installation, person)
    token = unsubscribe_token(access, person, MailKind.WEEKLY)
    assert kind_of_token(access, token) is MailKind.WEEKLY
    other = replace(access, secret_key="another" * 10)
    for wrong in (
        "", "x", token[:-1], token + "x", "x" * 5_000,
        unsubscribe_token(other, person, MailKind.WEEKLY),
    ):  # fmt: skip
        assert kind_of_token(access, wrong) is None
        assert unsubscribe(access, wrong) is None
    assert unsubscribe(access, token) is MailKind.WEEKLY
    with access.database.reading() as session:
        row = session.get_one(Person, person.id)
    assert (row.mail_weekly, row.mail_list_ended) == (False, True)
    assert person.email not in token


def test_new_keys_keep_the_mail_servers_password(installation: Installation) -> None:
    mail = installation.mail
    server = MailServer(
        "smtp.firm.example", 587, Security.STARTTLS, "a", "b", "crmlink@firm.example"
    )
    mail.save_server(command_line_actor(mail.access), server)
    before = mail.key_file.read_text()
    assert rotate_keys(installation.database, mail.key_file) == 1
    assert before not in mail.key_file.read_text()
    kept = mail.status().server
    assert kept
    assert kept.password == "b"

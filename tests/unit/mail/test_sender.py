"""The outbox: nothing lost, nothing twice, and each fault ends in a state that says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from crmlink.access.errors import InvalidInvitation
from crmlink.access.invitations import INVITATION, create_invitation
from crmlink.access.joining import accept_invitation
from crmlink.access.new_passwords import request_new_password
from crmlink.access.people import (
    find_invitation,
    invite,
    new_invitation,
    remove_person,
)
from crmlink.mail import sender, transport
from crmlink.mail.sender import MailSender, delete_old_messages, list_messages, send_again
from crmlink.mail.texts import message_text
from crmlink.store import MailMessage, MailState, Ownership, Person
from crmlink.store.base import utc_now
from support.access_factories import make_person
from support.mail_servers import DROP, HANG, FaultyMailServer, mail_server
from unit.mail.conftest import PUBLIC_URL, Outbox
from unit.mail.one_time_links import token_in

WAITING, SENT, FAILED = MailState.WAITING, MailState.SENT, MailState.FAILED
UNKNOWN, CANCELLED = MailState.UNKNOWN, MailState.CANCELLED
NEW = "a bucket of elbow joints"


def test_an_invitation_goes_out_once_with_the_link_that_the_page_showed(outbox: Outbox) -> None:
    with mail_server() as (outbox.server, received):
        _, token = invite(
            outbox.access, outbox.actor, "Kim Osei", "kim@firm.example", "clerk", by_email=True
        )
        assert outbox.send() == 1
        assert outbox.send() == 0
    assert received.recipients == ["kim@firm.example"]
    assert token_in(received.messages[0]) == token
    assert accept_invitation(outbox.access, token, NEW).name == "Kim Osei"
    assert outbox.states() == [(SENT, "")]


def test_no_secret_is_in_the_outbox(outbox: Outbox) -> None:
    _, token = invite(
        outbox.access, outbox.actor, "Kim Osei", "kim@firm.example", "clerk", by_email=True
    )
    (message,) = outbox.messages()
    kept = repr([getattr(message, column.name) for column in MailMessage.__table__.columns])
    assert token not in kept
    assert token.removeprefix(INVITATION)[:8] not in kept
    assert "Kim" not in kept
    assert "kim@" not in kept


def test_an_invitation_that_is_not_stored_sends_no_email(outbox: Outbox) -> None:
    person_id = make_person(outbox.access).id

    def fail_half_way() -> None:
        with outbox.access.database.writing() as session:
            person = session.get_one(Person, person_id)
            create_invitation(session, outbox.access, person, by_email=True)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert outbox.messages() == []


@pytest.mark.parametrize(
    ("answers", "state", "code", "says"),
    [
        ({"GREETING": DROP}, WAITING, "dropped", "ended the connection"),
        ({"GREETING": "HTTP/1.1 200 OK"}, WAITING, "not-smtp", "isn't a mail server"),
        ({"AUTH": "535 5.7.8 no"}, WAITING, "login-refused", "refused the user name or password"),
        ({"MAIL": "550 5.7.60 no"}, WAITING, "sender-refused", "doesn't let crmlink send as"),
        ({"RCPT": "550 5.1.1 no"}, FAILED, "recipient-refused", "refused the recipient's address"),
        ({"RCPT": "450 later"}, WAITING, "busy", "can't take emails just now"),
        ({"DATA": DROP}, WAITING, "dropped", "ended the connection"),
        ({"DOT": "554 5.6.0 spam"}, FAILED, "message-refused", "refused the email itself"),
        ({"DOT": "452 4.3.1 full"}, WAITING, "busy", "can't take emails just now"),
        ({"DOT": DROP}, UNKNOWN, "unclear", "may or may not have arrived"),
    ],
)
def test_each_fault_ends_in_its_state_and_what_can_be_tried_again_goes_out_later(
    outbox: Outbox, answers: dict[str, str], state: MailState, code: str, says: str
) -> None:
    outbox.invite()
    with FaultyMailServer(**answers) as faulty:
        outbox.server = faulty.with_account()
        assert outbox.send() == 0
        assert outbox.states() == [(state, code)]
        (message,) = outbox.messages()
        assert says in message_text(message, "mail.firm.example", 587, "crmlink@firm.example")
        assert outbox.send() == 0, "it waits first"
        faulty.answers = {}
        outbox.make_due()
        assert outbox.send() == (1 if state is WAITING else 0)
    delivered = 1 if state is WAITING or code == "unclear" else 0
    assert len(faulty.received.messages) == delivered
    if state is WAITING:
        assert outbox.states() == [(SENT, "")]


def test_a_slow_server_is_left_at_the_deadline(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transport.deliver
    monkeypatch.setattr(sender, "deliver", lambda *args: real(*args, seconds=0.5))
    outbox.invite()
    with FaultyMailServer(RCPT=HANG) as faulty:
        outbox.server = faulty.server
        outbox.send()
    assert outbox.states() == [(WAITING, "timed-out")]


def test_a_fault_of_the_server_is_met_once_and_not_by_each_email(outbox: Outbox) -> None:
    for number in range(5):
        outbox.invite(f"kim{number}@firm.example")
    with FaultyMailServer(AUTH="535 5.7.8 no") as faulty:
        outbox.server = faulty.with_account()
        outbox.send()
        outbox.send()
        tried = [line for line in faulty.commands if line.startswith("AUTH")]
        assert len(tried) == 1
        outbox.service.save_server(outbox.actor, faulty.with_account())  # what was mended
        faulty.answers = {}
        assert outbox.send() == 1
        outbox.make_due()
        assert outbox.send() == 4


def test_a_fault_of_one_email_does_not_hold_up_others(outbox: Outbox) -> None:
    outbox.invite()
    outbox.invite("jo@firm.example", "Jo")
    with FaultyMailServer(RCPT="550 5.1.1 no") as faulty:
        outbox.server = faulty.server
        outbox.send()
    assert outbox.states() == [(FAILED, "recipient-refused")] * 2


def test_an_email_is_given_up_after_a_time_and_says_why(outbox: Outbox) -> None:
    outbox.invite()
    with FaultyMailServer(GREETING=DROP) as faulty:
        outbox.server = faulty.server
        outbox.send()
        outbox.change(expires_at=utc_now(), due_at=utc_now())
        outbox.send()
    (message,) = outbox.messages()
    assert (message.state, message.attempts) == (FAILED, 1)
    assert message_text(message, "mail.firm.example", 25, "").startswith("Not sent. mail.firm.")


def test_pauses_grow(outbox: Outbox) -> None:
    outbox.invite()
    pauses = []
    with FaultyMailServer(RCPT="450 later") as faulty:
        outbox.server = faulty.server
        for _ in range(4):
            outbox.make_due()
            outbox.send()
            pauses.append(round((outbox.messages()[0].due_at - utc_now()) / timedelta(minutes=1)))
    assert pauses == [1, 5, 15, 30]


class Died(BaseException):
    """The process ends here, as by SIGKILL: nothing more is stored by it."""


def killed(
    outbox: Outbox,
    process: Ownership,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """Let a process die while it sends: before or after the email is handed over."""
    real = transport.deliver

    def die(
        server: object, envelope: object, content: bytes, committing: Callable[[], None]
    ) -> None:
        def die_before() -> None:
            if where == "before":
                raise Died
            committing()
            if where == "between":
                raise Died

        real(server, envelope, content, die_before)  # type: ignore[arg-type]
        raise Died

    monkeypatch.setattr(sender, "deliver", die)
    with pytest.raises(Died):
        outbox.send(process)
    monkeypatch.setattr(sender, "deliver", real)


@pytest.mark.parametrize(
    ("where", "state", "arrived"),
    [("before", SENT, 1), ("between", UNKNOWN, 0), ("after", UNKNOWN, 1)],
)
def test_a_process_that_dies_loses_no_email_and_sends_none_twice(
    outbox: Outbox,
    another_process: Callable[[], Ownership],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    state: MailState,
    arrived: int,
) -> None:
    outbox.invite()
    with FaultyMailServer() as faulty:
        outbox.server = faulty.server
        dead = another_process()
        killed(outbox, dead, monkeypatch, where)
        dead.working_on.add(outbox.messages()[0].lease)
        assert outbox.send() == 0, "it counts as alive"
        dead.close()
        outbox.send()
        assert [each for each, _ in outbox.states()] == [state]
        assert len(faulty.received.messages) == arrived
        if state is UNKNOWN:  # on an admin's word alone
            assert outbox.send() == 0
            assert send_again(outbox.access, outbox.actor, outbox.messages()[0].public_id)
            assert outbox.send() == 1
            ids = {str(each["Message-ID"]) for each in faulty.received.messages}
            assert len(ids) == 1, "mail programs show it once"


def test_a_process_that_was_counted_as_dead_does_not_end_its_email(
    outbox: Outbox, another_process: Callable[[], Ownership], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.invite()
    with FaultyMailServer() as faulty:
        outbox.server = faulty.server
        slow = another_process()
        real = MailSender._mark_handing_over

        def taken_over(self: MailSender, message: MailMessage) -> None:
            if not done:
                done.append(True)
                slow.close()
                assert outbox.send() == 1
            real(self, message)

        done: list[bool] = []
        monkeypatch.setattr(MailSender, "_mark_handing_over", taken_over)
        assert outbox.send(slow) == 0
    assert outbox.states() == [(SENT, "")]
    assert len(faulty.received.messages) == 1


@pytest.mark.parametrize("obstacle", ["no-server", "no-public-url", "practice"])
def test_nothing_leaves_while_email_is_off_and_nothing_goes_out_later(
    outbox: Outbox, obstacle: str
) -> None:
    outbox.invite()
    with FaultyMailServer() as faulty:
        outbox.server = None if obstacle == "no-server" else faulty.server
        outbox.public_url = "" if obstacle == "no-public-url" else PUBLIC_URL
        outbox.practice = obstacle == "practice"
        assert outbox.service.status().obstacle == obstacle
        outbox.send()
        outbox.server, outbox.public_url, outbox.practice = faulty.server, PUBLIC_URL, False
        outbox.send()
    assert faulty.commands == []
    assert outbox.states() == [(CANCELLED, "switched-off")]


def test_an_email_that_is_not_needed_any_more_is_not_sent(outbox: Outbox) -> None:
    gone, again, joined = (outbox.invite(f"{name}@firm.example") for name in ("a", "b", "c"))
    remove_person(outbox.access, outbox.actor, gone.public_id)
    new_invitation(outbox.access, outbox.actor, again.public_id)
    accept_invitation(
        outbox.access, new_invitation(outbox.access, outbox.actor, joined.public_id), NEW
    )
    with FaultyMailServer() as faulty:
        outbox.server = faulty.server
        assert outbox.send() == 0
    assert faulty.commands == []
    assert outbox.states() == [(CANCELLED, "not-needed")] * 2


@pytest.mark.parametrize("email", ["vivİ@firm.example", "a,b@firm.example", "k\x01@firm.example"])
def test_an_address_that_could_be_more_than_one_is_not_written_to(
    outbox: Outbox, email: str
) -> None:
    outbox.invite(email)
    with FaultyMailServer() as faulty:
        outbox.server = faulty.server
        outbox.send()
    assert faulty.commands == []
    assert outbox.states() == [(FAILED, "address-unusable")]


def test_a_link_used_before_its_email_was_sent_again_is_not_made_again(outbox: Outbox) -> None:
    person = make_person(outbox.access)
    request_new_password(outbox.access, person.email)
    with FaultyMailServer(DOT=DROP) as faulty:
        outbox.server = faulty.server
        outbox.send()
        token = token_in(faulty.received.messages[0])
        accept_invitation(outbox.access, token, NEW)
        (message,) = outbox.messages()
        assert send_again(outbox.access, outbox.actor, message.public_id)
        outbox.send()
    assert outbox.states() == [(CANCELLED, "not-needed")]
    with pytest.raises(InvalidInvitation):
        find_invitation(outbox.access, token)


def test_only_what_was_given_up_or_is_unclear_is_sent_again(outbox: Outbox) -> None:
    outbox.invite()
    (message,) = outbox.messages()
    assert not send_again(outbox.access, outbox.actor, message.public_id)
    assert not send_again(outbox.access, outbox.actor, "none")
    for state in (MailState.SENDING, MailState.HANDING_OVER, SENT, CANCELLED):
        outbox.change(state=state)
        assert not send_again(outbox.access, outbox.actor, message.public_id)


def test_old_emails_are_deleted_and_those_without_a_person_never_listed(outbox: Outbox) -> None:
    outbox.invite()
    request_new_password(outbox.access, "stranger@elsewhere.example")
    assert len(list_messages(outbox.access)) == 1
    outbox.change(state=SENT, ended_at=utc_now() - timedelta(days=31))
    delete_old_messages(outbox.access)
    assert outbox.messages() == []


def test_neither_names_nor_addresses_nor_links_are_logged(outbox: Outbox) -> None:
    outbox.invite()
    with capture_logs() as logs, FaultyMailServer(RCPT="550 kim@firm.example") as faulty:
        outbox.server = faulty.server
        outbox.send()
        faulty.answers = {}
        send_again(outbox.access, outbox.actor, outbox.messages()[0].public_id)
        outbox.send()
    events = [each["event"] for each in logs if each["event"] != "audit"]
    assert events == ["email not sent", "email sent"]
    for secret in ("kim", "Kim", "Osei", "firm.example", INVITATION):
        assert secret not in repr(logs)

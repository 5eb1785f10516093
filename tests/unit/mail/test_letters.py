"""What emails say, in both forms; nothing that people type gets into headers or markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest

from crmlink.mail.letters import Letter, email_of, html_text, plain_text
from crmlink.mail.server import MailServer, Security
from crmlink.mail.texts import KINDS, OBSTACLES, Recipient, letter_of, problem_text
from crmlink.mail.transport import FINAL, OF_SERVER, OF_SETTINGS, MailProblem
from crmlink.store import MailKind
from crmlink.store.base import utc_now
from support.mail_servers import both_texts

BASE = "https://crmlink.firm.example"
SERVER = MailServer(
    "smtp.firm.example", 587, Security.STARTTLS, "a", "b", "crmlink@firm.example", "Firm & Söhne"
)
HOSTILE = (
    "Kim\r\nBcc: eve@x.example\r\n\r\n<script>alert(1)</script>",
    "Kim\nSubject: other",
    "Kim\r\n.\r\nMAIL FROM:<eve@x.example>",
    'Kim" <eve@x.example>, "x',
    "=?utf-8?q?Kim=0ABcc:_eve@x.example?=",
    "Kim\u2028Bcc: eve@x.example",
    "{base} %s {0}",
)
FACTS: dict[MailKind, dict[str, Any]] = {
    MailKind.LIST_ENDED: {"list": "abc", "state": "done", "linked": 1, "failed": 1204},
    MailKind.WEEKLY: {"figures": [{"code": "customers", "count": 1204, "path": "/left/customer"}]},
}


def letter(kind: MailKind, name: str = "Kim Osei", base: str = BASE) -> Letter:
    stop = f"{base}/unsubscribe/x" if kind in FACTS else ""
    recipient = Recipient(name, "crmi_token", utc_now() + timedelta(days=7), stop)
    return letter_of(kind, FACTS.get(kind, {}), base, recipient)


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


class Tags(HTMLParser):
    """The tags of a document, and the addresses of its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


@pytest.mark.parametrize("kind", list(MailKind))
def test_each_email_says_the_same_in_plain_text_and_html(kind: MailKind) -> None:
    made = letter(kind)
    plain, html = both_texts(parsed(email_of(made, SERVER, "kim@firm.example", "id")))
    for said in (*made.paragraphs, *made.after, made.greeting):
        assert " ".join(said.split()) in " ".join(plain.split())
    assert all(link.startswith(BASE) for link in Tags(html).links)
    assert all(link in plain for link in Tags(html).links)
    assert Tags(html).links
    assert kind in KINDS
    assert "<!doctype html>" in html
    assert 'lang="en-GB"' in html


@pytest.mark.parametrize("kind", list(MailKind))
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_adds_no_header_no_recipient_and_no_markup(kind: MailKind, name: str) -> None:
    content = email_of(letter(kind, name), SERVER, "kim@firm.example", "id")
    usual = email_of(letter(kind), SERVER, "kim@firm.example", "id")
    message = parsed(content)
    assert list(message.keys()) == list(parsed(usual).keys())
    assert message["To"] == "kim@firm.example"
    assert message["Subject"] == parsed(usual)["Subject"]
    assert Tags(both_texts(message)[1]).tags == Tags(both_texts(parsed(usual))[1]).tags
    head = content.partition(b"\r\n\r\n")[0]
    assert b"eve@" not in head
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_headers_name_the_sender_and_one_recipient() -> None:
    message = parsed(email_of(letter(MailKind.INVITATION), SERVER, "kim@firm.example", "abc"))
    assert message["From"] == "Firm & Söhne <crmlink@firm.example>"
    assert message["Message-ID"] == "<abc@firm.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in message


def test_optional_emails_can_be_ended_by_one_click_where_there_is_https() -> None:
    message = parsed(email_of(letter(MailKind.WEEKLY), SERVER, "kim@firm.example", "abc"))
    assert message["List-Unsubscribe"] == f"<{BASE}/unsubscribe/x>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain = letter(MailKind.WEEKLY, base="http://192.168.1.5:8787")
    message = parsed(email_of(plain, SERVER, "kim@firm.example", "abc"))
    assert message["List-Unsubscribe"] == "<http://192.168.1.5:8787/unsubscribe/x>"
    assert "List-Unsubscribe-Post" not in message


def test_a_long_link_is_not_broken() -> None:
    url = f"{BASE}/welcome#" + "x" * 300
    made = replace(letter(MailKind.INVITATION), url=url)
    plain, html = both_texts(parsed(email_of(made, SERVER, "kim@firm.example", "id")))
    assert url in plain.splitlines()
    assert url in Tags(html).links


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"state": "done", "linked": 1}, "Your list has finished: 1 contact is linked."),
        (
            {"state": "done", "linked": 1204, "failed": 2},
            "1,204 contacts are linked and 2 contacts are not linked, each with a reason.",
        ),
        (
            {"state": "undone", "undone": 3},
            "Undoing your list has finished: 3 contacts are undone.",
        ),
    ],
)
def test_a_list_is_told_by_its_figures(facts: dict[str, object], said: str) -> None:
    made = letter_of(MailKind.LIST_ENDED, {"list": "abc"} | facts, BASE, Recipient("Kim"))
    assert said in " ".join(plain_text(made).split())
    assert f"{BASE}/lists/abc" in html_text(made)


def test_each_problem_has_a_sentence_with_the_servers_code_alone() -> None:
    for code in OF_SERVER | OF_SETTINGS | FINAL | {"unclear"}:
        said = problem_text(MailProblem(code, "550 5.7.1"), "smtp.firm.example", 587, "a@b.example")
        assert said.endswith(".")
        assert "{" not in said
    assert set(OBSTACLES) == {"no-server", "no-public-url", "practice", "key-missing"}

"""A letter as an email: plain text and simple HTML of the same words.

All that comes from people is escaped, and none of it is in a header: the only recipient is a bare
address, and subjects are crmlink's own.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from markupsafe import Markup, escape

from crmlink.mail.server import MailServer
from crmlink.store.base import utc_now

WIDTH = 72  # characters a line of plain text


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, and the page where that is listed."""

    count: int
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What an email says. ``button`` is the text of its one link; ``stop_url`` ends such emails."""

    subject: str
    paragraphs: tuple[str, ...]
    greeting: str = ""
    button: str = ""
    url: str = ""
    figures: tuple[Figure, ...] = ()
    after: tuple[str, ...] = ()
    footer: str = ""
    stop_text: str = ""
    stop_url: str = ""


def email_of(letter: Letter, server: MailServer, recipient: str, message_id: str) -> bytes:
    """Return an email as it is sent, with lines that end with CR LF.

    ``message_id`` is the same for each attempt, so that mail programs show it once.
    """
    message = EmailMessage(SMTP)
    message["Subject"] = letter.subject
    message["From"] = Address(server.sender_name, addr_spec=server.sender)
    message["To"] = Address(addr_spec=recipient)
    message["Date"] = format_datetime(utc_now())
    message["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if letter.stop_url:
        message["List-Unsubscribe"] = f"<{letter.stop_url}>"
        if letter.stop_url.startswith("https://"):  # RFC 8058 knows no other
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(plain_text(letter), cte="quoted-printable")
    message.add_alternative(html_text(letter), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def plain_text(letter: Letter) -> str:
    """Return a letter as plain text; links have a line of their own."""
    parts = [letter.greeting, *letter.paragraphs]
    parts += [f"{each.count:,} {each.text}:\n{each.url}" for each in letter.figures]
    if letter.url:
        parts.append(f"{letter.button}:\n{letter.url}")
    parts += letter.after
    foot = [letter.footer]
    if letter.stop_url:
        foot.append(f"{letter.stop_text}:\n{letter.stop_url}")
    text = "\n\n".join(_wrapped(part) for part in parts if part)
    return text + "\n\n-- \n" + "\n".join(_wrapped(part) for part in foot if part) + "\n"


def html_text(letter: Letter) -> str:
    """Return a letter as an HTML document, without pictures and scripts."""
    body = Markup()
    for paragraph in filter(None, (letter.greeting, *letter.paragraphs)):
        body += Markup("<p>{}</p>\n").format(paragraph)
    if letter.figures:
        rows = Markup("").join(
            Markup('<tr><td class="n">{}</td><td><a href="{}">{}</a></td></tr>\n').format(
                f"{each.count:,}", each.url, each.text
            )
            for each in letter.figures
        )
        body += Markup('<table role="presentation">\n{}</table>\n').format(rows)
    if letter.url:
        body += Markup('<p><a class="b" href="{}">{}</a></p>\n').format(letter.url, letter.button)
        body += Markup('<p class="s">{}<br><span class="u">{}</span></p>\n').format(
            "Or copy this address into your browser:", letter.url
        )
    for paragraph in letter.after:
        body += Markup("<p>{}</p>\n").format(paragraph)
    foot = Markup('<p class="s f">{}').format(letter.footer)
    if letter.stop_url:
        foot += Markup('<br><a href="{}">{}</a>').format(letter.stop_url, letter.stop_text)
    return _DOCUMENT.format(
        title=escape(letter.subject), style=_STYLE, body=body, foot=foot + Markup("</p>")
    )


def _wrapped(part: str) -> str:
    return "\n".join(
        line
        if line.startswith(("http://", "https://"))
        else textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in part.split("\n")
    )


_STYLE = Markup("""
body { margin: 0; padding: 24px 12px; background: #f3f5f7; color: #1c2733;
  font: 16px/1.5 -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main { display: block; max-width: 560px; margin: 0 auto; padding: 24px; background: #fff;
  border: 1px solid #dde3e8; border-radius: 8px; }
h1 { margin: 0 0 16px; font-size: 20px; line-height: 1.3; }
p { margin: 0 0 16px; overflow-wrap: anywhere; }
a { color: #0b5cab; }
a.b { display: inline-block; padding: 10px 18px; background: #0b5cab; color: #fff;
  border-radius: 6px; text-decoration: none; font-weight: 600; }
table { width: 100%; margin: 0 0 16px; border-collapse: collapse; }
td { padding: 8px 0; border-top: 1px solid #dde3e8; vertical-align: top; }
td.n { width: 1%; padding-right: 16px; text-align: right; font-weight: 600; white-space: nowrap; }
.s { color: #4a5868; font-size: 14px; }
.f { margin: 24px 0 0; padding-top: 16px; border-top: 1px solid #dde3e8; }
@media (prefers-color-scheme: dark) {
  body { background: #11161b; color: #e6ebf0; }
  main { background: #1a2128; border-color: #313c47; }
  a { color: #8cc1f7; }
  a.b { background: #8cc1f7; color: #10202f; }
  td, .f { border-color: #313c47; }
  .s { color: #aab6c2; }
}
""")
_DOCUMENT = Markup("""<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}{foot}
</main>
</body>
</html>
""")

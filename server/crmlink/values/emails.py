"""Emails in a text field: several, with names, labels and notes around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from anyascii import anyascii

from crmlink.values.placeholders import is_placeholder

MAX_EMAILS = 10
MAX_LENGTH = 320
# RFC 5321 allows more characters before the @; these are the ones in use.
_EMAIL = re.compile(
    r"[a-z0-9_](?:[a-z0-9._%+'&=-]*[a-z0-9_%+=-])?@"
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\s,;:|/\\<>()\[\]{}\"#*!^~$?]+")
_MAILTO = re.compile(r"\bmailto:|\be-?mails?(?:\s*:|\s+(?=\S+@))", re.IGNORECASE)
_QUERY = re.compile(r"(?<=[a-z])\?\S*", re.IGNORECASE)  # of a link: mailto:jo@acme.example?subject=
_SPACED_AT = re.compile(
    r"\s*(?:@|\(at\)|\[at\])\s*|(?<=\w)\s+at\s+(?=[a-z0-9-]+(?:\.[a-z0-9-]+)+\s*$)", re.IGNORECASE
)
_MISSPELT = re.compile(r"(?=.*(?:@|[a-z0-9]\.[a-z0-9]))[a-z0-9._%+'&@-]{6,}", re.IGNORECASE)
_SEPARATED = re.compile(r"[,;|/\\<>()\[\]]")
_PLACEHOLDER_PARTS = frozenset(
    ("none", "noemail", "no-email", "no.email", "noreply", "no-reply", "donotreply", "na", "n.a",
     "nil", "unknown", "test", "notgiven", "noone", "email")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Emails:
    """Emails of a field as written, each once regardless of case.

    `misspelt` holds texts that were meant as emails but lack the @ or have it twice.
    """

    emails: tuple[str, ...] = ()
    misspelt: tuple[str, ...] = ()


def read_emails(text: str) -> Emails:
    """Return the emails in a text, whatever separates or surrounds them."""
    if not text or not text.strip():
        return Emails()
    if _is_plain(text):
        return Emails((text,))
    text = _bounded(" ".join(text.split()))
    plain = _MAILTO.sub(" ", text if text.isascii() else anyascii(text))
    plain = _SPACED_AT.sub("@", _QUERY.sub(" ", plain))
    emails: dict[str, str] = {}
    misspelt: dict[str, str] = {}
    for word in _words(plain):
        if _EMAIL.fullmatch(word):
            if len(word) <= MAX_LENGTH and not _is_placeholder_email(word.lower()):
                emails.setdefault(word.lower(), word)
        elif _MISSPELT.fullmatch(word) and not is_placeholder(word) and not _is_web(word.lower()):
            misspelt.setdefault(word.lower(), word)
    joined = _joined(plain, tuple(emails))
    if joined:
        misspelt = {} if not emails else misspelt
        misspelt[joined.lower()] = joined
    return Emails(tuple(emails.values())[:MAX_EMAILS], tuple(misspelt.values())[:MAX_EMAILS])


def _is_plain(text: str) -> bool:
    """Return whether the text is one email and nothing else, as nearly all are."""
    is_email = text.isascii() and text[-1] != "-" and _EMAIL.fullmatch(text)
    return bool(is_email) and len(text) <= MAX_LENGTH and not _is_placeholder_email(text.lower())


def _bounded(text: str) -> str:
    """Return the first words of a text that is too long: a part of an email is another's."""
    most = MAX_EMAILS * MAX_LENGTH
    if len(text) <= most:
        return text
    ends = [gap.start() for gap in _BETWEEN.finditer(text[: most + 1])]
    return text[: ends[-1]] if ends else ""


def _joined(plain: str, emails: tuple[str, ...]) -> str:
    """Return the text without a space that was typed inside its only email, or an empty text."""
    words = plain.split()
    if len(words) != 2 or plain.count("@") != 1 or _SEPARATED.search(plain):
        return ""
    joined = "".join(words)
    if not _EMAIL.fullmatch(joined) or joined.lower() in emails:
        return ""
    is_inside = "@" in words[1] or words[1].startswith(".") or not emails
    return joined if is_inside else ""


def _words(plain: str) -> Iterator[str]:
    for word in _BETWEEN.split(plain):
        stripped = word.strip(".:'`*-&=")
        if stripped:
            yield stripped


def _is_placeholder_email(email: str) -> bool:
    """Return whether an email is typed for lack of a real one, such as none@none.com."""
    local, _, domain = email.partition("@")
    first = domain.partition(".")[0]
    return local in _PLACEHOLDER_PARTS and (
        first in _PLACEHOLDER_PARTS or local.startswith(("no", "do")) or first == local
    )


def _is_web(word: str) -> bool:
    return word.startswith(("www.", "http"))

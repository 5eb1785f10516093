"""Details as the index and the comparison see them: words and codes, normalised once."""

import re
from dataclasses import dataclass

from crmlink.kinds import Kind
from crmlink.matching import normalise
from crmlink.matching.details import Details

MOST_WORDS = 20
MOST_PHONES = 4
ASIDE = 1  # flag of a word in brackets or behind a comma
OTHER = 2  # flag of a word of the second name: the person where there is a company too
MAIL = 1  # flag of a run of letters in an email
TOWN = 1  # flag of a word of a place that stands in the town

Words = tuple[tuple[str, int], ...]
_LETTERS = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Terms:
    """`label` is the company (then `firm`) or else the person, `other` the one behind a company."""

    kind: Kind | None
    firm: bool
    label: Words
    other: Words
    place: Words
    postcode: str
    outward: str
    email: str
    domain: str
    account: str
    phones: tuple[str, ...]

    def empty(self) -> bool:
        """Whether nothing was said that a record could be found by."""
        codes = (self.postcode, self.email, self.account, *self.phones)
        return not (self.label or self.place or any(codes))


def terms(details: Details, country: str) -> Terms:
    """The details in words and codes. `country` is the ISO code for phone numbers."""
    company = _name(details.company, True, 0)
    person = _name(details.name, False, 0 if not company else OTHER)
    code = normalise.postcode(details.postcode)
    address = normalise.email(details.email)
    phones = dict.fromkeys(normalise.phone(phone, country) for phone in details.phones)
    return Terms(
        details.kind,
        bool(company),
        company or person,
        person if company and not _same_words(company, person) else (),
        _place(details),
        code,
        normalise.outward(code),
        address,
        normalise.company_domain(address),
        normalise.fold(details.account_number).replace(" ", ""),
        tuple(phone for phone in phones if phone)[:MOST_PHONES],
    )


def _name(text: str, as_company: bool, flag: int) -> Words:
    if not text:
        return ()
    words = dict.fromkeys(normalise.name(text, as_company).split())
    remarks = normalise.aside(text)
    if as_company and remarks and not remarks.issuperset(words):
        return tuple((word, flag | (word in remarks)) for word in words)[:MOST_WORDS]
    if remarks and "(" in text and not remarks.issuperset(words):
        return tuple((word, flag | (word in remarks)) for word in words)[:MOST_WORDS]
    return tuple((word, flag) for word in words)[:MOST_WORDS]


def _same_words(company: Words, person: Words) -> bool:
    return {word for word, _ in company} == {word for word, _ in person}


def _place(details: Details) -> Words:
    words = dict.fromkeys(normalise.address(details.town).split(), TOWN)
    for word in normalise.address(details.address).split():
        words.setdefault(word, 0)
    return tuple(words.items())[-MOST_WORDS:] if len(words) > MOST_WORDS else tuple(words.items())


def mailbox_words(address: str) -> tuple[str, ...]:
    """The words of an email's local part that may be a person's name."""
    local = address.partition("@")[0]
    return tuple(
        word for word in _LETTERS.findall(local) if word not in normalise.GENERIC_MAILBOXES
    )


def mail_text(address: str) -> str:
    """An email as one word to compare by its letters, without what many have in common."""
    local, _, domain = address.rpartition("@")
    if domain in normalise.FREE_MAIL:
        domain = ""
    return re.sub(r"[^a-z0-9]", "", local + domain.rsplit(".", 1)[0])

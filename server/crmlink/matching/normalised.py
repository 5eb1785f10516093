"""Details as the index and the comparison see them: words and codes, normalised once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from crmlink.kinds import Kind
from crmlink.matching import normalise
from crmlink.matching.details import Details
from crmlink.values import (
    ContactName,
    PostalAddress,
    read_address,
    read_emails,
    read_name,
    read_phones,
)
from crmlink.values.addresses import street_text
from crmlink.values.phones import NEIGHBOURS

MOST_WORDS = 20
MOST_PHONES = 6
MOST_EMAILS = 3
MOST_PLACES = 4  # addresses of one contact or record
PARENTHETICAL = 1  # flag of a word in brackets or behind a comma
SECONDARY = 2  # flag of a word of the second name: the person where there is a company too
EMAIL = 1  # flag of a run of letters in an email
TOWN = 1  # flag of a word of a place that stands in the town
PLACE_BIT = 1  # from this bit on the flags of such a word hold the number of its address

FlaggedWords = tuple[tuple[str, int], ...]
_LETTERS = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Place:
    """One address: its words with those of the town, and its postcode.

    `is_postal` says that post goes there (a PO Box, *c/o*): then it speaks for a record, but not
    against one. `written` has words as the contact wrote them where they were shortened.
    """

    words: FlaggedWords = ()
    postcode: str = ""
    outward: str = ""
    is_postal: bool = False
    written: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.postcode)


@dataclass(frozen=True, slots=True)
class NormalisedDetails:
    """`label` is the company (then `firm`) or else the person, `other` the one behind a company.

    Among `emails` are texts that were meant for one but lack the @, see `is_email`.
    """

    kind: Kind | None
    firm: bool
    label: FlaggedWords
    other: FlaggedWords
    places: tuple[Place, ...]
    emails: tuple[str, ...]
    domains: tuple[str, ...]
    account: str
    phones: tuple[str, ...]
    retired: bool = False

    def empty(self) -> bool:
        """Whether nothing was said that a record could be found by."""
        codes = (*self.emails, self.account, *self.phones)
        return not (self.label or self.places or any(codes))

    @property
    def mail_texts(self) -> tuple[str, ...]:
        """The emails as words to compare by their letters."""
        return tuple(map(email_text, self.emails))


def terms(details: Details, country: str) -> NormalisedDetails:
    """The details in words and codes. `country` is the ISO code for phone numbers."""
    names = (read_name(details.company), read_name(details.name, person=True))
    addresses = _addresses(details, names)
    emails = _emails(details, names)
    company = _with_counter(_name(names[0].name, True, 0), names[0].counter)
    person = _name(names[1].name, False, 0 if not company else SECONDARY)
    country = _country(addresses, country)
    kinds = (details.kind, *(name.kind for name in names))
    return NormalisedDetails(
        kind=next((kind for kind in kinds if kind), None),
        firm=bool(company),
        label=company or person,
        other=person if company and not _same_words(company, person) else (),
        places=_places(addresses),
        emails=emails,
        domains=tuple(
            domain for domain in dict.fromkeys(map(normalise.company_domain, emails)) if domain
        ),
        account=normalise.fold(details.account_number).replace(" ", ""),
        phones=_phones(details, names, country),
        retired=details.retired or any(name.retired for name in names),
    )


def _country(addresses: Sequence[PostalAddress], country: str) -> str:
    """Where numbers without a country code belong: Irish addresses have Irish ones."""
    told = [address.country for address in addresses if address.country in NEIGHBOURS]
    return told[0] if told and country in NEIGHBOURS else country


def _addresses(details: Details, names: Sequence[ContactName]) -> list[PostalAddress]:
    own = (details.address, details.town, details.postcode)
    read = [read_address((own[0],), own[1], own[2])]
    read += [read_address((a.address,), a.town, a.postcode) for a in details.other_addresses]
    read += [name.address for name in names]
    return [address for address in dict.fromkeys(read) if address]


def _places(addresses: Sequence[PostalAddress]) -> tuple[Place, ...]:
    """The addresses in words and codes, each once; one that says less of another is no other."""
    places: list[Place] = []
    for address in addresses:
        place = _place(address)
        if not place.is_empty and not any(_says_all_of(known, place) for known in places):
            places.append(place)
    return tuple(places[:MOST_PLACES])


def _says_all_of(known: Place, place: Place) -> bool:
    words = {word for word, _ in known.words}
    return place.postcode in ("", known.postcode) and all(word in words for word, _ in place.words)


def _place(address: PostalAddress) -> Place:
    words = dict.fromkeys(normalise.address(address.town).split(), TOWN)
    written: dict[str, str] = {}
    for word, spelling in normalise.address_words(street_text(address)):
        words.setdefault(word, 0)
        if word != spelling:
            written.setdefault(word, spelling)
    code = normalise.postcode(address.postcode)
    kept = tuple(words.items())[-MOST_WORDS:]
    outward = normalise.outward(code)
    return Place(kept, code, outward, address.is_postal, tuple(written.items()))


def _emails(details: Details, names: Sequence[ContactName]) -> tuple[str, ...]:
    texts = (details.email, *details.other_emails, *filter(_has_email, details.phones))
    read = [read_emails(text) for text in texts]
    found = [email for each in read for email in each.emails]
    found += [email for name in names for email in name.emails]
    found += [email for each in read for email in each.misspelt]
    return tuple(dict.fromkeys(map(normalise.email, found)))[:MOST_EMAILS]


def is_email(text: str) -> bool:
    """Whether a text among the emails is a whole one."""
    return text.count("@") == 1


def _has_email(text: str) -> bool:
    return "@" in text


def _phones(details: Details, names: Sequence[ContactName], country: str) -> tuple[str, ...]:
    texts = chain(details.phones, *(name.phones for name in names))
    numbers = (number.e164 for text in texts for number in read_phones(text, country).numbers)
    return tuple(dict.fromkeys(numbers))[:MOST_PHONES]


def _name(text: str, as_company: bool, flag: int) -> FlaggedWords:
    words = dict.fromkeys(normalise.name(text, as_company).split())
    aside = normalise.aside(text) if as_company or "(" in text else frozenset()
    if aside.issuperset(words):
        aside = frozenset()
    return tuple((word, flag | (word in aside)) for word in words)[:MOST_WORDS]


def _with_counter(company: FlaggedWords, counter: str) -> FlaggedWords:
    """A number behind a firm's name may be part of it (*Motel 6*) or count its accounts."""
    if not company or not counter or counter in dict(company):
        return company
    return (*company, (counter, PARENTHETICAL))[:MOST_WORDS]


def _same_words(company: FlaggedWords, person: FlaggedWords) -> bool:
    return {word for word, _ in company} == {word for word, _ in person}


def local_part_words(addresses: Sequence[str]) -> Iterator[str]:
    """The words of emails' local parts that may be a person's name."""
    for address in addresses:
        local = address.partition("@")[0]
        for word in _LETTERS.findall(local):
            if word not in normalise.GENERIC_MAILBOXES:
                yield word


def email_text(address: str) -> str:
    """An email as one word to compare by its letters, without what many have in common."""
    local, _, domain = address.rpartition("@")
    if domain in normalise.FREE_MAIL:
        domain = ""
    return re.sub(r"[^a-z0-9]", "", local + domain.rsplit(".", 1)[0])

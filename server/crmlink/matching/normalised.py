"""Normalised details, as index and comparison use them: words and identifiers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from crmlink.kinds import Kind
from crmlink.matching import normalise
from crmlink.matching.titles import Gender, gender_of_titles
from crmlink.values import (
    ContactName,
    PostalAddress,
    read_address,
    read_emails,
    read_name,
    read_phones,
)
from crmlink.values.addresses import street_text
from crmlink.values.contact_details import ContactDetails
from crmlink.values.phones import NEIGHBOURS

MAX_WORDS = 20
MAX_PHONES = 6
MAX_EMAILS = 3
MAX_ADDRESSES = 4  # addresses of one contact or record
PARENTHETICAL = 1  # flag of a word in brackets or behind a comma
SECONDARY = 2  # flag of a word of the secondary name: the person if there is a company too
EMAIL_FLAG = 1  # flag of a trigram of an email
TOWN_FLAG = 1  # flag of an address word that belongs to the town
ADDRESS_BIT = 1  # flags of an address word hold the address's number from this bit on

FlaggedWords = tuple[tuple[str, int], ...]
_LETTERS = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class NormalisedAddress:
    """One address: its words with those of the town, and its postcode.

    `is_postal` marks an address for post alone (a PO Box, *c/o*): agreement counts, difference does
    not. `written` maps shortened words to the contact's spelling.
    """

    words: FlaggedWords = ()
    postcode: str = ""
    outward: str = ""
    is_postal: bool = False
    written: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a word nor a postcode."""
        return not (self.words or self.postcode)


@dataclass(frozen=True, slots=True)
class NormalisedDetails:
    """Normalised details of a contact or record.

    `primary_name` is the company (then `is_company`) or else the person; `secondary_name` is the
    person of a company. `emails` includes misspelt ones without @, see `is_email`.
    """

    kind: Kind | None
    is_company: bool
    primary_name: FlaggedWords
    secondary_name: FlaggedWords
    addresses: tuple[NormalisedAddress, ...]
    emails: tuple[str, ...]
    domains: tuple[str, ...]
    account: str
    phones: tuple[str, ...]
    retired: bool = False
    title: Gender = Gender.UNKNOWN  # of the person

    def empty(self) -> bool:
        """Return whether there is nothing to find a record by."""
        codes = (*self.emails, self.account, *self.phones)
        return not (self.primary_name or self.addresses or any(codes))

    @property
    def email_texts(self) -> tuple[str, ...]:
        """The emails as words for comparison by letters."""
        return tuple(map(email_text, self.emails))


def normalised_details(details: ContactDetails, country: str) -> NormalisedDetails:
    """Return the details as words and identifiers.

    `country` is the ISO code for telephone numbers without a country code.
    """
    names = (
        read_name(details.company_or_name),
        read_name(details.person_or_name, person=True),
    )
    addresses = _read_addresses(details, names)
    emails = _emails(details, names)
    company = _with_counter(_name(names[0].name, True, 0), names[0].counter)
    person = _name(names[1].name, False, 0 if not company else SECONDARY)
    country = _country(addresses, country)
    kinds = (details.kind, *(name.kind for name in names))
    return NormalisedDetails(
        kind=next((kind for kind in kinds if kind), None),
        is_company=bool(company),
        primary_name=company or person,
        secondary_name=person if company and not _same_words(company, person) else (),
        addresses=_normalised_addresses(addresses),
        emails=emails,
        domains=tuple(
            domain for domain in dict.fromkeys(map(normalise.company_domain, emails)) if domain
        ),
        account=normalise.fold(details.account_number).replace(" ", ""),
        phones=_phones(details, names, country),
        retired=details.retired or any(name.retired for name in names),
        title=gender_of_titles(names[1].name),
    )


def _country(addresses: Sequence[PostalAddress], country: str) -> str:
    """Return the country of telephone numbers: Irish addresses have Irish numbers."""
    countries = [address.country for address in addresses if address.country in NEIGHBOURS]
    return countries[0] if countries and country in NEIGHBOURS else country


def _read_addresses(details: ContactDetails, names: Sequence[ContactName]) -> list[PostalAddress]:
    main = (details.address, details.town, details.postcode)
    read = [read_address((main[0],), main[1], main[2])]
    read += [read_address((a.address,), a.town, a.postcode) for a in details.other_addresses]
    read += [name.address for name in names]
    return [address for address in dict.fromkeys(read) if address]


def _normalised_addresses(addresses: Sequence[PostalAddress]) -> tuple[NormalisedAddress, ...]:
    """Return the distinct addresses; one contained in an earlier one is dropped."""
    result: list[NormalisedAddress] = []
    for address in addresses:
        candidate = _normalised_address(address)
        if not candidate.is_empty and not any(_contains(known, candidate) for known in result):
            result.append(candidate)
    return tuple(result[:MAX_ADDRESSES])


def _contains(container: NormalisedAddress, part: NormalisedAddress) -> bool:
    words = {word for word, _ in container.words}
    return part.postcode in ("", container.postcode) and all(
        word in words for word, _ in part.words
    )


def _normalised_address(address: PostalAddress) -> NormalisedAddress:
    words = dict.fromkeys(normalise.address(address.town).split(), TOWN_FLAG)
    written: dict[str, str] = {}
    for word, spelling in normalise.address_words(street_text(address)):
        words.setdefault(word, 0)
        if word != spelling:
            written.setdefault(word, spelling)
    code = normalise.postcode(address.postcode)
    words_in_use = tuple(words.items())[-MAX_WORDS:]
    outward = normalise.outward(code)
    return NormalisedAddress(words_in_use, code, outward, address.is_postal, tuple(written.items()))


def _emails(details: ContactDetails, names: Sequence[ContactName]) -> tuple[str, ...]:
    texts = (details.email, *details.other_emails, *filter(_has_email, details.phones))
    read = [read_emails(text) for text in texts]
    texts_read = [email for parsed in read for email in parsed.emails]
    texts_read += [email for name in names for email in name.emails]
    texts_read += [email for parsed in read for email in parsed.misspelt]
    return tuple(dict.fromkeys(map(normalise.email, texts_read)))[:MAX_EMAILS]


def is_email(text: str) -> bool:
    """Return whether a text among the emails is a complete email."""
    return text.count("@") == 1


def _has_email(text: str) -> bool:
    return "@" in text


def _phones(details: ContactDetails, names: Sequence[ContactName], country: str) -> tuple[str, ...]:
    texts = chain(details.phones, *(name.phones for name in names))
    numbers = (number.e164 for text in texts for number in read_phones(text, country).numbers)
    return tuple(dict.fromkeys(numbers))[:MAX_PHONES]


def _name(text: str, as_company: bool, flag: int) -> FlaggedWords:
    words = dict.fromkeys(normalise.name(text, as_company).split())
    aside = normalise.aside(text) if as_company or "(" in text else frozenset()
    if aside.issuperset(words):
        aside = frozenset()
    return tuple((word, flag | (word in aside)) for word in words)[:MAX_WORDS]


def _with_counter(company: FlaggedWords, counter: str) -> FlaggedWords:
    """Return a company's name with the number behind it in parentheses.

    It may be part of the name (*Motel 6*) or count its accounts.
    """
    if not company or not counter or counter in dict(company):
        return company
    return (*company, (counter, PARENTHETICAL))[:MAX_WORDS]


def _same_words(company: FlaggedWords, person: FlaggedWords) -> bool:
    return {word for word, _ in company} == {word for word, _ in person}


def local_part_words(addresses: Sequence[str]) -> Iterator[str]:
    """Yield the words of the emails' local parts that may be a person's name."""
    for address in addresses:
        local = address.partition("@")[0]
        for word in _LETTERS.findall(local):
            if word not in normalise.GENERIC_MAILBOXES:
                yield word


def email_text(address: str) -> str:
    """Return an email as one word for comparison, without free-mail domain and top level."""
    local, _, domain = address.rpartition("@")
    if domain in normalise.FREE_MAIL:
        domain = ""
    return re.sub(r"[^a-z0-9]", "", local + domain.rsplit(".", 1)[0])

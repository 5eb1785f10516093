"""Keyed hashes of erased people, so that they are recognised and stay erased."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, cast

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crmlink.folding import spellings
from crmlink.pseudonyms import Pseudonyms, may_name
from crmlink.store.audit.entries import SIGNER
from crmlink.store.base import Base, utc_now
from crmlink.store.connections import workspace_of

ERASED = "(erased)"
KNOWN_ERASED = "known_erased"  # key in a writing session's info
_EMAIL = re.compile(r"[^\s<>(),;:\"]+@[^\s<>(),;:\"]+[^\s<>(),;:\".]")
DIGITS_COMPARED = 9  # last digits of a phone number; earlier ones depend on the country code


class ErasedKey(Base):
    """A keyed hash of data that identifies an erased person."""

    __tablename__ = "erased_key"
    __table_args__ = (UniqueConstraint("workspace_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


_KEYS = select(ErasedKey.key).where(
    ErasedKey.workspace_id == bindparam("workspace_id")
)  # built once: every step of a link asks it


class HasPostcode(Protocol):
    """A further address."""

    @property
    def postcode(self) -> str:
        """Its postcode, perhaps empty."""


class IdentifyingDetails(Protocol):
    """Details of a contact or record that may identify a person."""

    @property
    def email(self) -> str:
        """The first email, perhaps empty."""

    @property
    def other_emails(self) -> Iterable[str]:
        """Further emails."""

    @property
    def postcode(self) -> str:
        """The first address's postcode, perhaps empty."""

    @property
    def other_addresses(self) -> Iterable[HasPostcode | Mapping[str, str]]:
        """Further addresses."""

    @property
    def phones(self) -> Iterable[str]:
        """All telephone numbers."""


def _postcodes_of(
    postcode: str, others: Iterable[HasPostcode | Mapping[str, str]]
) -> tuple[str, ...]:
    """Return the postcodes of a contact or record, of its further addresses too."""
    more = (each["postcode"] if isinstance(each, Mapping) else each.postcode for each in others)
    return (postcode, *more)


@dataclass(frozen=True, slots=True)
class Signs:
    """Data that identifies a contact or record."""

    names: frozenset[str] = frozenset()
    emails: tuple[str, ...] = ()
    postcodes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    package: str = ""
    organisation: str = ""
    reference: str = ""

    @classmethod
    def of(
        cls,
        details: IdentifyingDetails,
        names: Iterable[str],
        package: str = "",
        organisation: str = "",
        reference: str = "",
    ) -> Self:
        """Return the signs in the details of a contact or record."""
        return cls(
            frozenset(names),
            (details.email, *details.other_emails),
            _postcodes_of(details.postcode, details.other_addresses),
            tuple(details.phones), package, organisation, reference,
        )  # fmt: skip

    def keys(self, pseudonyms: Pseudonyms) -> Iterator[str]:
        """Yield the keys that identify a person.

        A name alone is a key only for a contact without other data. A plain number may be another
        contact's in another organisation, so there the name must agree too.
        """
        certain = list(self._certain_keys(pseudonyms))
        yield from certain or self._name_keys(pseudonyms)
        if self.organisation:
            yield from self._keys_anywhere(pseudonyms)

    def asked_keys(self, pseudonyms: Pseudonyms) -> Iterator[str]:
        """Yield the keys of which any identifies a contact as an erased person's."""
        certain = list(self._certain_keys(pseudonyms))
        yield from certain or self._name_keys(pseudonyms)
        if not self.organisation:
            yield from self._keys_anywhere(pseudonyms)
        elif self.reference:
            yield pseudonyms.sign_of("contact", self.package, "", self.reference)
        for email in filter(None, self.emails):
            yield pseudonyms.sign_of("email", email)

    def _keys_anywhere(self, pseudonyms: Pseudonyms) -> Iterator[str]:
        """Yield keys of a contact whose organisation may be missing in one of two sources."""
        if self.reference and not self.reference.isdecimal():
            yield pseudonyms.sign_of("contact anywhere", self.package, self.reference)
        elif self.reference:
            for name in self._plain_names():
                yield pseudonyms.sign_of("contact anywhere", self.package, self.reference, name)

    def _name_keys(self, pseudonyms: Pseudonyms) -> Iterator[str]:
        if self.package:  # a record of Commusoft is no contact of which only the name is known
            for name in self._plain_names():
                yield pseudonyms.sign_of("name alone", name)

    def _plain_names(self) -> set[str]:
        return {form for name in self.names for form in spellings(name)}

    def _certain_keys(self, pseudonyms: Pseudonyms) -> Iterator[str]:
        if self.reference:
            yield pseudonyms.sign_of("contact", self.package, self.organisation, self.reference)
        for name in self._plain_names():
            for email in filter(None, self.emails):
                yield pseudonyms.sign_of("name and email", name, email)
            for postcode in filter(None, self.postcodes):
                yield pseudonyms.sign_of("name and postcode", name, _without_spaces(postcode))
            for phone in self.phones:
                if len(digits := re.sub(r"\D", "", phone)) >= DIGITS_COMPARED:
                    yield pseudonyms.sign_of("name and phone", name, digits[-DIGITS_COMPARED:])


@dataclass(frozen=True, slots=True)
class ErasedPeople:
    """Keys of everyone erased from a workspace."""

    pseudonyms: Pseudonyms
    keys: frozenset[str]

    def are(self, signs: Signs) -> bool:
        """Return whether a contact or record is one of them."""
        if not self.keys:
            return False
        return any(key in self.keys for key in signs.asked_keys(self.pseudonyms))

    def hidden(self, reference: str | None) -> str | None:
        """Return a reference, as its pseudonym if it is an erased person's."""
        if not self.keys or not reference or not may_name(reference):
            return reference
        pseudonym = self.pseudonyms.of(reference)
        return pseudonym if pseudonym in self.keys else reference

    def hidden_facts(self, facts: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the parameters of a failure or decision with erased people's references hidden."""
        if not facts:
            return facts
        return {name: self._hidden_fact(value) for name, value in facts.items()}

    def has_label(self, label: str) -> bool:
        """Return whether a record of an erased person had this label or name."""
        return bool(self.keys) and not self.keys.isdisjoint(label_keys(self.pseudonyms, label))

    def are_named_in(self, text: str) -> bool:
        """Return whether a text holds the name of a record of theirs."""
        return bool(self.keys) and any(map(self.has_label, phrases_of(text)))

    def are_mentioned_in(self, text: str) -> bool:
        """Return whether a text holds the name of a record of theirs, or their email."""
        if not self.keys:
            return False
        emails = (self.pseudonyms.sign_of("email", email) for email in _EMAIL.findall(text))
        return self.are_named_in(text) or any(key in self.keys for key in emails)

    def _hidden_fact(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._hidden_fact(each) for each in value]
        if not isinstance(value, str):
            return value
        return ERASED if self.has_label(value) else self.hidden(value)


def label_keys(pseudonyms: Pseudonyms, label: str) -> set[str]:
    """Return the keys of a record's label or name, as failures and pages may show it."""
    return {pseudonyms.sign_of("label", form) for form in spellings(label)}


def pseudonyms_of(session: Session) -> Pseudonyms:
    """Return the pseudonyms of the session's installation."""
    return cast("Pseudonyms", session.info["pseudonyms"])


def erased_people(session: Session, workspace_id: int) -> ErasedPeople:
    """Return the people erased from a workspace.

    A writing session reads them once: no other one writes meanwhile, so no one else is erased.
    """
    known: dict[int, ErasedPeople] = (
        session.info.setdefault(KNOWN_ERASED, {}) if SIGNER in session.info else {}
    )
    if workspace_id not in known:
        keys = session.scalars(_KEYS, {"workspace_id": workspace_id})
        known[workspace_id] = ErasedPeople(pseudonyms_of(session), frozenset(keys))
    return known[workspace_id]


def erased_people_of(session: Session, connection_id: int) -> ErasedPeople:
    """Return the people erased from a connection's workspace."""
    workspace_id = workspace_of(session, connection_id)
    if workspace_id is None:  # deleted in the meantime
        return ErasedPeople(pseudonyms_of(session), frozenset())
    return erased_people(session, workspace_id)


def remember_erased(session: Session, workspace_id: int, keys: Iterable[str]) -> None:
    """Store the keys of a person being erased."""
    stored = erased_people(session, workspace_id).keys
    session.add_all(ErasedKey(workspace_id=workspace_id, key=key) for key in set(keys) - stored)
    session.flush()
    session.info.pop(KNOWN_ERASED, None)


def phrases_of(text: str) -> Iterator[str]:
    """Yield what a text holds between any two edges of its words, the whole of it included."""
    edges = [match.span() for match in re.finditer(r"\w+", text)]
    starts = {0, *(start for start, _ in edges)}
    ends = {len(text), *(end for _, end in edges)}
    yield from {text[start:end].strip() for start in starts for end in ends if start < end}


def _without_spaces(postcode: str) -> str:
    return "".join(postcode.split())

"""A contact as an adapter reads it from a package, and the page of a list it came on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmlink.sources.errors import SourceUnreadable
from crmlink.store import ContactState
from crmlink.values.addresses import Address
from crmlink.values.contact_details import ContactDetails

MAX_TENANT = 200  # characters
Position = dict[str, Any]  # where a list goes on; kept as JSON


@dataclass(frozen=True, slots=True)
class ReadContact:
    """One contact.

    ``key`` is the package's own id, ``reference`` the value as the page's address has it, ``code``
    another one that the package shows.
    """

    key: str
    reference: str
    details: ContactDetails
    state: ContactState = ContactState.ACTIVE
    merged_into: str = ""
    code: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page of a list; ``next`` is None after the last one.

    ``stop_until`` is set where the package's limit leaves no calls for the next page.
    """

    contacts: list[ReadContact]
    next: Position | None = None
    stop_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A company that a sign-in reaches; ``handle`` is what disconnecting it needs.

    Raises SourceUnreadable for an id that is none: a database's index would not take it.
    """

    tenant: str
    name: str
    organisation: str = ""
    handle: str = ""

    def __post_init__(self) -> None:
        """Refuse an id that is too long."""
        if len(self.tenant) > MAX_TENANT:
            raise SourceUnreadable("a company's id is too long")


@dataclass(slots=True)
class AddressBook:
    """The addresses of a contact, in order: the first is its own, the others further ones."""

    found: list[Address] = field(default_factory=list)

    def add(self, address: str, town: str, postcode: str) -> None:
        """Add an address, unless it is empty or there already."""
        one = Address(address, town, postcode)
        if one and one not in self.found:
            self.found.append(one)

    def as_details(self) -> dict[str, Any]:
        """Return the arguments of ContactDetails."""
        first, *others = self.found or [Address()]
        return {
            "address": first.address,
            "town": first.town,
            "postcode": first.postcode,
            "other_addresses": tuple(others),
        }

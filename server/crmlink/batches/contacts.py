"""A contact as a list, a page or a program gives it, before it is a row of a batch."""

from __future__ import annotations

from dataclasses import dataclass

from crmlink.kinds import Kind
from crmlink.values.addresses import Address

Identity = tuple[str, str]  # kind or "", reference


@dataclass(frozen=True, slots=True)
class ListedContact:
    """One contact as a list page, or a program, shows it; ``reference`` may be empty."""

    reference: str
    kind: Kind | None = None
    name: str = ""
    email: str = ""
    phones: tuple[str, ...] = ()
    company: str = ""
    person: str = ""
    address: str = ""
    town: str = ""
    postcode: str = ""
    account_number: str = ""
    other_emails: tuple[str, ...] = ()
    other_addresses: tuple[Address, ...] = ()
    retired: bool = False

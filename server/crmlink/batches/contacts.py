"""Contacts from a list, a page or an API client, before they are rows of a batch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from crmlink.folding import compose
from crmlink.values.addresses import Address
from crmlink.values.contact_details import ContactDetails

Identity = tuple[str, str]  # kind or "", reference


@dataclass(frozen=True, slots=True)
class ListedContact(ContactDetails):
    """One contact from a list page or an API client; ``reference`` may be empty."""

    reference: str


def compose_contact(contact: ListedContact) -> ListedContact:
    """Return a contact with all texts in NFC, the stored Unicode form."""
    texts = {each.name: getattr(contact, each.name) for each in fields(contact)}
    return replace(contact, **{name: _composed(value) for name, value in texts.items()})


def _composed(value: Any) -> Any:
    if isinstance(value, str):
        return compose(value)
    if isinstance(value, tuple):
        return tuple(_composed(each) for each in value)
    if isinstance(value, Address):
        return replace(value, **{each.name: _composed(getattr(value, each.name))
                                 for each in fields(value)})  # fmt: skip
    return value

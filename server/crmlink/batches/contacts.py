"""Contacts from a list, a page or an API client, before they are rows of a batch."""

from __future__ import annotations

from dataclasses import dataclass

from crmlink.values.contact_details import ContactDetails

Identity = tuple[str, str]  # kind or "", reference


@dataclass(frozen=True, slots=True)
class ListedContact(ContactDetails):
    """One contact from a list page or an API client; ``reference`` may be empty."""

    reference: str

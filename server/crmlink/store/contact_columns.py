"""Columns of a contact, on a list or in an accounting package."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column


class ContactColumns:
    """A contact's reference and details, empty where its source has none.

    ``other_addresses`` have the keys address, town and postcode.
    """

    reference: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    company: Mapped[str] = mapped_column(default="")
    person: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    town: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    phones: Mapped[list[str]] = mapped_column(default=list)
    account_number: Mapped[str] = mapped_column(default="")
    other_emails: Mapped[list[str]] = mapped_column(default=list)
    other_addresses: Mapped[list[dict[str, str]]] = mapped_column(default=list)

    @property
    def label(self) -> str:
        """Display name."""
        return self.name or self.company or self.person or self.email or self.reference

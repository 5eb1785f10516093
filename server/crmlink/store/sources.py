"""Tables of live sources: connections to accounting packages, and the contacts read from them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from crmlink.folding import fold
from crmlink.store.access import Device
from crmlink.store.base import Base, new_id, utc_now
from crmlink.store.contact_columns import ContactColumns


class ContactState(enum.StrEnum):
    """State of a contact in its accounting package.

    ``merged`` into the contact of ``merged_into``; ``deleted`` there, or missing from two complete
    lists in a row.
    """

    ACTIVE = "active"
    ARCHIVED = "archived"
    MERGED = "merged"
    DELETED = "deleted"


class SourceAccount(Base):
    """One sign-in at an accounting package, which may reach several companies.

    ``credentials`` are encrypted, see commusoft/vault.py; None where they are asked for each time.
    With ``needs_sign_in`` a person has to connect it again. The holder of the lease alone uses and
    renews its tokens, in the database that ``used_by`` tells (store/place.py): a copy has them too.
    """

    __tablename__ = "source_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    package: Mapped[str]
    credentials: Mapped[str | None]
    needs_sign_in: Mapped[bool] = mapped_column(default=False)
    connected_at: Mapped[datetime] = mapped_column(default=utc_now)
    sync_lease: Mapped[str] = mapped_column(default="")
    sync_owner_id: Mapped[str | None]
    used_by: Mapped[str | None]


class ContactSource(Base):
    """One company in an accounting package whose contacts are read, and how far that is.

    ``tenant`` is the package's id of the company, ``organisation`` the id in its pages' addresses,
    empty if the package does not give it. ``handle`` is what disconnecting it needs; of QuickBooks
    Desktop the company's name, of an agent the last part of its last list and what its data is.

    ``position`` is where an interrupted list goes on, and how often reading failed; ``read`` are
    the contacts read of the list so far.
    ``problem`` is the code of what stopped the last reading, ``resume_at`` when it goes on by
    itself. ``round`` counts complete lists, ``version`` grows with every change of a contact.
    ``left_out`` are the contacts of the last complete list, and since, that have no reference
    Commusoft could hold: their ``count``, and the first ones' ``names``.
    ``webhook_key`` is encrypted; the package signs with it what it sends, last at ``webhook_at``.
    """

    __tablename__ = "contact_source"
    __table_args__ = (UniqueConstraint("workspace_id", "package", "tenant"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(default=new_id, unique=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    package: Mapped[str]
    tenant: Mapped[str]
    organisation: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    handle: Mapped[str] = mapped_column(default="")
    account_id: Mapped[int] = mapped_column(ForeignKey("source_account.id"))
    connected_at: Mapped[datetime] = mapped_column(default=utc_now)

    position: Mapped[dict[str, Any] | None]
    read: Mapped[int] = mapped_column(default=0)
    round: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    synced_at: Mapped[datetime | None]
    fully_synced_at: Mapped[datetime | None]
    requested_at: Mapped[datetime | None]
    resume_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    left_out: Mapped[dict[str, Any] | None]
    webhook_key: Mapped[str | None]
    webhook_at: Mapped[datetime | None]

    account: Mapped[SourceAccount] = relationship(lazy="joined")

    @property
    def is_begun(self) -> bool:
        """Whether a list is read in part, and goes on at ``position``."""
        return self.position is not None and "at" in self.position


class SourceContact(ContactColumns, Base):
    """One contact of a source, as last read.

    ``key`` is the package's own id, ``reference`` the value for Commusoft, ``code`` another one
    that the package shows. ``round`` is the complete list that had it last. ``first_seen_at`` is
    None for contacts of the first list. ``reference_key`` is the folded reference.

    ``moved_at`` is when its address became another place's, and ``moved_from`` the address before
    (address, town, postcode); both until a person has checked it. ``checked_name`` is the name
    that a person has found right for its link.
    """

    __tablename__ = "source_contact"
    __table_args__ = (
        UniqueConstraint("source_id", "key"),
        Index("ix_source_contact_source_id_reference", "source_id", "reference"),
        Index("ix_source_contact_source_id_reference_key", "source_id", "reference_key"),
        Index("ix_source_contact_source_id_state", "source_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("contact_source.id"))
    key: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")  # "" for both or neither
    state: Mapped[ContactState] = mapped_column(default=ContactState.ACTIVE)
    merged_into: Mapped[str] = mapped_column(default="")  # the surviving contact's reference
    changed_at: Mapped[datetime | None]  # as the package says
    first_seen_at: Mapped[datetime | None]
    reference_key: Mapped[str | None]
    moved_from: Mapped[dict[str, Any] | None]
    moved_at: Mapped[datetime | None]
    checked_name: Mapped[str | None]
    round: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)

    @validates("reference")
    def _fold_reference(self, _name: str, reference: str) -> str:
        self.reference_key = fold(reference)
        return reference


class SourceSignIn(Base):
    """A sign-in at an accounting package that is under way, by the hash of its state.

    ``sealed`` holds its secrets, encrypted: the verifier, and later the tokens.
    """

    __tablename__ = "source_sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    state_hash: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey(Device.id))
    package: Mapped[str]
    sealed: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

"""The tables of access: people, devices, sign-ins, pairings, and the tokens of paired browsers."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from crmlink.folding import normalise_login_email
from crmlink.store.base import Base, new_id, now


class Role(enum.StrEnum):
    """What a person is in a workspace; each may do what the one before may."""

    CLERK = "clerk"
    MANAGER = "manager"
    ADMIN = "admin"


class PairingState(enum.StrEnum):
    """A pairing's life: waiting → approved (→ redeemed), perhaps by way of an admin; or denied."""

    WAITING = "waiting"
    NEEDS_ADMIN = "needs_admin"
    APPROVED = "approved"
    REDEEMED = "redeemed"
    DENIED = "denied"


class Person(Base):
    """Somebody who may log in. One who was removed keeps the row, for what they did.

    ``email_key`` is the one spelling of the email by which they are found.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str | None]
    role: Mapped[Role]
    password_hash: Mapped[str | None]
    sso_subject: Mapped[str | None]  # issuer and subject, once single sign-on has shown who it is
    created_at: Mapped[datetime] = mapped_column(default=now)
    joined_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]

    @validates("email")
    def _spell_email(self, _name: str, email: str) -> str:
        self.email_key = normalise_login_email(email)
        return email


Index(
    "uq_person_workspace_id_email_key",
    Person.workspace_id,
    Person.email_key,
    unique=True,
    sqlite_where=Person.removed_at.is_(None),
    postgresql_where=Person.removed_at.is_(None),
)


class DeviceType(enum.StrEnum):
    """What acts: a paired browser, a script's token, the pages, or the server's command line."""

    BROWSER = "browser"
    SCRIPT = "script"
    PAGES = "pages"
    COMMAND_LINE = "command_line"


class Device(Base):
    """What acts for a person; a script's token itself is never kept.

    ``prefix`` is what lists show of a script's token, for the others a name that nobody sees.
    While a rotated token waits for its first use, ``previous_hash`` is the old one's, good until
    its own end, ``previous_expires_at``. ``made_by_id`` is the token that made
    this one, if one did. ``key_thumbprint`` (RFC 7638) is of the key that a browser's tokens are
    bound to, ``copy_seen_at`` when they were last shown without it.
    """

    __tablename__ = "device"
    __table_args__ = (Index("uq_device_public_id", "public_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(default=new_id)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    sort: Mapped[DeviceType] = mapped_column(default=DeviceType.SCRIPT)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    previous_hash: Mapped[str | None]
    previous_expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    last_used_address: Mapped[str | None]
    use_count: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]
    rotated_at: Mapped[datetime | None]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    key_thumbprint: Mapped[str | None]
    copy_seen_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship(lazy="joined")

    @property
    def who(self) -> str:
        """Who acts by it, as people call them."""
        return self.person.name if self.person else self.name


class Invitation(Base):
    """A one-time link that lets somebody set a password; without a person, the first admin's."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship(lazy="joined")


class WebSession(Base):
    """A log-in to the pages; the cookie itself is never kept."""

    __tablename__ = "page_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    browser: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined")


class Pairing(Base):
    """A browser that asks to be connected, in the shape of RFC 8628."""

    __tablename__ = "pairing"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    device_code_hash: Mapped[str] = mapped_column(unique=True)
    user_code: Mapped[str] = mapped_column(unique=True)
    browser: Mapped[str]
    address: Mapped[str]
    state: Mapped[PairingState] = mapped_column(default=PairingState.WAITING)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    last_polled_at: Mapped[datetime | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device_name: Mapped[str] = mapped_column(default="")
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    key_thumbprint: Mapped[str | None]

    person: Mapped[Person | None] = relationship(lazy="joined")
    device: Mapped[Device | None] = relationship(lazy="joined")


class Refresh(Base):
    """One generation of a browser's refresh token.

    ``public_id`` is the ``jti`` of the access tokens given out with it. ``received_at`` is when
    the browser first used one of the two, which proves that it has them; then the generation
    before is over, and whoever still shows it stole it.
    """

    __tablename__ = "refresh"
    __table_args__ = (UniqueConstraint("device_id", "generation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    generation: Mapped[int]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    received_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="joined")


class SeenProof(Base):
    """A proof of a browser's key that was shown with a refresh token, so that none counts twice."""

    __tablename__ = "seen_proof"

    digest: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

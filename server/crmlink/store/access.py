"""Tables of access: people, devices, web sessions, pairings and refresh tokens."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from crmlink.folding import normalise_login_email
from crmlink.store.base import Base, new_id, utc_now


class Role(enum.StrEnum):
    """Role of a person in a workspace; each includes the permissions of the previous one."""

    CLERK = "clerk"
    MANAGER = "manager"
    ADMIN = "admin"


class PairingState(enum.StrEnum):
    """State of a pairing: waiting → approved (→ redeemed), possibly via an admin; or denied."""

    WAITING = "waiting"
    NEEDS_ADMIN = "needs_admin"
    APPROVED = "approved"
    REDEEMED = "redeemed"
    DENIED = "denied"


class Person(Base):
    """A person who may sign in; a removed one keeps the row for their history.

    ``email_key`` is the canonical form of the email, for lookup. ``login`` is the same for one
    person's rows in several firms, see ``access/logins.py``.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str | None] = mapped_column(index=True)
    role: Mapped[Role]
    password_hash: Mapped[str | None]
    sso_subject: Mapped[str | None]  # issuer and subject, after the first single sign-on
    login: Mapped[str | None] = mapped_column(index=True)
    operator_since: Mapped[datetime | None]  # see access/operators.py
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    joined_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    mail_list_ended: Mapped[bool] = mapped_column(default=True)  # whether they want the email
    mail_weekly: Mapped[bool] = mapped_column(default=False)

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
    """Type of device: a paired browser, a script's token, the web pages, or the command line."""

    BROWSER = "browser"
    SCRIPT = "script"
    PAGES = "pages"
    COMMAND_LINE = "command_line"


class Device(Base):
    """What acts for a person; a script's token itself is never stored.

    ``prefix`` is the displayed start of a script's token, for other types an internal name. Until a
    rotated token is first used, the old one is valid as ``previous_hash`` until
    ``previous_expires_at``. ``made_by_id`` is the token that created this one, if any.
    ``key_thumbprint`` (RFC 7638) is of the key that a browser's tokens are bound to,
    ``copy_seen_at`` when they were last presented without it.
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
    previous_hash: Mapped[str | None] = mapped_column(index=True)
    previous_expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
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
    def actor_name(self) -> str:
        """Display name of the acting person."""
        return self.person.name if self.person else self.name


class Invitation(Base):
    """A one-time link to set a password; without a person it is for the first admin."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship(lazy="joined")


class WebSession(Base):
    """A web session; the cookie itself is never stored."""

    __tablename__ = "page_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    browser: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined")


class Pairing(Base):
    """A browser's request to be connected, in the form of RFC 8628.

    Of several workspaces it has none until a person approves or denies it.
    """

    __tablename__ = "pairing"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspace.id"))
    device_code_hash: Mapped[str] = mapped_column(unique=True)
    user_code: Mapped[str] = mapped_column(unique=True)
    browser: Mapped[str]
    address: Mapped[str]
    state: Mapped[PairingState] = mapped_column(default=PairingState.WAITING)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    last_polled_at: Mapped[datetime | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device_name: Mapped[str] = mapped_column(default="")
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    key_thumbprint: Mapped[str | None]

    person: Mapped[Person | None] = relationship(lazy="joined")
    device: Mapped[Device | None] = relationship(lazy="joined")


class RefreshToken(Base):
    """One generation of a browser's refresh token.

    ``public_id`` is the ``jti`` of the access tokens issued with it. ``received_at`` is when the
    browser first used either token, which proves that it has them; then the previous generation
    ends, and presenting it again is reuse of a stolen token.
    """

    __tablename__ = "refresh"
    __table_args__ = (UniqueConstraint("device_id", "generation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True, default=new_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    generation: Mapped[int]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    received_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(lazy="joined")


class SeenProof(Base):
    """A proof of possession presented with a refresh token, stored so that it counts once."""

    __tablename__ = "seen_proof"

    digest: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

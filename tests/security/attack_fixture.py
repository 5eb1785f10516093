"""A small installation with something of everything, for attackers to try their hands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from typing import Any

from flask import Flask
from sqlalchemy import Engine, Select, column, inspect, select, table, text

from crmlink.access.api_tokens import create_api_token
from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.pairing import start_pairing
from crmlink.access.refresh_tokens import TokenResponse
from crmlink.access.sessions import authenticate_session, create_session
from crmlink.mail.unsubscribe import unsubscribe_token
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    ContactSource,
    Database,
    Device,
    Link,
    LinkState,
    MailKind,
    MailState,
    MirroredRecord,
    ParkedContact,
    Person,
    RowState,
    SourceAccount,
    SourceContact,
    WebConnector,
    Workspace,
)
from crmlink.store.base import utc_now
from crmlink.store.mail import queue_message
from support.access_factories import make_person, pair, with_token
from support.browser_client import proven
from support.installations import installation_of
from support.sandbox import HOLLOWAY

ROLES = ("clerk", "manager", "admin")
_numbers = count(1)
Owner = Person | Device | None  # a person, a script's own token, or someone else
Maker = Callable[["AttackFixture", Owner], str]


@dataclass(frozen=True)
class AttackFixture:
    """One installation; ``other`` is a second workspace in the same database."""

    app: Flask
    access: AccessContext
    other: AccessContext
    people: dict[str, Person]
    browsers: dict[str, TokenResponse]
    standing: dict[Maker, str] = field(default_factory=dict)

    def made_by(self, maker: Maker) -> str:
        """What a maker makes, made once: for requests that must not change it."""
        if maker not in self.standing:
            self.standing[maker] = maker(self, None)
        return self.standing[maker]

    def session(self, person: Person) -> str:
        """The cookie of a new log-in."""
        return create_session(self.access, person, "127.0.0.1", "A test")

    def everything(self) -> dict[str, list[Any]]:
        """All rows of all tables, as the database has them."""
        return everything(self.access.database)


def everything(database: Database) -> dict[str, list[Any]]:
    """All rows of all tables, in the order of their primary keys."""
    engine = database.of_installation.engine
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(rows)]
            for name, rows in _rows_by_table(engine).items()
        }


@lru_cache(maxsize=1)
def _rows_by_table(engine: Engine) -> dict[str, Select[Any]]:
    """Each table that a database has, and what reads its rows: found once, read many times."""
    keys = inspect(engine).get_multi_pk_constraint()
    return {
        name: select(text("*"))
        .select_from(table(name))
        .order_by(*map(column, key["constrained_columns"]))
        for (_, name), key in keys.items()
    }


def make_target(app: Flask) -> AttackFixture:
    """People of every role with a browser each, and the rows that routes speak of."""
    access = installation_of(app).access
    with installation_of(app).database.writing() as session:
        other = Workspace()
        session.add(other)
    people = {role: make_person(access, role) for role in ROLES}
    browsers = {role: pair(access, person) for role, person in people.items()}
    connection_id = installation_of(
        app
    ).workspace.connection_id  # opening it writes: not in a writing session
    with access.database.writing() as session:
        session.add(
            MirroredRecord(
                connection_id=connection_id, kind="customer", number="1001",
                name="M Holloway", company="", email="", phones=[], address="", town="",
                postcode="", account_number="", mirror_version=1,
            )
        )  # fmt: skip
    return AttackFixture(app, access, access.of(other.id), people, browsers)


def new_device(target: AttackFixture, owner: Owner) -> Device:
    """A paired browser of someone; what a script owns is itself."""
    if isinstance(owner, Device):
        return owner
    return pair(target.access, owner or target.people["manager"]).device


def new_token(target: AttackFixture, owner: Owner) -> Device:
    """A script's token that someone made; no one: the server's command line."""
    if isinstance(owner, Device):
        return owner
    actor = command_line_actor(target.access)
    return create_api_token(target.access, replace(actor, person=owner), "A script")[0]


def new_link(target: AttackFixture, device: Device) -> str:
    """A link in force, made by a device."""
    number = next(_numbers)
    link = Link(
        connection_id=installation_of(target.app).workspace.connection_id, device_id=device.id,
        fingerprint="", idempotency_key=f"key {number}",
        package="xero", kind="customer", reference=HOLLOWAY,
        contact_name="Margaret Holloway", record_number="1001", record_label="M Holloway",
        prior=None, target=HOLLOWAY, state=LinkState.LINKED, settled_at=utc_now(),
    )  # fmt: skip
    with target.access.database.writing() as session:
        session.add(link)
    return link.id


def _person_of(target: AttackFixture, owner: Owner) -> Person:
    """A person, the maker of a token, or someone new."""
    person = owner.person if isinstance(owner, Device) else owner
    return person or make_person(target.access)


def new_batch(target: AttackFixture, owner: Owner) -> str:
    """A draft with one contact."""
    person = owner if isinstance(owner, Person) else target.people["manager"]
    browser = with_token(target.app, pair(target.access, person).access_token)
    contacts = [{"reference": HOLLOWAY, "name": "Margaret Holloway"}]
    made = browser.post("/api/v1/batches", json={"package": "xero", "contacts": contacts})
    assert made.status_code == 201
    batch_id = str(made.get_json()["id"])
    if isinstance(owner, Device):  # a script that may not collect must be refused its own too
        with target.access.database.writing() as session:
            session.get_one(Batch, batch_id).device_id = owner.id
    return batch_id


def linked_batch(target: AttackFixture, *linked_by: Device) -> str:
    """A list that was linked, a row by each of these devices."""
    links = [new_link(target, device) for device in linked_by]
    connection_id = installation_of(target.app).workspace.connection_id
    with target.access.database.writing() as session:
        batch = Batch(
            connection_id=connection_id, device_id=linked_by[0].id, package="xero",
            organisation="", state=BatchState.DONE,
        )  # fmt: skip
        session.add(batch)
        session.flush()
        session.add_all(
            BatchRow(
                batch_id=batch.id, position=place, reference=f"ref {place}", name="Somebody",
                choice=Choice.RECORD, record_id=f"customer-{place}", kind="customer",
                state=RowState.SUCCESSFUL, link_id=link,
            )
            for place, link in enumerate(links, 1)
        )  # fmt: skip
    return batch.id


def new_session_id(target: AttackFixture, owner: Owner) -> str:
    """The id of a log-in of someone."""
    token = target.session(owner if isinstance(owner, Person) else target.people["manager"])
    return authenticate_session(target.access, token)[0].public_id


def new_code(target: AttackFixture) -> str:
    """The code of a browser that asks to be connected."""
    return start_pairing(target.access, "Chrome on Windows", "127.0.0.1", proven("a key")).user_code


# What fills each parameter of a route: something that exists, and belongs to the person given, or
# to someone else. A route with a parameter that is not here fails the tests until it is.
def new_parked(target: AttackFixture, owner: Owner) -> str:
    """A contact without a record; its id."""
    device = new_device(target, owner)
    kept = ParkedContact(
        connection_id=installation_of(target.app).workspace.connection_id, device_id=device.id,
        package="xero", reference=f"parked {next(_numbers)}", name="Margaret Holloway",
    )  # fmt: skip
    with target.access.database.writing() as session:
        session.add(kept)
        session.flush()
        return kept.id


def new_email(target: AttackFixture, owner: Owner) -> str:
    """An email that was given up; its id."""
    person = owner if isinstance(owner, Person) else target.people["manager"]
    with target.access.database.writing() as session:
        message = queue_message(session, target.access.workspace_id, MailKind.WEEKLY, person)
        message.state = MailState.FAILED
        return message.public_id


def new_source(target: AttackFixture, owner: Owner) -> str:
    """A company whose contacts were read, without a sign-in; its public id."""
    with target.access.database.writing() as session:
        account = SourceAccount(workspace_id=target.access.workspace_id, package="xero")
        source = ContactSource(
            workspace_id=target.access.workspace_id, package="xero", account=account,
            tenant=f"tenant {next(_numbers)}", name="Office Ltd",
        )  # fmt: skip
        session.add_all([account, source])
        session.flush()
        session.add(
            SourceContact(source_id=source.id, key="1", reference=HOLLOWAY, name="M Holloway")
        )
        session.add(
            WebConnector(
                source=source, user_name="crmlink-1", password_hash="none",
                owner_id="{1}", file_id="{2}",
            )
        )  # fmt: skip
        return source.public_id


def workspace_of(target: AttackFixture) -> Workspace:
    """The firm that has something of everything."""
    with target.access.database.reading() as session:
        return session.get_one(Workspace, target.access.workspace_id)


PARAMETERS: dict[str, Maker] = {
    "batch_id": new_batch,
    "browser": lambda target, owner: "chrome",
    "contact_id": lambda target, owner: "1",
    "device_id": lambda target, owner: new_device(target, owner).public_id,
    "firm_id": lambda target, owner: workspace_of(target).public_id,
    "filename": lambda target, owner: "crmlink.css",
    "kind": lambda target, owner: "customer",
    "link_id": lambda target, owner: new_link(target, new_device(target, owner)),
    "pair_id": lambda target, owner: "1",
    "package": lambda target, owner: "sage_200",
    "message_id": new_email,
    "signed": lambda target, owner: unsubscribe_token(
        target.access, target.people["clerk"], MailKind.WEEKLY
    ),
    "parked_id": new_parked,
    "person_id": lambda target, owner: make_person(target.access).public_id,
    "position": lambda target, owner: "1",
    "question": lambda target, owner: "api_page",
    "record_id": lambda target, owner: "customer-1001",
    "session_id": new_session_id,
    "source_id": new_source,
    "token": lambda target, owner: "a-file-that-was-sent",
    "token_id": lambda target, owner: new_token(target, owner).public_id,
}
# Routes whose parameter means something else than elsewhere.
SPECIAL: dict[tuple[str, str], Maker] = {
    ("/settings/email/samples/<kind>", "kind"): lambda target, owner: "weekly",
    ("/sources/connect/<package>", "package"): lambda target, owner: "xero",
    ("/install/policy/<name>", "name"): lambda target, owner: "chrome.reg",
    ("/api/v1/people/<person_id>/log-outs", "person_id"): lambda target, owner: (
        _person_of(target, owner).public_id
    ),
    ("/devices/tokens/<device_id>/rotate", "device_id"): PARAMETERS["token_id"],
    ("/api/v1/batches/<batch_id>/undo", "batch_id"): lambda target, owner: linked_batch(
        target, new_device(target, owner)
    ),
}

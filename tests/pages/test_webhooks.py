"""/hooks: what accounting software sends is signed, and only ever asks for a reading."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.installation import Installation
from crmlink.linking.connections import rotate_keys
from crmlink.sources.context import SourceContext
from crmlink.sources.schedule import QUIET, due_sources
from crmlink.sources.sync import sync_source
from crmlink.sources.webhooks import set_webhook_key
from crmlink.store import ContactSource, Device, SourceAccount
from crmlink.store.base import utc_now
from crmlink.store.workspaces import list_workspaces
from crmlink.web.body_limits import STRANGER_BYTES
from security.attack_fixture import everything
from support.accounting_apis.servers import answers
from support.accounting_apis.xero import FakeXero
from support.page_client import PageClient
from support.source_factories import change_source, connect, source_now

KEY = "s3cret+Key/of=Xero"
EVENTS = {"events": [{"tenantId": "of another", "resourceId": "../x"}], "entropy": "A"}
BODY = json.dumps(EVENTS).encode()


@pytest.fixture
def source(
    sources: SourceContext, device: Device, xero: FakeXero, admin: PageClient
) -> ContactSource:
    """A company that was read a while ago, with a key."""
    source = connect(sources, device, xero.server, "xero")[0]
    for each in due_sources(sources, 30):
        sync_source(sources, each)
        change_source(sources, source, synced_at=utc_now() - timedelta(minutes=10))
    assert admin.send(f"/sources/{source.public_id}/webhook", key=KEY).status_code == 303
    assert due_sources(sources, 30) == []
    return source


def signature(body: bytes = BODY, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


@pytest.fixture
def send(app: Flask, source: ContactSource) -> Callable[..., TestResponse]:
    client: FlaskClient = app.test_client()

    def post(
        body: bytes = BODY, sign: str | None = None, where: str = "", header: str = ""
    ) -> TestResponse:
        headers = {header or "X-Xero-Signature": signature(body) if sign is None else sign}
        return client.post(f"/hooks/{where or source.public_id}", data=body, headers=headers)

    return post


def test_what_is_signed_asks_for_a_reading_and_is_answered_with_nothing(
    sources: SourceContext, source: ContactSource, send: Callable[..., TestResponse]
) -> None:
    reply = send()
    assert (reply.status_code, reply.data) == (200, b"")
    assert "Set-Cookie" not in reply.headers
    assert source.id in due_sources(sources, 30)
    assert sync_source(sources, source.id).complete
    assert source.id not in due_sources(sources, 30)


def test_a_request_to_check_the_address_is_answered_as_it_must_be(
    send: Callable[..., TestResponse],
) -> None:
    body = b'{"events":[],"lastEventSequence":0,"firstEventSequence":0,"entropy":"S0m3"}'
    assert send(body).status_code == 200
    assert send(body, signature(body, "another")).status_code == 401
    assert send(b"no JSON at all \xff").status_code == 200  # the body is not read as anything


def test_nothing_else_asks_for_anything(
    sources: SourceContext, source: ContactSource, device: Device, send: Callable[..., TestResponse]
) -> None:
    other = next(
        each for each in _all(sources) if each.public_id != source.public_id
    )  # the same sign-in, but without a key of its own
    for wrong in (
        {"sign": ""}, {"sign": "ünsinn"}, {"sign": signature(BODY, "another")},
        {"sign": signature(b"")}, {"sign": signature()[:-1]}, {"header": "intuit-signature"},
        {"where": "unknown"}, {"where": other.public_id}, {"sign": signature().lower()},
    ):  # fmt: skip
        reply = send(**wrong)
        assert (reply.status_code, reply.data) == (401, b""), wrong
    assert due_sources(sources, 30) == []
    assert source_now(sources, source).webhook_at is None
    large = b"x" * (STRANGER_BYTES + 1)
    assert send(large).status_code == 413


def _all(sources: SourceContext) -> list[ContactSource]:
    with sources.database.reading() as session:
        return list(session.query(ContactSource))


def test_a_crowd_and_a_repeated_one_ask_once_and_not_at_once_again(
    sources: SourceContext, source: ContactSource, xero: FakeXero, send: Callable[..., TestResponse]
) -> None:
    for _ in range(10):
        assert send().status_code == 200
    for each in due_sources(sources, 30):
        sync_source(sources, each)
    xero.server.asked.clear()
    for _ in range(10):
        assert send().status_code == 200
    assert due_sources(sources, 30) == []  # it was read just now
    now = source_now(sources, source)
    assert now.resume_at
    assert now.synced_at
    assert now.resume_at == now.synced_at + QUIET
    change_source(sources, source, resume_at=utc_now())
    assert due_sources(sources, 30) == [source.id]


def test_a_limit_of_the_package_is_kept(
    sources: SourceContext, source: ContactSource, xero: FakeXero, send: Callable[..., TestResponse]
) -> None:
    send()
    xero.server.fault = answers(429, Retry_After="7200")
    sync_source(sources, source.id)
    until = source_now(sources, source).resume_at
    send()
    assert source_now(sources, source).resume_at == until
    assert source.id not in due_sources(sources, 30)


def test_what_changes_while_it_is_read_is_read_afterwards(
    sources: SourceContext, source: ContactSource, xero: FakeXero, send: Callable[..., TestResponse]
) -> None:
    def told() -> None:
        xero.server.fault = lambda: None
        assert send().status_code == 200

    xero.server.fault = told
    assert sync_source(sources, source.id).complete
    assert source_now(sources, source).requested_at is not None


def test_the_key_is_sealed_shown_nowhere_rotated_and_removed(
    installation: Installation, sources: SourceContext, source: ContactSource,
    admin: PageClient, send: Callable[..., TestResponse],
) -> None:  # fmt: skip
    page = f"/sources/{source.public_id}/webhook"
    assert KEY not in admin.get(page).get_data(as_text=True)
    assert "A key is saved." in admin.read(page)
    assert KEY not in repr(everything(installation.database))
    rotate_keys(installation.database, installation.settings.data_dir / "credential.keys")
    assert send().status_code == 200
    assert "and when Xero tells of one" in admin.read("/sources")
    for wrong in ("", "k" * 501, "clé"):
        assert admin.send(page, key=wrong).status_code == 422
    admin.send(page, remove="yes")
    assert send().status_code == 401
    assert "A key is saved." not in admin.read(page)


def test_another_firms_webhook_asks_for_its_own_companies_until_it_is_suspended(
    installation: Installation, sources: SourceContext, source: ContactSource, admin: PageClient,
    device: Device, send: Callable[..., TestResponse],
) -> None:  # fmt: skip
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    made, _ = make_workspace(installation.sign_in, "Quill Heating")
    with installation.database.writing() as session:
        account = SourceAccount(workspace_id=made.id, package="xero", credentials="sealed")
        theirs = ContactSource(
            workspace_id=made.id, package="xero", tenant="t", account=account, synced_at=utc_now()
        )
        session.add_all([account, theirs])
    page = f"/sources/{theirs.public_id}/webhook"
    assert admin.get(page).status_code == 404
    assert admin.send(page, key=KEY).status_code == 404
    assert send(where=theirs.public_id).status_code == 401
    own_device = command_line_actor(installation.access).device
    with installation.workspaces.use(made.id) as workspace:
        set_webhook_key(workspace.sources, own_device, theirs.public_id, "their key")
    assert send(where=theirs.public_id).status_code == 401
    assert send(where=theirs.public_id, sign=signature(BODY, "their key")).status_code == 200
    assert source_now(sources, theirs).requested_at is not None
    assert source_now(sources, source).requested_at is None
    row = next(each for each in list_workspaces(installation.database) if each.id == made.id)
    suspend_workspace(installation.sign_in, row, suspended=True)
    assert send(where=theirs.public_id, sign=signature(BODY, "their key")).status_code == 401


def test_software_without_webhooks_has_no_such_page(
    sources: SourceContext, source: ContactSource, admin: PageClient
) -> None:
    change_source(sources, source, package="freeagent")
    page = f"/sources/{source.public_id}/webhook"
    assert admin.get(page).status_code == 404
    assert admin.send(page, key=KEY).status_code == 404


def test_each_firms_key_asks_for_its_own_sources_alone(
    app: Flask, installation: Installation, source: ContactSource
) -> None:
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    made, _ = make_workspace(installation.sign_in, "Quill Heating")
    with installation.database.writing() as session:
        account = SourceAccount(workspace_id=made.id, package="xero", credentials=None)
        theirs = ContactSource(
            workspace_id=made.id, package="xero", account=account, tenant="1", name="Quill"
        )
        session.add(theirs)
    with installation.workspaces.use(made.id) as second:
        their_device = command_line_actor(second.access).device
        set_webhook_key(second.sources, their_device, theirs.public_id, "their key")
    client = app.test_client()

    def status(of: ContactSource, key: str) -> int:
        headers = {"x-xero-signature": signature(key=key)}
        return client.post(f"/hooks/{of.public_id}", data=BODY, headers=headers).status_code

    assert [status(theirs, KEY), status(source, "their key")] == [401, 401]
    before = everything(installation.database)["contact_source"]
    assert status(theirs, "their key") == 200
    after = everything(installation.database)["contact_source"]
    assert [old[0] for old, new in zip(before, after, strict=True) if old != new] == [theirs.id]
    suspend_workspace(installation.sign_in, made, suspended=True)
    assert status(theirs, "their key") == 401


def test_a_change_during_a_reading_that_another_one_asked_for_is_read_too(
    sources: SourceContext, source: ContactSource, send: Callable[..., TestResponse]
) -> None:
    def changed_meanwhile() -> bool:
        assert send().status_code == 200
        return False

    send()
    assert sync_source(sources, source.id, changed_meanwhile).complete
    now = source_now(sources, source)
    assert now.resume_at
    assert now.synced_at
    assert now.resume_at >= now.synced_at + QUIET
    change_source(sources, source, resume_at=None)
    assert source.id in due_sources(sources, 30)

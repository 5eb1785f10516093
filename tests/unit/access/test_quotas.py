"""Limits of a firm: at one nothing is added, also by two at once, and what is there stays."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from crmlink.access.api_tokens import create_api_token, revoke_token, rotate_token
from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.errors import InvalidFields
from crmlink.access.pairing import approve_pairing, exchange_device_code, start_pairing
from crmlink.access.people import invite, remove_person
from crmlink.access.quotas import list_usage, set_limits
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.app import create_app
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts, discard_batch
from crmlink.installation import Installation
from crmlink.settings import Settings
from crmlink.store import AuditEntry, Batch, BatchRow, Device, Person
from crmlink.store.base import utc_now
from crmlink.store.quotas import Quota, QuotaReached
from crmlink.store.workspaces import find_workspace, list_workspaces
from support.access_factories import make_person, make_token, page_actor, pair, with_token
from support.batch_factories import Line, imported
from support.browser_client import new_key, proven

WAITING = text("""
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database()
""")


def limit(installation: Installation, access: AccessContext, **limits: int | None) -> None:
    workspace = find_workspace(installation.database, access.workspace_id)
    chosen = {Quota(name): most for name, most in limits.items()}
    set_limits(installation.sign_in, workspace, chosen)


def people_of(access: AccessContext) -> int:
    query = select(func.count()).select_from(Person)
    with access.database.reading() as session:
        return session.scalar(query.filter_by(workspace_id=access.workspace_id)) or 0


@pytest.fixture
def second(installation: Installation) -> AccessContext:
    """The access context of a second firm."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    made, _ = make_workspace(installation.sign_in, "Quill Heating")
    return installation.sign_in.of(made.id)


def test_a_firm_has_no_more_people_than_its_limit_and_other_firms_do_not_mind(
    installation: Installation, second: AccessContext
) -> None:
    access = installation.access
    make_person(access, "admin")
    leaving = make_person(access)
    limit(installation, access, people=2)
    with pytest.raises(QuotaReached):
        make_person(access)
    assert people_of(access) == 2
    for _ in range(3):
        make_person(second)
    remove_person(access, command_line_actor(access), leaving.public_id)
    make_person(access)
    limit(installation, access, people=1)
    assert {
        each.quota: each.used
        for each in list_usage(
            installation.sign_in, find_workspace(installation.database, access.workspace_id)
        )
    }[Quota.PEOPLE] == 2, "who is there stays"
    limit(installation, access, people=None)
    make_person(access)


@pytest.mark.parametrize("most", [0, -1, 2_000_000_000])
def test_what_is_no_limit_is_refused(installation: Installation, most: int) -> None:
    with pytest.raises(InvalidFields):
        limit(installation, installation.access, people=most)


def test_setting_a_limit_is_in_the_firms_audit_and_setting_it_again_is_not(
    installation: Installation,
) -> None:
    for _ in range(2):
        limit(installation, installation.access, people=5, lists=3)
    limit(installation, installation.access, people=None)
    query = select(AuditEntry).filter_by(action="workspace.limited").order_by(AuditEntry.position)
    with installation.database.reading() as session:
        told = [entry.details["limits"] for entry in session.scalars(query)]
    assert told == ["people 5, lists 3", "lists 3"]


def test_browsers_and_tokens_count_together_and_ended_ones_do_not(
    installation: Installation,
) -> None:
    access = installation.access
    actor, person = command_line_actor(access), make_person(access)
    pair(access, person)
    made, _ = create_api_token(access, actor, "Night script")
    limit(installation, access, devices=2)
    with pytest.raises(QuotaReached):
        create_api_token(access, actor, "Second script")
    with pytest.raises(QuotaReached):
        pair(access, person)
    rotate_token(access, actor, made.public_id)
    revoke_token(access, actor, made.public_id)
    pair(access, person)


def test_a_browser_that_was_approved_has_its_place_before_it_fetches_its_tokens(
    installation: Installation,
) -> None:
    access = installation.access
    actor = page_actor(access, make_person(access))
    limit(installation, access, devices=1)
    key = new_key().thumbprint
    asked = start_pairing(installation.sign_in, "Firefox", "127.0.0.1", proven(key))
    approve_pairing(access, actor, asked.user_code, "Front desk")
    with pytest.raises(QuotaReached):
        create_api_token(access, actor, "Night script")
    other = start_pairing(installation.sign_in, "Chrome", "127.0.0.1", proven(new_key().thumbprint))
    with pytest.raises(QuotaReached):
        approve_pairing(access, actor, other.user_code, "Back office")
    assert exchange_device_code(installation.sign_in, asked.device_code, proven(key)).device


def test_an_expired_token_is_not_made_valid_beyond_the_limit(installation: Installation) -> None:
    access = installation.access
    actor = command_line_actor(access)
    made, _ = create_api_token(access, actor, "Old script")
    with access.database.writing() as session:
        session.get_one(Device, made.id).expires_at = utc_now() - timedelta(days=1)
    create_api_token(access, actor, "New script")
    limit(installation, access, devices=1)
    with pytest.raises(QuotaReached):
        rotate_token(access, actor, made.public_id)


def page_of(*references: str, name: str = "") -> ListPage:
    contacts = [ListedContact(each, name=f"Customer {each}") for each in references]
    return ListPage("sage_50", "", "customer", contacts, name=name)


def test_lists_and_their_rows_stop_at_the_limit_and_nothing_of_a_page_is_stored(
    installation: Installation, device_id: int
) -> None:
    ctx, access = installation.workspace, installation.access
    first = append_contacts(ctx, device_id, page_of("A1", "A2"), key="page-one-key")
    limit(installation, access, lists=1, rows=3)
    with pytest.raises(QuotaReached):
        append_contacts(ctx, device_id, page_of("B1"))
    with pytest.raises(QuotaReached):
        append_contacts(ctx, device_id, page_of("A3", "A4"), first.batch.id)
    again = append_contacts(ctx, device_id, page_of("A1", "A2"), key="page-one-key")
    assert again.batch.id == first.batch.id, "the answer to what was stored stays the same"
    done = append_contacts(ctx, device_id, page_of("A1", "A3"), first.batch.id)
    assert (done.contacts, done.added) == (3, 1)
    discard_batch(ctx, first.batch.id)
    append_contacts(ctx, device_id, page_of("B1"))


def test_of_a_file_above_the_limit_no_row_stays(
    installation: Installation, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.batches.file_import.CHUNK_SIZE", 2)
    limit(installation, installation.access, rows=3)
    lines = [Line(f"AC{number}", f"Customer {number}") for number in range(5)]
    with pytest.raises(QuotaReached):
        imported(installation.workspace, device_id, lines)
    with installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Batch)) == 0
        assert session.scalar(select(func.count()).select_from(BatchRow)) == 0
    assert imported(installation.workspace, device_id, lines[:3]).contacts == 3
    limit(installation, installation.access, lists=1)
    with pytest.raises(QuotaReached):
        imported(installation.workspace, device_id, lines[:1])


def test_requests_are_counted_for_all_processes_that_share_a_database(
    settings: Settings, installation: Installation, app: Flask
) -> None:
    limit(installation, installation.access, requests=2)
    token = make_token(installation.access)
    other = with_token(create_app(settings, installation), token)
    ours = with_token(app, token)
    for _ in range(2):
        assert ours.get("/api/v1/workspace").status_code == 200
    refused = ours.get("/api/v1/workspace")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    shared = installation.database.is_shared
    assert other.get("/api/v1/workspace").status_code == (429 if shared else 200)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_of_two_at_once_one_is_refused(installation: Installation) -> None:
    """The second comes while the first has not committed, and sees it when it may write."""
    access = installation.access
    actor = command_line_actor(access)
    limit(installation, access, people=1)
    with ThreadPoolExecutor(1) as pool:
        with access.database.writing() as session:
            session.add(Person(workspace_id=access.workspace_id, name="Ann", email="a@firm.example",
                               role="clerk"))  # fmt: skip
            session.flush()
            late = pool.submit(invite, access, actor, "Bo", "bo@firm.example", "clerk")
            deadline = time.monotonic() + 60
            while not session.scalar(WAITING):
                assert time.monotonic() < deadline, late
                time.sleep(0.01)
        with pytest.raises(QuotaReached):
            late.result(60)
    assert people_of(access) == 1

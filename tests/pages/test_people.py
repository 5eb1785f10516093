"""People, and one's own account."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask

from crmlink.access.pairing import approve_pairing, find_pairing, start_pairing
from crmlink.access.people import find_person, list_people
from crmlink.access.sessions import list_sessions
from crmlink.installation import Installation
from crmlink.store import Device
from support.access_factories import PASSWORD, page_actor, pair
from support.browser_client import proven
from support.page_client import PageClient, anonymous_client, signed_in_client, words
from support.sample_data import SampleData

NEW = "a bucket of elbow joints"


def test_a_person_is_added_and_comes_in_by_the_link_that_is_shown(
    app: Flask, admin: PageClient, installation: Installation
) -> None:
    reply = admin.send("/people", name="Kim Osei", email="kim@firm.example", role="clerk")
    page = html.unescape(reply.get_data(as_text=True))
    link = re.search(r'<code id="secret">http://localhost/welcome#(crmi_\w+)</code>', page)
    assert link
    assert reply.headers["Cache-Control"] == "no-store"
    visitor = anonymous_client(app)
    visitor.send("/welcome", "/welcome", token=link[1], password=NEW, again=NEW)
    assert "Kim Osei" in visitor.read("/account")
    assert link[1] not in admin.get("/people").get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "email": "kim@firm.example", "role": "clerk"}, "Enter a name"),
        ({"name": "x" * 101, "email": "kim@firm.example", "role": "clerk"}, "Enter a name"),
        ({"name": "Kim", "email": "nonsense", "role": "clerk"}, "Enter an email address"),
        ({"name": "Kim", "email": "", "role": "clerk"}, "Enter an email address"),
        ({"name": "Kim", "email": "kim@firm.example", "role": "king"}, "Choose one of"),
        ({}, "Enter a name"),
    ],
)
def test_a_field_that_is_wrong_is_said_where_it_stands_and_no_one_is_added(
    admin: PageClient, installation: Installation, fields: dict[str, str], said: str
) -> None:
    before = len(list_people(installation.access))
    reply = admin.send("/people", **fields)
    assert reply.status_code == 422
    assert said in words(reply)
    assert 'aria-invalid="true"' in reply.get_data(as_text=True)
    assert len(list_people(installation.access)) == before


def test_an_email_is_used_once(admin: PageClient, sample: SampleData) -> None:
    reply = admin.send("/people", name="Kim", email=sample.clerk.email.upper(), role="clerk")
    assert reply.status_code == 422
    assert "already has this email" in words(reply)


def test_a_role_changes_what_someone_may_do_at_once(
    admin: PageClient, clerk: PageClient, sample: SampleData
) -> None:
    assert clerk.get("/people").status_code == 403
    path = f"/people/{sample.clerk.public_id}"
    admin.send(path, name="Anna Whitcombe-Hall", role="admin")
    assert "Anna Whitcombe-Hall" in clerk.read("/people")


@pytest.mark.parametrize(
    "fields", [{"name": " ", "role": "clerk"}, {"name": "Anna", "role": "king"}]
)
def test_a_change_that_will_not_do_is_refused(
    admin: PageClient, installation: Installation, sample: SampleData, fields: dict[str, str]
) -> None:
    assert admin.send(f"/people/{sample.clerk.public_id}", **fields).status_code == 422
    assert find_person(installation.access, sample.clerk.public_id).role == "clerk"


def test_the_last_admin_stays(
    admin: PageClient, installation: Installation, sample: SampleData
) -> None:
    path = f"/people/{sample.admin.public_id}"
    for reply in (
        admin.send(path, name="Priya Raman", role="clerk"),
        admin.send(f"{path}/remove"),
    ):
        assert reply.status_code == 409
        assert "crmlink needs an admin" in words(reply)
    assert admin.get("/people").status_code == 200


def test_removing_someone_says_first_what_stops_and_then_it_stops(
    admin: PageClient, clerk: PageClient, sample: SampleData
) -> None:
    path = f"/people/{sample.clerk.public_id}/remove"
    asked = admin.read(path)
    assert "Connected browsers that stop: 1." in asked
    assert clerk.get("/").status_code == 200, "asking removes nobody"
    assert admin.send(path).status_code == 303
    assert clerk.get("/").status_code == 303
    assert "Anna Whitcombe" in admin.read("/links"), "what they did stays"


def test_a_forgotten_password_is_set_anew_by_a_link(
    app: Flask, admin: PageClient, clerk: PageClient, sample: SampleData
) -> None:
    reply = admin.send(f"/people/{sample.clerk.public_id}/invitation")
    token = re.search(r"#(crmi_\w+)", reply.get_data(as_text=True))
    assert token
    assert clerk.get("/").status_code == 200, "the old password works until then"
    visitor = anonymous_client(app)
    visitor.send("/welcome", "/welcome", token=token[1], password=NEW, again=NEW)
    assert clerk.get("/").status_code == 303
    refused = anonymous_client(app).send(
        "/log-in", "/log-in", email=sample.clerk.email, password=PASSWORD
    )
    assert refused.status_code == 401


def test_an_admin_ends_all_log_ins_of_someone(
    admin: PageClient, clerk: PageClient, sample: SampleData
) -> None:
    admin.send(f"/people/{sample.clerk.public_id}/log-out")
    assert clerk.get("/").status_code == 303


def test_a_new_password_of_ones_own_ends_the_other_log_ins_but_not_this_one(
    app: Flask, installation: Installation, clerk: PageClient, sample: SampleData
) -> None:
    other = signed_in_client(app, installation, sample.clerk)
    reply = clerk.send("/account/password", old=PASSWORD, password=NEW, again=NEW)
    assert reply.status_code == 303
    assert "Your password is changed" in clerk.read("/account")
    assert other.get("/").status_code == 303


def works(installation: Installation, device: Device) -> bool:
    """Whether a browser is let in."""
    with installation.database.reading() as session:
        return session.get_one(Device, device.id).revoked_at is None


@pytest.mark.parametrize("ticked", [False, True])
def test_a_new_password_of_ones_own_ends_ones_browsers_when_the_box_is_ticked(
    installation: Installation, clerk: PageClient, sample: SampleData, ticked: bool
) -> None:
    others = pair(installation.access, sample.manager).device
    waiting = start_pairing(installation.access, "Chrome on Windows", "192.0.2.7", proven("a key"))
    approve_pairing(
        installation.access,
        page_actor(installation.access, sample.clerk),
        waiting.user_code,
        "Till",
    )
    assert "Disconnect my browsers too" in clerk.read("/account")
    box = {"browsers": "yes"} if ticked else {}
    clerk.send("/account/password", old=PASSWORD, password=NEW, again=NEW, **box)
    assert works(installation, sample.browser) is not ticked
    assert ("Your browsers are disconnected" in clerk.read("/account")) is ticked
    assert works(installation, others)
    state = find_pairing(installation.access, waiting.user_code).state
    assert state == ("denied" if ticked else "approved"), "nor does one come that is on its way"


@pytest.mark.parametrize("ticked", [False, True])
def test_a_forgotten_password_set_anew_ends_ones_browsers_when_the_box_is_ticked(
    app: Flask, admin: PageClient, installation: Installation, sample: SampleData, ticked: bool
) -> None:
    reply = admin.send(f"/people/{sample.clerk.public_id}/invitation")
    token = re.search(r"#(crmi_\w+)", reply.get_data(as_text=True))
    assert token
    visitor = anonymous_client(app)
    assert "Disconnect my browsers too" in words(
        visitor.send("/welcome", "/welcome", token=token[1])
    )
    box = {"browsers": "yes"} if ticked else {}
    visitor.send("/welcome", "/welcome", token=token[1], password=NEW, again=NEW, **box)
    assert works(installation, sample.browser) is not ticked


@pytest.mark.parametrize("ticked", [False, True])
def test_one_ends_everything_else_of_ones_own_and_stays_logged_in(
    app: Flask, installation: Installation, clerk: PageClient, sample: SampleData, ticked: bool
) -> None:
    other = signed_in_client(app, installation, sample.clerk)
    others = pair(installation.access, sample.manager).device
    box = {"browsers": "yes"} if ticked else {}
    assert clerk.send("/account/log-ins/end-all", **box).status_code == 303
    assert other.get("/").status_code == 303
    assert clerk.get("/").status_code == 200
    assert works(installation, sample.browser) is not ticked
    assert works(installation, others)


@pytest.mark.parametrize("ticked", [False, True])
def test_an_admin_ends_someones_browsers_with_their_log_ins_when_the_box_is_ticked(
    admin: PageClient,
    clerk: PageClient,
    installation: Installation,
    sample: SampleData,
    ticked: bool,
) -> None:
    path = f"/people/{sample.clerk.public_id}"
    assert "Disconnect their browsers too" in admin.read(path)
    admin.send(f"{path}/log-out", **({"browsers": "yes"} if ticked else {}))
    assert clerk.get("/").status_code == 303
    assert works(installation, sample.browser) is not ticked


@pytest.mark.parametrize(
    ("old", "password", "again", "said"),
    [
        ("wrong", NEW, NEW, "Wrong current password"),
        (PASSWORD, NEW, NEW + "!", "two passwords don't match"),
        (PASSWORD, "short", "short", "12 characters"),
    ],
)
def test_a_password_change_that_will_not_do_is_said(
    clerk: PageClient, old: str, password: str, again: str, said: str
) -> None:
    reply = clerk.send("/account/password", old=old, password=password, again=again)
    assert reply.status_code == 422
    assert said in words(reply)


def test_one_ends_ones_own_log_in_elsewhere_and_no_one_elses(
    app: Flask,
    installation: Installation,
    clerk: PageClient,
    manager: PageClient,
    sample: SampleData,
) -> None:
    other = signed_in_client(app, installation, sample.clerk)
    newest = max(list_sessions(installation.access, sample.clerk), key=lambda one: one.id)
    assert manager.send(f"/account/log-ins/{newest.public_id}/end").status_code == 403
    assert other.get("/").status_code == 200
    assert clerk.send(f"/account/log-ins/{newest.public_id}/end").status_code == 303
    assert other.get("/").status_code == 303


def test_one_renames_and_disconnects_ones_own_browser_and_no_one_elses(
    clerk: PageClient, manager: PageClient, sample: SampleData
) -> None:
    path = f"/account/browsers/{sample.browser.public_id}"
    clerk.send(f"{path}/name", name="Chrome at the till")
    assert "Chrome at the till" in clerk.read(f"{path}/disconnect")
    clerk.send(f"{path}/name", name="")
    assert "Enter a name" in clerk.read("/account")
    assert manager.get(f"{path}/disconnect").status_code == 404
    assert manager.send(f"{path}/disconnect").status_code == 403
    assert manager.send(f"{path}/name", name="Mine").status_code == 403
    assert clerk.send(f"{path}/disconnect").status_code == 303
    assert "No browser is connected" in clerk.read("/account")


def test_no_one_at_someones_screen_can_try_passwords_without_end(clerk: PageClient) -> None:
    for _ in range(60):
        reply = clerk.send("/account/password", old="wrong one", password=NEW, again=NEW)
        if reply.status_code == 429:
            break
    assert reply.status_code == 429

"""Devices and tokens, Commusoft, packages, audit, settings, the guide."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.access.api_tokens import list_tokens
from crmlink.access.preferences import read_preferences
from crmlink.accounting.rule_loading import RULE_FILE
from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.pace import PaceState
from crmlink.commusoft.vault import Vault
from crmlink.installation import KEY_FILE, Installation, open_installation
from crmlink.linking.connections import connection_in_use
from crmlink.linking.workspace_rules import list_hosts
from crmlink.settings import Settings
from crmlink.store import AuditEntry, WorkspaceConnection
from support.access_factories import make_person, with_token
from support.page_client import PageClient, signed_in_client, words
from support.sample_data import SampleData
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to

SHOWN = re.compile(r'<code id="secret">(crm_\w+)</code>')


def _shown(reply_text: str) -> str:
    found = SHOWN.search(reply_text)
    assert found
    return found[1]


def test_a_token_is_shown_once_and_works(
    app: Flask, admin: PageClient, installation: Installation
) -> None:
    reply = admin.send("/devices/tokens/new", name="Export", days="30", scopes=["suggest", "read"])
    token = _shown(reply.get_data(as_text=True))
    answer = with_token(app, token).get("/api/v1/workspace").get_json()
    assert answer["device"]["name"] == "Export"
    page = admin.get("/devices").get_data(as_text=True)
    assert token not in page
    assert token[:12] in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "days": "30", "scopes": ["read"]}, "Enter a name"),
        ({"name": "Export", "days": "0", "scopes": ["read"]}, "1 to 365"),
        ({"name": "Export", "days": "366", "scopes": ["read"]}, "1 to 365"),
        ({"name": "Export", "days": "many", "scopes": ["read"]}, "1 to 365"),
        ({"name": "Export", "days": "9" * 5000, "scopes": ["read"]}, "1 to 365"),
        ({"name": "Export", "days": "30"}, "Choose one or more of"),
        ({"name": "Export", "days": "30", "scopes": ["everything"]}, "Choose one or more of"),
    ],
)
def test_a_token_that_will_not_do_is_not_made(
    admin: PageClient, installation: Installation, fields: dict[str, Any], said: str
) -> None:
    before = len(list_tokens(installation.access))
    reply = admin.send("/devices/tokens/new", **fields)
    assert reply.status_code == 422
    assert said in words(reply)
    assert len(list_tokens(installation.access)) == before


def test_a_rotated_token_takes_over_when_it_is_first_used(app: Flask, admin: PageClient) -> None:
    made = admin.send("/devices/tokens/new", name="Export", days="30", scopes=["read"])
    old = _shown(made.get_data(as_text=True))
    listed = admin.get("/devices").get_data(as_text=True)
    found = re.search(r'/devices/browsers/(\w+)">Export<', listed)
    assert found
    path = f"/devices/tokens/{found[1]}/rotate"
    assert "works until the new one is used" in admin.read(path)
    new = _shown(admin.send(path).get_data(as_text=True))
    assert with_token(app, old).get("/api/v1/workspace").status_code == 200
    assert with_token(app, new).get("/api/v1/workspace").status_code == 200
    assert with_token(app, old).get("/api/v1/workspace").status_code == 401


def test_tokens_and_browsers_are_revoked_after_a_second_yes(
    admin: PageClient, sample: SampleData, installation: Installation
) -> None:
    for device, done in ((sample.browser, "is disconnected"), (sample.token, "is revoked")):
        path = f"/devices/browsers/{device.public_id}/revoke"
        assert "can't undo this" in admin.read(path)
        assert device.name in admin.read("/devices")
        assert admin.send(path).status_code == 303
        assert done in admin.read("/devices"), "said once"
        assert device.name not in admin.read("/devices")
        assert device.name in admin.read("/devices?ended=yes")
        assert "Revoked" in admin.read(f"/devices/browsers/{device.public_id}")


def test_all_tokens_are_revoked_at_once_and_browsers_stay(
    admin: PageClient, sample: SampleData, installation: Installation
) -> None:
    assert "stop working: 2" in admin.read("/devices/tokens/revoke-all")
    admin.send("/devices/tokens/revoke-all")
    told = admin.read("/audit?action=token")
    assert (
        sample.token.name in told.partition("revoked all tokens")[2].partition("created a token")[0]
    )
    assert all(token.revoked_at for token in list_tokens(installation.access))
    page = admin.read("/devices")
    assert "No tokens" in page
    assert sample.browser.name in page


def test_a_device_is_renamed_and_a_name_that_will_not_do_is_said(
    admin: PageClient, sample: SampleData
) -> None:
    path = f"/devices/browsers/{sample.browser.public_id}"
    assert admin.send(path, name="Chrome at the till").status_code == 303
    assert "Chrome at the till" in admin.read(path)
    assert "Enter a name" in words(admin.send(path, name=" "))


def test_the_pace_of_calls_is_shown_with_why_it_is_lower(
    admin: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "calls a second" not in admin.read("/commusoft")
    lower = PaceState(2.5, 5.0, "slow")
    monkeypatch.setattr(CommusoftClient, "pace", lower)
    shown = "2.5 calls a second now, at most 5. Commusoft took twice as long as before."
    assert shown in admin.read("/commusoft")
    monkeypatch.setattr(CommusoftClient, "pace", replace(lower, reason=None))
    assert "at most 5 " in admin.read("/commusoft")


def test_the_doctor_says_each_step_and_remembers_what_it_found(
    admin: PageClient, installation: Installation, sandbox: SandboxHandle
) -> None:
    with installation.database.reading() as session:
        assert (
            session.get_one(WorkspaceConnection, installation.workspace.connection_id).dialect
            is None
        )
    page = words(admin.send("/commusoft/doctor", record=""))
    assert "Token: received as" in page
    assert "List of customers:" in page
    assert "Commusoft can be read." in page
    with installation.database.reading() as session:
        assert session.get_one(WorkspaceConnection, installation.workspace.connection_id).dialect


def test_the_doctor_writes_only_to_a_record_that_was_agreed_to(
    admin: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    for fields in (
        {"record": "customer-1006"},
        {"record": "Mrs Holloway", "agreed": "yes"},
        {"record": "customer-", "agreed": "yes"},
    ):
        assert admin.send("/commusoft/doctor", **fields).status_code == 422
    page = words(admin.send("/commusoft/doctor", record="customer-1006", agreed="yes"))
    assert "Saving test on customer-1006" in page


def test_an_account_that_lets_no_one_in_gives_a_letter_without_secrets(
    admin: PageClient, sandbox: SandboxHandle
) -> None:
    sandbox.stop()
    page = words(admin.send("/commusoft/doctor", record=""))
    assert "be read" in page
    assert "Subject: API" in page


def test_credentials_are_not_taken_where_the_environment_gives_them(admin: PageClient) -> None:
    assert "environment variables" in admin.read("/commusoft/connect")
    fields = dict.fromkeys(("client_id", "username", "password", "application_id"), "x")
    reply = admin.send("/commusoft/connect", url="http://127.0.0.1:9/api", **fields)
    assert reply.status_code == 422


def test_an_account_is_tried_kept_locked_and_forgotten_by_pages(
    settings: Settings, sandbox: SandboxHandle
) -> None:
    settings = replace(settings, commusoft=None)
    bare = open_installation(
        settings, CommusoftClient(connection_to(sandbox.address), limits=FAST_LIMITS)
    )
    vault = Vault.at(settings.data_dir / KEY_FILE)
    fields = dict.fromkeys(("client_id", "username", "password", "application_id"), "sandbox")
    try:
        admin = signed_in_client(
            create_app(settings, bare), bare, make_person(bare.access, "admin")
        )
        assert "No account is connected" in admin.read("/commusoft")
        wrong = admin.send("/commusoft/connect", url="http://crm.example/api", **fields)
        assert wrong.status_code == 422, "credentials must not travel in clear"
        assert admin.send("/commusoft/connect", url="https://x.example").status_code == 422
        assert "Nothing was saved" in words(
            admin.send("/commusoft/connect", url="http://127.0.0.1:9/api/v1", **fields)
        )
        assert not bare.first.has_account
        reply = admin.send(
            "/commusoft/connect", url=connection_to(sandbox.address).base_url, **fields
        )
        assert "Connected. Your credentials are stored encrypted." in words(reply)
        told = admin.read("/audit?action=commusoft")
        assert "connected Commusoft" in told
        assert "Robin" in told
        assert bare.first.has_account
        kept = connection_in_use(bare.database, bare.access.workspace_id).credentials
        assert vault.decrypt(kept or "") == connection_to(sandbox.address)
        assert admin.send("/commusoft/disconnect").status_code == 303
        assert not bare.first.has_account
    finally:
        bare.close()


def test_the_page_says_which_account_it_is_without_its_secrets(
    admin: PageClient, installation: Installation
) -> None:
    page = admin.read("/commusoft")
    assert installation.workspace.commusoft.connection.base_url in page
    assert "application_id" not in page


def test_the_firms_own_address_is_added_and_taken_away(
    admin: PageClient, installation: Installation
) -> None:
    path = "/packages/sage_200/hosts"
    assert admin.send(path, host="sage.office.example:10444").status_code == 303
    assert list_hosts(installation.workspace) == {"sage_200": ["sage.office.example:10444"]}
    away = f"{path}/remove?host=sage.office.example:10444"
    assert "Remove sage.office.example:10444" in admin.read(away)
    assert list_hosts(installation.workspace), "asking takes nothing away"
    admin.send(away)
    assert list_hosts(installation.workspace) == {}


@pytest.mark.parametrize("host", ["", "https://sage.office.example", "go.xero.com", "a b", "*"])
def test_what_is_no_address_to_add_is_said(
    admin: PageClient, installation: Installation, host: str
) -> None:
    reply = admin.send("/packages/sage_200/hosts", host=host)
    assert reply.status_code == 422
    assert 'aria-invalid="true"' in reply.get_data(as_text=True)
    assert list_hosts(installation.workspace) == {}


def test_an_address_cannot_be_added_to_a_package_with_fixed_ones_or_to_none(
    admin: PageClient, installation: Installation
) -> None:
    assert admin.send("/packages/xero/hosts", host="xero.office.example").status_code == 422
    assert admin.send("/packages/zebra/hosts", host="zebra.office.example").status_code == 422
    assert list_hosts(installation.workspace) == {}


def test_a_rule_file_of_ones_own_that_is_broken_is_said_with_what_is_wrong(
    admin: PageClient, installation: Installation
) -> None:
    assert "checked just now and found good" in admin.read("/packages")
    installation.workspace.rule_file.own.write_text('{"version": 1, "packages": {"xero": {}}}')
    page = admin.read("/packages")
    assert "rule file has errors" in page
    assert "At packages.xero" in page
    assert "Sage 200 Web Portal" in page, "the last good rules stay in use"


def sent_rules(admin: PageClient, content: str, then: str) -> TestResponse:
    file = (io.BytesIO(content.encode()), "edited.json")
    return admin.send("/packages/rules", file=file, then=then)


def test_an_edited_rule_file_is_checked_put_to_use_and_taken_out_again(
    admin: PageClient, installation: Installation
) -> None:
    edited = RULE_FILE.read_text("utf-8").replace('"Xero"', '"Xero, mended"')
    assert "edited.json is good" in words(sent_rules(admin, edited, "check"))
    assert not installation.workspace.rule_file.own.exists(), "checking changes nothing"
    assert sent_rules(admin, edited, "install").status_code == 303
    assert installation.workspace.packages["packages"]["xero"]["name"] == "Xero, mended"
    assert "Go back" in admin.read("/packages/rules/remove")
    assert admin.send("/packages/rules/remove").status_code == 303
    assert installation.workspace.packages["packages"]["xero"]["name"] == "Xero"
    page = admin.read("/audit?action=rules")
    assert "installed a rule file" in page
    assert "went back to crmlink's own rules" in page
    assert page.count("Priya Raman") >= 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", "The rule file edited.json is not JSON"),
        ('{"version": 1, "packages": {"xero": {}}}', "At packages.xero"),
        (RULE_FILE.read_text("utf-8").replace("go.xero.com", "go.xero.example"), "xero"),
    ],
)
def test_a_rule_file_that_is_not_good_is_said_and_not_put_to_use(
    admin: PageClient, installation: Installation, content: str, said: str
) -> None:
    reply = sent_rules(admin, content, "install")
    assert reply.status_code == 422
    assert "edited.json has errors" in words(reply)
    assert said in words(reply)
    assert not installation.workspace.rule_file.own.exists()
    assert "Choose the edited rule file" in words(admin.send("/packages/rules", then="install"))


def test_the_audit_says_who_did_what_and_leads_there(admin: PageClient, sample: SampleData) -> None:
    page = admin.get("/audit?action=link").get_data(as_text=True)
    assert f'href="/links/{sample.linked.id}"' in page
    assert 'href="/records/customer-1001"' in page
    assert "Anna Whitcombe" in page
    assert 'href="/lists/' in admin.get("/audit?action=batch").get_data(as_text=True)
    assert "Audit log verified." in words(admin.get("/audit"))
    assert "No entries match" in admin.read("/audit?q=zebra")
    assert "added a person" in admin.read("/audit?action=person&q=Priya")
    assert admin.get("/audit?before=x&action=%25").status_code == 200


def test_a_line_that_was_changed_shows(admin: PageClient, installation: Installation) -> None:
    with installation.database.engine.begin() as connection:
        for name in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
        ).scalars():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.execute(
            AuditEntry.__table__.update()  # type: ignore[attr-defined] # it is a table
            .where(AuditEntry.position == 3)
            .values(subject="someone else")
        )
    assert "Line 3 was altered" in admin.read("/audit")


def test_the_audit_is_taken_away_as_a_table(admin: PageClient) -> None:
    reply = admin.get("/audit.csv")
    assert reply.mimetype == "text/csv"
    assert "attachment" in reply.headers["Content-Disposition"]
    assert reply.get_data(as_text=True).lstrip("\ufeff").startswith("Line,When,Who,")


def test_settings_are_saved_and_what_is_no_number_of_days_is_said(
    admin: PageClient, installation: Installation
) -> None:
    good = {"keep_names_days": "30", "keep_drafts_days": "7", "pairing_needs_admin": "yes"}
    assert 'value="99.5"' in admin.get("/settings").get_data(as_text=True)
    good["sure_bound"] = "99.9 %"
    assert admin.send("/settings", **good).status_code == 303
    kept = read_preferences(installation.access)
    assert (kept.keep_names_days, kept.keep_drafts_days) == (30, 7)
    assert kept.pairing_needs_admin
    assert kept.sure_bound == 0.999
    for wrong in ("99.4", "100", "many", "", "-1", "٩٩"):
        reply = admin.send("/settings", **(good | {"sure_bound": wrong}))
        assert reply.status_code == 422, wrong
        assert "Enter a percentage from 99.5 to 99.999%." in words(reply)
    for wrong in ("-1", "many", "", "99999", "9" * 5000):
        reply = admin.send("/settings", **(good | {"keep_names_days": wrong}))
        assert reply.status_code == 422, wrong
        assert "a whole number" in words(reply)
    assert read_preferences(installation.access) == kept


def test_the_four_steps_know_what_is_done(
    clerk: PageClient, admin: PageClient, sample: SampleData
) -> None:
    assert clerk.read("/start").count("Done") == 1
    assert admin.read("/start").count("Done") == 0, "the office has links, but none is theirs"


def test_the_documentation_shows_every_route(app: Flask, clerk: PageClient) -> None:
    spec = clerk.get("/api/openapi.json").get_json()
    page = clerk.read("/docs")
    for path in spec["paths"]:
        assert path in page

"""Every page and state that a person can come to: for pictures, for axe, for hostile names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import FilePayload, Page

from crmlink.accounting.rule_loading import RULE_FILE
from support.sample_data import SampleData

RULES = RULE_FILE.read_text("utf-8")
WRONG_RULES = RULES.replace("go.xero.com", "go.xero.example")
Who = Literal["clerk", "manager", "admin", "anonymous"]


def _nothing(_page: Page) -> None:
    """The page as it opens."""


@dataclass(frozen=True)
class PageCase:
    """A page: its name, its address in the sample, who looks, and what is done there first.

    ``shows`` is on it when it is the right one.
    """

    name: str
    path: Callable[[SampleData], str]
    shows: str
    who: Who = "admin"
    steps: Callable[[Page], None] = _nothing


def _at(path: str) -> Callable[[SampleData], str]:
    return lambda _scene: path


def _press(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name).click()


def _log_in_wrongly(page: Page) -> None:
    page.get_by_label("Email").fill("anna@firm.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()


def _add_missing(page: Page) -> None:
    page.get_by_label("Name").fill("Kim")
    page.get_by_label("Email").fill("kim@nowhere")
    page.get_by_role("button", name="Add and show").click()


def _add_somebody(page: Page) -> None:
    page.get_by_label("Name").fill("Kim Osei")
    page.get_by_label("Email").fill("kim@firm.example")
    page.get_by_role("button", name="Add and show").click()


def _make_token(page: Page) -> None:
    page.get_by_label("Name").fill("Stock system, warehouse")
    page.get_by_role("button", name="Create token").click()


def _send_rules(content: str) -> Callable[[Page], None]:
    file = FilePayload(name="edited.json", mimeType="application/json", buffer=content.encode())

    def send(page: Page) -> None:
        page.get_by_label("An edited rule file").set_input_files(file)
        page.get_by_role("button", name="Check", exact=True).click()

    return send


def _write_to_missing(page: Page) -> None:
    page.get_by_label("Test saving").fill("customer-999999")
    page.get_by_label("Yes, save to that record").check()
    page.get_by_role("button", name="Run check").click()


def _ask_new_password(page: Page) -> None:
    page.get_by_label("Email").fill("stranger@elsewhere.example")
    page.get_by_role("button", name="Send the link").click()


def _wrong_mail_server(page: Page) -> None:
    page.locator("#host").fill("smtp firm")
    page.locator("#port").fill("22")
    page.get_by_role("button", name="Save").first.click()


def _save_mail_server(page: Page) -> None:
    page.locator("#sender_name").fill("The office")
    page.get_by_role("button", name="Save").first.click()


def _approve(page: Page) -> None:
    page.get_by_role("button", name="Yes, connect").click()


def _connect_elsewhere(page: Page) -> None:
    page.get_by_label("Redirect address").fill("https://www.firm.example/back")
    page.get_by_label("Client id").fill("ours")
    page.get_by_role("button", name="Continue to Xero").click()


def _of_browser(sample: SampleData) -> str:
    return f"/devices/browsers/{sample.browser.public_id}"


PAGE_CASES = (
    PageCase("log-in", _at("/log-in"), "Sign in", "anonymous"),
    PageCase(
        "log-in-refused", _at("/log-in"), "Wrong email or password", "anonymous", _log_in_wrongly
    ),
    PageCase("forgotten", _at("/forgotten"), "Send the link", "anonymous"),
    PageCase("forgotten-asked", _at("/forgotten"), "works once", "anonymous", _ask_new_password),
    PageCase("unsubscribe-wrong", _at("/unsubscribe/x"), "work", "anonymous"),
    PageCase("privacy", _at("/privacy"), "What crmlink does with data", "anonymous"),
    PageCase("welcome", _at("/welcome"), "one-time link", "anonymous"),
    PageCase("overview", _at("/"), "Needs attention"),
    PageCase("overview-clerk", _at("/"), "Recent links", "clerk"),
    PageCase("links", _at("/links"), "newest first"),
    PageCase("links-none", _at("/links?q=zebra"), "No links match", "clerk"),
    PageCase("link", lambda sample: f"/links/{sample.linked.id}", "Now", "clerk"),
    PageCase("link-undone", lambda sample: f"/links/{sample.undone.id}", "Undone", "manager"),
    PageCase("link-conflict", lambda sample: f"/links/{sample.conflict.id}", "SMITH01", "clerk"),
    PageCase("undo", lambda sample: f"/links/{sample.linked.id}/undo", "After undo", "clerk"),
    PageCase("undo-refused", lambda sample: f"/links/{sample.undone.id}/undo", "already", "clerk"),
    PageCase("records", _at("/records"), "by name", "clerk"),
    PageCase("records-found", _at("/records?q=john+smith"), "best match first", "clerk"),
    PageCase("records-import-refused", _at("/records/import"), "none are imported", "manager"),
    PageCase("record", _at("/records/customer-1001"), "Links", "clerk"),
    PageCase("record-bare", _at("/records/customer-1006"), "No links yet", "clerk"),
    PageCase("parked", _at("/parked"), "Bramble Cottage", "clerk"),
    PageCase(
        "parked-contact", lambda sample: f"/parked/{sample.parked.id}", "The contact", "clerk"
    ),
    PageCase("pair-code", _at("/pair"), "8 letters", "clerk"),
    PageCase("pair", lambda sample: f"/pair?code={sample.fresh_code}", "this code", "clerk"),
    PageCase("pair-unknown", _at("/pair?code=BBBBBBBB"), "No browser is showing", "clerk"),
    PageCase("pair-waits", lambda sample: f"/pair?code={sample.waiting_code}", "an admin", "clerk"),
    PageCase("pair-admin", lambda sample: f"/pair?code={sample.waiting_code}", "Approve"),
    PageCase("account", _at("/account"), "signed in", "clerk"),
    PageCase("start", _at("/start"), "Getting started", "clerk"),
    PageCase("start-admin", _at("/start"), "Getting started"),
    PageCase("docs", _at("/docs"), "The API", "clerk"),
    PageCase("install", _at("/install"), "Install the extension", "clerk"),
    PageCase("install-admin", _at("/install"), "All browsers of the office"),
    PageCase("people", _at("/people"), "Add a person"),
    PageCase("people-wrong", _at("/people"), "Enter an email address", "admin", _add_missing),
    PageCase("invited", _at("/people"), "Give this link", "admin", _add_somebody),
    PageCase("person", lambda sample: f"/people/{sample.clerk.public_id}", "Name and role"),
    PageCase(
        "disconnect", lambda sample: _of_browser(sample) + "/revoke", "an admin disconnected it"
    ),
    PageCase(
        "rotate",
        lambda sample: f"/devices/tokens/{sample.token.public_id}/rotate",
        "until the new one is used",
    ),
    PageCase("revoke-all", _at("/devices/tokens/revoke-all"), "stop working"),
    PageCase(
        "remove", lambda sample: f"/people/{sample.clerk.public_id}/remove", "What happens now"
    ),
    PageCase("devices", _at("/devices?ended=yes"), "Waiting for your approval"),
    PageCase("browser", _of_browser, "acts for"),
    PageCase(
        "token", lambda sample: f"/devices/browsers/{sample.token.public_id}", "It expires on"
    ),
    PageCase("token-new", _at("/devices/tokens/new"), "It can"),
    PageCase("token-made", _at("/devices/tokens/new"), "shown only now", "admin", _make_token),
    PageCase("commusoft", _at("/commusoft"), "Connection check"),
    PageCase("doctor", _at("/commusoft"), "can be read", "admin", _press("Run check")),
    PageCase("doctor-broken", _at("/commusoft"), "needs fixing", "admin", _write_to_missing),
    PageCase("email", _at("/settings/email"), "may or may not have arrived"),
    PageCase("email-test", _at("/settings/email"), "Not sent.", steps=_press("Send a test email")),
    PageCase("email-wrong", _at("/settings/email"), "There are problems", steps=_wrong_mail_server),
    PageCase("email-saved", _at("/settings/email"), "server is saved", steps=_save_mail_server),
    PageCase("email-remove", _at("/settings/email/remove"), "What happens now"),
    PageCase("upkeep", _at("/upkeep"), "Backups and checks"),
    PageCase("upkeep-kept", _at("/upkeep"), "Backup made:", steps=_press("Back up now")),
    PageCase("upkeep-checks", _at("/upkeep"), "Data folder", steps=_press("Run checks")),
    PageCase("checklist", _at("/commusoft/checklist"), "Checklist for Commusoft"),
    PageCase("connect", _at("/commusoft/connect"), "Connect your"),
    PageCase("connect-pages", _at("/commusoft/connect-pages"), "no API access"),
    PageCase("packages", _at("/packages"), "The rules"),
    PageCase("rules-good", _at("/packages"), "json is good", "admin", _send_rules(RULES)),
    PageCase("rules-wrong", _at("/packages"), "has errors", "admin", _send_rules(WRONG_RULES)),
    PageCase("rules-remove", _at("/packages/rules/remove"), "use the built-in rules"),
    PageCase("left-contacts", _at("/left/contacts"), "No contacts have been read", "clerk"),
    PageCase("left-live", _at("/left/live"), "No contacts have been read", "clerk"),
    PageCase("sources", _at("/sources"), "Nothing is connected yet"),
    PageCase("source-connect", _at("/sources/connect/xero"), "Mobile or desktop app"),
    PageCase("source-connector", _at("/sources/quickbooks-desktop"), "Auto-Run"),
    PageCase(
        "source-connector-password",
        _at("/sources/quickbooks-desktop"),
        "It is shown only now",
        steps=_press("Create the password"),
    ),
    PageCase("source-agent", _at("/sources/sage-50"), "starts with the computer"),
    PageCase("source-ask", _at("/sources/connect/kashflow"), "stores neither"),
    PageCase("source-paste", _at("/sources/paste"), "even if no page opened"),
    PageCase("source-sent", _at("/sources/connect/xero"), "Two steps", steps=_connect_elsewhere),
    PageCase("audit", _at("/audit"), "Audit log verified"),
    PageCase("settings", _at("/settings"), "must approve"),
    PageCase("not-allowed", _at("/people"), "Not allowed", "clerk"),
    PageCase("not-found", _at("/nowhere"), "Not found", "clerk"),
    PageCase(
        "paired", lambda sample: f"/pair?code={sample.fresh_code}", "Approved", "clerk", _approve
    ),
)

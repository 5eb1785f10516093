"""Every page and state that a person can come to: for pictures, for axe, for hostile names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import FilePayload, Page

from crmlink.accounting.rule_loading import RULE_FILE
from support.sample_data import Scene

RULES = RULE_FILE.read_text("utf-8")
WRONG_RULES = RULES.replace("go.xero.com", "go.xero.example")
Who = Literal["clerk", "manager", "admin", "nobody"]


def _nothing(_page: Page) -> None:
    """The page as it opens."""


@dataclass(frozen=True)
class Sight:
    """A page: its name, its address in a scene, who looks, and what is done there first.

    ``shows`` stands on it when it is the right one.
    """

    name: str
    path: Callable[[Scene], str]
    shows: str
    who: Who = "admin"
    steps: Callable[[Page], None] = _nothing


def _at(path: str) -> Callable[[Scene], str]:
    return lambda _scene: path


def _press(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name).click()


def _log_in_wrongly(page: Page) -> None:
    page.get_by_label("Email").fill("anna@firm.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()


def _add_nobody(page: Page) -> None:
    page.get_by_label("Name").fill("Kim")
    page.get_by_label("Email").fill("kim@nowhere")
    page.get_by_role("button", name="Add and show").click()


def _add_somebody(page: Page) -> None:
    page.get_by_label("Name").fill("Kim Osei")
    page.get_by_label("Email").fill("kim@firm.example")
    page.get_by_role("button", name="Add and show").click()


def _make_token(page: Page) -> None:
    page.get_by_label("Name").fill("Stock system, warehouse")
    page.get_by_role("button", name="Make the token").click()


def _send_rules(content: str) -> Callable[[Page], None]:
    file = FilePayload(name="edited.json", mimeType="application/json", buffer=content.encode())

    def send(page: Page) -> None:
        page.get_by_label("An edited rule file").set_input_files(file)
        page.get_by_role("button", name="Check it", exact=True).click()

    return send


def _write_to_nobody(page: Page) -> None:
    page.get_by_label("Also test writing").fill("customer-999999")
    page.get_by_label("Yes, write to that record").check()
    page.get_by_role("button", name="Examine the account").click()


def _approve(page: Page) -> None:
    page.get_by_role("button", name="Yes, connect it").click()


def _of_browser(scene: Scene) -> str:
    return f"/devices/browsers/{scene.browser.public_id}"


SIGHTS = (
    Sight("log-in", _at("/log-in"), "Log in", "nobody"),
    Sight("log-in-refused", _at("/log-in"), "do not belong together", "nobody", _log_in_wrongly),
    Sight("welcome", _at("/welcome"), "one-time link", "nobody"),
    Sight("overview", _at("/"), "What waits for a person"),
    Sight("overview-clerk", _at("/"), "Recent links", "clerk"),
    Sight("links", _at("/links"), "the newest first"),
    Sight("links-none", _at("/links?q=zebra"), "No link fits", "clerk"),
    Sight("link", lambda scene: f"/links/{scene.linked.id}", "Since then", "clerk"),
    Sight("link-undone", lambda scene: f"/links/{scene.undone.id}", "Undone", "manager"),
    Sight("link-conflict", lambda scene: f"/links/{scene.conflict.id}", "SMITH01", "clerk"),
    Sight("undo", lambda scene: f"/links/{scene.linked.id}/undo", "After the undo", "clerk"),
    Sight("undo-refused", lambda scene: f"/links/{scene.undone.id}/undo", "already", "clerk"),
    Sight("records", _at("/records"), "by name", "clerk"),
    Sight("records-found", _at("/records?q=john+smith"), "likeliest", "clerk"),
    Sight("record", _at("/records/customer-1001"), "Its links", "clerk"),
    Sight("record-bare", _at("/records/customer-1006"), "No link yet", "clerk"),
    Sight("pair-code", _at("/pair"), "Eight letters", "clerk"),
    Sight("pair", lambda scene: f"/pair?code={scene.fresh_code}", "same code", "clerk"),
    Sight("pair-unknown", _at("/pair?code=BBBBBBBB"), "No browser shows", "clerk"),
    Sight("pair-waits", lambda scene: f"/pair?code={scene.waiting_code}", "an admin", "clerk"),
    Sight("pair-admin", lambda scene: f"/pair?code={scene.waiting_code}", "Let it in"),
    Sight("account", _at("/account"), "Where you are logged in", "clerk"),
    Sight("start", _at("/start"), "Four steps", "clerk"),
    Sight("docs", _at("/docs"), "The API", "clerk"),
    Sight("people", _at("/people"), "Add somebody"),
    Sight("people-wrong", _at("/people"), "no email", "admin", _add_nobody),
    Sight("invited", _at("/people"), "Hand this link", "admin", _add_somebody),
    Sight("person", lambda scene: f"/people/{scene.clerk.public_id}", "Name and role"),
    Sight("disconnect", lambda scene: _of_browser(scene) + "/revoke", "by the admin"),
    Sight("rotate", lambda scene: f"/devices/tokens/{scene.token.public_id}/rotate", "stays good"),
    Sight("revoke-all", _at("/devices/tokens/revoke-all"), "refused from now on"),
    Sight("remove", lambda scene: f"/people/{scene.clerk.public_id}/remove", "At once"),
    Sight("devices", _at("/devices?ended=yes"), "Waiting for your yes"),
    Sight("browser", _of_browser, "acts for"),
    Sight("token", lambda scene: f"/devices/browsers/{scene.token.public_id}", "It ends on"),
    Sight("token-new", _at("/devices/tokens/new"), "It may"),
    Sight("token-made", _at("/devices/tokens/new"), "shown only now", "admin", _make_token),
    Sight("commusoft", _at("/commusoft"), "The doctor"),
    Sight("doctor", _at("/commusoft"), "way was found", "admin", _press("Examine the account")),
    Sight("doctor-broken", _at("/commusoft"), "is not good", "admin", _write_to_nobody),
    Sight("connect", _at("/commusoft/connect"), "environment variables"),
    Sight("packages", _at("/packages"), "The rules"),
    Sight("rules-good", _at("/packages"), "json is good", "admin", _send_rules(RULES)),
    Sight("rules-wrong", _at("/packages"), "is not good", "admin", _send_rules(WRONG_RULES)),
    Sight("rules-remove", _at("/packages/rules/remove"), "extensions follow"),
    Sight("audit", _at("/audit"), "The audit holds"),
    Sight("settings", _at("/settings"), "must approve"),
    Sight("not-allowed", _at("/people"), "Not allowed", "clerk"),
    Sight("not-found", _at("/nowhere"), "Not found", "clerk"),
    Sight("paired", lambda scene: f"/pair?code={scene.fresh_code}", "Approved", "clerk", _approve),
)

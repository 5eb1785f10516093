"""Connecting a browser in three clicks, and every way in which a connection ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from sqlalchemy import update

from browsers.page_driver import Browser, PageDriver, wait_for
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices, wait_until
from browsers.saved import MARGARET, saved_site, xero_contact
from crmlink.access.devices import list_devices, revoke_device
from crmlink.access.people import remove_person
from crmlink.access.refresh_tokens import rotate_refresh_token
from crmlink.store import Device, Pairing, Person
from crmlink.store.base import utc_now
from e2e.turns import in_chromium, in_firefox
from security.outside import Browser as Copier
from support.access_factories import make_person, page_actor
from support.browser_client import proven

# Whether the private half can be got out of where it lies, in a page of the extension's own.
EXPORT_KEY = """import(chrome.runtime.getURL("lib/server/key_store.js")).then(async (module) => {
    const store = module.createKeyStore(() => indexedDB, chrome.storage.session);
    const { privateKey } = await store.read();
    const { extractable } = privateKey;
    const got = (format) =>
        crypto.subtle.exportKey(format, privateKey).then(() => true, () => false);
    return { extractable, jwk: await got("jwk"), pkcs8: await got("pkcs8") };
})"""
GOOD = "document.querySelector('#outcome .good')?.innerText"


@pytest.fixture
def stranger(browser: Browser) -> PopupDriver:
    """Somebody whose extension was never connected."""
    browser.serve(saved_site())
    clerk = PopupDriver(browser)
    clerk.in_own_page(
        "Promise.all([chrome.storage.session.clear(), new Promise((done) => {"
        " indexedDB.deleteDatabase('crmlink').onsuccess = () => done(); }),"
        " chrome.storage.local.remove(['connection', 'ended', 'rules'])])"
    )
    return clerk


@pytest.fixture
def anna(access: RunningServices) -> Person:
    """A clerk of the office, with a password."""
    return make_person(access.access_context, "clerk", "Anna Kowalska")


def shown_code(page: PageDriver) -> str:
    code: str = wait_for(page, "document.querySelector('.code [aria-hidden]')?.innerText")
    return code


def test_connect_allow_approve_and_the_clerk_links_until_an_admin_says_no(
    stranger: PopupDriver, access: RunningServices, anna: Person
) -> None:
    server = access.server.address
    settings = stranger.press_connect(server)
    code = shown_code(settings)
    spelled = settings.evaluate("document.querySelector('.code .unseen').textContent")
    assert ", ".join(code.replace("-", "")) in spelled
    assert stranger.approve(server, anna) == code
    assert "works" in wait_for(settings, GOOD)
    facts = settings.evaluate("document.querySelector('.facts').innerText")
    assert "Anna Kowalska, clerk" in facts
    [device] = list_devices(access.access_context)
    assert device.name in facts
    assert device.person
    assert device.person.name == "Anna Kowalska"
    settings.close()

    stranger.look_at(xero_contact())
    stranger.link_to_crm()
    assert "Anna Kowalska" in stranger.reads()
    stranger.press("Enter")
    stranger.sees("linked")
    assert access.reference("customer-1001") == MARGARET

    admin = page_actor(access.access_context, make_person(access.access_context, "admin"))
    revoke_device(access.access_context, admin, device.public_id)
    stranger.press_button("Undo")
    stranger.sees("ended-device-revoked")
    assert "This browser was disconnected" in stranger.reads()
    assert access.reference("customer-1001") == MARGARET

    stranger.press("Enter")
    stranger.answer_prompt()
    stranger.approve(server, anna)
    stranger.look_at(xero_contact())
    stranger.link_to_crm("already")
    assert [bool(one.revoked_at) for one in list_devices(access.access_context)] == [False, True]


@in_chromium
def test_the_code_is_on_the_popup_too_while_its_page_is_open(
    stranger: PopupDriver, access: RunningServices, anna: Person
) -> None:
    server = access.server.address
    stranger.look_at(xero_contact())
    settings = stranger.press_connect(server)
    code = shown_code(settings)
    settings.close()
    stranger.link_to_crm("pairing")
    assert shown_code(stranger.popup) == code
    stranger.popup.close()
    assert stranger.approve(server, anna) == code
    stranger.look_at(xero_contact())
    stranger.link_to_crm()


def test_a_worker_that_dies_half_way_goes_on(
    stranger: PopupDriver, browser: Browser, access: RunningServices, anna: Person
) -> None:
    server = access.server.address
    stranger.press_connect(server).close()
    browser.end_worker()
    stranger.approve(server, anna)
    stranger.look_at(xero_contact())
    stranger.link_to_crm()
    assert len(list_devices(access.access_context)) == 1


@in_firefox
def test_a_browser_that_is_refused_says_so_and_may_ask_again(
    stranger: PopupDriver, access: RunningServices, anna: Person
) -> None:
    server = access.server.address
    settings = stranger.press_connect(server)
    stranger.approve(server, anna, "deny")
    wait_for(settings, "document.body.innerText.includes('Not approved')")
    settings.close()
    stranger.look_at(xero_contact())
    stranger.link_to_crm("pairing-denied")
    stranger.press("Enter")
    stranger.approve(server, anna)
    stranger.look_at(xero_contact())
    stranger.link_to_crm()


@in_chromium
def test_a_code_that_no_one_approved_in_time_is_too_old(
    stranger: PopupDriver, access: RunningServices
) -> None:
    settings = stranger.press_connect(access.server.address)
    with access.access_context.database.writing() as session:
        session.execute(update(Pairing).values(expires_at=utc_now() - timedelta(seconds=1)))
    wait_for(settings, "document.body.innerText.includes('The code has expired')")
    settings.close()
    stranger.link_to_crm("pairing-over")
    assert list_devices(access.access_context) == []


@in_firefox
def test_cancel_ends_the_waiting(
    stranger: PopupDriver, access: RunningServices, anna: Person
) -> None:
    settings = stranger.press_connect(access.server.address)
    settings.evaluate("document.querySelector('#cancel').click()")
    wait_for(settings, "document.querySelector('#connect')")
    stranger.approve(access.server.address, anna)
    settings.close()
    stranger.look_at(xero_contact())
    stranger.link_to_crm("not-connected")
    assert list_devices(access.access_context) == []


def test_a_connection_that_lapsed_or_was_copied_or_whose_person_left_says_which(
    clerk: PopupDriver, access: RunningServices
) -> None:
    def lapse() -> None:
        with access.access_context.database.writing() as session:
            session.execute(update(Device).values(expires_at=utc_now() - timedelta(seconds=1)))

    def copy() -> None:
        stored = clerk.in_own_page("chrome.storage.local.get('connection')")["connection"]
        key = list_devices(access.access_context)[0].key_thumbprint  # copied with all of the disk
        second = rotate_refresh_token(access.access_context, stored["refresh_token"], proven(key))
        third = rotate_refresh_token(access.access_context, second.refresh_token, proven(key))
        rotate_refresh_token(access.access_context, third.refresh_token, proven(key))
        clerk.in_own_page(
            "chrome.storage.local.get('connection').then(({ connection }) =>"
            " chrome.storage.local.set({ connection: { ...connection, access_until: 0 } }))"
        )

    def leave() -> None:
        admin = page_actor(access.access_context, make_person(access.access_context, "admin"))
        remove_person(access.access_context, admin, person.public_id)

    for end, screen, words in (
        (lapse, "ended-device-expired", "The connection has expired"),
        (copy, "ended-token-reused", "to be safe"),
        (leave, "ended-device-revoked", "This browser was disconnected"),
    ):
        person = clerk.connect(access)
        assert clerk.may_reach(access.server.address)
        end()
        clerk.look_at(xero_contact())
        clerk.link_to_crm(screen)
        assert words in clerk.reads()
        kept = clerk.in_own_page("chrome.storage.local.get(null).then(JSON.stringify)")
        assert "crmr_" not in kept
        assert "access_token" not in kept
        if clerk.browser.name == "firefox":  # in Chromium it is the tests' own, for good
            assert not clerk.may_reach(access.server.address)


def test_what_the_browser_keeps_as_text_opens_nothing_and_its_key_cannot_be_read(
    stranger: PopupDriver, access: RunningServices, anna: Person
) -> None:
    server = access.server.address
    stranger.press_connect(server).close()
    stranger.approve(server, anna)
    stranger.look_at(xero_contact())
    stranger.link_to_crm()
    stranger.popup.close()
    storage = stranger.in_own_page("chrome.storage.local.get('connection')")["connection"]
    for scheme in ("Bearer", "DPoP"):
        headers = {"Authorization": f"{scheme} {storage['access_token']}"}
        reply = requests.get(f"{server}/api/v1/workspace", headers=headers, timeout=60)
        assert reply.status_code == 401
    thief = Copier(server)
    form = {"grant_type": "refresh_token", "refresh_token": storage["refresh_token"]}
    assert thief.ask("POST", "/token", data=form).json()["error"] == "invalid_grant"
    read = stranger.in_own_page(EXPORT_KEY)
    assert read == {"extractable": False, "jwk": False, "pkcs8": False}
    stranger.look_at(xero_contact())
    stranger.link_to_crm()
    assert [bool(one.revoked_at) for one in list_devices(access.access_context)] == [False]


def test_a_browser_that_lost_its_key_asks_to_be_connected_again_and_is(
    stranger: PopupDriver, browser: Browser, access: RunningServices, anna: Person
) -> None:
    server = access.server.address
    stranger.press_connect(server).close()
    stranger.approve(server, anna)
    browser.end_worker()
    stranger.look_at(xero_contact())
    stranger.link_to_crm()
    stranger.popup.close()

    stranger.in_own_page(
        "new Promise((done) => { indexedDB.deleteDatabase('crmlink').onsuccess = () => done(1); })"
    )
    stranger.look_at(xero_contact())
    stranger.link_to_crm("ended-key-lost")
    assert "Connect this browser again" in stranger.reads()
    assert "Your links and lists are safe" in stranger.reads()
    stranger.press("Enter")
    stranger.answer_prompt()
    stranger.approve(server, anna)
    stranger.look_at(xero_contact())
    stranger.link_to_crm()


@in_chromium
def test_disconnecting_ends_it_on_the_server_and_says_when_it_could_not(
    clerk: PopupDriver, access: RunningServices
) -> None:
    assert disconnect(clerk) == "Disconnected."
    assert [bool(one.revoked_at) for one in list_devices(access.access_context)] == [True]
    clerk.connect(access, device="Till")
    access.server.stop()
    said = disconnect(clerk)
    assert "Ask your admin" in said
    assert "Till" in said


def disconnect(clerk: PopupDriver) -> str:
    """By the settings; what they say."""
    page = clerk.browser.open_own_page("options/options.html")
    try:
        wait_for(page, "document.querySelector('#outcome .good, #outcome .stop')")
        page.evaluate("document.querySelector('#disconnect').click()")
        said: str = wait_for(
            page,
            "document.querySelector('#connect') && document.querySelector('#outcome')?.innerText",
        )
        return said
    finally:
        page.close()


@in_firefox
def test_a_server_that_is_away_when_tokens_are_due_costs_no_connection(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(xero_contact())
    clerk.in_own_page(
        "chrome.storage.local.get('connection').then(({ connection }) =>"
        " chrome.storage.local.set({ connection: { ...connection, access_until: 0 } }))"
    )
    access.server.stop()
    clerk.link_to_crm("trouble-server-not-running")
    access.server.start()
    wait_until(lambda: access.ask("workspace"), "the server is back")
    clerk.press("Enter")
    clerk.sees("choose")

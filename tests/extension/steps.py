"""What a person does in the popup, and the states that this leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playwright.sync_api import Page

from extension.scripted_server import Answer

CONTACT = "https://go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186"
SAGE = "https://accounts-extra.sageone.com/contacts/customers/145570473"
KASHFLOW = "https://app.kashflow.com/v3/#/customers/STEV01"
QUICKBOOKS = "https://app.qbo.intuit.com/app/vendordetail?nameId=31"

FREEAGENT = "https://acme.freeagent.com/contacts/151730"

Steps = Callable[[Page, Page], object]


def look_only(_page: Page, _site: Page) -> None:
    """The popup opens, nothing else."""


@dataclass(frozen=True)
class State:
    """`screen` is what the popup's body says it shows; `shows` a text that must be seen."""

    name: str
    screen: str
    replies: Mapping[str, Answer] = field(default_factory=dict)
    steps: Steps = look_only
    url: str = CONTACT
    shows: str = ""
    sandbox: bool = False
    connected: bool = True
    lapsed: bool = False  # the access token has to be renewed
    policy: Mapping[str, object] = field(default_factory=dict)  # what the office has set
    server_gone: bool = False
    html: str = ""
    types_address: bool = False  # of the server that answers here
    settings: bool = False
    site: bool = False  # the accounting package's page is what is looked at


def chosen(page: Page) -> None:
    page.locator("body[data-screen='choose'] #link").wait_for()


def confirm(page: Page, _site: Page) -> None:
    """Enter, as the clerk does."""
    chosen(page)
    page.keyboard.press("Enter")


def choose_second(page: Page, _site: Page) -> None:
    chosen(page)
    page.keyboard.press("2")
    page.keyboard.press("Enter")


def accept(page: Page, site: Page) -> None:
    choose_second(page, site)
    page.locator("#accept").check()


def park(page: Page, _site: Page) -> None:
    chosen(page)
    page.locator("#park").click()


def undo(page: Page, site: Page) -> None:
    confirm(page, site)
    page.get_by_role("button", name="Undo").click()


def plain(page: Page, _site: Page) -> None:
    page.locator("#server").fill("http://office-pc:8787")


def connect(page: Page, _site: Page) -> None:
    page.locator("#connect").click()


def connect_to_nonsense(page: Page, _site: Page) -> None:
    page.locator("#server").fill("crm office")
    page.locator("#connect").click()


def disconnect(page: Page, _site: Page) -> None:
    page.locator("#outcome .good").wait_for()
    page.locator("#disconnect").click()


def switch_on(package: str) -> Steps:
    """The button on the package's pages, from the settings; then it shows itself in the tab."""

    def steps(page: Page, site: Page) -> None:
        page.locator(f"#on-page-{package}").click()
        page.get_by_text("The button is on in").wait_for()
        site.bring_to_front()
        site.wait_for_function(
            "getComputedStyle(document.querySelector('crmlink-button')).visibility === 'visible'"
        )

    return steps


def search(text: str, heading: str = "found") -> Steps:
    def steps(page: Page, _site: Page) -> None:
        chosen(page)
        page.keyboard.press("/")
        page.keyboard.type(text)
        page.locator("#records-heading", has_text=heading).wait_for()

    return steps


def move_on(page: Page, site: Page) -> None:
    chosen(page)
    site.goto(
        "https://go.xero.com/app/!kR4N6/contacts/contact/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f"
    )
    page.keyboard.press("Enter")


def change_contact(page: Page, site: Page) -> None:
    chosen(page)
    site.evaluate(
        "for (const h of document.querySelectorAll('h1')) h.textContent = 'Peter Ashdown'"
    )
    page.keyboard.press("Enter")


def close_tab(page: Page, site: Page) -> None:
    chosen(page)
    site.close()
    page.keyboard.press("Enter")


def paste(text: str) -> Steps:
    def steps(page: Page, _site: Page) -> None:
        page.locator("#address").fill(text)
        page.locator("#address").press("Enter")

    return steps


def by_hand(reference: str) -> Steps:
    def steps(page: Page, _site: Page) -> None:
        page.locator("summary").wait_for()
        if not page.locator("#hand-reference").is_visible():  # open where it was used before
            page.locator("summary").click()
        page.locator("#hand-package").select_option("sage_50")
        page.locator("#hand-reference").fill(reference)
        page.locator("#hand-name").fill("Margaret Holloway")
        page.locator("#hand-reference").press("Enter")

    return steps


def send_list(page: Page, _site: Page) -> None:
    page.locator("#send-list").wait_for()
    page.keyboard.press("Enter")


def change_list(page: Page, site: Page) -> None:
    """The page goes on to its next contacts while the popup is open."""
    page.locator("#send-list").wait_for()
    site.evaluate("document.querySelector('tr').remove()")
    page.keyboard.press("Enter")


def scroll_down(page: Page, _site: Page) -> None:
    chosen(page)
    page.evaluate("document.documentElement.scrollTop = 1e6")


def other_open(page: Page, site: Page) -> None:
    """A link of another contact that got no answer, then this contact."""
    confirm(page, site)
    page.locator("body[data-screen='no-answer']").wait_for()
    site.goto(
        "https://go.xero.com/app/!kR4N6/contacts/contact/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f"
    )
    page.reload()

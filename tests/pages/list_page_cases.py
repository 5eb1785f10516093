"""Every page and state of whole lists that a person can come to: for pictures, and for axe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import FilePayload, Page, expect

from crmlink.batches.control import cancel, pause, start_undo
from crmlink.batches.drafts import rows_of
from crmlink.batches.match_job import start_matching
from crmlink.batches.review import claim
from crmlink.installation import Installation
from crmlink.linking.records.fields import ShownField, show_field
from crmlink.linking.ways import choose_writes
from crmlink.reports.duplicates import search_duplicates
from crmlink.store import Batch, RowState, Writes
from pages.page_cases import Who
from support.access_factories import page_actor
from support.list_files import (
    BROKEN,
    CAST,
    accepted,
    draft,
    linked,
    matched,
    started,
    unlinked,
    work,
    xero_file,
)
from support.live_server import LiveServer, await_keyboard
from support.sandbox import OTHER

FEW = 6
CONTACT = f"https://go.xero.com/app/!kR4N6/contacts/contact/{OTHER}"
Steps = Callable[[Page], None]
Where = Callable[["SampleBatches"], str]


@dataclass(frozen=True)
class SampleBatches:
    """A list in each state, by their ids."""

    draft: str
    bare: str
    matching: str
    review: str
    ready: str
    writing: str
    paused: str
    done: str
    cancelled: str
    filling: str
    undoing: str
    undone: str


def _nothing(_page: Page) -> None:
    """The page as it opens."""


@dataclass(frozen=True)
class ListPageCase:
    """A page: its name, its address, what is on it when it is the right one, who looks."""

    name: str
    path: Where
    shows: str
    who: Who = "manager"
    steps: Steps = _nothing


def populate_batches(live: LiveServer) -> SampleBatches:
    """Put a list in each state into an installation."""
    installation, clerk, manager = live.installation, live.sample.clerk, live.sample.manager
    ctx = installation.workspace
    hands = [unlinked(installation, FEW, FEW * number) for number in range(6)]
    on_page = unlinked(installation, FEW, 8 * FEW)
    undone = linked(installation, manager, hands[0], "Xero, old company")
    live.commusoft.put_reference(_first(installation, undone, RowState.SUCCESSFUL), "CHANGED-SINCE")
    start_undo(ctx, undone.device_id, undone.id)
    work(installation)
    done = started(installation, manager, hands[1], "Xero, March")
    live.commusoft.put_reference(_first(installation, done, RowState.WAITING), "TAKEN-SINCE")
    work(installation)
    paused = started(installation, manager, hands[2], "Xero, April")
    pause(ctx, paused.device_id, paused.id)
    cancelled = started(installation, manager, hands[3], "Xero, by mistake")
    cancel(ctx, cancelled.device_id, cancelled.id)
    choose_writes(ctx, Writes.PAGES, cancelled.device_id)
    filling = linked(installation, manager, on_page, "Xero, on Commusoft's page")
    choose_writes(ctx, Writes.API, cancelled.device_id)
    host = urlsplit(ctx.commusoft.web_url).netloc
    shown = ShownField("customer", host, "#other > input", "Our reference")
    show_field(ctx, shown, cancelled.device_id)
    undoing = linked(installation, manager, hands[4], "Xero, May")
    ready = accepted(installation, manager, hands[5], "Xero, June")
    mixed = (*CAST, *unlinked(installation, 14, 10 * FEW))
    review = matched(installation, manager, mixed, name="Xero, the north")
    claim(ctx, page_actor(installation.access, live.sample.admin).device.id, review.id, 2)
    matching = draft(installation, manager, unlinked(installation, 30), name="Xero, the south")
    writing = started(installation, manager, unlinked(installation, FEW, 7 * FEW), "Xero, July")
    start_matching(ctx, matching.device_id, matching.id, 0.99)
    start_undo(ctx, undoing.device_id, undoing.id)
    search_duplicates(ctx)
    return SampleBatches(
        draft=draft(installation, clerk, (*CAST, BROKEN), name="Xero, with a broken line").id,
        bare=draft(installation, clerk, references=False, name="Xero, as exported").id,
        matching=matching.id, review=review.id, ready=ready.id, writing=writing.id,
        paused=paused.id, done=done.id, cancelled=cancelled.id, filling=filling.id,
        undoing=undoing.id, undone=undone.id,
    )  # fmt: skip


def _first(installation: Installation, batch: Batch, state: RowState) -> str:
    """The record of a list's first row in a state."""
    rows = rows_of(installation.workspace, batch.id)
    return next(row.record_id or "" for row in rows if row.state is state)


def _list(state: str, more: str = "") -> Where:
    return lambda batches: f"/lists/{getattr(batches, state)}{more}"


def _keys(*keys: str) -> Steps:
    def press(page: Page) -> None:
        await_keyboard(page)
        page.locator(".row").first.focus()
        for key in keys:
            page.keyboard.press(key)

    return press


def _send(page: Page, content: bytes) -> None:
    payload: FilePayload = {"name": "Contacts.csv", "mimeType": "text/csv", "buffer": content}
    page.get_by_label("File", exact=True).set_input_files(payload)
    page.get_by_role("button", name="Upload").click()


def _send_file(page: Page) -> None:
    content = xero_file((*CAST, BROKEN))
    _send(page, content)


def _send_picture(page: Page) -> None:
    _send(page, b"\x89PNG\r\n")


def choose_reference(page: Page, heading: str) -> None:
    """Choose the column with this heading, beside which its first values stand."""
    option = page.locator("#reference-0 option", has_text=heading)
    page.locator("#reference-0").select_option(value=option.get_attribute("value"))


def _correct_columns(page: Page) -> None:
    _send_file(page)
    page.get_by_text("Match your columns").click()
    choose_reference(page, "ContactID")
    page.get_by_label("Customers", exact=True).check()
    page.get_by_role("button", name="Update preview").click()


def _ask_left_out(page: Page) -> None:
    _correct_columns(page)
    page.get_by_role("button", name="Save as draft").click()


def _keep_without_kind(page: Page) -> None:
    _send_file(page)
    page.get_by_role("button", name="Save as draft").click()


def _search(page: Page) -> None:
    _keys("j", "j", "j", "/")(page)
    page.keyboard.type("smith")
    expect(page.locator("#finder-found li").first).to_be_visible()


def _ask_second_choice(page: Page) -> None:
    await_keyboard(page)
    page.locator("#row-7").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#row-7 .asked")).to_be_visible()


LIST_PAGE_CASES = (
    ListPageCase("lists", lambda _: "/lists", "To do"),
    ListPageCase("lists-new", lambda _: "/lists/new", "Does my file include", "clerk"),
    ListPageCase("lists-no-list", lambda _: "/lists/new", "picture", "clerk", _send_picture),
    ListPageCase("lists-look", lambda _: "/lists/new", "Preview", "clerk", _send_file),
    ListPageCase("lists-columns", lambda _: "/lists/new", "Line 13", "clerk", _correct_columns),
    ListPageCase("lists-left-out", lambda _: "/lists/new", "would be", "clerk", _ask_left_out),
    ListPageCase("lists-kind", lambda _: "/lists/new", "problem", "clerk", _keep_without_kind),
    ListPageCase("list-draft", _list("draft"), "Draft"),
    ListPageCase("list-draft-clerk", _list("draft"), "Saved.", "clerk"),
    ListPageCase("list-bare", _list("bare"), "no reference yet"),
    ListPageCase("list-bad", _list("draft", "/bad"), "left out"),
    ListPageCase("list-matching", _list("matching"), "Matching"),
    ListPageCase("list-review", _list("review"), "to check"),
    ListPageCase("list-review-keys", _list("review"), "others", "manager", _keys("j", "j", "j")),
    ListPageCase("list-review-help", _list("review"), "Keys", "manager", _keys("?")),
    ListPageCase("list-review-search", _list("review"), "Conflict", "manager", _search),
    ListPageCase("list-review-second", _list("review"), "Replace", "manager", _ask_second_choice),
    ListPageCase("list-review-none", _list("review", "?q=zebra"), "No contact matches this filter"),
    ListPageCase("list-review-clerk", _list("review"), "Managers and admins", "clerk"),
    ListPageCase("list-row", _list("review", "/rows/4?q=john"), "Search Commusoft"),
    ListPageCase("list-sure", _list("review", "/sure"), "Accept"),
    ListPageCase("list-summary-before", _list("ready", "/link"), "What will be linked"),
    ListPageCase("list-nothing-to-link", _list("review", "/link"), "Nothing is ready"),
    ListPageCase("list-writing", _list("writing"), "Linking"),
    ListPageCase("list-paused", _list("paused"), "Paused"),
    ListPageCase("list-done", _list("done"), "Retry 1 failed"),
    ListPageCase("list-cancelled", _list("cancelled"), "Cancelled"),
    ListPageCase("list-filling", _list("filling"), "wait to be filled in"),
    ListPageCase("list-filling-cancel", _list("filling", "/cancel"), "will be withdrawn"),
    ListPageCase("commusoft-waiting", lambda _: "/commusoft", "To be saved on", "admin"),
    ListPageCase("list-undoing", _list("undoing"), "Undoing"),
    ListPageCase("list-undone", _list("undone"), "Undone"),
    ListPageCase("list-undo", _list("done", "/undo"), "earlier reference back"),
    ListPageCase("list-cancel", _list("paused", "/cancel"), "stay linked"),
    ListPageCase("list-discard", _list("draft", "/discard"), "are deleted"),
    ListPageCase("left", lambda _: "/left", "Share linked", "clerk"),
    ListPageCase("left-manager", lambda _: "/left?days=30", "Possible duplicates"),
    ListPageCase("left-customers", lambda _: "/left/customer", "without a reference", "clerk"),
    ListPageCase(
        "left-link", lambda _: f"/left/link/customer-1004?url={CONTACT}", "Is this right", "clerk"
    ),
    ListPageCase("list-summary", _list("undone", "/summary"), "Could not be undone"),
)

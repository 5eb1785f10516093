"""The states of the popup, each with what the server says and what the person does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page
from scripted_server import Answer, Reply, problem

CONTACT = "https://go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186"
REFERENCE = "8275f116-6419-4b82-889a-f41dcc1d6186"
OLD = "5f0c2b1e-7a3d-4c58-9e21-3b8a6d4f1c70"
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
    server_gone: bool = False
    html: str = ""


def record(number: str, label: str, address: str, town: str, postcode: str, **more: Any) -> dict[str, Any]:
    """A record as the server shows it."""
    kind = more.pop("kind", "customer")
    return {"id": f"{kind}-{number}", "kind": kind, "label": label, "name": label, "company": "",
            "email": "", "phones": [], "address": address, "town": town, "postcode": postcode,
            "account_number": "", "reference": None,
            "page_url": f"https://app.commusoft.example/customers/customer/{number}/view", **more}


HOLLOWAY = record("1001", "Margaret Holloway", "14 Orchard Close", "Cheltenham", "GL50 2TR",
                  email="margaret.holloway@postbox.example", phones=["01632 960114"])
HOLLIS = record("2107", "Martin Holloway", "3 Orchard Way", "Gloucester", "GL1 1AA",
                email="m.holloway@letterbox.example")
HALLOWES = record("2388", "Margaret Hallowes", "71 Priory Road", "Cheltenham", "GL52 6JX",
                  phones=["01632 960118"], reference=OLD)
LETTINGS = record("1007", "Greenfield Lettings Limited", "101 High Street", "Solihull", "B91 3SX",
                  name="Aisha Khan", company="Greenfield Lettings Limited",
                  email="office@greenfieldlettings.example", reference=OLD)
RIPON = record("1004", "John Smith", "8 Mill Lane", "Ripon", "HG4 1AB", phones=["01632 960501"])
YORK = record("1005", "John Smith", "52 Station Road", "York", "YO24 1AA", email="john.smith@letterbox.example")
NORTHGATE = record("501", "Northgate Plumbing Supplies Ltd", "Unit 9, Foundry Way", "Darlington", "DL1 2PB",
                   kind="supplier", name="Karen Whitlock", company="Northgate Plumbing Supplies Ltd",
                   email="sales@northgateplumbing.example")


def why(*texts: str) -> list[dict[str, Any]]:
    """Reasons; one that starts with ! differs."""
    return [{"code": "x", "text": text.removeprefix("!"), "agrees": not text.startswith("!")} for text in texts]


def suggestion(of: dict[str, Any], probability: float, *texts: str, sure: bool = False) -> dict[str, Any]:
    return {"record": of, "probability": probability, "sure": sure, "reasons": why(*texts)}


def offer(*suggestions: dict[str, Any], none: float = 0.01, likely: str = "customer",
          holders: list[dict[str, Any]] | None = None, link: dict[str, Any] | None = None) -> Reply:
    """What the server knows of a contact."""
    return Reply(200, {"contact": {}, "likely_kind": likely, "suggestions": list(suggestions), "none": none,
                       "holders": holders or [], "link": link})


FOUND = offer(
    suggestion(HOLLOWAY, 0.9931, "same email", "same postcode", "same telephone", sure=True),
    suggestion(HALLOWES, 0.0214, "similar name", "!other street", "!other postcode"),
    suggestion(HOLLIS, 0.0102, "same surname", "!other first name", "!other town"),
)
NONE_FOUND = offer(none=0.97)


def link(state: str = "linked", of: dict[str, Any] = HOLLOWAY, **more: Any) -> dict[str, Any]:
    return {"id": "lnk_01", "state": state, "kind": "customer", "package": "xero", "organisation": "!kR4N6",
            "reference": REFERENCE, "contact_name": "Margaret Holloway",
            "record": {**of, "reference": REFERENCE if state == "linked" else of["reference"]},
            "prior_reference": None, "created_at": "2026-03-02T09:41:00+00:00",
            "settled_at": "2026-03-02T09:41:02+00:00", "by": "Front desk, Chrome", "failure": None,
            "undoes": None, "undone_by": None, "can_undo": state == "linked"} | more


def usual_replies(*, sandbox: bool) -> dict[str, Answer]:
    """A server on which everything works."""
    workspace = {
        "name": "Severn Vale Heating", "device": {"name": "Front desk, Chrome", "scopes": ["suggest", "link", "read"]},
        "commusoft": {"sandbox": sandbox, "web_url": "https://app.commusoft.example"},
        "mirror": {"customers": 2000, "suppliers": 200, "synced_at": "2026-03-02T09:30:00+00:00", "syncing": False},
    }
    return {
        "GET /api/v1/workspace": Reply(200, workspace),
        "POST /api/v1/suggestions": FOUND,
        "GET /api/v1/records": Reply(200, {"records": [HOLLOWAY, HALLOWES, HOLLIS]}),
        "POST /api/v1/links": Reply(201, link()),
        "POST /api/v1/links/lnk_01/undo": Reply(
            201, link(id="lnk_02", reference=None, prior_reference=REFERENCE, undoes="lnk_01", can_undo=False,
                      record=HOLLOWAY)),
    }


SUGGEST, LINKS, RECORDS = "POST /api/v1/suggestions", "POST /api/v1/links", "GET /api/v1/records"
WORKSPACE, UNDO = "GET /api/v1/workspace", "POST /api/v1/links/lnk_01/undo"


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


def undo(page: Page, site: Page) -> None:
    confirm(page, site)
    page.get_by_role("button", name="Undo").click()


def search(text: str) -> Steps:
    def steps(page: Page, _site: Page) -> None:
        chosen(page)
        page.keyboard.press("/")
        page.keyboard.type(text)
        page.locator("#records-heading", has_text="found").wait_for()

    return steps


def refused(name: str, status: int, detail: str, **more: Any) -> State:
    """A link that the server refuses."""
    reply = problem(name, status, detail, **more)
    return State(f"trouble-{name}", f"trouble-{name}", {LINKS: reply}, confirm, shows=detail)


def move_on(page: Page, site: Page) -> None:
    chosen(page)
    site.goto("https://go.xero.com/app/!kR4N6/contacts/contact/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f")
    page.keyboard.press("Enter")


def change_contact(page: Page, site: Page) -> None:
    chosen(page)
    site.evaluate("for (const h of document.querySelectorAll('h1')) h.textContent = 'Peter Ashdown'")
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
        if not page.locator("#hand-reference").is_visible():  # open where it was used before
            page.locator("summary").click()
        page.locator("#hand-package").select_option("sage_50")
        page.locator("#hand-reference").fill(reference)
        page.locator("#hand-name").fill("Margaret Holloway")
        page.locator("#hand-reference").press("Enter")

    return steps


def scroll_down(page: Page, _site: Page) -> None:
    chosen(page)
    page.evaluate("document.querySelector('main').scrollTop = 1e6")


def other_open(page: Page, site: Page) -> None:
    """A link of another contact that got no answer, then this contact."""
    confirm(page, site)
    page.locator("body[data-screen='no-answer']").wait_for()
    site.goto("https://go.xero.com/app/!kR4N6/contacts/contact/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f")
    page.reload()


LIST = "<title>Contacts</title><table>" + "".join(
    f'<tr><td><a href="/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d61{n:02}">Contact {n}</a>'
    for n in range(24)) + "</table>"
HANG = Reply(hang=True)
HTML = Reply(200, "<html><body>Welcome to the router</body></html>", {"Content-Type": "text/html"})
OTHER_REFERENCE = problem(
    "record-has-reference", 409, "Margaret Hallowes already has another reference.",
    record=HALLOWES, current_reference=OLD)
TAKEN = problem("reference-taken", 409, "Another record carries it.",
                holders=[{**LETTINGS, "reference": REFERENCE}])
UNSEEN = problem("reference-not-shown", 409, "Commusoft does not show it.", record=NORTHGATE)
MANY = offer(
    suggestion(HOLLOWAY, 0.71, "same postcode", "similar name", "!other telephone"),
    suggestion(HALLOWES, 0.09, "similar name", "!other street"),
    suggestion(HOLLIS, 0.05, "same surname", "!other first name", "!other town"),
    suggestion(LETTINGS, 0.03, "same telephone", "!other name", "!other postcode", "!other town"),
    suggestion(YORK, 0.01, "same house number"),
    none=0.1,
)

STATES = [
    State("not-connected", "not-connected", connected=False),
    State("loading", "loading", {"GET /api/v1/packages": HANG}),
    State("choose-loading", "choose-loading", {SUGGEST: HANG}),
    State("choose", "choose", steps=lambda page, _: chosen(page)),
    State("choose-sandbox", "choose", steps=lambda page, _: chosen(page), sandbox=True, shows="Sandbox: not your real Commusoft"),
    State("choose-five", "choose", {SUGGEST: MANY}, lambda page, _: chosen(page)),
    State("choose-five-end", "choose", {SUGGEST: MANY}, scroll_down, sandbox=True),
    State("choose-supplier", "choose", {SUGGEST: offer(suggestion(NORTHGATE, 0.93, "same name", "same email"))},
          lambda page, _: chosen(page), url=QUICKBOOKS, shows="Link to Northgate"),
    State("choose-near-tie", "choose", {SUGGEST: offer(
        suggestion(RIPON, 0.47, "same name", "!other postcode"),
        suggestion(YORK, 0.45, "same name", "!other street"), none=0.08)}, shows="Two records fit almost equally well"),
    State("choose-none", "choose", {SUGGEST: NONE_FOUND}, shows="No matching record found"),
    State("choose-unread", "choose", {SUGGEST: NONE_FOUND}, url=FREEAGENT, shows="layout has changed"),
    State("choose-caution", "choose", steps=lambda page, _: chosen(page), url=KASHFLOW, shows="KashFlow Code"),
    State("choose-exact", "choose", {SUGGEST: offer(suggestion({**HOLLOWAY, "label": "Margaret Holloway"}, 0.96, "same postcode"))},
          scroll_down, url=SAGE, shows="exact match"),
    State("search", "choose", steps=search("hol"), shows="3 records found"),
    State("search-none", "choose", {RECORDS: Reply(200, {"records": []})}, search("zebra"), shows="No customer found"),
    State("care-replace", "care", steps=choose_second, shows="has another reference"),
    State("care-accepted", "care", {LINKS: OTHER_REFERENCE}, accept),
    State("care-server-says", "care", {LINKS: OTHER_REFERENCE}, confirm, shows="has another reference"),
    State("care-also", "care", {LINKS: TAKEN}, confirm, shows="already in use"),
    State("care-unseen", "care", {LINKS: UNSEEN}, confirm, shows="Look at Northgate"),
    State("care-undo", "care", {UNDO: TAKEN}, undo, shows="The earlier reference is in use"),
    State("working", "working", {LINKS: HANG}, confirm),
    State("linked", "linked", steps=confirm, shows="now carries this reference", sandbox=True),
    State("linked-replaced", "linked", {LINKS: Reply(201, link(prior_reference=OLD))}, confirm, shows="Before:"),
    State("undone", "undone", steps=undo, shows="carries no reference again"),
    State("undone-earlier", "undone", {UNDO: Reply(201, link(reference=OLD, prior_reference=REFERENCE, undoes="lnk_01",
                                                             can_undo=False))}, undo, shows="earlier reference again"),
    State("already-ours", "already", {SUGGEST: offer(holders=[{**HOLLOWAY, "reference": REFERENCE}], link=link())},
          shows="Linked by Front desk"),
    State("already-elsewhere", "already", {SUGGEST: offer(holders=[{**HOLLOWAY, "reference": REFERENCE}])}, shows="not linked with crmlink"),
    State("already-many", "already", {SUGGEST: offer(holders=[
        {**HOLLOWAY, "reference": REFERENCE}, {**NORTHGATE, "reference": REFERENCE}])}, shows="These records carry"),
    State("waiting", "waiting", {LINKS: Reply(202, link("intended", settled_at=None)),
                                 "GET /api/v1/links/lnk_01": Reply(200, link("intended"))}, confirm),
    State("conflict", "conflict", {SUGGEST: offer(link=link("intended")), "GET /api/v1/links/lnk_01": Reply(
        200, link("conflict", failure={"type": "urn:crmlink:problem:record-changed",
                                       "detail": "The reference in Commusoft changed while this was being linked."}))}),
    State("choose-after-failure", "choose", {SUGGEST: Reply(200, {**FOUND.body, "link": link("failed", failure={
        "type": "urn:crmlink:problem:write-refused", "detail": "Commusoft refused to change this record."})})},
        lambda page, _: chosen(page), shows="did not succeed"),
    State("no-answer", "no-answer", {LINKS: HTML}, confirm, shows="nothing is ever written twice"),
    State("earlier-open", "choose", {LINKS: HTML}, other_open, shows="Nobody has seen"),
    State("elsewhere", "elsewhere", url="https://news.example/today", shows="This is not a contact's page"),
    State("elsewhere-refused", "elsewhere", url="https://news.example/today", steps=paste("https://news.example/x"),
          shows="This is not the address of a contact's page."),
    State("pasted", "choose", {SUGGEST: NONE_FOUND}, paste(CONTACT), url="https://news.example/today", shows="but its reference"),
    State("by-hand-refused", "elsewhere", url="https://news.example/today", steps=by_hand("TOO LONG FOR IT"), shows="It should be"),
    State("by-hand", "choose", url="https://news.example/today", steps=by_hand("holl01"), shows="HOLL01"),
    State("list", "list", url="https://go.xero.com/app/!kR4N6/contacts", shows="24 contacts are on this page.", html=LIST),
    State("trouble-token-refused", "trouble-token-refused", {WORKSPACE: problem(
        "token-refused", 401, "This browser or script is not connected any more. Connect it again with a valid token.")}),
    State("trouble-server-unreachable", "trouble-server-unreachable", server_gone=True, shows="Is the server running"),
    State("trouble-server-odd", "trouble-server-odd", {SUGGEST: HTML}),
    State("trouble-tab-moved", "trouble-tab-moved", steps=move_on),
    State("trouble-contact-changed", "trouble-contact-changed", steps=change_contact),
    State("trouble-tab-closed", "trouble-tab-closed", steps=close_tab),
    State("trouble-unknown", "trouble-general", {SUGGEST: problem("moon-phase", 418, "The moon is in the wrong phase.")}, shows="req-7c1e90d2"),
    State("trouble-internal", "trouble-general", {SUGGEST: problem("internal-error", 500, "crmlink failed unexpectedly.")}, shows="req-7c1e90d2"),
    State("trouble-failed-later", "trouble-write-refused", {
        SUGGEST: offer(link=link("intended")),
        "GET /api/v1/links/lnk_01": Reply(200, link("failed", failure={
            "type": "urn:crmlink:problem:write-refused", "detail": "Commusoft refused to change this record. It is as it was before."}))}),
    refused("record-gone", 410, "This record has been deleted in Commusoft. Nothing was written; choose another."),
    refused("record-unknown", 404, "crmlink does not know this Commusoft record. It may be new: sync, then try again."),
    refused("record-changed", 409, "The reference in Commusoft changed while this was being linked, so crmlink stopped.",
            record={**HOLLOWAY, "reference": OLD}, current_reference=OLD, link=link("conflict")),
    refused("link-in-progress", 409, "Jan's laptop is linking this contact or this record since 09:41. Look again in a moment.",
            by="Jan's laptop", since="2026-03-02T09:41:00+00:00"),
    refused("reference-not-kept", 502, "Commusoft accepted the reference but does not show it. Enter it in Commusoft by hand.",
            link=link("failed")),
    refused("write-refused", 502, "Commusoft refused to change this record. It is as it was before.", link=link("failed")),
    refused("commusoft-unreachable", 503, "Commusoft cannot be reached at the moment. Nothing was written."),
    refused("commusoft-slow", 504, "Commusoft did not answer in time. Nothing was written."),
    refused("commusoft-busy", 503, "Commusoft asks us to wait. Nothing was written.", retry_after=40),
    refused("commusoft-refused", 502, "Commusoft does not accept crmlink's credentials. Nothing was written; tell your admin."),
    refused("commusoft-fault", 502, "Commusoft reported a fault. Nothing was written."),
    refused("commusoft-unreadable", 502, "Commusoft answered with something that is not a record."),
    refused("kind-differs", 422, "The contact is a customer, the chosen record a supplier."),
    refused("reference-malformed", 422, "This is not a reference as Xero gives them."),
    refused("scope-missing", 403, "This token may not do that: it lacks “link”."),
    State("trouble-cannot-undo", "trouble-cannot-undo", {UNDO: problem(
        "cannot-undo", 409, "This link cannot be undone any more: Commusoft now holds another value.", current_reference=OLD)}, undo),
]

"""The states of the popup, each with what the server says and what the person does."""

from __future__ import annotations

from extension.connection_states import CONNECTING, SETTINGS
from extension.problem_states import TROUBLES
from extension.scripted_replies import (
    BATCHES,
    COLLECT,
    DRAFTS,
    FOUND,
    HANG,
    HOLLOWAY,
    HTML,
    LINKS,
    MANY,
    NO_LISTS,
    NONE_FOUND,
    NORTHGATE,
    OLD,
    OTHER_REFERENCE,
    PARK,
    PARKED,
    RECORDS,
    REFERENCE,
    RIPON,
    SUGGEST,
    TAKEN,
    UNDO,
    UNSEEN,
    WORKSPACE,
    YORK,
    link,
    offer,
    search_reply,
    suggestion,
)
from extension.scripted_server import Reply, in_turn, problem
from extension.steps import (
    CONTACT,
    FREEAGENT,
    KASHFLOW,
    QUICKBOOKS,
    SAGE,
    State,
    accept,
    by_hand,
    change_list,
    choose_second,
    chosen,
    confirm,
    other_open,
    park,
    paste,
    scroll_down,
    search,
    send_list,
    switch_on,
    undo,
)

LISTED = "https://go.xero.com/app/!kR4N6/contacts"
NEWS = "https://news.example/today"
LIST = (
    "<title>Contacts</title><table>"
    + "".join(
        f'<tr><td><a href="contacts/contact/8275f116-6419-4b82-889a-f41dcc1d61{n:02}">No {n}</a>'
        for n in range(24)
    )
    + "</table>"
)

SHOWN = "<h1>Margaret Holloway</h1><p>Email: margaret.holloway@postbox.example</p>"
TRANSLATED = f"<html class='translated-ltr' lang='de'><title>Xero</title>{SHOWN}"
ARCHIVED = f"<title>Xero</title>{SHOWN}<p>Status: Archived</p>"
LONG_NAME = (
    "The Worshipful Company of Plumbers and Heating Engineers of Llanfairpwllgwyngyllgogerych"
)
LONG_PAGE = f"<title></title><h1>{LONG_NAME}</h1><p>Email: {'a' * 60}@postbox.example</p>"
LONG_RECORD = HOLLOWAY | {
    "label": LONG_NAME,
    "company": LONG_NAME,
    "address": "Unit 27b, The Old Threshing Barn, Lower Upton Business Park, Upton Lane",
    "email": "a" * 60 + "@postbox.example",
}
LONG = offer(suggestion(LONG_RECORD, 0.999, "same name", "same email", "!other town", sure=True))
LONG_LINKED = Reply(201, link(of=LONG_RECORD, prior_reference=OLD))
TWENTY = search_reply(*(HOLLOWAY | {"id": f"customer-{n}"} for n in range(20)))
OTHER_KIND_FOUND = in_turn(search_reply(), search_reply(NORTHGATE))
OTHER_KIND = problem(
    "kind-differs",
    409,
    "The contact is a supplier, but Margaret Holloway is a customer in Commusoft.",
    record=HOLLOWAY,
    contact_kind="supplier",
)
OF_OTHER_KIND = offer(
    suggestion(NORTHGATE, 0.93, "same name", "!is a supplier, not a customer"),
    suggestion(NORTHGATE | {"id": "supplier-502", "reference": OLD}, 0.02, "same name"),
)
CHOOSING = [
    State("loading", "loading", {WORKSPACE: HANG}),
    State("choose-loading", "choose-loading", {SUGGEST: HANG}),
    State("choose", "choose", steps=lambda page, _: chosen(page)),
    State(
        "choose-sandbox",
        "choose",
        steps=lambda page, _: chosen(page),
        sandbox=True,
        shows="Practice data: not your real Commusoft",
    ),
    State("choose-five", "choose", {SUGGEST: MANY}, lambda page, _: chosen(page)),
    State("choose-five-end", "choose", {SUGGEST: MANY}, scroll_down, sandbox=True),
    State(
        "choose-supplier",
        "choose",
        {SUGGEST: offer(suggestion(NORTHGATE, 0.93, "same name", "same email"))},
        lambda page, _: chosen(page),
        url=QUICKBOOKS,
        shows="Link to Northgate",
    ),
    State(
        "choose-other-kind",
        "choose",
        {SUGGEST: OF_OTHER_KIND},
        lambda page, _: chosen(page),
        shows="The best match is a supplier, not a customer",
    ),
    State(
        "choose-near-tie",
        "choose",
        {
            SUGGEST: offer(
                suggestion(RIPON, 0.47, "same name", "!other postcode"),
                suggestion(YORK, 0.45, "same name", "!other street"),
                none=0.08,
            )
        },
        shows="More than one of these fits almost equally well",
    ),
    State("choose-none", "choose", {SUGGEST: NONE_FOUND}, shows="No match found"),
    State("choose-parked", "choose", {SUGGEST: NONE_FOUND, PARK: PARKED}, park, shows="Parked by"),
    State(
        "choose-translated",
        "choose",
        html=TRANSLATED,
        shows="The browser has translated this page",
    ),
    State("choose-retired", "choose", html=ARCHIVED, shows="Marked as no longer in use"),
    State(
        "choose-unread",
        "choose",
        {SUGGEST: NONE_FOUND},
        url=FREEAGENT,
        shows="couldn't read this page",
    ),
    State(
        "choose-caution",
        "choose",
        steps=lambda page, _: chosen(page),
        url=KASHFLOW,
        shows="KashFlow Code",
    ),
    State(
        "choose-exact",
        "choose",
        {
            SUGGEST: offer(
                suggestion({**HOLLOWAY, "label": "Margaret Holloway"}, 0.96, "same postcode")
            )
        },
        scroll_down,
        url=SAGE,
        shows="exact match",
    ),
    State("choose-long", "choose", {SUGGEST: LONG}, lambda page, _: chosen(page), html=LONG_PAGE),
    State("linked-long", "linked", {SUGGEST: LONG, LINKS: LONG_LINKED}, confirm, html=LONG_PAGE),
    State(
        "search-many",
        "choose",
        {RECORDS: TWENTY},
        search("hol", "Showing"),
        shows="Showing the first 20",
    ),
    State("search", "choose", steps=search("hol"), shows="3 matches found"),
    State(
        "search-none",
        "choose",
        {RECORDS: search_reply()},
        search("zebra"),
        shows="No customer found",
    ),
    State(
        "search-other-kind",
        "choose",
        {RECORDS: OTHER_KIND_FOUND},
        search("north", "matches"),
        shows="No customer; 1 supplier matches",
    ),
    State("care-replace", "care", steps=choose_second, shows="has another reference"),
    State("care-accepted", "care", {LINKS: OTHER_REFERENCE}, accept),
    State(
        "care-server-says", "care", {LINKS: OTHER_REFERENCE}, confirm, shows="has another reference"
    ),
    State("care-also", "care", {LINKS: TAKEN}, confirm, shows="already in use"),
    State(
        "care-kind",
        "care",
        {LINKS: OTHER_KIND},
        confirm,
        shows="Margaret Holloway is a customer, not a supplier",
    ),
    State(
        "care-kind-and-reference",
        "care",
        {SUGGEST: OF_OTHER_KIND},
        choose_second,
        shows="Northgate Plumbing Supplies Ltd is a supplier, not a customer",
    ),
    State("care-unseen", "care", {LINKS: UNSEEN}, confirm, shows="Check Northgate"),
    State("care-undo", "care", {UNDO: TAKEN}, undo, shows="The earlier reference is in use"),
    State("working", "working", {LINKS: HANG}, confirm),
    State("linked", "linked", steps=confirm, shows="now has this reference", sandbox=True),
    State(
        "linked-replaced",
        "linked",
        {LINKS: Reply(201, link(prior_reference=OLD))},
        confirm,
        shows="Before:",
    ),
    State("undone", "undone", steps=undo, shows="has no reference now"),
    State(
        "undone-earlier",
        "undone",
        {
            UNDO: Reply(
                201, link(reference=OLD, prior_reference=REFERENCE, undoes="lnk_01", can_undo=False)
            )
        },
        undo,
        shows="earlier reference back",
    ),
    State(
        "already-ours",
        "already",
        {SUGGEST: offer(holders=[{**HOLLOWAY, "reference": REFERENCE}], behind=[link()])},
        shows="Linked by Front desk",
    ),
    State(
        "already-elsewhere",
        "already",
        {SUGGEST: offer(holders=[{**HOLLOWAY, "reference": REFERENCE}])},
        shows="crmlink doesn't know who made this link",
    ),
    State(
        "already-many",
        "already",
        {
            SUGGEST: offer(
                holders=[
                    {**HOLLOWAY, "reference": REFERENCE},
                    {**NORTHGATE, "reference": REFERENCE},
                ],
                behind=[link()],
            )
        },
        shows="These have this reference",
    ),
    State(
        "waiting",
        "waiting",
        {
            LINKS: Reply(202, link("intended", settled_at=None)),
            "GET /api/v1/links/lnk_01": Reply(200, link("intended")),
        },
        confirm,
    ),
    State(
        "conflict",
        "conflict",
        {
            SUGGEST: offer(link=link("intended")),
            "GET /api/v1/links/lnk_01": Reply(
                200,
                link(
                    "conflict",
                    failure={
                        "type": "urn:crmlink:problem:record-changed",
                        "detail": "The reference in Commusoft changed while this was being linked.",
                    },
                ),
            ),
        },
    ),
    State(
        "choose-after-failure",
        "choose",
        {
            SUGGEST: Reply(
                200,
                {
                    **FOUND.body,
                    "link": link(
                        "failed",
                        failure={
                            "type": "urn:crmlink:problem:write-refused",
                            "detail": "Commusoft refused to change this record.",
                        },
                    ),
                },
            )
        },
        lambda page, _: chosen(page),
        shows="failed",
    ),
    State("no-answer", "no-answer", {LINKS: HTML}, confirm, shows="nothing is saved twice"),
    State("earlier-open", "choose", {LINKS: HTML}, other_open, shows="You have an unfinished link"),
]

ELSEWHERE = [
    State("elsewhere", "elsewhere", url=NEWS, shows="This isn't a contact's page"),
    State(
        "elsewhere-refused",
        "elsewhere",
        url=NEWS,
        steps=paste("https://news.example/x"),
        shows="This isn't the web address of a contact's page.",
    ),
    State(
        "pasted",
        "choose",
        {SUGGEST: NONE_FOUND},
        paste(CONTACT),
        url=NEWS,
        shows="this contact's reference",
    ),
    State(
        "by-hand-refused",
        "elsewhere",
        url=NEWS,
        steps=by_hand("TOO LONG FOR IT"),
        shows="Use up to 8",
    ),
    State("by-hand", "choose", url=NEWS, steps=by_hand("holl01"), shows="HOLL01"),
    State(
        "list",
        "list",
        url=LISTED,
        shows="Link these 24 contacts",
        html=LIST,
    ),
    State("list-join", "list", {BATCHES: DRAFTS}, url=LISTED, shows="The list started", html=LIST),
    State("list-empty", "list", url=LISTED, shows="We can't see any contacts", html="<p>Loading"),
    State("list-no-scope", "list", {BATCHES: NO_LISTS}, url=LISTED, shows="Your admin", html=LIST),
    State(
        "list-kept", "list-kept", {}, send_list, url=LISTED, shows="24 contacts saved", html=LIST
    ),
    State(
        "list-joined",
        "list-kept",
        {BATCHES: DRAFTS},
        send_list,
        url=LISTED,
        shows="2 were already in the list",
        html=LIST,
    ),
    State("list-sending", "working", {COLLECT: HANG}, send_list, url=LISTED, html=LIST),
    State(
        "list-unanswered",
        "trouble-list-unanswered",
        {COLLECT: HTML},
        send_list,
        url=LISTED,
        html=LIST,
    ),
    State("list-changed", "trouble-list-changed", {}, change_list, url=LISTED, html=LIST),
]

CARRIED = {SUGGEST: offer(holders=[{**HOLLOWAY, "reference": REFERENCE}])}
NAMELESS = "<title>Sage</title><body style='margin:0'>" + "".join(
    f"<p style='margin:18px'>Line {n} <button style='float:right'>Edit {n}</button></p>"
    for n in range(6)
)
ON_PAGE = [
    State("settings-on-page", "", settings=True, steps=switch_on("xero"), shows="The button is on"),
    State("on-page-open", "", settings=True, site=True, steps=switch_on("xero")),
    State("on-page-linked", "", CARRIED, switch_on("xero"), settings=True, site=True),
    State("on-page-quiet", "", {SUGGEST: HTML}, switch_on("xero"), settings=True, site=True),
    State(
        "on-page-edge",
        "",
        steps=switch_on("sage_business_cloud"),
        url=SAGE,
        html=NAMELESS,
        settings=True,
        site=True,
    ),
]

STATES = [*CONNECTING, *CHOOSING, *ELSEWHERE, *TROUBLES, *SETTINGS, *ON_PAGE]

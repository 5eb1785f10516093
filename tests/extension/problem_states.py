"""The states of the popup where something does not work."""

from __future__ import annotations

from typing import Any

from extension.scripted_replies import (
    BUSY,
    HOLLOWAY,
    HTML,
    LINKS,
    OLD,
    REFUSED,
    RENEWED,
    SUGGEST,
    TOKEN,
    UNDO,
    WORKSPACE,
    link,
    offer,
)
from extension.scripted_server import Reply, problem
from extension.steps import State, change_contact, close_tab, confirm, move_on, undo

PAGE = {"Content-Type": "text/html; charset=utf-8"}


def refused(name: str, status: int, detail: str, **more: Any) -> State:
    """A link that the server refuses."""
    reply = problem(name, status, detail, **more)
    return State(f"trouble-{name}", f"trouble-{name}", {LINKS: reply}, confirm, shows=detail)


TROUBLES = [
    State("trouble-token-refused", "trouble-token-refused", {WORKSPACE: REFUSED, TOKEN: RENEWED}),
    State(
        "trouble-too-many",
        "trouble-too-many-requests",
        {SUGGEST: BUSY},
        shows="Try again in 40 seconds",
    ),
    State(
        "trouble-not-yours",
        "trouble-not-yours",
        {UNDO: problem("not-yours", 403, "Somebody else made this link.")},
        undo,
    ),
    State(
        "trouble-server-not-running",
        "trouble-server-not-running",
        server_gone=True,
        shows="can't reach crmlink on this computer",
    ),
    State("trouble-web-page-instead", "trouble-web-page-instead", {SUGGEST: HTML}),
    State("trouble-server-odd", "trouble-server-odd", {SUGGEST: Reply(200, {"hello": "world"})}),
    State(
        "trouble-gateway-error",
        "trouble-gateway-error",
        {WORKSPACE: Reply(502, "<h1>Bad gateway</h1>", PAGE)},
        shows="A proxy in front of it answers",
    ),
    State(
        "trouble-network-sign-in",
        "trouble-network-sign-in",
        {WORKSPACE: Reply(511, "<h1>Guest Wi-Fi</h1>", PAGE)},
        shows="wants you to sign in",
    ),
    State(
        "trouble-server-redirects",
        "trouble-server-redirects",
        {WORKSPACE: Reply(302, "", {"Location": "http://127.0.0.1:9/sign-in"})},
        shows="the sign-in page of a Wi-Fi",
    ),
    State("trouble-tab-moved", "trouble-tab-moved", steps=move_on),
    State("trouble-contact-changed", "trouble-contact-changed", steps=change_contact),
    State("trouble-tab-closed", "trouble-tab-closed", steps=close_tab),
    State(
        "trouble-unknown",
        "trouble-general",
        {SUGGEST: problem("moon-phase", 418, "The moon is in the wrong phase.")},
        shows="req-7c1e90d2",
    ),
    State(
        "trouble-internal",
        "trouble-general",
        {SUGGEST: problem("internal-error", 500, "We didn't expect this.")},
        shows="req-7c1e90d2",
    ),
    State(
        "trouble-failed-later",
        "trouble-write-refused",
        {
            SUGGEST: offer(link=link("intended")),
            "GET /api/v1/links/lnk_01": Reply(
                200,
                link(
                    "failed",
                    failure={
                        "type": "urn:crmlink:problem:write-refused",
                        "detail": "Commusoft refused to change this record.",
                    },
                ),
            ),
        },
    ),
    refused(
        "record-gone",
        410,
        "This record has been deleted in Commusoft. Nothing was written; choose another.",
    ),
    refused(
        "other-connection",
        409,
        "Another Commusoft account is connected now than the one that this was decided for.",
    ),
    refused(
        "record-unknown",
        404,
        "crmlink does not know this Commusoft record. It may be new: sync, then try again.",
    ),
    refused(
        "record-changed",
        409,
        "The reference in Commusoft changed while this was being linked, so crmlink stopped.",
        record={**HOLLOWAY, "reference": OLD},
        current_reference=OLD,
        link=link("conflict"),
    ),
    refused(
        "link-in-progress",
        409,
        "Jan's laptop is linking this contact or this record since 09:41. Look again in a moment.",
        by="Jan's laptop",
        since="2026-03-02T09:41:00+00:00",
    ),
    refused(
        "reference-not-kept",
        502,
        "Commusoft accepted the reference but does not show it. Enter it in Commusoft by hand.",
        link=link("failed"),
    ),
    refused(
        "write-refused",
        502,
        "Commusoft refused to change this record. It is as it was before.",
        link=link("failed"),
    ),
    refused(
        "commusoft-unreachable",
        503,
        "We can't reach Commusoft at the moment. Nothing was changed.",
    ),
    refused("commusoft-slow", 504, "Commusoft didn't answer in time. Nothing was changed."),
    refused("commusoft-busy", 503, "Commusoft is busy. Nothing was changed.", retry_after=40),
    refused(
        "commusoft-refused",
        502,
        "Commusoft doesn't accept crmlink's credentials. Nothing was changed.",
    ),
    refused("commusoft-fault", 502, "Commusoft reported an error. Nothing was changed."),
    refused("commusoft-unreadable", 502, "Commusoft sent an answer we couldn't read."),
    refused("reference-malformed", 422, "This is not a reference as Xero gives them."),
    refused("role-too-low", 403, "Your role does not reach so far."),
    State(
        "trouble-cannot-undo",
        "trouble-cannot-undo",
        {
            UNDO: problem(
                "cannot-undo",
                409,
                "This link can't be undone: the reference in Commusoft is now A1.",
                current_reference=OLD,
            )
        },
        undo,
    ),
]

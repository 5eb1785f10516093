"""What the scripted server says: records, suggestions, links, in the shapes of the JSON API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from extension.scripted_server import Answer, Reply, problem

REFERENCE = "8275f116-6419-4b82-889a-f41dcc1d6186"
OLD = "5f0c2b1e-7a3d-4c58-9e21-3b8a6d4f1c70"


CONNECTED = "con_01"  # the Commusoft account that the server works with
PERSON = {"name": "Jan Novak", "role": "clerk"}
DEVICE = {"id": "dev_01", "name": "Front desk, Chrome"}
BEGUN = Reply(
    200,
    {
        "device_code": "crmd_" + "d" * 40,
        "user_code": "BCDF-GHJK",
        "verification_uri": "http://127.0.0.1/pair",
        "expires_in": 600,
        "interval": 2,
    },
)


def oauth(error: str, name: str, detail: str) -> Reply:
    """Why a browser gets no tokens, as RFC 6749 and the server both name it."""
    return problem(name, 400, detail, error=error)


REFUSED = problem("token-refused", 401, "This browser is not connected any more.")
RENEWED = Reply(
    200,
    {
        "access_token": "e30." + "u" * 40,
        "token_type": "DPoP",
        "expires_in": 600,
        "refresh_token": "crmr_" + "u" * 40,
        "device": DEVICE,
        "person": PERSON,
    },
)
PENDING = oauth("authorization_pending", "pairing-pending", "Nobody has approved it yet.")
DENIED = oauth("access_denied", "pairing-denied", "Somebody refused this browser.")
OVER = oauth("expired_token", "pairing-over", "The code is too old.")


def ended(name: str) -> Reply:
    """The server ended this browser's connection."""
    return oauth("invalid_grant", name, "This browser is not connected any more.")


def record(
    number: str, label: str, address: str, town: str, postcode: str, **more: Any
) -> dict[str, Any]:
    """A record as the server shows it."""
    kind = more.pop("kind", "customer")
    return {
        "id": f"{kind}-{number}",
        "kind": kind,
        "label": label,
        "name": label,
        "company": "",
        "email": "",
        "phones": [],
        "address": address,
        "town": town,
        "postcode": postcode,
        "account_number": "",
        "reference": None,
        "page_url": f"https://app.commusoft.example/customers/customer/{number}/view",
        **more,
    }


HOLLOWAY = record(
    "1001",
    "Margaret Holloway",
    "14 Orchard Close",
    "Cheltenham",
    "GL50 2TR",
    email="margaret.holloway@postbox.example",
    phones=["01632 960114"],
)
HOLLIS = record(
    "2107",
    "Martin Holloway",
    "3 Orchard Way",
    "Gloucester",
    "GL1 1AA",
    email="m.holloway@letterbox.example",
)
HALLOWES = record(
    "2388",
    "Margaret Hallowes",
    "71 Priory Road",
    "Cheltenham",
    "GL52 6JX",
    phones=["01632 960118"],
    reference=OLD,
)
LETTINGS = record(
    "1007",
    "Greenfield Lettings Limited",
    "101 High Street",
    "Solihull",
    "B91 3SX",
    name="Aisha Khan",
    company="Greenfield Lettings Limited",
    email="office@greenfieldlettings.example",
    reference=OLD,
)
RIPON = record("1004", "John Smith", "8 Mill Lane", "Ripon", "HG4 1AB", phones=["01632 960501"])
YORK = record(
    "1005",
    "John Smith",
    "52 Station Road",
    "York",
    "YO24 1AA",
    email="john.smith@letterbox.example",
)
NORTHGATE = record(
    "501",
    "Northgate Plumbing Supplies Ltd",
    "Unit 9, Foundry Way",
    "Darlington",
    "DL1 2PB",
    kind="supplier",
    name="Karen Whitlock",
    company="Northgate Plumbing Supplies Ltd",
    email="sales@northgateplumbing.example",
)


def search_reply(*records: dict[str, Any]) -> Reply:
    """What a search brings."""
    return Reply(200, {"connection_id": CONNECTED, "records": list(records)})


def why(*texts: str) -> list[dict[str, Any]]:
    """Reasons; one that starts with ! differs."""
    return [
        {"code": "x", "text": text.removeprefix("!"), "agrees": not text.startswith("!")}
        for text in texts
    ]


def suggestion(
    of: dict[str, Any], probability: float, *texts: str, sure: bool = False
) -> dict[str, Any]:
    return {"record": of, "probability": probability, "sure": sure, "reasons": why(*texts)}


def offer(
    *suggestions: dict[str, Any],
    none: float = 0.01,
    likely: str = "customer",
    holders: list[dict[str, Any]] | None = None,
    link: dict[str, Any] | None = None,
    behind: list[dict[str, Any]] | None = None,
) -> Reply:
    """What the server knows of a contact."""
    return Reply(
        200,
        {
            "connection_id": CONNECTED,
            "contact": {},
            "likely_kind": likely,
            "suggestions": list(suggestions),
            "none": none,
            "holders": holders or [],
            "holder_links": behind or [],
            "link": link,
        },
    )


FOUND = offer(
    suggestion(HOLLOWAY, 0.9931, "same email", "same postcode", "same telephone", sure=True),
    suggestion(HALLOWES, 0.0214, "similar name", "!other street", "!other postcode"),
    suggestion(HOLLIS, 0.0102, "same surname", "!other first name", "!other town"),
)
NONE_FOUND = offer(none=0.97)


def link(state: str = "linked", of: dict[str, Any] = HOLLOWAY, **more: Any) -> dict[str, Any]:
    return {
        "id": "lnk_01",
        "state": state,
        "kind": "customer",
        "package": "xero",
        "organisation": "!kR4N6",
        "reference": REFERENCE,
        "contact_name": "Margaret Holloway",
        "record": {**of, "reference": REFERENCE if state == "linked" else of["reference"]},
        "prior_reference": None,
        "created_at": "2026-03-02T09:41:00+00:00",
        "settled_at": "2026-03-02T09:41:02+00:00",
        "by": "Front desk, Chrome",
        "failure": None,
        "undoes": None,
        "undone_by": None,
        "can_undo": state == "linked",
    } | more


def draft(**more: Any) -> dict[str, Any]:
    """A list that waits for its review."""
    return {
        "id": "bat_01",
        "package": "xero",
        "organisation": "!kR4N6",
        "kind": None,
        "contacts": 48,
        "created_at": datetime.now(UTC).replace(hour=14, minute=5).isoformat(),
        "by": "Front desk, Chrome",
        **more,
    }


def take_list(body: dict[str, Any]) -> Reply:
    """Keep a list as the server does; a draft that is joined held two of its contacts before."""
    sent = len(body["contacts"])
    if body["batch"]:
        return Reply(201, draft(contacts=46 + sent, added=sent - 2))
    return Reply(201, draft(id="bat_02", contacts=sent, added=sent))


def usual_replies(*, sandbox: bool) -> dict[str, Answer]:
    """A server on which everything works."""
    workspace = {
        "name": "Severn Vale Heating",
        "connection_id": CONNECTED,
        "person": PERSON,
        "device": DEVICE | {"scopes": ["suggest", "link", "read", "collect"]},
        "commusoft": {"sandbox": sandbox, "web_url": "https://app.commusoft.example"},
        "mirror": {
            "customers": 2000,
            "suppliers": 200,
            "synced_at": "2026-03-02T09:30:00+00:00",
            "syncing": False,
        },
    }
    return {
        "GET /api/v1/workspace": Reply(200, workspace),
        "POST /api/v1/suggestions": FOUND,
        "GET /api/v1/records": search_reply(HOLLOWAY, HALLOWES, HOLLIS),
        "POST /api/v1/links": Reply(201, link()),
        "GET /api/v1/batches": Reply(200, {"batches": []}),
        "POST /api/v1/batches": take_list,
        "POST /api/v1/pairings": BEGUN,
        "POST /api/v1/token": PENDING,
        "DELETE /api/v1/devices/me": Reply(204),
        "POST /api/v1/links/lnk_01/undo": Reply(
            201,
            link(
                id="lnk_02",
                reference=None,
                prior_reference=REFERENCE,
                undoes="lnk_01",
                can_undo=False,
                record=HOLLOWAY,
            ),
        ),
    }


SUGGEST, LINKS, RECORDS = "POST /api/v1/suggestions", "POST /api/v1/links", "GET /api/v1/records"
WORKSPACE, UNDO = "GET /api/v1/workspace", "POST /api/v1/links/lnk_01/undo"


BATCHES, COLLECT = "GET /api/v1/batches", "POST /api/v1/batches"
DRAFTS = Reply(200, {"batches": [draft()]})
NO_LISTS = problem("role-too-low", 403, "Your role does not reach so far.")
PAIRINGS, TOKEN = "POST /api/v1/pairings", "POST /api/v1/token"
LEAVE = "DELETE /api/v1/devices/me"
BUSY = problem("too-many-requests", 429, "Too many requests. Try again in a moment.")
BUSY = Reply(BUSY.status, BUSY.body, {**BUSY.headers, "Retry-After": "40"})

HANG = Reply(hang=True)
PARK = "POST /api/v1/parked"
PARKED = Reply(
    201,
    {"id": "prk_01", "by": "Front desk", "created_at": "2026-03-02T09:41:00+00:00"},
)
HTML = Reply(200, "<html><body>Welcome to the router</body></html>", {"Content-Type": "text/html"})
OTHER_REFERENCE = problem(
    "record-has-reference",
    409,
    "Margaret Hallowes already has another reference.",
    record=HALLOWES,
    current_reference=OLD,
)
TAKEN = problem(
    "reference-taken",
    409,
    "Another record carries it.",
    holders=[{**LETTINGS, "reference": REFERENCE}],
)
UNSEEN = problem("reference-not-shown", 409, "Commusoft does not show it.", record=NORTHGATE)
MANY = offer(
    suggestion(HOLLOWAY, 0.71, "same postcode", "similar name", "!other telephone"),
    suggestion(HALLOWES, 0.09, "similar name", "!other street"),
    suggestion(HOLLIS, 0.05, "same surname", "!other first name", "!other town"),
    suggestion(LETTINGS, 0.03, "same telephone", "!other name", "!other postcode", "!other town"),
    suggestion(YORK, 0.01, "same house number"),
    none=0.1,
)

"""The states of a browser that is not connected, and of the settings."""

from __future__ import annotations

from typing import Any

from extension.scripted_replies import (
    BUSY,
    DENIED,
    HTML,
    LEAVE,
    OVER,
    PAIRINGS,
    REFUSED,
    RENEWED,
    TOKEN,
    WORKSPACE,
    ended,
)
from extension.steps import State, connect, connect_to_nonsense, disconnect, plain

# A browser that was never connected, on which someone types the address.
NEW: Any = {"connected": False, "types_address": True}
OFFICE = {"server": "https://crm.office.example", "only_this_server": True}
ADVICE = {"server": "https://crm.office.example"}
ENDINGS = {
    "device-revoked": "This browser was disconnected",
    "device-expired": "The connection has expired",
    "token-reused": "Disconnected to be safe",
    "key-lost": "Connect this browser again",
    "grant-refused": "doesn't know this browser",
}

CONNECTING = [
    State("not-connected", "not-connected", connected=False),
    State("not-connected-office", "not-connected", connected=False, policy=OFFICE),
    State("not-connected-advice", "not-connected", connected=False, policy=ADVICE),
    State(
        "not-connected-nonsense",
        "not-connected",
        steps=connect_to_nonsense,
        connected=False,
        shows="isn't a web address we can use",
    ),
    State("pairing", "pairing", steps=connect, **NEW, shows="BCDF-GHJK"),
    State("pairing-unheard", "pairing", {TOKEN: HTML}, connect, **NEW, shows="keep trying"),
    State("pairing-denied", "pairing-denied", {TOKEN: DENIED}, connect, **NEW),
    State("pairing-over", "pairing-over", {TOKEN: OVER}, connect, **NEW),
    State(
        "pairing-busy",
        "pairing-failed",
        {PAIRINGS: BUSY},
        connect,
        **NEW,
        shows="Try again in 40 seconds",
    ),
    State("pairing-odd", "pairing-failed", {PAIRINGS: HTML}, connect, **NEW, shows="in a tab"),
    *(
        State(f"ended-{name}", f"ended-{name}", {TOKEN: ended(name)}, lapsed=True, shows=words)
        for name, words in ENDINGS.items()
    ),
]

SETTINGS = [
    State("settings-new", "", connected=False, settings=True, shows="Connect to crmlink"),
    State("settings-office", "", connected=False, settings=True, policy=OFFICE, shows="Set by"),
    State(
        "settings-unencrypted",
        "",
        connected=False,
        settings=True,
        steps=plain,
        shows="Not secure",
    ),
    State(
        "settings-nonsense",
        "",
        connected=False,
        settings=True,
        steps=connect_to_nonsense,
        shows="isn't a web address we can use",
    ),
    State(
        "settings-pairing",
        "",
        connected=False,
        settings=True,
        steps=connect,
        types_address=True,
        shows="BCDF-GHJK",
    ),
    State(
        "settings-denied",
        "",
        {TOKEN: DENIED},
        connect,
        **NEW,
        settings=True,
        shows="Not approved",
    ),
    State("settings-connected", "", settings=True, shows="The connection works.", sandbox=True),
    State(
        "settings-ended",
        "",
        {TOKEN: ended("device-revoked")},
        lapsed=True,
        settings=True,
        shows="This browser was disconnected",
    ),
    State(
        "settings-refused",
        "",
        {WORKSPACE: REFUSED, TOKEN: RENEWED},
        settings=True,
        shows="didn't accept this browser",
    ),
    State("settings-away", "", server_gone=True, settings=True, shows="can't reach crmlink"),
    State("settings-disconnected", "", steps=disconnect, settings=True, shows="Disconnected."),
    State(
        "settings-disconnected-untold",
        "",
        {LEAVE: HTML},
        disconnect,
        settings=True,
        shows="Ask your admin",
    ),
]

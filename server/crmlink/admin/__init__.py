"""The pages for people: a module a noun, templates and what they need beside them."""

from crmlink.admin import (
    account,
    audit,
    commusoft,
    devices,
    door,
    guide,
    links,
    overview,
    packages,
    pairing,
    people,
    records,
    settings,
)

__all__ = [
    "account",
    "audit",
    "commusoft",
    "devices",
    "door",
    "guide",
    "links",
    "overview",
    "packages",
    "pairing",
    "people",
    "records",
    "settings",
]

"""Web pages: one module per subject, with templates and static files."""

from crmlink.pages import (
    account,
    audit,
    commusoft,
    devices,
    help_page,
    link_by_url,
    links,
    overview,
    packages,
    pairing,
    parked,
    people,
    record_imports,
    records,
    settings,
    sign_in,
    still_to_link,
)
from crmlink.pages.lists import import_file, rows, together, write
from crmlink.pages.lists import overview as list_overview

__all__ = [
    "account",
    "audit",
    "commusoft",
    "devices",
    "help_page",
    "import_file",
    "link_by_url",
    "links",
    "list_overview",
    "overview",
    "packages",
    "pairing",
    "parked",
    "people",
    "record_imports",
    "records",
    "rows",
    "settings",
    "sign_in",
    "still_to_link",
    "together",
    "write",
]

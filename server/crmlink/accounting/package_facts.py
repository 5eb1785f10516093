"""Facts from the rule file about where a package shows its references and kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def has_list_page(packages: Mapping[str, Any], package: str) -> bool:
    """Return whether the contacts of a package can be read from its list pages."""
    pages = packages["packages"].get(package, {}).get("pages", ())
    return any(page["page"] == "list" for page in pages)


def exports_references(packages: Mapping[str, Any], package: str) -> bool | None:
    """Return whether a package's exports hold references; None where no export is known."""
    exports = packages["packages"].get(package, {}).get("exports", ())
    return any("reference" in export["columns"] for export in exports) if exports else None


def has_pages(packages: Mapping[str, Any], package: str) -> bool:
    """Return whether the contacts of a package have pages with addresses."""
    return bool(packages["packages"].get(package, {}).get("pages"))


def addresses_tell_kind(packages: Mapping[str, Any], package: str) -> bool:
    """Return whether the address of each contact's page tells if it is a customer or a supplier."""
    pages = packages["packages"].get(package, {}).get("pages", ())
    found = [page for page in pages if page["page"] == "contact"]
    return bool(found) and all("kind" in page for page in found)

"""Paths of the web application, as Commusoft's are known; those of the table are made up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crmlink.kinds import Kind

Layout = Literal["old", "new"]
TABLE = "/system_settings/integrations/accounting_packages"


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A page of a record: its path below the record's number, and the tab that it shows."""

    kind: Kind
    before: str
    after: str
    tab: str
    layout: Layout

    @property
    def rule(self) -> str:
        """Return the path with a slot for the number."""
        return f"{self.before}/<number>/{self.after}"


_TABS = {
    "property/view": "details",
    "work/view": "work",
    "assets/view": "assets",
    "customer_contracts/list": "contracts",
}
_FORMS: tuple[tuple[str, str, Layout], ...] = (
    ("/customers/customer", "view/", "old"),
    ("/customers/customer", "view_v2/", "new"),
    ("/customers/customer_list", "view_v2/", "new"),
)


def record_pages() -> Iterator[RecordPage]:
    """Yield every page of a record: all tabs, both layouts."""
    for before, layout_part, layout in _FORMS:
        for tab_path, tab in _TABS.items():
            yield RecordPage("customer", before, layout_part + tab_path, tab, layout)
    for tab_path in ("work/view", "customer_contracts/list"):
        yield RecordPage("customer", "/customers/customer", tab_path, _TABS[tab_path], "old")
    yield RecordPage(
        "supplier", "/suppliers/list_supplier", "view/supplier_details", "details", "old"
    )


def record_path(kind: Kind, number: str, layout: Layout = "old") -> str:
    """Return the path of a record's own page; the list opens the newer layout."""
    if kind == "supplier":
        return f"/suppliers/list_supplier/{number}/view/supplier_details"
    if layout == "new":
        return f"/customers/customer_list/{number}/view_v2/property/view"
    return f"/customers/customer/{number}/view/property/view"

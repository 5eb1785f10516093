"""Lists of customers and suppliers."""

from flask import Blueprint, render_template, request

from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.web.addresses import record_path
from crmlink.folding import fold
from crmlink.kinds import KINDS, Kind

PAGE_SIZE = 100


def title(entry: SandboxRecord) -> str:
    """Return the name that a record is listed under."""
    return entry.company or entry.person


def address(entry: SandboxRecord) -> str:
    """Return the postal address on one line."""
    parts = (entry.line1, entry.line2, entry.line3, entry.town, entry.county, entry.postcode)
    return ", ".join(part for part in parts if part)


def active(ledger: RecordStore, kind: Kind) -> list[SandboxRecord]:
    """Return the records that are not deleted, by number."""
    return [entry for entry in ledger.all(kind) if not entry.deleted]


def add_lists(blueprint: Blueprint, ledger: RecordStore) -> None:
    """Add both lists: a page at a time, with a search."""
    for kind in KINDS:
        _add_list(blueprint, ledger, kind)


def _add_list(blueprint: Blueprint, ledger: RecordStore, kind: Kind) -> None:
    def records() -> str:
        query = request.args.get("q", "")[:100]
        page = max(1, request.args.get("page", 1, type=int))
        matches = [entry for entry in active(ledger, kind) if _fits(entry, query)]
        start = (page - 1) * PAGE_SIZE
        rows = [
            (entry, title(entry), record_path(kind, entry.number, "new"))
            for entry in matches[start : start + PAGE_SIZE]
        ]
        return render_template(
            "web/list.html", kind=kind, rows=rows, query=query, page=page, total=len(matches),
            first=start + 1, has_more=start + PAGE_SIZE < len(matches),
        )  # fmt: skip

    blueprint.add_url_rule(f"/{kind}s", f"list_{kind}s", records)


def _fits(entry: SandboxRecord, query: str) -> bool:
    text = fold(f"{entry.company} {entry.person} {address(entry)} {entry.email}")
    return all(word in text for word in fold(query).split())

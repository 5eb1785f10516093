"""HTML pages: an introduction, and each record with its reference, at Commusoft's paths."""

from flask import Blueprint, abort, render_template

from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.seeded_random import word_list
from crmlink.kinds import KINDS, Kind

_PATHS: dict[Kind, tuple[str, ...]] = {
    "customer": (
        "/customers/customer/<number>/view/property/view",
        "/customers/customer_list/<number>/view/property/view",
    ),
    "supplier": ("/suppliers/list_supplier/<number>/view/supplier_details",),
}


def pages(ledger: RecordStore) -> Blueprint:
    """Return the start page and the records' pages, at the paths of Commusoft's web application."""
    blueprint = Blueprint("pages", __name__, template_folder="templates")

    @blueprint.get("/")
    def start() -> str:
        cast = [
            ledger.by_number(kind, one["number"])
            for kind in KINDS
            for one in word_list("cast")[kind]
        ]
        counts = {kind: len(ledger.all(kind)) for kind in KINDS}
        return render_template("start.html", cast=cast, counts=counts)

    for kind in KINDS:
        for path in _PATHS[kind]:
            _add_page(blueprint, ledger, kind, path)
    return blueprint


def _add_page(blueprint: Blueprint, ledger: RecordStore, kind: Kind, path: str) -> None:
    def page(number: str) -> str:
        entry = ledger.by_number(kind, number)
        if entry is None:
            abort(404)
        return render_template("record.html", entry=entry)

    endpoint = f"{path.strip('/').replace('/', '_').translate({60: None, 62: None})}"
    blueprint.add_url_rule(path, endpoint, page)

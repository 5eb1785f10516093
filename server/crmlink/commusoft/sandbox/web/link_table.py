"""The table *Link Customers and Suppliers*: as inputs, and as a virtualised grid."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, jsonify, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from crmlink.commusoft.sandbox.forms import json_object
from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.web.addresses import TABLE, record_path
from crmlink.commusoft.sandbox.web.form import MAX_LENGTH
from crmlink.commusoft.sandbox.web.lists import active, address, title
from crmlink.kinds import KINDS, Kind

Change = Callable[[SandboxRecord, dict[str, str]], SandboxRecord]


def add_link_tables(blueprint: Blueprint, ledger: RecordStore, change: Change) -> None:
    """Add the dashboard and both tables of each kind; both save at the table's own address."""

    @blueprint.get(f"{TABLE}/dashboard")
    def dashboard() -> str:
        return render_template("web/dashboard.html", table=TABLE)

    for kind in KINDS:
        _add_table(blueprint, ledger, kind)
        _add_save(blueprint, ledger, kind, change)


def _add_table(blueprint: Blueprint, ledger: RecordStore, kind: Kind) -> None:
    def inputs() -> str:
        rows = [
            (entry, title(entry), address(entry), record_path(kind, entry.number))
            for entry in active(ledger, kind)
        ]
        return render_template("web/link_inputs.html", kind=kind, rows=rows, table=TABLE)

    def grid() -> str:
        return render_template("web/link_grid.html", kind=kind, table=TABLE)

    def grid_rows() -> AnyResponse:
        rows: list[list[Any]] = [
            [entry.number, title(entry), address(entry), entry.reference]
            for entry in active(ledger, kind)
        ]
        return jsonify(rows=rows)

    blueprint.add_url_rule(f"{TABLE}/link/{kind}s", f"link_{kind}s", inputs)
    blueprint.add_url_rule(f"{TABLE}/link_v2/{kind}s", f"link_grid_{kind}s", grid)
    blueprint.add_url_rule(f"{TABLE}/link_v2/{kind}s/rows", f"link_rows_{kind}s", grid_rows)


def _add_save(blueprint: Blueprint, ledger: RecordStore, kind: Kind, change: Change) -> None:
    def save() -> AnyResponse:
        sent = json_object(request).get("references")
        if not isinstance(sent, dict):
            abort(400)
        wrong = [
            number for number, value in sent.items()
            if ledger.by_number(kind, number) is None
            or not isinstance(value, str) or len(value) > MAX_LENGTH
        ]  # fmt: skip
        if wrong:
            return make_response({"message": "Nothing was saved: a row cannot be saved."}, 422)
        for number, value in sent.items():
            entry = ledger.by_number(kind, number)
            if entry is not None:
                change(entry, {"reference": value})
        return make_response({"saved": len(sent)})

    blueprint.add_url_rule(f"{TABLE}/link/{kind}s", f"link_save_{kind}s", save, methods=["POST"])

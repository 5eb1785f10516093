"""/records: the mirrored records of Commusoft."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.commusoft.errors import CommusoftError
from crmlink.kinds import kind_named
from crmlink.linking.fresh_reads import fetch_record
from crmlink.pages.blueprint import blueprint
from crmlink.pages.forms import flash_message
from crmlink.pages.links import page_number
from crmlink.pages.tables import parse_days, parse_order
from crmlink.reports.link_health import mirror_state
from crmlink.reports.records import (
    MAX_RESULTS,
    ORDERS,
    RecordFilter,
    list_records,
    record_with_links,
)
from crmlink.web.auth import current_installation, current_workspace, require_permission
from crmlink.web.problems import problem_from_error

LINKED = {"yes": True, "no": False}


@blueprint.get("/records")
@require_permission("read")
def records() -> str:
    """Show matching records, in pages."""
    query = {name: request.args.get(name, "").strip() for name in ("q", "kind", "linked")}
    days = parse_days()
    query |= days.texts
    wanted = RecordFilter(
        query["q"][:200], kind_named(query["kind"]), LINKED.get(query["linked"]), days.since,
        days.until,
    )  # fmt: skip
    order = parse_order(ORDERS, "" if query["q"] else "name")
    return render_template(
        "records.html",
        leaf=list_records(
            current_workspace(),
            wanted,
            page_number(),
            order.column,
            descending=order.descending,
        ),
        order=order,
        query={name: value for name, value in (query | {"sort": order.text}).items() if value},
        values=query,
        wrong_days=days.wrong,
        most=MAX_RESULTS,
        mirror=mirror_state(current_workspace(), current_installation().settings.sync_minutes),
    )


@blueprint.get("/records/<record_id>")
@require_permission("read")
def record(record_id: str) -> str:
    """Show one record and its links."""
    row, links = record_with_links(current_workspace(), record_id)
    return render_template(
        "record.html",
        record=row,
        links=links,
        page_url=current_workspace().commusoft.page_url(row.kind, row.number),
        mirror=mirror_state(current_workspace(), current_installation().settings.sync_minutes),
    )


@blueprint.post("/records/<record_id>/look")
@require_permission("read")
def refresh_record(record_id: str) -> Response:
    """Read one record from Commusoft now."""
    row, _ = record_with_links(current_workspace(), record_id)
    try:
        fetch_record(current_workspace(), row.kind, row.number, row.uuid)
    except CommusoftError as error:
        flash_message(problem_from_error(error).detail, "stop")
    else:
        flash_message("Updated from Commusoft just now.")
    return redirect(url_for("pages.record", record_id=record_id), 303)

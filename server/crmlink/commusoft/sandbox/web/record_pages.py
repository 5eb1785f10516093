"""Pages of one record: its tabs, its edit form, and the jobs and invoices below it."""

from collections.abc import Callable

from flask import Blueprint, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from crmlink.commusoft.sandbox.forms import json_object
from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.web.addresses import RecordPage, record_pages
from crmlink.commusoft.sandbox.web.form import (
    form_errors,
    form_fields,
    form_sections,
    sent_values,
)
from crmlink.commusoft.sandbox.web.lists import title
from crmlink.kinds import Kind

Change = Callable[[SandboxRecord, dict[str, str]], SandboxRecord]
# Pages below a record that have a reference of their own.
_BELOW: tuple[tuple[Kind, str, str], ...] = (
    ("customer", "/customers/customer/<number>/jobs/<item>/view", "Job"),
    ("customer", "/customers/customer/<number>/invoices/<item>/view", "Invoice"),
    ("supplier", "/suppliers/<number>/invoice/<item>/details", "Invoice"),
)


def add_record_pages(blueprint: Blueprint, ledger: RecordStore, change: Change) -> None:
    """Add the pages of records; a form is saved at its page's own address."""
    for index, page in enumerate(record_pages()):
        _add_page(blueprint, ledger, page, f"record_{index}")
        if page.tab == "details":
            _add_save(blueprint, ledger, page, change)
    for index, (kind, rule, what) in enumerate(_BELOW):
        _add_below(blueprint, ledger, (kind, rule, what), f"below_{index}")


def _found(ledger: RecordStore, kind: Kind, number: str) -> SandboxRecord:
    entry = ledger.by_number(kind, number)
    if entry is None:
        abort(404)
    return entry


def _add_page(blueprint: Blueprint, ledger: RecordStore, page: RecordPage, name: str) -> None:
    def view(number: str) -> str:
        return _record_page(_found(ledger, page.kind, number), page)

    blueprint.add_url_rule(page.rule, name, view)


def _add_save(blueprint: Blueprint, ledger: RecordStore, page: RecordPage, change: Change) -> None:
    def save(number: str) -> AnyResponse:
        entry = _found(ledger, page.kind, number)
        sent = json_object(request) if page.layout == "new" else request.form
        values = sent_values(page.kind, page.layout, sent)
        errors = form_errors(entry, values)
        if page.layout == "old":
            if errors:
                return make_response(_record_page(entry, page, values, errors), 422)
            change(entry, values)
            return redirect(request.path, 303)
        if errors:
            controls = {field.attribute: field.control for field in form_fields(page.kind)}
            return make_response({"errors": {controls[name]: errors[name] for name in errors}}, 422)
        return make_response(_record_page(change(entry, values), page))

    blueprint.add_url_rule(page.rule, f"save_{page.before}".replace("/", "_") + page.layout,
                           save, methods=["POST"])  # fmt: skip


def _record_page(
    entry: SandboxRecord,
    page: RecordPage,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> str:
    """Return the page; with `values`, its form is open and shows them."""
    tabs = [
        (other.tab, other.rule.replace("<number>", entry.number))
        for other in record_pages()
        if (other.kind, other.before, other.layout) == (page.kind, page.before, page.layout)
        and other.after.startswith("view")
    ]
    return render_template(
        f"web/record_{page.layout}.html",
        entry=entry,
        title=title(entry),
        tab=page.tab,
        tabs=tabs,
        sections=form_sections(page.kind, page.layout),
        values=values or {},
        errors=errors or {},
        below=_items(entry),
    )


def _items(entry: SandboxRecord) -> list[tuple[str, str, str]]:
    """Return the jobs and invoices below a record: what, number and path."""
    number = int(entry.number)
    return [
        (what, str(number * 10 + place), rule.replace("<number>", entry.number)
         .replace("<item>", str(number * 10 + place)))
        for place, (kind, rule, what) in enumerate(_BELOW, start=1)
        if kind == entry.kind
    ]  # fmt: skip


def _add_below(
    blueprint: Blueprint, ledger: RecordStore, below: tuple[Kind, str, str], name: str
) -> None:
    kind, rule, what = below

    def view(number: str, item: str) -> str:
        entry = _found(ledger, kind, number)
        if item not in {known for _, known, _ in _items(entry)}:
            abort(404)
        return render_template(
            "web/below.html", entry=entry, title=title(entry), what=what, item=item
        )

    blueprint.add_url_rule(rule, name, view)

"""Reports: every customer or supplier, to download as Excel and as CSV."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, render_template

from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.web.lists import active, title
from crmlink.csv_safety import escape_formula
from crmlink.kinds import KINDS, Kind

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def add_reports(blueprint: Blueprint, ledger: RecordStore) -> None:
    """Add the page of each report, and its two files."""
    for kind in KINDS:
        _add_report(blueprint, ledger, kind)


def _add_report(blueprint: Blueprint, ledger: RecordStore, kind: Kind) -> None:
    def page() -> str:
        return render_template("web/report.html", kind=kind)

    def workbook() -> Response:
        return _download(_as_xlsx(_rows(ledger, kind)), kind, "xlsx", _XLSX)

    def table() -> Response:
        return _download(_as_csv(_rows(ledger, kind)), kind, "csv", "text/csv")

    blueprint.add_url_rule(f"/reporting/{kind}s", f"report_{kind}s", page)
    blueprint.add_url_rule(f"/reporting/{kind}s.xlsx", f"report_{kind}s_xlsx", workbook)
    blueprint.add_url_rule(f"/reporting/{kind}s.csv", f"report_{kind}s_csv", table)


def _rows(ledger: RecordStore, kind: Kind) -> Iterator[list[str]]:
    """Yield the heading and one row for each record."""
    who = kind.capitalize()
    yield [
        f"{who} ID", f"{who} Account Number", f"{who} Name", f"{who} Contact", f"{who} Email",
        f"{who} Landline", f"{who} Mobile", f"{who} Address Line 1", f"{who} Address Line 2",
        f"{who} Address Town", f"{who} Address County", f"{who} Address Postcode",
        "Accounting Reference",
    ]  # fmt: skip
    for entry in active(ledger, kind):
        yield _row(entry)


def _row(entry: SandboxRecord) -> list[str]:
    return [
        entry.number, entry.account_number, title(entry), entry.person, entry.email,
        entry.telephone, entry.mobile, entry.line1, entry.line2,
        entry.town, entry.county, entry.postcode,
        entry.reference,
    ]  # fmt: skip


def _as_xlsx(rows: Iterator[list[str]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Report")
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value)
            cell.data_type = "s"  # a reference that begins with = is no formula
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _as_csv(rows: Iterator[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([escape_formula(value) for value in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def _download(content: bytes, kind: Kind, ending: str, mimetype: str) -> Response:
    name = f"sandbox-{kind}s.{ending}"
    return Response(
        content,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

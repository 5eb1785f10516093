"""/records/import: upload of Commusoft's report, what it would change, and its import."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import DetectedFormat
from crmlink.accounting.exports.record_reader import detect_records
from crmlink.batches.file_import import are_many
from crmlink.commusoft.mirror import is_erased_person
from crmlink.commusoft.records import Record
from crmlink.linking.records.files import (
    RecordFile,
    exported_at,
    likely_time,
    read_record_file,
)
from crmlink.linking.records.imports import (
    ImportOutcome,
    import_records,
    preview_import,
    require_imports,
)
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, is_ticked
from crmlink.pages.lists.choices import (
    MAX_COLUMNS,
    Choices,
    ShownForm,
    choices_from,
    is_as_sent,
    without_lines,
)
from crmlink.pages.lists.labels import FIELDS as CONTACT_FIELDS
from crmlink.pages.lists.received import (
    UploadRefused,
    choices_for,
    find_upload,
    missing_columns_text,
    receive_file,
)
from crmlink.pages.lists.reports import FIELDS, SEVERAL, SINGLE, recognised_report
from crmlink.pages.lists.uploads import (
    UploadedFile,
    forget_file,
    keep_choices,
    mark_as_records,
)
from crmlink.store.base import utc_now
from crmlink.store.erased import erased_people
from crmlink.values.moments import for_time_field, from_time_field
from crmlink.web.auth import (
    current_actor,
    current_workspace,
    require_permission,
)
from crmlink.web.body_limits import UPLOAD_MB

MAX_RECORDS = 6  # records
MAX_BAD_ROWS = 12
WRONG_TIME = "Enter when the report was exported: a day and time in the last two years."
FIRST = ("number", "reference", "name", "company", "email", "phones", "address", "postcode")
FIELD_LABELS = CONTACT_FIELDS | {
    "number": "Id in Commusoft",
    "reference": "Accounting reference",
}

Reply = str | Response | tuple[str, int]


@dataclass
class ReportPreview:
    """A report with the user's choices: its first records, and what it would change.

    ``refused`` is why it cannot be read, or what must be chosen first.
    """

    sent: UploadedFile
    choices: Choices
    found: DetectedFormat
    recognised: DetectedFormat
    advice: list[str] = field(default_factory=list)
    refused: str = ""
    changed: bool = False  # since the form was shown
    asks: bool = False
    contents: RecordFile = field(default_factory=RecordFile)
    first: list[Record] = field(default_factory=list)
    outcome: ImportOutcome | None = None

    @property
    def shown(self) -> ShownForm:
        """What its form shows."""
        return ShownForm.of(self.found, self.recognised, self.choices, FIELDS)

    @property
    def read_at(self) -> datetime:
        """When the report was exported, as far as it is known."""
        return datetime.fromisoformat(self.sent.made_at)

    @property
    def exported(self) -> str:
        """The same for the form's field."""
        return for_time_field(self.read_at)

    @property
    def many_left_out(self) -> bool:
        """Whether more lines would be left out than are without the user's yes."""
        lost = self.contents.left_out
        return are_many(lost, len(self.contents.records) + lost)

    @property
    def removes(self) -> int:
        """How many records wait for a second yes to their removal."""
        return self.outcome.would_remove if self.outcome else 0

    @property
    def agreement(self) -> str:
        """What the user agrees to; empty if there is nothing to ask."""
        if not (self.many_left_out or self.removes):
            return ""
        return f"{self.contents.left_out}-{self.removes}"


@blueprint.get("/records/import")
@require_permission("batch")
def new_record_import() -> str:
    """Show the form to choose a report."""
    require_imports(current_workspace())
    return _new_page(Form())


@blueprint.post("/records/import")
@require_permission("batch")
def upload_records() -> Reply:
    """Store a report, and show what it would change."""
    require_imports(current_workspace())
    try:
        sent = receive_file(detect_records)
    except UploadRefused as refused:
        return _not_taken(str(refused))
    made_at = exported_at(sent.path) or _file_date(request.form.get("modified", "")) or utc_now()
    mark_as_records(sent, made_at.isoformat())
    return redirect_to("pages.preview_records", token=sent.token)


@blueprint.get("/records/import/<token>")
@require_permission("batch")
def preview_records(token: str) -> Reply:
    """Show what a report would change, with the choices so far."""
    require_imports(current_workspace())
    sent = find_upload(token, records=True)
    return _page(_preview(sent, choices_for(sent))) if sent else _upload_not_found()


@blueprint.post("/records/import/<token>")
@require_permission("batch")
def update_record_preview(token: str) -> Reply:
    """Store the choices, and show the preview again, or import the records."""
    require_imports(current_workspace())
    sent = find_upload(token, records=True)
    if sent is None:
        return _upload_not_found()
    form = dict(request.form.items())
    choices = replace(choices_from(form, choices_for(sent), FIELDS), complete=is_ticked("complete"))
    sent = keep_choices(sent, choices.as_dict())
    sent, is_later, wrong = _with_time(sent, form.get("exported", ""))
    agreed = form.get("agreed", "")
    if form.get("do") != "keep" and not agreed and not wrong:
        return redirect_to("pages.preview_records", token=token)
    look = _preview(sent, choices)
    look.refused = wrong or look.refused
    look.changed = is_later or not is_as_sent(form, look.shown)
    if look.refused or look.changed:
        return _page(look, 422)
    if look.agreement and agreed != look.agreement:
        look.asks = True
        return _page(look, 409)
    return _imported(look)


@blueprint.post("/records/import/<token>/forget")
@require_permission("batch")
def discard_records(token: str) -> Response:
    """Delete the file."""
    if sent := find_upload(token, records=True):
        forget_file(sent)
    return redirect_to("pages.records")


def _imported(look: ReportPreview) -> Reply:
    part = look.contents.part(look.read_at, complete=look.choices.complete, agreed=look.removes)
    done = import_records(
        current_workspace(), current_actor().device.id, replace(part, key=look.sent.token)
    )
    if not done.finished:  # others changed the records meanwhile
        return _page(_preview(look.sent, look.choices), 409)
    forget_file(look.sent)
    counts = done.counts
    flash_message(
        f"Imported: {counts.added:,} new, {counts.changed:,} changed, "
        f"{counts.unchanged:,} unchanged, {done.gone:,} removed."
    )
    return redirect_to("pages.records")


def _preview(sent: UploadedFile, choices: Choices) -> ReportPreview:
    """Read a report with the user's choices, and compare it with what is known."""
    refused = ""
    try:
        found, recognised, lacking = recognised_report(sent, choices)
    except ExportError as error:  # an impossible choice: show the file without it
        refused = str(error)
        found, recognised, lacking = recognised_report(sent, without_lines(choices))
    look = ReportPreview(sent, choices, found, recognised, refused=refused)
    if found.also:
        others = ", ".join(f"“{sheet}”" for sheet in found.also)
        look.advice.append(
            f"Only the sheet “{found.sheet}” is read. Import {others} afterwards: upload the file "
            "again and choose the sheet under Match your columns."
        )
    look.advice += missing_columns_text(lacking, FIELD_LABELS)
    if not refused:
        _read(look)
    return look


def _read(look: ReportPreview) -> None:
    ctx = current_workspace()
    try:
        look.contents = read_record_file(look.sent.path, look.found)
    except ExportError as error:
        look.refused = str(error)
        return
    with ctx.database.reading() as session:
        erased = erased_people(session, ctx.workspace_id)
    known = [
        record
        for record in look.contents.records
        if not is_erased_person(record, erased, is_new=True)
    ]
    look.first = known[:MAX_RECORDS]
    if len(known) < len(look.contents.records):  # the samples may hold an erased person
        look.found = replace(look.found, sample=(), values={})
    part = look.contents.part(look.read_at, complete=look.choices.complete)
    look.outcome = preview_import(ctx, part)


def _with_time(sent: UploadedFile, entered: str) -> tuple[UploadedFile, bool, str]:
    """Return a file with the entered time of its export, whether that is new, and what is wrong."""
    before = datetime.fromisoformat(sent.made_at)
    if not entered.strip() or entered.strip() == for_time_field(before):
        return sent, False, ""
    moment = from_time_field(entered)
    if moment is None or not likely_time(moment):
        return sent, False, WRONG_TIME
    return mark_as_records(sent, moment.isoformat()), True, ""


def _file_date(text: str) -> datetime | None:
    """Return the date that a browser gave a file, if it may be that of its export."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return likely_time(moment) if moment.tzinfo else None


def _page(look: ReportPreview, status: int = 200) -> Reply:
    page = render_template(
        "records_preview.html",
        look=look,
        found=look.found,
        choices=look.choices,
        shown=look.shown,
        fields=FIELD_LABELS,
        single=SINGLE,
        several=SEVERAL,
        first=FIRST,
        most_columns=MAX_COLUMNS,
        shown_bad=MAX_BAD_ROWS,
    )
    return (page, status) if status != 200 else page


def _upload_not_found() -> Response:
    flash_message("This file is no longer here. Choose it again.", "caution")
    return redirect_to("pages.new_record_import")


def _not_taken(sentence: str) -> Reply:
    return _new_page(Form(errors={"file": sentence})), 422


def _new_page(form: Form) -> str:
    return render_template("records_import.html", form=form, most=UPLOAD_MB)

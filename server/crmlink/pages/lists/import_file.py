"""/lists/new: upload of a file, preview and corrections, and import as a draft."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import (
    DetectedFormat,
    ExportedContact,
    RejectedRow,
    detect_format,
    import_hints,
    read_contacts,
    unread_text,
)
from crmlink.accounting.package_facts import exports_references
from crmlink.accounting.package_rules import Packages
from crmlink.batches.file_import import (
    ListFile,
    counting_unread,
    import_file,
    without_erased,
)
from crmlink.batches.state import find_batch
from crmlink.kinds import KINDS
from crmlink.linking.errors import BatchNotFound, ManyLinesLeftOut
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, number_in
from crmlink.pages.lists import choices as list_choices
from crmlink.pages.lists.choices import (
    BOTH,
    MAX_COLUMNS,
    SEVERAL,
    SINGLE,
    Choices,
    ShownForm,
    choices_from,
    is_as_sent,
    resolved,
)
from crmlink.pages.lists.labels import FIELDS
from crmlink.pages.lists.received import (
    UploadRefused,
    choices_for,
    find_upload,
    missing_columns_text,
    receive_file,
    upload_place,
)
from crmlink.pages.lists.uploads import (
    UploadedFile,
    delete_as_saved,
    deleted_file,
    forget_file,
    keep_choices,
)
from crmlink.sources.connecting import list_sources
from crmlink.store.erased import erased_people
from crmlink.store.quotas import Quota, QuotaReached, require_room
from crmlink.web.auth import (
    current_actor,
    current_open_workspace,
    current_workspace,
    require_permission,
)
from crmlink.web.body_limits import UPLOAD_MB
from crmlink.web.problems import problem_from_error

PREVIEW_ROWS = 10_000  # rows read for the preview
MAX_CONTACTS = 6  # contacts
MAX_BAD_ROWS = 12
FIRST = ("reference", "name", "company", "email", "phones", "address", "postcode")

Reply = str | Response | tuple[str, int]


@dataclass
class ImportPreview:
    """A file's detected format with the user's choices, and its first rows.

    ``recognised`` is the format without chosen columns. ``refused`` is why rows cannot be read,
    ``missing`` what must be chosen first, ``question`` what must be agreed to.
    """

    sent: UploadedFile
    choices: Choices
    found: DetectedFormat
    recognised: DetectedFormat
    contacts: list[ExportedContact] = field(default_factory=list)
    bad: list[RejectedRow] = field(default_factory=list)
    lines: int = 0  # rows read, bad ones included
    whole: bool = True
    refused: str = ""
    missing: str = ""
    changed: bool = False  # since the form was shown
    question: ManyLinesLeftOut | None = None
    advice: list[str] = field(default_factory=list)

    @property
    def shown(self) -> ShownForm:
        """What its form shows."""
        return ShownForm.of(self.found, self.recognised, self.choices)


@blueprint.get("/lists/new")
@require_permission("collect")
def new_list() -> str:
    """Show the form to choose a file."""
    return _new_page(Form())


@blueprint.post("/lists/new")
@require_permission("collect")
def upload_list() -> Reply:
    """Store a file, and show its preview."""
    if refused := _why_no_list():
        return _not_taken(refused)
    try:
        sent = receive_file(partial(detect_format, packages=current_workspace().packages))
    except UploadRefused as refused:
        return _not_taken(str(refused))
    return redirect_to("pages.preview_import", token=sent.token)


@blueprint.get("/lists/new/<token>")
@require_permission("collect")
def preview_import(token: str) -> Reply:
    """Show the preview with the choices so far."""
    sent = find_upload(token, records=False)
    return _page(_preview(sent, choices_for(sent))) if sent else _upload_not_found(token)


@blueprint.post("/lists/new/<token>")
@require_permission("collect")
def update_preview(token: str) -> Reply:
    """Store the choices, and show the preview, or import the contacts as a draft."""
    sent = find_upload(token, records=False)
    if sent is None:
        return _upload_not_found(token)
    form = dict(request.form.items())
    choices = choices_from(form, choices_for(sent))
    sent = keep_choices(sent, choices.as_dict())
    agreed = form.get("agreed", "")
    if form.get("do") != "keep" and not agreed:
        return redirect_to("pages.preview_import", token=token)
    look = _preview(sent, choices)
    if not _kind_is_known(look.found) and choices.kind != BOTH:
        look.missing = "Choose whether these are customers or suppliers."
    look.changed = not is_as_sent(form, look.shown)
    if look.refused or look.missing or look.changed:
        return _page(look, 422)
    return _kept(look, number_in(agreed) or 0)


@blueprint.post("/lists/new/<token>/forget")
@require_permission("collect")
def discard_upload(token: str) -> Response:
    """Delete the file."""
    if sent := find_upload(token, records=False):
        forget_file(sent)
    return redirect_to("pages.lists")


def _why_no_list() -> str:
    """Return why there can be no further list, "" if there can: before a file is taken."""
    ctx = current_workspace()
    try:
        with ctx.database.reading() as session:
            require_room(session, ctx.workspace_id, Quota.LISTS)
    except QuotaReached as reached:
        return problem_from_error(reached).detail
    return ""


def _kept(look: ImportPreview, agreed: int) -> Reply:
    try:
        done = import_file(
            current_workspace(),
            current_actor().device.id,
            ListFile(look.sent.path, look.sent.filename, look.found, name=look.choices.name or ""),
            agreed=agreed,
        )
    except ExportError as refused:
        look.refused = str(refused)
        return _page(look, 422)
    except QuotaReached as reached:
        look.refused = problem_from_error(reached).detail
        return _page(look, 409)
    except ManyLinesLeftOut as question:
        look.question = question
        return _page(look, 409)
    delete_as_saved(look.sent, done.batch.id)
    bad = f", {done.bad:,} line{'s' if done.bad != 1 else ''} left out" if done.bad else ""
    flash_message(
        f"{done.contacts:,} contact{'s' if done.contacts != 1 else ''} saved as a draft{bad}."
    )
    return redirect_to("pages.list_detail", batch_id=done.batch.id)


def _preview(sent: UploadedFile, choices: Choices) -> ImportPreview:
    """Detect the file's format with the user's choices, and read its first rows."""
    packages = current_workspace().packages
    refused = ""
    try:
        recognised = _recognised(sent, choices, packages)
    except ExportError as error:  # an impossible choice: show the file without it
        refused = str(error)
        if error.code == "sheet_unknown":
            choices = replace(choices, sheet="")
        recognised = _recognised(sent, list_choices.without_lines(choices), packages)
    columns, lacking = resolved(choices, recognised)
    found = recognised.with_overrides(
        kind=choices.contact_kind, columns=columns, dates=choices.date_order
    )
    look = ImportPreview(sent, choices, found, recognised, refused=refused)
    look.advice = [*import_hints(found, packages), *missing_columns_text(lacking, FIELDS)]
    if refused:
        return look
    try:
        _read(look, packages)
    except ExportError as error:
        look.refused = str(error)
    return look


def _recognised(sent: UploadedFile, choices: Choices, packages: Packages) -> DetectedFormat:
    hints = choices.hints
    if hints.package not in packages["packages"]:
        hints = replace(hints, package=None)
    return detect_format(sent.path, sent.filename, packages, hints)


def _read(look: ImportPreview, packages: Packages) -> None:
    ctx = current_workspace()
    with ctx.database.reading() as session:
        erased = erased_people(session, ctx.workspace_id)
    read = read_contacts(look.sent.path, look.found, packages)
    unread: Counter[str] = Counter()
    counted = counting_unread(read, unread)
    rows = without_erased(erased, look.found.package or "", "", counted)
    seen = 0
    for row in islice(rows, PREVIEW_ROWS):
        seen += 1
        if isinstance(row, RejectedRow):
            look.bad.append(row)
        elif len(look.contacts) < MAX_CONTACTS:
            look.contacts.append(row)
        if isinstance(row, RejectedRow) and row.code == "erased":
            look.found = replace(look.found, sample=(), values={})  # either may hold the person
    look.advice += unread_text(unread)
    look.lines, look.whole = seen, seen < PREVIEW_ROWS
    if not look.contacts and not look.refused:
        look.refused = "We found no contacts in the first rows. Check the reasons and the columns."


def _kind_is_known(found: DetectedFormat) -> bool:
    return found.kind is not None or "kind" in found.columns or found.file_kind == "iif"


def _page(look: ImportPreview, status: int = 200) -> Reply:
    page = render_template(
        "lists/look.html",
        look=look,
        found=look.found,
        choices=look.choices,
        packages=current_workspace().packages["packages"],
        kind_told=_kind_is_known(look.found) and look.choices.kind not in KINDS,
        shown=look.shown,
        single=SINGLE,
        several=SEVERAL,
        first=FIRST,
        most_columns=MAX_COLUMNS,
        shown_bad=MAX_BAD_ROWS,
    )
    return (page, status) if status != 200 else page


def _upload_not_found(token: str) -> Response:
    deleted = deleted_file(upload_place(), token, current_actor().device.public_id)
    if deleted and deleted.saved_as and _is_list(deleted.saved_as):
        flash_message("This file is saved already, as this list.", "caution")
        return redirect_to("pages.list_detail", batch_id=deleted.saved_as)
    why = "This file is no longer here. Choose it again."
    if deleted and deleted.erased:
        why = (
            "Someone was erased from crmlink and may have been in this file, so it was deleted. "
            "Choose it again: erased people are left out."
        )
    flash_message(why, "caution")
    return redirect_to("pages.new_list")


def _is_list(batch_id: str) -> bool:
    try:
        return bool(find_batch(current_workspace(), batch_id))
    except BatchNotFound:
        return False


def _not_taken(sentence: str) -> Reply:
    return _new_page(Form(errors={"file": sentence})), 422


def _new_page(form: Form) -> str:
    packages = current_workspace().packages
    names: dict[bool, list[str]] = {True: [], False: []}
    for package, rules in packages["packages"].items():
        if (inside := exports_references(packages, package)) is not None:
            names[inside].append(rules["name"])
    here = current_open_workspace().sources
    with here.database.reading() as session:
        sources = list_sources(session, here.workspace_id)
    return render_template(
        "lists/new.html",
        form=form,
        most=UPLOAD_MB,
        inside=names[True],
        outside=names[False],
        sources=sources,
    )

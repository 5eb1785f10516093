"""/lists/new: a file is sent, looked at, its columns put right, and kept as a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.accounting.errors import ExportRefused
from crmlink.accounting.exports.reader import (
    BadRow,
    DateOrder,
    ExportedContact,
    Recognised,
    advice,
    read_contacts,
)
from crmlink.accounting.package_rules import Packages
from crmlink.batches.file_import import import_file, look_at
from crmlink.kinds import KINDS, Kind
from crmlink.pages.blueprint import blueprint, here
from crmlink.pages.forms import Form, tell
from crmlink.pages.lists.uploads import SentFile, find_file, forget_file, keep_file
from crmlink.web.auth import actor, desk, house, needs

MOST_MB = 50
MOST_BYTES = MOST_MB * 2**20
ROOM_FOR_THE_FORM = 100_000  # bytes around the file
LOOKED_AT = 2_000  # rows that are read before a person says yes
SHOWN = 6  # contacts
SHOWN_BAD = 12
MOST_COLUMNS = 6  # that telephone numbers or an address may stand in
LONGEST_NAME = 120
SINGLE = (
    "reference", "name", "company", "person", "first_name", "last_name", "account_number",
    "email", "town", "postcode", "kind", "open_balance", "last_used",
)  # fmt: skip
SEVERAL = ("phones", "address")
FIRST = ("reference", "name", "company", "email", "phones", "address", "postcode")
DATES: tuple[DateOrder, ...] = ("dmy", "mdy")

Reply = str | Response | tuple[str, int]


@dataclass
class Look:
    """What a file is taken for, and its first rows as they would be read.

    ``refused`` says why they cannot be read; ``asked`` is what the form holds.
    """

    sent: SentFile
    asked: Form
    found: Recognised
    contacts: list[ExportedContact] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    whole: bool = True
    refused: str = ""
    advice: list[str] = field(default_factory=list)


@blueprint.url_value_preprocessor
def _let_lists_be_large(endpoint: str | None, _values: Mapping[str, str] | None) -> None:
    """A file of contacts may be larger than any other request; runs before anything is read."""
    if endpoint == "pages.upload_list":
        request.max_content_length = MOST_BYTES + ROOM_FOR_THE_FORM


@blueprint.get("/lists/new")
@needs("collect")
def new_list() -> str:
    """Where a file is chosen."""
    return render_template("lists/new.html", form=Form(), most=MOST_MB)


@blueprint.post("/lists/new")
@needs("collect")
def upload_list() -> Reply:
    """Take a file, and show what it is."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _not_taken("Choose a file first.")
    sent = keep_file(house().settings.data_dir, upload, actor().device.public_id)
    size = sent.path.stat().st_size
    try:
        if size > MOST_BYTES:
            raise ExportRefused("too_large", most=MOST_MB)
        look_at(desk(), sent.path, sent.filename)
    except ExportRefused as refused:
        forget_file(sent)
        return _not_taken(str(refused))
    return here("pages.look_at_list", token=sent.token)


@blueprint.get("/lists/new/<token>")
@needs("collect")
def look_at_list(token: str) -> Reply:
    """What the file is taken for."""
    sent = _sent(token)
    return _page(_looked(sent, Form())) if sent else _gone()


@blueprint.post("/lists/new/<token>")
@needs("collect")
def correct_list(token: str) -> Reply:
    """Show it with a person's corrections, or keep it as a draft."""
    sent = _sent(token)
    if sent is None:
        return _gone()
    look = _looked(sent, Form(dict(request.form.items())))
    if request.form.get("do") != "keep":
        return _page(look)
    if not _kind_is_told(look.found) and look.asked.values.get("kind") != "both":
        look.asked.errors["kind"] = "Say what the contacts are: the file does not tell."
    if look.refused or look.asked.errors:
        return _page(look, 422)
    return _kept(look)


@blueprint.post("/lists/new/<token>/forget")
@needs("collect")
def forget_list(token: str) -> Response:
    """Throw the file away."""
    if sent := _sent(token):
        forget_file(sent)
    return here("pages.lists")


def _kept(look: Look) -> Reply:
    name = look.asked.values.get("name", "").strip()[:LONGEST_NAME]
    try:
        done = import_file(
            desk(), actor().device.id, look.sent.path, look.sent.filename, look.found, name=name
        )
    except ExportRefused as refused:
        look.refused = str(refused)
        return _page(look, 422)
    forget_file(look.sent)
    bad = f", {done.bad:,} line{'s' if done.bad != 1 else ''} left out" if done.bad else ""
    tell(f"{done.contacts:,} contact{'s' if done.contacts != 1 else ''} kept as a draft{bad}.")
    return here("pages.one_list", batch_id=done.batch.id)


def _looked(sent: SentFile, asked: Form) -> Look:
    """Recognise the file, with what the form says, and read its first rows."""
    packages = desk().packages
    try:
        look = Look(sent, asked, _recognised(sent, asked.values, packages))
    except ExportRefused as refused:  # a correction that cannot be: show it without
        plain = look_at(desk(), sent.path, sent.filename)
        return Look(sent, asked, plain, refused=str(refused))
    look.advice = advice(look.found, packages)
    try:
        _read(look, packages)
    except ExportRefused as refused:
        look.refused = str(refused)
    return look


def _recognised(sent: SentFile, asked: Mapping[str, str], packages: Packages) -> Recognised:
    package = asked.get("package", "")
    header = asked.get("header_line", "")
    sheet = asked.get("sheet", "")
    first = look_at(
        desk(), sent.path, sent.filename,
        package=package if package in packages["packages"] else None,
        sheet=sheet or None,
        header_line=int(header) if header.isascii() and header.isdigit() and len(header) < 7
        else None,
    )  # fmt: skip
    columns = _columns(asked, first) if asked.get("seen") == _seen(first) else {}
    dates: DateOrder | None = next((each for each in DATES if each == asked.get("dates")), None)
    return first.corrected(kind=_kind(asked.get("kind", "")), columns=columns, dates=dates)


def _seen(found: Recognised) -> str:
    """By which columns a form was made: corrections to another header mean nothing."""
    return f"{found.sheet}:{found.header_line}:{len(found.header)}:{found.package or ''}"


def _columns(asked: Mapping[str, str], found: Recognised) -> dict[str, list[int]]:
    """What the form says of columns, by their places; fields that it does not name stay."""
    said: dict[str, list[int]] = {}
    for name in SINGLE + SEVERAL:
        several = range(MOST_COLUMNS) if name in SEVERAL else range(1)
        values = [asked[f"{name}-{number}"] for number in several if f"{name}-{number}" in asked]
        if not values or values == ["as-is"]:
            continue
        places = [int(each) for each in values if each.isascii() and each.isdigit()]
        said[name] = [place for place in dict.fromkeys(places) if place < len(found.header)]
    return said


def _read(look: Look, packages: Packages) -> None:
    rows = read_contacts(look.sent.path, look.found, packages)
    seen = 0
    for row in islice(rows, LOOKED_AT):
        seen += 1
        if isinstance(row, BadRow):
            look.bad.append(row)
        elif len(look.contacts) < SHOWN:
            look.contacts.append(row)
    look.whole = seen < LOOKED_AT
    if not look.contacts and not look.refused:
        look.refused = (
            "None of the first rows is a contact. Look at the reasons, and at the columns."
        )


def _kind(text: str) -> Kind | None:
    return next((kind for kind in KINDS if kind == text), None)


def _kind_is_told(found: Recognised) -> bool:
    return found.kind is not None or "kind" in found.columns or found.file_kind == "iif"


def _page(look: Look, status: int = 200) -> Reply:
    found = look.found
    page = render_template(
        "lists/look.html",
        look=look,
        found=found,
        form=look.asked,
        packages=desk().packages["packages"],
        kind_told=_kind_is_told(found) and look.asked.values.get("kind", "") not in KINDS,
        seen=_seen(found),
        single=SINGLE,
        several=SEVERAL,
        first=FIRST,
        most_columns=MOST_COLUMNS,
        looked_at=LOOKED_AT,
        shown_bad=SHOWN_BAD,
    )
    return (page, status) if status != 200 else page


def _sent(token: str) -> SentFile | None:
    return find_file(house().settings.data_dir, token, actor().device.public_id)


def _gone() -> Response:
    tell("The file is not here any more. Choose it again.", "caution")
    return here("pages.new_list")


def _not_taken(sentence: str) -> Reply:
    form = Form(errors={"file": sentence})
    return render_template("lists/new.html", form=form, most=MOST_MB), 422

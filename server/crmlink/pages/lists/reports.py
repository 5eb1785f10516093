"""Commusoft's reports among the uploads: their format, with the user's choices."""

from __future__ import annotations

from dataclasses import replace

from crmlink.accounting.exports.reader import DetectedFormat
from crmlink.accounting.exports.record_reader import detect_records, with_choices
from crmlink.pages.lists.choices import Choices, resolved
from crmlink.pages.lists.uploads import UploadedFile

SINGLE = (
    "number", "reference", "name", "company", "person", "first_name", "last_name",
    "account_number", "town", "postcode", "other_town", "other_postcode", "kind",
)  # fmt: skip
SEVERAL = ("email", "phones", "address", "other_address")
FIELDS = SINGLE + SEVERAL


def recognised_report(
    sent: UploadedFile, choices: Choices
) -> tuple[DetectedFormat, DetectedFormat, list[str]]:
    """Return a report's format, the one without chosen columns, and fields whose column is missing.

    Raises ExportError.
    """
    recognised = detect_records(sent.path, sent.filename, replace(choices.hints, package=None))
    columns, lacking = resolved(choices, recognised)
    found = with_choices(recognised, kind=choices.contact_kind, columns=columns)
    return found, recognised, lacking

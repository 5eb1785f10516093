"""Export files of the accounting packages: what they are, and the contacts in them.

found = recognise(file, "Contacts.csv", packages)
for row in read_contacts(file, found.corrected(kind="customer"), packages):
    ...  # an ExportedContact or a RejectedRow
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from crmlink.accounting.exports.detect import detect_format
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.files import Source, open_seekable
from crmlink.accounting.exports.messages import import_hints, rejected_row_text
from crmlink.accounting.exports.model import (
    IMPORT_FIELDS,
    Column,
    Columns,
    DateOrder,
    DetectedFormat,
    ExportedContact,
    FileKind,
    FormatMatch,
    RejectedRow,
)
from crmlink.accounting.exports.row_parser import RowParser
from crmlink.accounting.exports.rows import rows_of
from crmlink.accounting.exports.text_encoding import DELIMITERS, ENCODINGS
from crmlink.accounting.package_rules import Packages, package_rules

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "IMPORT_FIELDS",
    "Column",
    "Columns",
    "DateOrder",
    "DetectedFormat",
    "ExportedContact",
    "FileKind",
    "FormatMatch",
    "RejectedRow",
    "Source",
    "detect_format",
    "import_hints",
    "read_contacts",
    "rejected_row_text",
]

_ENOUGH = {"name", "company", "person", "first_name", "last_name", "email"}


def read_contacts(
    source: Source, found: DetectedFormat, packages: Packages
) -> Iterator[ExportedContact | RejectedRow]:
    """Every row of the file that is not empty, as a contact or as what is wrong with it.

    The rows come in a stream, in the file's order. A stream given is left open, but must not be
    read by others meanwhile. Raises at once UnknownPackage and ExportError (`columns_needed`,
    `package_needed`), and while reading ExportError: then what came before must be thrown away.
    """
    if found.package is not None:
        package_rules(packages, found.package)
    elif found.has_references or found.ambiguous:
        raise ExportError("package_needed")
    if not _ENOUGH & found.columns.keys():
        raise ExportError("columns_needed")
    return _contacts(source, found, packages)


def _contacts(
    source: Source, found: DetectedFormat, packages: Packages
) -> Iterator[ExportedContact | RejectedRow]:
    maker = RowParser(found, packages)
    with open_seekable(source) as stream, closing(rows_of(stream, found, packages)) as rows:
        for row in rows:
            made = row if isinstance(row, RejectedRow) else maker.made(row)
            if made is not None:
                yield made

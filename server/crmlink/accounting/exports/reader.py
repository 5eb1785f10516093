"""Export files of accounting packages: detection, and the contacts in them.

detected = detect_format(file, "Contacts.csv", packages) for row in read_contacts(file,
detected.with_overrides(kind="customer"), packages): ... # an ExportedContact or a RejectedRow
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from crmlink.accounting.exports.detect import detect_format
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.files import Source, open_seekable
from crmlink.accounting.exports.messages import (
    import_hints,
    rejected_row_text,
    unread_text,
)
from crmlink.accounting.exports.model import (
    IMPORT_FIELDS,
    Column,
    Columns,
    DateOrder,
    DetectedFormat,
    ExportedContact,
    FileKind,
    FormatHints,
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
    "FormatHints",
    "FormatMatch",
    "RejectedRow",
    "Source",
    "detect_format",
    "import_hints",
    "read_contacts",
    "rejected_row_text",
    "unread_text",
]

_ENOUGH = {"name", "company", "person", "first_name", "last_name", "email"}


def read_contacts(
    source: Source, detected: DetectedFormat, packages: Packages
) -> Iterator[ExportedContact | RejectedRow]:
    """Yield every non-empty row of the file, as a contact or as a rejected row.

    Rows are streamed in the file's order. A given stream stays open but must not be read elsewhere
    in the meantime. Raises UnknownPackage and ExportError (`columns_needed`, `package_needed`) at
    once, and ExportError while reading: then earlier rows must be discarded.
    """
    if detected.package is not None:
        package_rules(packages, detected.package)
    elif detected.has_references or detected.ambiguous:
        raise ExportError("package_needed")
    if not _ENOUGH & detected.columns.keys():
        raise ExportError("columns_needed")
    return _contacts(source, detected, packages)


def _contacts(
    source: Source, detected: DetectedFormat, packages: Packages
) -> Iterator[ExportedContact | RejectedRow]:
    parser = RowParser(detected, packages)
    with open_seekable(source) as stream, closing(rows_of(stream, detected, packages)) as rows:
        for row in rows:
            result = row if isinstance(row, RejectedRow) else parser.parse(row)
            if result is not None:
                yield result

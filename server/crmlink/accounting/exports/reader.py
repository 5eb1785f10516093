"""Export files of the accounting packages: what they are, and the contacts in them.

found = recognise(file, "Contacts.csv", packages)
for row in read_contacts(file, found.corrected(kind="customer"), packages):
    ...  # an ExportedContact or a BadRow
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from crmlink.accounting.errors import ExportRefused
from crmlink.accounting.exports.detect import recognise
from crmlink.accounting.exports.files import Source, opened
from crmlink.accounting.exports.messages import advice, say
from crmlink.accounting.exports.model import (
    FIELDS,
    BadRow,
    Column,
    Columns,
    DateOrder,
    ExportedContact,
    FileKind,
    Fit,
    Recognised,
)
from crmlink.accounting.exports.row_parser import Maker
from crmlink.accounting.exports.rows import rows_of
from crmlink.accounting.exports.text_encoding import DELIMITERS, ENCODINGS
from crmlink.accounting.package_rules import Packages, package_rules

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "FIELDS",
    "BadRow",
    "Column",
    "Columns",
    "DateOrder",
    "ExportRefused",
    "ExportedContact",
    "FileKind",
    "Fit",
    "Recognised",
    "Source",
    "advice",
    "read_contacts",
    "recognise",
    "say",
]

_ENOUGH = {"name", "company", "person", "first_name", "last_name", "email"}


def read_contacts(
    source: Source, found: Recognised, packages: Packages
) -> Iterator[ExportedContact | BadRow]:
    """Every row of the file that is not empty, as a contact or as what is wrong with it.

    The rows come in a stream, in the file's order. A stream given is left open, but must not be
    read by others meanwhile. Raises at once UnknownPackage and ExportRefused (`columns_needed`,
    `package_needed`), and while reading ExportRefused: then what came before must be thrown away.
    """
    if found.package is not None:
        package_rules(packages, found.package)
    elif found.has_references or found.ambiguous:
        raise ExportRefused("package_needed")
    if not _ENOUGH & found.columns.keys():
        raise ExportRefused("columns_needed")
    return _contacts(source, found, packages)


def _contacts(
    source: Source, found: Recognised, packages: Packages
) -> Iterator[ExportedContact | BadRow]:
    maker = Maker(found, packages)
    with opened(source) as stream, closing(rows_of(stream, found, packages)) as rows:
        for row in rows:
            made = row if isinstance(row, BadRow) else maker.made(row)
            if made is not None:
                yield made

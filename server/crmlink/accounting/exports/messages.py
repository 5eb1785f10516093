"""Sentences about export files and their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmlink.accounting.package_facts import has_list_page

if TYPE_CHECKING:
    from crmlink.accounting.exports.model import DetectedFormat, RejectedRow
    from crmlink.accounting.package_rules import Packages

THINGS = {
    "csv": "a table as text (CSV)",
    "iif": "an IIF file",
    "xlsx": "an Excel workbook (XLSX)",
    "xls": "an old Excel workbook (XLS)",
    "xlsb": "a binary Excel workbook (XLSB)",
    "zip": "a ZIP archive",
    "gzip": "a compressed file",
    "pdf": "a PDF document",
    "html": "a web page",
    "xml": "an XML document",
    "rtf": "a text document",
    "picture": "a picture",
    "binary": "no text",
}

REFUSALS = {
    "unreadable": "The file cannot be opened.",
    "empty": "The file is empty.",
    "too_large": "The file is larger than {most} MB. Export fewer contacts at a time.",
    "too_large_unpacked": "The workbook unpacks to more than {most} MB, which no contact list "
    "does. Save the sheet with the contacts alone, or as CSV.",
    "too_many_rows": "The file has more than {most} rows. Export fewer contacts at a time.",
    "not_as_named": "{filename} should be {named}, but it is {found}. Export it again as CSV, "
    "XLSX or IIF.",
    "not_a_list": "This is {found}. Export the contacts as CSV, XLSX or IIF.",
    "old_excel": "This is an old Excel workbook (XLS), or one with a password. Open it in Excel "
    "and save it as XLSX without a password, or as CSV.",
    "damaged": "The workbook is damaged. Open it in Excel and save it again, or export it again.",
    "encoding": "The file's text is written in a way that crmlink does not know. Save it as CSV "
    "UTF-8.",
    "no_table": "There is no table in this file.",
    "no_contact_table": "This IIF file holds neither customers nor vendors. In QuickBooks, export "
    "the lists Customer List and Vendor List.",
    "sheet_unknown": "The workbook has no sheet called “{sheet}”. It has: {sheets}.",
    "line_unknown": "There is no header in line {line}.",
    "header_changed": "This file's header differs from that of the file that was looked at. "
    "Choose the file again.",
    "field_unknown": "“{field}” is nothing that a column can hold. It can hold: {fields}.",
    "column_unknown": "The file has no column “{column}”. It has: {columns}.",
    "column_needed_once": "A reference stands in one column. Choose one.",
    "columns_needed": "Say which columns hold what: at least the name.",
    "number_column_needed": "Choose the column with Commusoft's own id of each customer or "
    "supplier: the number in the address of its page.",
    "record_name_needed": "Choose the column with the names.",
    "record_kind_needed": "Choose whether these are customers or suppliers.",
    "no_records": "No line of this file is a customer or supplier. Check the reasons and the "
    "columns.",
    "too_many_records": "The file has more than {most} customers or suppliers. Export fewer at a "
    "time.",
    "package_needed": "Say which accounting package the file is of.",
}

ROWS = {
    "erased": "It is of a person who was erased from crmlink, and is not taken again.",
    "reference_missing": "It has no reference.",
    "reference_malformed": "“{reference}” cannot be its reference. It should be {expected}.",
    "reference_twice": "The reference {reference} stands in line {first_line} already.",
    "reference_number": "Its reference was turned into the number {shown}, perhaps by Excel, and "
    "may have lost zeros at its beginning. Format the column as text, or export it again.",
    "reference_long_number": "Its reference was turned into the number {shown} by Excel, which "
    "keeps only 15 digits. Format the column as text, or export it again.",
    "reference_date": "Its reference was turned into the date {shown}, perhaps by Excel. Format "
    "the column as text, or export it again.",
    "reference_value": "Where its reference should be, Excel has {shown}.",
    "reference_quoted": "Its reference stands in quotation marks that may not belong to it: "
    "{reference}.",
    "letters_lost": "Letters of its reference were lost: {reference}. Save the file as CSV UTF-8, "
    "or export it again.",
    "letters_doubtful": "Letters of its reference are in doubt: {reference}. Say whether the file "
    "comes from Windows or a Mac, or export it again.",
    "number_missing": "It has no id.",
    "number_malformed": "“{shown}” cannot be its id in Commusoft, which is a whole number.",
    "record_twice": "Its id {number} is in other lines too: {lines}. It is not known which is "
    "right.",
    "name_missing": "It has no name.",
    "kind_missing": "It does not say whether it is a customer or a supplier.",
    "nothing_to_match": "It has neither a name nor anything else to find its record by.",
    "too_many_values": "It has {found} values for {columns} columns: perhaps a comma stands in a "
    "value without quotation marks.",
    "quote_open": "A quotation mark in it is not closed, or stands where none belongs.",
    "cut_row": "It has {found} values for {columns} columns, near a quotation mark that is not "
    "closed.",
    "line_too_long": "The line is longer than any contact's.",
    "field_too_long": "Its {field} is longer than {most} characters: perhaps a quotation mark is "
    "missing.",
    "broken_text": "It holds signs that are no text (NUL).",
    "header_again": "This is the header again, not a contact.",
    "total": "This is a total, not a contact.",
    "time_stamp": "This is the time of the export, not a contact.",
    "heading_missing": "No row with headings for {table} stands above it.",
}

OLD_LETTERS = {
    "mac_roman": "The file's letters were read as those of an old Mac.",
    "cp850": "The file's letters were read as those of DOS.",
}

FIELD_WORDS = {
    "reference": "reference",
    "name": "name",
    "company": "company",
    "person": "person",
    "account_number": "account number",
    "email": "email",
    "address": "address",
    "town": "town",
    "county": "county",
    "country": "country",
    "postcode": "postcode",
}


def export_error_text(code: str, facts: Mapping[str, str | int]) -> str:
    """Return why a file is refused, as a sentence. Raises KeyError for an unknown code."""
    things = {name: THINGS[str(facts[name])] for name in ("named", "found") if name in facts}
    return REFUSALS[code].format_map({**facts, **things})


def rejected_row_text(row: RejectedRow) -> str:
    """Return why a row is no contact, without its line. Raises KeyError for an unknown code."""
    words = dict(row.args)
    if "field" in words:
        words["field"] = FIELD_WORDS[str(words["field"])]
    return ROWS[row.code].format_map(words)


def import_hints(detected: DetectedFormat, packages: Packages) -> list[str]:
    """Return sentences about what to know or decide before the file is read."""
    rules = packages["packages"]
    hints = []
    if detected.ambiguous:
        several = " and ".join(dict.fromkeys(rules[fit.package]["name"] for fit in detected.fits))
        hints.append(f"Files of {several} look like this. Say which package it is of.")
    elif detected.package is None:
        hints.append("crmlink does not know this file. Say which package it is of, and which "
                    "columns hold what.")  # fmt: skip
    if "reference" in detected.unclear:
        hints.append("The column of references stands more than once. Say which is right.")
    elif detected.package and not detected.has_references:
        how = (
            "the references come from the contact list's pages, read with the browser extension"
            if has_list_page(packages, detected.package)
            else "to link its contacts, say which column holds the references"
        )
        hints.append(
            "No column is known to hold the references of "
            f"{rules[detected.package]['name']}. Matches can be prepared with this file; {how}."
        )
    if detected.encoding in OLD_LETTERS:
        hints.append(OLD_LETTERS[detected.encoding])
    if not detected.letters_certain:
        hints.append("Its letters with accents could be read in two ways. Look at the names below, "
                    "and say whether the file comes from Windows or a Mac.")  # fmt: skip
    if detected.also:
        several = ", ".join(f"“{sheet}”" for sheet in detected.also)
        hints.append(f"Only the sheet “{detected.sheet}” is read. Contacts stand in {several} too.")
    return [*hints, detected.caution] if detected.caution else hints

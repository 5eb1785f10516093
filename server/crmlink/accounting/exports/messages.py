"""Sentences about export files and their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmlink.accounting.package_facts import has_list_page

if TYPE_CHECKING:
    from crmlink.accounting.exports.model import DetectedFormat, RejectedRow
    from crmlink.accounting.package_rules import Packages

FILE_THINGS = {
    "csv": "a CSV file",
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
    "binary": "not a text file",
}

REFUSALS = {
    "unreadable": "The file can't be opened.",
    "empty": "The file is empty.",
    "too_large": "The file is larger than {most} MB. Export fewer contacts at a time.",
    "too_large_unpacked": "The workbook unpacks to more than {most} MB, which is too much for a "
    "contact list. Save only the sheet with the contacts, or save it as CSV.",
    "too_many_rows": "The file has more than {most} rows. Export fewer contacts at a time.",
    "too_many_columns": "The sheet has more than {most} columns. Delete those that aren't needed, "
    "or save it as CSV.",
    "not_as_named": "{filename} should be {named}, but it is {found}. Export it again as CSV, "
    "XLSX or IIF.",
    "not_a_list": "This is {found}. Export the contacts as CSV, XLSX or IIF.",
    "old_excel": "This is an old Excel workbook (XLS), or it has a password. Open it in Excel "
    "and save it as XLSX without a password, or as CSV.",
    "damaged": "The workbook is damaged. Open it in Excel and save it again, or export it again.",
    "encoding": "We can't read this file's text encoding. Save it as CSV UTF-8.",
    "no_table": "There is no table in this file.",
    "no_contact_table": "There are no customers or vendors in this IIF file. In QuickBooks, export "
    "the Customer List and the Vendor List.",
    "sheet_unknown": "The workbook has no sheet called “{sheet}”. It has: {sheets}.",
    "line_unknown": "There are no headings in line {line}.",
    "header_changed": "This file's headings have changed since the preview. Choose the file again.",
    "field_unknown": "“{field}” isn't one of the fields. Choose from: {fields}.",
    "column_unknown": "The file has no column “{column}”. It has: {columns}.",
    "column_needed_once": "Choose one column for the reference.",
    "columns_needed": "Match your columns: choose at least the one with the names.",
    "number_column_needed": "Choose the column with Commusoft's own id of each customer or "
    "supplier: the number in the address of its page.",
    "record_name_needed": "Choose the column with the names.",
    "record_kind_needed": "Choose whether these are customers or suppliers.",
    "no_records": "No line of this file is a customer or supplier. Check the reasons and the "
    "columns.",
    "too_many_records": "The file has more than {most} customers or suppliers. Export fewer at a "
    "time.",
    "package_needed": "Choose the accounting software this file came from.",
}

ROWS = {
    "erased": "This person was erased from crmlink, so it isn't imported again.",
    "reference_missing": "No reference.",
    "reference_malformed": "“{reference}” isn't a valid reference. It should be {expected}.",
    "reference_twice": "Same reference as line {first_line}: {reference}.",
    "reference_number": "The reference was changed into the number {shown}, perhaps by Excel, and "
    "may have lost zeros at the start. Format the column as text, or export it again.",
    "reference_long_number": "Excel changed the reference into the number {shown} and only keeps "
    "15 digits. Format the column as text, or export it again.",
    "reference_date": "The reference was changed into the date {shown}, perhaps by Excel. Format "
    "the column as text, or export it again.",
    "reference_value": "Excel has {shown} instead of a reference.",
    "reference_marked": "The reference begins with a mark that may not be part of it: {shown}. "
    "Format the column as text without it, or export it again.",
    "reference_placeholder": "“{reference}” is no reference.",
    "reference_quoted": "The reference is in quotation marks that may not be part of it: "
    "{reference}.",
    "letters_lost": "The reference has lost letters: {reference}. Save the file as CSV UTF-8, or "
    "export it again.",
    "letters_doubtful": "The reference has letters we can't be sure of: {reference}. Choose the "
    "text encoding, Windows or Mac, or export the file again.",
    "number_missing": "No id.",
    "number_malformed": "“{shown}” isn't an id in Commusoft, which is a whole number.",
    "record_twice": "The id {number} is in other lines too: {lines}. We don't know which is right.",
    "name_missing": "No name.",
    "kind_missing": "Not marked as a customer or a supplier.",
    "nothing_to_match": "No name, email or phone to match on.",
    "too_many_values": "{found} values for {columns} columns. There may be a comma in a value "
    "without quotation marks.",
    "quote_open": "A quotation mark is not closed, or is in the wrong place.",
    "cut_row": "{found} values for {columns} columns, near a quotation mark that is not closed.",
    "line_too_long": "The line is too long for a contact.",
    "field_too_long": "The {field} is longer than {most} characters. A quotation mark may be "
    "missing.",
    "broken_text": "Some of it is not text (NUL).",
    "header_again": "The headings again, not a contact.",
    "other_headings": "Other headings, not a contact. The lines below them are left out.",
    "below_other_headings": "It is below other headings than the table's first ones. Import this "
    "part as a file of its own.",
    "section": "The name of a section, not a contact.",
    "total": "A total, not a contact.",
    "footer": "A line around the table, not one of its rows.",
    "time_stamp": "The time of the export, not a contact.",
    "heading_missing": "There are no headings for {table} above it.",
}

OLD_LETTERS = {
    "mac_roman": "The text was read as written by an old Mac.",
    "iso8859_14": "The text was read as written with Welsh letters (ISO-8859-14).",
    "cp850": "The text was read as written by DOS.",
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


UNREAD_WORDS = {
    "phones": "telephone number",
    "email": "email",
    "kind": "customer or supplier",
    "status": "status",
    "open_balance": "open balance",
    "open_invoices": "open invoices",
    "created": "date created",
    "last_used": "date last used",
}


def unread_text(contacts_of: Mapping[str, int]) -> list[str]:
    """Return a sentence about values that are left out, by field; none if all were read."""
    if not contacts_of:
        return []
    parts = [
        f"{UNREAD_WORDS[field]} ({number:,} {'contact' if number == 1 else 'contacts'})"
        for field, number in contacts_of.items()
    ]
    return [f"Values that can't be read are left out: {', '.join(parts)}."]


def export_error_text(code: str, facts: Mapping[str, str | int]) -> str:
    """Return why a file is refused, as a sentence. Raises KeyError for an unknown code."""
    things = {name: FILE_THINGS[str(facts[name])] for name in ("named", "found") if name in facts}
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
        hints.append(f"Files from {several} look like this. Choose the accounting software.")
    elif detected.package is None:
        hints.append("We don't recognise this file. Choose the accounting software it came from, "
                    "and which columns to use.")  # fmt: skip
    if "reference" in detected.unclear:
        hints.append("More than one column looks like the reference. Choose the right one.")
    elif detected.package and not detected.has_references:
        how = (
            "Collect the references with the browser extension from the contact list."
            if has_list_page(packages, detected.package)
            else "To link its contacts, choose the column with the references."
        )
        hints.append(
            f"This file doesn't include {rules[detected.package]['name']}'s references. You can "
            f"match it already. {how}"
        )
    if detected.encoding in OLD_LETTERS:
        hints.append(OLD_LETTERS[detected.encoding])
    if not detected.letters_certain:
        hints.append("Letters with accents could be read in two ways. Check the names below, and "
                    "choose the text encoding: Windows or Mac.")  # fmt: skip
    if detected.also:
        several = ", ".join(f"“{sheet}”" for sheet in detected.also)
        has = "has" if len(detected.also) == 1 else "have"
        hints.append(f"Only the sheet “{detected.sheet}” is read. {several} {has} contacts too.")
    return [*hints, detected.caution] if detected.caution else hints

"""CSV files of contacts and records, and rows of match results."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from crmlink.matching.details import Suggestions
from crmlink.matching.reason_texts import reason_text
from crmlink.values import Address
from crmlink.values.contact_details import ContactDetails

if TYPE_CHECKING:
    from _csv import Reader

HEADER = ("id", "name", "company", "address", "city", "postcode", "email", "phone")
OPTIONAL_COLUMNS = ("other_address", "other_city", "other_postcode", "other_email")  # optional
ANSWER_HEADER = ("contact_id", "rank", "record_id", "probability", "sure", "reasons")


class HeaderMissing(ValueError):
    """The file's header lacks required columns."""

    def __init__(self, path: Path, missing: list[str]) -> None:
        super().__init__(f"{path}: these columns are missing: {', '.join(missing)}.")


def read_list(
    path: Path, complain: Callable[[str], None], encoding: str = "utf-8-sig"
) -> Iterator[tuple[str, ContactDetails]]:
    """Yield the id and details of each row; values may be empty, the id may not.

    Invalid rows are skipped and reported to `complain`. Raises HeaderMissing.
    """
    csv.field_size_limit(1 << 20)
    with path.open(encoding=encoding, errors="replace", newline="") as lines:
        rows = csv.reader(lines)
        header = [name.strip().lower() for name in next(rows, [])]
        missing = [name for name in HEADER if name not in header]
        if missing:
            raise HeaderMissing(path, missing)
        ids: set[str] = set()
        for number, row in _numbered(rows, path, complain):
            problem = _problem(row, header, ids)
            if problem:
                complain(f"{path}, line {number}: {problem}. Skipped.")
            elif row:
                columns = [name for name in (*HEADER, *OPTIONAL_COLUMNS) if name in header]
                values = {name: row[header.index(name)] for name in columns}
                ids.add(values["id"])
                yield values["id"], _details(values)


def _numbered(
    rows: "Reader", path: Path, complain: Callable[[str], None]
) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            yield rows.line_num + 1, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            complain(f"{path}, line {rows.line_num}: {error}. Skipped.")


def _problem(row: list[str], header: list[str], ids: set[str]) -> str:
    if not row:
        return ""
    if len(row) != len(header):
        return f"{len(row)} values for {len(header)} columns"
    record_id = row[header.index("id")]
    if not record_id.strip():
        return "no id"
    if record_id in ids:
        return f"the id {record_id} is already used"
    if any("\ufffd" in value for value in row):
        return "not UTF-8"
    return ""


def _details(values: dict[str, str]) -> ContactDetails:
    second = Address(*(values.get(name, "") for name in OPTIONAL_COLUMNS[:3]))
    return ContactDetails(
        person=values["name"],
        company=values["company"],
        address=values["address"],
        town=values["city"],
        postcode=values["postcode"],
        email=values["email"],
        phones=(values["phone"],) if values["phone"] else (),
        other_emails=(other,) if (other := values.get("other_email", "")) else (),
        other_addresses=(second,) if second else (),
    )


def answer_rows(contact_id: str, suggestions: Suggestions) -> Iterator[tuple[str, ...]]:
    """Yield a contact's result rows, none without a suggestion."""
    for rank, item in enumerate(suggestions.items, 1):
        yield (
            contact_id,
            str(rank),
            item.record_id,
            f"{item.probability:.9f}",
            "true" if item.sure else "false",
            "; ".join(reason_text(reason) for reason in item.reasons),
        )

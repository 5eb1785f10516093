"""An installation whose account has no API: its records are imported."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from crmlink.commusoft.connection import DEFAULT_ORIGIN, WebApplication
from crmlink.installation import Installation, open_installation
from crmlink.linking.connections import save_connection
from crmlink.settings import Settings

HEADINGS = (
    "Customer ID", "Customer Name", "Customer Landline", "Customer Mobile", "Customer Email",
    "Customer Address Line 1", "Customer Address Line 2", "Customer Address Town",
    "Customer Address County", "Customer Address Postcode", "Customer Account Number",
)  # fmt: skip
PEOPLE: tuple[dict[str, str], ...] = (
    {
        "Customer ID": "1001", "Customer Name": "Margaret Holloway",
        "Customer Mobile": "07700 900100", "Customer Email": "margaret.holloway@postbox.example",
        "Customer Address Line 1": "14 Orchard Rise", "Customer Address Town": "Cheltenham",
        "Customer Address Postcode": "GL50 2TR",
    },
    {
        "Customer ID": "1002", "Customer Name": "Priya Raman",
        "Customer Landline": "01242 555 010", "Customer Address Line 1": "3 Mill Lane",
        "Customer Address Town": "Stroud", "Customer Address Postcode": "GL5 1AA",
    },
    {
        "Customer ID": "1003", "Customer Name": "Northgate Lettings Ltd",
        "Customer Email": "office@northgate.example", "Customer Address Town": "Leeds",
        "Customer Address Postcode": "LS1 4AP", "Customer Account Number": "NG3",
    },
)  # fmt: skip


@contextmanager
def open_without_api(
    folder: Path, database_url: str, origin: str = DEFAULT_ORIGIN
) -> Iterator[Installation]:
    """An installation of an account without an API, without records yet."""
    settings = Settings(
        data_dir=folder, database_url=database_url, secret_key=secrets.token_urlsafe(48)
    )
    installation = open_installation(settings)
    account = WebApplication(origin)
    save_connection(installation.database, installation.access.workspace_id, account)
    yield installation
    installation.close()


def report(
    people: Sequence[Mapping[str, str]] = PEOPLE, headings: Sequence[str] = HEADINGS
) -> bytes:
    """Commusoft's report of customers, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([one.get(heading, "") for heading in headings] for one in people)
    return text.getvalue().encode()


def many(count: int, first: int = 5001) -> list[dict[str, str]]:
    """As many customers as asked for."""
    return [
        {"Customer ID": str(number), "Customer Name": f"Person {number}",
         "Customer Address Postcode": "GL50 2TR"}
        for number in range(first, first + count)
    ]  # fmt: skip

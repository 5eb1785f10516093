"""Tables that people take away from the pages."""

from __future__ import annotations

import csv
import io

from support.page_client import PageClient

WRITTEN_DAY = r"[0-3]\d/[01]\d/\d{4} [0-2]\d:[0-5]\d"


def downloaded(client: PageClient, path: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file as a spreadsheet reads them."""
    reply = client.get(path)
    assert reply.mimetype == "text/csv"
    content = reply.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))

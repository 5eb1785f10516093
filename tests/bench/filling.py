"""Rows that measurements need in the database before they begin."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import insert

from crmlink.installation import Installation
from crmlink.store import BatchRow, Choice, Link, LinkState, MirroredRecord, RowState, Verdict
from crmlink.store.records import empty_details

CHUNK_SIZE = 2_000


def insert_rows(
    installation: Installation, table: type[Any], rows: Iterator[dict[str, Any]]
) -> None:
    """Insert rows into a table, some in a transaction."""
    while some := list(islice(rows, CHUNK_SIZE)):
        with installation.database.writing() as session:
            session.execute(insert(table), some)


def add_written(installation: Installation, device_id: int, batch_id: str, numbers: range) -> None:
    """Add rows that were linked before, with the records and links that writing them leaves."""
    ctx = installation.workspace
    held = {"connection_id": ctx.connection_id, "kind": "customer"}
    of_row = held | {"device_id": device_id, "package": "sage_50", "organisation": ""}
    ids = [f"{number:032d}" for number in numbers]
    insert_rows(installation, MirroredRecord, (
        empty_details() | held | {
            "number": id_, "name": f"Written {id_}", "reference": f"W{id_}",
            "reference_key": f"w{id_}", "mirror_version": 1,
        }
        for id_ in ids
    ))  # fmt: skip
    insert_rows(installation, Link, (
        of_row | {
            "id": id_, "contact_kind": "customer", "idempotency_key": id_, "fingerprint": "",
            "reference": f"W{id_}", "contact_name": f"Written {id_}", "record_number": id_,
            "record_label": f"Written {id_}", "target": f"W{id_}", "target_key": f"w{id_}",
            "state": LinkState.LINKED, "attempt_id": "", "writes": 1, "writes_over": 1,
        }
        for id_ in ids
    ))  # fmt: skip
    insert_rows(installation, BatchRow, (
        {
            "batch_id": batch_id, "position": number + 1, "kind": "customer",
            "reference": f"W{number:032d}", "name": f"Written {number}", "choice": Choice.RECORD,
            "record_id": f"customer-{number:032d}", "verdict": Verdict.SURE,
            "state": RowState.SUCCESSFUL, "link_id": f"{number:032d}",
        }
        for number in numbers
    ))  # fmt: skip

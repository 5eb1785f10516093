"""Imports of records: one transaction, erased people, and the sandbox's own reports."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.accounting.exports.record_reader import detect_records
from crmlink.commusoft import mirror_import
from crmlink.commusoft.records import Record
from crmlink.commusoft.sandbox import create_sandbox
from crmlink.installation import Installation
from crmlink.linking.errors import ImportKeyReused
from crmlink.linking.records.files import read_record_file
from crmlink.linking.records.imports import (
    ImportOutcome,
    ImportPart,
    import_records,
    preview_import,
)
from crmlink.store import AuditEntry, ImportSource, MirroredRecord, RecordImport
from crmlink.store.base import utc_now
from crmlink.values.addresses import Address
from support.erasing import where_kept
from support.pages_account import open_without_api

NAME, EMAIL = "Margaret Holloway", "margaret.holloway@postbox.example"
LOCAL = "http://127.0.0.1:8788"


@pytest.fixture
def no_api(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with open_without_api(tmp_path, database_url) as installation:
        yield installation


def record(number: int, name: str = "", **more: Any) -> Record:
    values: dict[str, Any] = {
        "kind": "customer", "number": str(number), "uuid": None, "name": name or f"Person {number}",
        "company": "", "email": "", "phones": (), "address": "", "town": "", "postcode": "",
        "account_number": "", "reference": None, "deleted": False, "raw": {},
        "reference_shown": False,
    }  # fmt: skip
    return Record(**values | more)


def part(*records: Record, **more: Any) -> ImportPart:
    return ImportPart(records, more.pop("read_at", utc_now()), ImportSource.FILE, **more)


def take(installation: Installation, *records: Record, **more: Any) -> ImportOutcome:
    device_id = command_line_actor(installation.access).device.id
    return import_records(installation.workspace, device_id, part(*records, **more))


def rows(installation: Installation) -> dict[str, MirroredRecord]:
    with installation.database.reading() as session:
        found = session.scalars(select(MirroredRecord).filter_by(deleted_at=None))
        return {row.public_id: row for row in found}


def test_a_preview_says_what_the_import_then_does_and_changes_nothing(
    no_api: Installation,
) -> None:
    take(no_api, *(record(number) for number in range(1, 31)))
    wanted = [record(1, "Renamed"), *(record(number) for number in range(3, 35))]
    before = rows(no_api)
    look = preview_import(no_api.workspace, part(*wanted, complete=True))
    assert rows(no_api).keys() == before.keys()
    assert rows(no_api)["customer-1"].name == "Person 1"
    done = take(no_api, *wanted, complete=True)
    assert (look.counts, look.gone) == (done.counts, done.gone)
    assert (done.counts.added, done.counts.changed, done.gone) == (4, 1, 1)


def test_an_import_that_breaks_off_leaves_nothing_behind(
    no_api: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_import, "CHUNK_SIZE", 5)
    real, calls = mirror_import.MirrorImport._rows, iter(range(9))

    def breaking(self: Any, records: Any) -> Any:
        if next(calls) == 2:
            raise OSError("the disk is full")
        return real(self, records)

    monkeypatch.setattr(mirror_import.MirrorImport, "_rows", breaking)
    with pytest.raises(OSError, match="disk"):
        take(no_api, *(record(number) for number in range(1, 31)), key="k" * 8)
    assert rows(no_api) == {}
    with no_api.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RecordImport)) == 0
        assert not session.scalars(select(AuditEntry).filter_by(action="records.imported")).all()
    monkeypatch.undo()
    assert (
        take(no_api, *(record(number) for number in range(1, 31)), key="k" * 8).counts.added == 30
    )


def test_a_complete_report_of_another_account_removes_nothing_by_itself(
    no_api: Installation,
) -> None:
    """What it adds says nothing of what it lacks: one in ten of what was known before."""
    take(no_api, *(record(number) for number in range(1001, 1013)))
    foreign = [record(number) for number in range(5001, 5201)]
    asked = preview_import(no_api.workspace, part(*foreign, complete=True))
    assert (asked.would_remove, asked.gone) == (12, 0)
    done = take(no_api, *foreign, complete=True)
    assert (done.would_remove, done.gone, done.finished) == (12, 0, False)
    assert len(rows(no_api)) == 212


def test_parts_that_were_announced_are_waited_for(no_api: Installation) -> None:
    """Told of three and then of one, an import would lack a part that is still to come."""
    take(no_api, *(record(number) for number in range(1001, 1041)))
    first = [record(number) for number in range(1001, 1021)]
    take(no_api, *first, key="twenty-one", part=1, parts=3, complete=True)
    last = [record(number) for number in range(1021, 1039)]
    with pytest.raises(ImportKeyReused):
        take(no_api, *last, key="twenty-one", part=3, parts=1, complete=True)
    assert len(rows(no_api)) == 40


def test_parts_sent_one_by_one_are_complete_once_the_person_says_so(no_api: Installation) -> None:
    """As the extension does it: no one knows at the first page how many there are."""
    take(no_api, *(record(number) for number in range(1001, 1021)))
    for at in range(3):
        page = [record(number) for number in range(1001 + 5 * at, 1006 + 5 * at)]
        assert take(no_api, *page, key="page-by-page", part=at + 1).gone == 0
    last = take(no_api, key="page-by-page", part=4, parts=4, complete=True)
    assert (last.would_remove, last.gone, last.finished) == (5, 0, False)
    last = take(no_api, key="page-by-page", part=4, parts=4, complete=True, agreed=5)
    assert (last.gone, last.finished) == (5, True)
    assert len(rows(no_api)) == 15


def test_a_page_saved_after_all_were_said_to_be_there_removes_nothing(
    no_api: Installation,
) -> None:
    """Asked whether five records are to go, the person goes back and saves what was missing."""
    take(no_api, *(record(number) for number in range(1001, 1021)))
    take(no_api, *(record(number) for number in range(1001, 1016)), key="gone-back", part=1)
    take(no_api, key="gone-back", part=2, parts=2, complete=True)
    page = [record(number) for number in range(1016, 1020)]
    saved = take(no_api, *page, key="gone-back", part=3)
    assert (saved.would_remove, saved.gone) == (0, 0)
    assert len(rows(no_api)) == 20
    last = take(no_api, key="gone-back", part=4, parts=4, complete=True)
    assert (last.gone, last.finished) == (1, True)
    assert len(rows(no_api)) == 19


def test_the_same_part_sent_at_once_is_taken_once(no_api: Installation) -> None:
    some = [record(number) for number in range(1, 21)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: take(no_api, *some, key="at-once-1"), range(4)))
    assert [one.counts.added for one in done] == [20] * 4
    assert len(rows(no_api)) == 20
    with pytest.raises(ImportKeyReused):
        take(no_api, record(99), key="at-once-1")


def test_an_erased_person_does_not_return_by_any_report(no_api: Installation) -> None:
    details = {"email": EMAIL, "postcode": "GL50 2TR", "reference": NAME, "reference_shown": True}
    take(no_api, record(1001, NAME, **details), record(1002))
    erase(no_api.access, command_line_actor(no_api.access), EMAIL)
    take(no_api, record(1001, NAME, **details), record(5, NAME, **details))
    for record_id in ("customer-1001", "customer-5"):
        row = rows(no_api)[record_id]
        assert row.erased_at
        assert (row.name, row.email, row.postcode) == ("", "", "")
        assert NAME not in (row.reference or "")
    assert rows(no_api)["customer-1002"].name == "Person 1002"


@pytest.mark.parametrize(
    ("was", "comes"),
    [
        ({"postcode": "GL50 2TR"}, {"other_addresses": (Address("", "", "gl502tr"),)}),
        ({"other_addresses": (Address("", "", "GL50 2TR"),)}, {"postcode": "GL50 2TR"}),
    ],
)
def test_an_erased_person_does_not_return_by_another_of_their_addresses(
    no_api: Installation, was: dict[str, Any], comes: dict[str, Any]
) -> None:
    take(no_api, record(1001, NAME, email=EMAIL, **was))
    erase(no_api.access, command_line_actor(no_api.access), "customer-1001")
    take(no_api, record(7001, NAME, **comes))
    assert rows(no_api)["customer-7001"].erased_at
    assert where_kept(no_api, NAME) == []


def test_a_removed_record_is_not_brought_back_by_an_older_report(no_api: Installation) -> None:
    everyone = [record(number) for number in range(1, 21)]
    take(no_api, *everyone, read_at=utc_now() - timedelta(hours=2))
    assert take(no_api, *everyone[:19], complete=True).gone == 1
    older = take(no_api, *everyone, read_at=utc_now() - timedelta(hours=1))
    assert older.counts.older == 20
    assert "customer-20" not in rows(no_api)


def test_a_time_in_the_future_counts_as_now(no_api: Installation) -> None:
    take(no_api, record(1), read_at=utc_now() + timedelta(days=400))
    assert take(no_api, record(1, "Renamed")).counts.changed == 1


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_sandboxs_reports_are_read_whole(
    no_api: Installation, tmp_path: Path, ending: str
) -> None:
    client = create_sandbox(60, 12).test_client()
    log_in = {"logintype_username": "sandbox", "logintype_password": "sandbox"}
    for kind, count in (("customer", 60), ("supplier", 12)):
        client.post("/login", data=log_in, base_url=LOCAL)
        reply = client.get(f"/reporting/{kind}s.{ending}", base_url=LOCAL)
        path = tmp_path / f"{kind}s.{ending}"
        path.write_bytes(reply.data)
        contents = read_record_file(path, detect_records(path, path.name))
        assert contents.left_out == 0, contents.rejected[:3]
        assert contents.has_references
        assert 0.8 * count < len(contents.records) <= count
        assert {one.kind for one in contents.records} == {kind}
        take(no_api, *contents.records)
    assert rows(no_api)["customer-1001"].label == NAME
    assert rows(no_api)["customer-1001"].postcode == "GL50 2TR"
    assert any(row.reference for row in rows(no_api).values())
    assert rows(no_api)["supplier-501"].company

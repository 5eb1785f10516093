"""When a workbook of records says that it was made, whatever its parts hold."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmlink.linking.records.files import exported_at
from crmlink.store.base import utc_now

MADE = utc_now().replace(microsecond=0)
CORE = f"<c><dcterms:created>{MADE:%Y-%m-%dT%H:%M:%SZ}</dcterms:created></c>"
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def packed(packing: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as archive:
        archive.writestr("docProps/core.xml", CORE)
    return content.getvalue()


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_damaged_part_says_nothing_and_stops_nothing(tmp_path: Path, packing: int) -> None:
    file, whole = tmp_path / "report.xlsx", packed(packing)
    file.write_bytes(whole)
    assert exported_at(file) == MADE.astimezone(UTC)
    moments = set()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        moments.add(exported_at(file))
    assert None in moments
    assert all(each is None or isinstance(each, datetime) for each in moments)

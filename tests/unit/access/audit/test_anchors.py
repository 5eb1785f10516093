"""The anchor file beside the database: missing, cut, changed, torn, or on a full disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from crmlink.access.audit.findings import Code
from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.audit.sentences import verdict_sentences
from crmlink.access.audit.upkeep import accept_findings
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.store.audit.anchors import FILE_NAME
from support.audit_attacks import (
    count,
    cut,
)
from support.audit_checks import LINES, check, codes, fill, restarted


def test_a_missing_anchor_file_is_told_until_someone_accepts_it(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    anchors.unlink()
    assert codes(filled) == [Code.ANCHORS_MISSING]
    fill(filled, server, 1)  # what is written meanwhile is not lost by it
    later = restarted(filled)
    assert codes(later) == [Code.ANCHORS_MISSING]
    assert anchors.stat().st_mode & 0o077 == 0
    assert codes(restarted(later)) == [Code.ANCHORS_MISSING]
    assert "a new one was started" in verdict_sentences(check(later))[0]
    accept_findings(later, server)
    assert check(later).sound
    assert [noted.codes for noted in check(later).accepted] == [(Code.ANCHORS_MISSING,)] * 2


def shortened(content: bytes) -> bytes:
    return content[: content.rindex(b"\n")]


def emptied(content: bytes) -> bytes:
    return b""


def begun_only(content: bytes) -> bytes:
    return content.split(b"\n")[0]


def line_altered(content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join([*lines[:5], lines[5].replace(b"5", b"6"), *lines[6:]])


def line_left_out(content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join([*lines[:5], *lines[6:], lines[-1]])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (shortened, Code.ANCHORS_CUT),
        (begun_only, Code.ANCHORS_CUT),
        (emptied, Code.ANCHORS_CHANGED),
        (line_altered, Code.ANCHORS_CHANGED),
        (line_left_out, Code.ANCHORS_CHANGED),
    ],
)
@pytest.mark.parametrize("goes_on", [False, True])
def test_an_anchor_file_that_was_cut_or_changed_is_told(
    filled: AccessContext,
    server: Actor,
    anchors: Path,
    change: Callable[[bytes], bytes],
    found: Code,
    goes_on: bool,
) -> None:
    anchors.write_bytes(change(anchors.read_bytes()))
    if goes_on:
        fill(restarted(filled), server, 30)
        flush_anchors(filled.database)
        assert set(codes(filled)) & {Code.ANCHORS_CUT, Code.ANCHORS_CHANGED, Code.ANCHORS_MISSING}
    else:
        assert found in codes(filled)
        flush_anchors(filled.database)  # as the worker does, and each process at its end
        assert found in codes(filled)
    accept_findings(filled, server)
    assert check(filled).sound
    assert [file.name for file in anchors.parent.glob(f"{FILE_NAME}.*")] != []


def test_a_server_that_dies_or_loses_power_raises_no_alarm(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    content = anchors.read_bytes()
    fill(filled, server, 5)
    for torn in (b"", b"\n1 2", b"\n1 21 1790000000 ab", b"\0" * 99):
        anchors.write_bytes(content + torn)  # the rest had not reached the disk
        assert check(filled).sound
        assert check(restarted(filled)).sound
    fill(filled, server, 5)
    assert check(filled).sound


def test_what_was_rolled_back_leaves_no_anchor(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    before = anchors.read_bytes()
    with suppress(RuntimeError), filled.database.writing() as session:
        record_audit(session, filled, server, "link.linked", "customer-1")
        raise RuntimeError
    assert count(filled.database.engine) == LINES
    assert anchors.read_bytes() == before
    assert check(filled).sound


def test_a_full_disk_for_anchors_loses_no_decision(
    filled: AccessContext, server: Actor, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("crmlink.store.audit.anchors.os.write", full)
        fill(filled, server, 3)
    assert check(filled).count == LINES + 3
    assert check(filled).sound
    flush_anchors(filled.database)
    cut(filled.database.engine, 1)
    assert codes(filled) == [Code.CHAIN_CUT]

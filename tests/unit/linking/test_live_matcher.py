"""The matcher that follows the mirror, read from its file after a restart."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.matching import Matcher
from crmlink.store import WorkspaceConnection
from crmlink.store.base import utc_now
from crmlink.values.contact_details import ContactDetails
from unit.linking.changed_records import change_record

OWUSU = ContactDetails(person="Ama Owusu")


@pytest.fixture
def file(ctx: WorkspaceContext) -> Path:
    """The file of the connection's index, written."""
    ctx.index.matcher()
    ctx.index.save()
    [written] = _folder(ctx).iterdir()
    return written


def _folder(ctx: WorkspaceContext) -> Path:
    files = ctx.database.index_files
    assert files
    return files.folder


def _restarted(ctx: WorkspaceContext) -> LiveMatcher:
    return LiveMatcher(ctx.database, ctx.connection_id, ctx.database.index_files)


def _version(ctx: WorkspaceContext) -> int:
    with ctx.database.reading() as session:
        return session.get_one(WorkspaceConnection, ctx.connection_id).mirror_version


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of all records that are normalised from here on."""
    taken: list[str] = []
    update = Matcher.update

    def counting(self: Matcher, records: object, *more: object) -> None:
        listed = list(records)  # type: ignore[call-overload]
        taken.extend(record_id for record_id, _ in listed)
        update(self, listed, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Matcher, "update", counting)
    return taken


def test_a_restart_normalises_no_record_again(
    ctx: WorkspaceContext, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = _counted(monkeypatch)
    again = _restarted(ctx).matcher()
    assert again.suggest(OWUSU) == ctx.index.matcher().suggest(OWUSU)
    assert again.suggest(OWUSU).items[0].record_id == "customer-1008"
    assert taken == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_may_read_it(ctx: WorkspaceContext, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_changed_since_is_read_from_the_mirror(
    ctx: WorkspaceContext, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_record(ctx, "1008", version=_version(ctx) + 1, name="Zoltan Quixwood", company="")
    taken = _counted(monkeypatch)
    matcher = _restarted(ctx).matcher()
    assert matcher.search("quixwood") == ["customer-1008"]
    assert matcher.search("owusu") == []
    assert taken == ["customer-1008"]


@pytest.mark.parametrize("step", [0, -1], ids=["same version", "earlier version"])
def test_a_restored_database_decides_not_the_file(
    ctx: WorkspaceContext, file: Path, step: int
) -> None:
    """A database from a backup may reach the file's version again with other records."""
    change_record(ctx, "1008", version=_version(ctx) + step, name="Zoltan Quixwood", company="")
    change_record(ctx, "1001", version=_version(ctx), deleted_at=utc_now())
    matcher = _restarted(ctx).matcher()
    assert matcher.search("quixwood") == ["customer-1008"]
    assert matcher.search("owusu") == []
    assert "customer-1001" not in matcher.stamps()


@pytest.mark.parametrize("damage", ["flipped", "cut off", "empty", "another installation's"])
def test_a_bad_file_is_made_again(ctx: WorkspaceContext, file: Path, damage: str) -> None:
    whole = file.read_bytes()
    other = Matcher()
    other.update([("customer-1008", ContactDetails(person="Not Them")), ("customer-5", OWUSU)])
    match damage:
        case "flipped":
            file.write_bytes(whole[:4000] + bytes([whole[4000] ^ 1]) + whole[4001:])
        case "cut off":
            file.write_bytes(whole[: len(whole) // 2])
        case "empty":
            file.write_bytes(b"")
        case _:
            other.save(file)
    restarted = _restarted(ctx)
    assert restarted.matcher().suggest(OWUSU) == ctx.index.matcher().suggest(OWUSU)
    assert "customer-5" not in restarted.matcher().stamps()
    restarted.save()
    again = Matcher()
    assert again.load_file(file)
    assert again.suggest(OWUSU) == ctx.index.matcher().suggest(OWUSU)


def test_an_erased_person_leaves_the_file_at_once_and_for_good(
    ctx: WorkspaceContext, installation: Installation, file: Path
) -> None:
    assert b"owusu" in file.read_bytes()
    erase(installation.access, command_line_actor(installation.access), "customer-1008")
    assert list(file.parent.iterdir()) == []
    ctx.index.matcher()
    ctx.index.save()
    assert b"owusu" not in file.read_bytes()
    assert _restarted(ctx).matcher().search("owusu") == []


def test_an_erasure_during_the_write_takes_the_file_away(
    ctx: WorkspaceContext, installation: Installation, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write began before the erasure and puts its file in place after it."""
    save = Matcher.save

    def erased_meanwhile(self: Matcher, target: Path, version: int, mark: str) -> None:
        save(self, target.with_suffix(".waiting"), version, mark)
        erase(installation.access, command_line_actor(installation.access), "customer-1008")
        save(self, target, version, mark)

    file.unlink()
    monkeypatch.setattr(Matcher, "save", erased_meanwhile)
    ctx.index.save()
    assert list(file.parent.iterdir()) == []
    monkeypatch.undo()
    ctx.index.matcher()
    ctx.index.save()
    assert b"owusu" not in file.read_bytes()


def test_a_file_left_by_a_crash_after_an_erasure_is_replaced(
    ctx: WorkspaceContext, installation: Installation, file: Path
) -> None:
    left = file.read_bytes()
    erase(installation.access, command_line_actor(installation.access), "customer-1008")
    file.write_bytes(left)
    restarted = _restarted(ctx)
    assert restarted.matcher().search("owusu") == []
    restarted.save()
    assert b"owusu" not in file.read_bytes()


def test_a_record_that_is_gone_leaves_the_file_with_the_next_save(
    ctx: WorkspaceContext, file: Path
) -> None:
    change_record(ctx, "1008", version=_version(ctx) + 1, deleted_at=utc_now(), name="", company="")
    ctx.index.matcher()
    ctx.index.save()
    assert b"owusu" not in file.read_bytes()


def test_files_of_connections_no_longer_in_use_are_deleted(
    ctx: WorkspaceContext, file: Path
) -> None:
    earlier = file.with_name("0123456789abcdef0123456789abcdef.index")
    file.replace(earlier)
    ctx.index.save()
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_costs_only_the_file(
    ctx: WorkspaceContext, file: Path
) -> None:
    file.unlink()
    file.parent.rmdir()
    file.parent.write_bytes(b"")  # a file where the folder should be
    ctx.index.save()
    assert _restarted(ctx).matcher().suggest(OWUSU) == ctx.index.matcher().suggest(OWUSU)
    file.parent.unlink()

"""The built wheel as another version, with files changed or added, and a release's checksums."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from crmlink.store.revisions import newest_revision

MIGRATION = "crmlink/store/migrations/versions/9999_try_an_update.py"
CHECKS = "crmlink/upkeep/checks.py"


def migration(
    body: str = "op.create_table('update_was_tried', sa.Column('id', sa.Integer))",
) -> str:
    """A migration after the newest one."""
    return (
        "from alembic import op\nimport sqlalchemy as sa\n\n"
        f'revision = "9999"\ndown_revision = "{newest_revision()}"\n\n\n'
        f"def upgrade() -> None:\n    {body}\n"
    )


def release_of(folder: Path, wheel: Path, version: str, more: Mapping[str, str]) -> Path:
    """A folder with a wheel of this version and its checksums; ``more`` is added to its files."""
    folder.mkdir()
    made = folder / f"crmlink-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as source:
        old = wheel.name.split("-")[1]
        files = {name: source.read(name) for name in source.namelist()}
    for name, text in more.items():
        files[name] = files.get(name, b"") + text.encode()
    info = f"crmlink-{old}.dist-info"
    files[f"{info}/METADATA"] = files[f"{info}/METADATA"].replace(
        f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode()
    )
    del files[f"{info}/RECORD"]
    files = {name.replace(info, f"crmlink-{version}.dist-info"): files[name] for name in files}
    record = "".join(f"{name},sha256={_hash(data)},{len(data)}\n" for name, data in files.items())
    record_name = f"crmlink-{version}.dist-info/RECORD"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)
        target.writestr(record_name, f"{record}{record_name},,\n")
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {made.name}\n")
    return folder


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")

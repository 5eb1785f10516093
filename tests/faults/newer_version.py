"""A newer crmlink: this one's code with one migration more, which only expands the tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import crmlink
from crmlink.store.revisions import newest_revision

REVISION = "9000"
MIGRATION = f'''"""What a newer version has beside everything that this one knows"""

import sqlalchemy as sa
from alembic import op

revision = "{REVISION}"
down_revision = "{newest_revision()}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("link", "batch_row", "batch", "connection", "device", "process"):
        op.add_column(table, sa.Column("newer", sa.String(), nullable=False, server_default=""))
        op.create_index(op.f(f"ix_{{table}}_newer"), table, ["newer"])
    op.create_table("newer", sa.Column("id", sa.Integer(), nullable=False, primary_key=True))
'''


def make_newer_version(folder: Path) -> Path:
    """Write it into a folder; returns what has to be first in its ``PYTHONPATH``."""
    here = Path(crmlink.__file__).parent
    server = folder / "server"
    shutil.copytree(here, server / "crmlink", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "extension").symlink_to(here.parents[1] / "extension")
    versions = server / "crmlink" / "store" / "migrations" / "versions"
    (versions / f"{REVISION}_expand_what_is_written.py").write_text(MIGRATION)
    return server

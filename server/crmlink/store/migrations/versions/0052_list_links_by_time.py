"""List links by time, and count rows without a reference, without reading all"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.text("coalesce(created_at, attempted_at)")
    op.create_index("ix_link_connection_id_newest", "link", ["connection_id", time, "id"])
    bare = sa.text("reference = ''")
    op.create_index(
        "ix_batch_row_without_reference",
        "batch_row",
        ["batch_id"],
        sqlite_where=bare,
        postgresql_where=bare,
    )

"""Find the undo of a link without reading all links"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_undo = sa.text("undoes_id IS NOT NULL")
    op.create_index(
        "ix_link_undoes_id", "link", ["undoes_id"], sqlite_where=is_undo, postgresql_where=is_undo
    )

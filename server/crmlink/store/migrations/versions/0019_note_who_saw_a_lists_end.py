"""When the person who started a list saw its end"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batch", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    # Lists that ended before there was such a mark are old news.
    op.execute(sa.text("UPDATE batch SET seen_at = finished_at"))

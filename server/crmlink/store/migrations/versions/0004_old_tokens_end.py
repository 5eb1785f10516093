"""When the token before a rotation ends"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "device", sa.Column("previous_expires_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.execute("UPDATE device SET previous_expires_at = expires_at WHERE previous_hash IS NOT NULL")

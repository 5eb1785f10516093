"""When the next call of any process to Commusoft may start"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commusoft_pace",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("paused_until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_commusoft_pace_connection_id"),
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_commusoft_pace")),
    )

"""Keyed hashes of what erased people are known by, so that they stay erased"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_erased_key_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_key")),
        sa.UniqueConstraint("workspace_id", "key", name=op.f("uq_erased_key_workspace_id_key")),
    )

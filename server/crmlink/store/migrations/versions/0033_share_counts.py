"""Counts of requests and of guesses that all processes share"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counted_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counted_attempt")),
    )
    op.create_index(op.f("ix_counted_attempt_key"), "counted_attempt", ["key"])
    op.create_table(
        "request_count",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_request_count")),
    )
    op.create_index(op.f("ix_request_count_ends_at"), "request_count", ["ends_at"])

"""Web Connectors, which bring the contacts of QuickBooks Desktop"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "web_connector",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("file_hash", sa.String(), nullable=False),
        sa.Column("ticket_hash", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["contact_source.id"], name=op.f("fk_web_connector_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_connector")),
        sa.UniqueConstraint("source_id", name=op.f("uq_web_connector_source_id")),
    )
    op.create_index(op.f("ix_web_connector_ticket_hash"), "web_connector", ["ticket_hash"])

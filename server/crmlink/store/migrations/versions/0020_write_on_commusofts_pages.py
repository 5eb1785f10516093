"""Links written on Commusoft's own pages, how a workspace writes, and fields shown by an admin"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link", sa.Column("method", sa.String(5), nullable=False, server_default="api"))
    op.add_column("link", sa.Column("also_on", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column(
        "workspace", sa.Column("writes", sa.String(14), nullable=False, server_default="api")
    )
    op.add_column(
        "record", sa.Column("reference_seen_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "record_field",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("selector", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_record_field_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_record_field_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_field")),
        sa.UniqueConstraint("workspace_id", "kind", name=op.f("uq_record_field_workspace_id_kind")),
    )

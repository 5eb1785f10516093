"""What one process or machine knew alone: how calls went, files that wait, rows it writes"""

import sqlalchemy as sa
from alembic import op

from crmlink.store.migrations.row_security import show_own_rows

revision = "0046"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commusoft_pace", sa.Column("state", sa.JSON(), nullable=True))
    op.create_table(
        "upload",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_upload_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index(op.f("ix_upload_workspace_id"), "upload", ["workspace_id"])
    op.create_table(
        "upload_part",
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["upload.id"], name=op.f("fk_upload_part_upload_id")
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_part")),
    )
    op.add_column("batch", sa.Column("helped", sa.Integer(), nullable=True))
    op.add_column("batch_row", sa.Column("writer_id", sa.String(), nullable=True))
    is_set = sa.text("writer_id IS NOT NULL")
    op.create_index(
        "ix_batch_row_writer_id",
        "batch_row",
        ["writer_id"],
        sqlite_where=is_set,
        postgresql_where=is_set,
    )
    show_own_rows("upload")
    show_own_rows("upload_part", "upload_id", "upload")

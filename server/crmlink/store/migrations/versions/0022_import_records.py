"""Imports of records, for accounts without an API"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

COUNTS = ("customers", "suppliers", "added", "changed", "gone")
PART_COUNTS = ("added", "changed", "unchanged", "older")


def upgrade() -> None:
    op.add_column("record", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "record_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("source", sa.String(9), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_record_import_connection_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_record_import_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_import")),
        sa.UniqueConstraint(
            "connection_id", "key", name=op.f("uq_record_import_connection_id_key")
        ),
    )
    op.create_index(
        op.f("ix_record_import_connection_id_read_at"),
        "record_import",
        ["connection_id", "read_at"],
    )
    op.create_table(
        "record_import_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("record_ids", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in PART_COUNTS),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["record_import.id"],
            name=op.f("fk_record_import_part_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_import_part")),
        sa.UniqueConstraint("import_id", "part", name=op.f("uq_record_import_part_import_id_part")),
    )

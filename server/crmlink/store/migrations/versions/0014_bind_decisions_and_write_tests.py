"""A public id of each connection, which decisions name, and the doctor's open write tests"""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "connection", sa.Column("public_id", sa.String(), nullable=False, server_default="")
    )
    bind = op.get_bind()
    connection = sa.table("connection", sa.column("id"), sa.column("public_id"))
    for (number,) in bind.execute(sa.select(connection.c.id)).all():
        bind.execute(
            sa.update(connection)
            .where(connection.c.id == number)
            .values(public_id=uuid.uuid4().hex)
        )
    op.create_index("uq_connection_public_id", "connection", ["public_id"], unique=True)
    op.create_table(
        "write_test",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("record_number", sa.String(), nullable=False),
        sa.Column("record_uuid", sa.String()),
        sa.Column("prior", sa.String()),
        sa.Column("trial", sa.String()),
        sa.Column("dialect", sa.JSON()),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String()),
        sa.Column("writes", sa.Integer(), nullable=False),
        sa.Column("writes_over", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_write_test_connection_id")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_write_test_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_test")),
        sa.UniqueConstraint(
            "connection_id",
            "kind",
            "record_number",
            name=op.f("uq_write_test_connection_id_kind_record_number"),
        ),
    )

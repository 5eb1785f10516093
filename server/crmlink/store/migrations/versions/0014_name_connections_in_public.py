"""An opaque public id of each connection, which every decision names"""

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

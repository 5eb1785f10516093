"""Marks of the last versions of each mirror; the present one of each is made anew"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connection", sa.Column("recent_marks", sa.String(), nullable=True))
    connection = sa.table(
        "connection", *map(sa.column, ("id", "mirror_version", "mirror_mark", "recent_marks"))
    )
    bind = op.get_bind()
    for row in bind.execute(sa.select(connection.c.id, connection.c.mirror_version)).all():
        mark = f"{row.mirror_version} {secrets.token_hex(8)}"
        values = {"mirror_mark": mark, "recent_marks": f"{mark},"}
        bind.execute(sa.update(connection).where(connection.c.id == row.id).values(values))

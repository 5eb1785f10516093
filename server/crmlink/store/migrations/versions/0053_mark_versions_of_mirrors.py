"""Marks of the versions of each mirror, and of those that index files hold"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connection", sa.Column("mirror_mark", sa.String(), nullable=True))
    op.add_column("connection", sa.Column("index_marks", sa.JSON(), nullable=True))

"""Which emails each person gets"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "person",
        sa.Column("mail_list_ended", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column(
        "person", sa.Column("mail_weekly", sa.Boolean(), nullable=False, server_default=sa.false())
    )

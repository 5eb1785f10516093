"""Several emails and addresses of a contact and a record, and contacts no longer in use"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("record", "batch_row"):
        for name in ("other_emails", "other_addresses"):
            op.add_column(table, sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    op.add_column(
        "batch_row",
        sa.Column("retired", sa.Boolean(), nullable=False, server_default=sa.false()),
    )

"""When Commusoft accepted a write that a read of a whole list is to check"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link", sa.Column("written_at", sa.DateTime(timezone=True), nullable=True))

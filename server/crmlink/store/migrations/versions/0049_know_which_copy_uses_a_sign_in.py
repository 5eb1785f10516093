"""Know which copy of the database uses a sign-in"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source_account", sa.Column("used_by", sa.String(), nullable=True))

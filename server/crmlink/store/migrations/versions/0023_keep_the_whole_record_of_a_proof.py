"""What a record held before the doctor proved a form on it that may empty other fields"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("write_test", sa.Column("before", sa.JSON(), nullable=True))

"""Which secret key each process has: processes of one database must share it"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("process", sa.Column("key_id", sa.String(), nullable=True))

"""How much of each thing an operator lets a firm have"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspace", sa.Column("limits", sa.JSON(), nullable=True))

"""Which contacts of a source were left out, as they have no usable reference"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_source", sa.Column("left_out", sa.JSON(), nullable=True))

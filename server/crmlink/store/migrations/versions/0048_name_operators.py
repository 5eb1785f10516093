"""Who manages the firms of an installation on pages, and who of them deleted one"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("operator_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deleted_workspace", sa.Column("deleted_by", sa.String(), nullable=True))

"""Keys by which accounting packages sign what they send, and when they last sent something"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_source", sa.Column("webhook_key", sa.String(), nullable=True))
    op.add_column(
        "contact_source", sa.Column("webhook_at", sa.DateTime(timezone=True), nullable=True)
    )

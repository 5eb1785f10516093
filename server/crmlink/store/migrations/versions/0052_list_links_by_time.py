"""List the newest links without sorting all of them"""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_link_connection_id_created_at", "link", ["connection_id", "created_at"])

"""No heading of a Commusoft page is kept with a field that was shown: it may name a person"""

from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE record_field SET section = ''")

"""Which people of several firms are one person, who has proved all their passwords"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("login", sa.String(), nullable=True))
    op.create_index(op.f("ix_person_login"), "person", ["login"])

"""What the contact of a link is, where a person agreed that its record is of the other kind"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None

ON_ITS_WAY = sa.text("state = 'intended'")


def upgrade() -> None:
    op.add_column(
        "link", sa.Column("contact_kind", sa.String(length=8), nullable=False, server_default="")
    )
    op.execute("UPDATE link SET contact_kind = kind")
    op.drop_index("uq_link_contact_on_its_way", table_name="link")
    op.create_index(
        "uq_link_contact_on_its_way",
        "link",
        ["connection_id", "package", "organisation", "contact_kind", "reference"],
        unique=True,
        sqlite_where=ON_ITS_WAY,
        postgresql_where=ON_ITS_WAY,
    )

"""Contacts for which Commusoft has no record yet"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0019"
branch_labels = None
depends_on = None

TEXTS = ("name", "company", "address", "town", "postcode", "email")


def upgrade() -> None:
    op.create_table(
        "parked_contact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in TEXTS),
        sa.Column("phones", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_parked_contact_connection_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_parked_contact_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_contact")),
        sa.UniqueConstraint(
            "connection_id",
            "package",
            "organisation",
            "kind",
            "reference",
            name=op.f("uq_parked_contact_identity"),
        ),
    )

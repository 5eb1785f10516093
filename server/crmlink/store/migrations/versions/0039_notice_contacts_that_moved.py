"""References of live contacts as they are compared, and contacts that moved or were checked"""

import sqlalchemy as sa
from alembic import op

from crmlink.folding import fold

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

CHUNK = 5_000


def upgrade() -> None:
    op.add_column("source_contact", sa.Column("reference_key", sa.String(), nullable=True))
    op.add_column("source_contact", sa.Column("moved_from", sa.JSON(), nullable=True))
    op.add_column(
        "source_contact", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("source_contact", sa.Column("checked_name", sa.String(), nullable=True))
    _fill_keys()
    op.create_index(
        "ix_source_contact_source_id_reference_key",
        "source_contact",
        ["source_id", "reference_key"],
    )


def _fill_keys() -> None:
    bind, last = op.get_bind(), 0
    page = sa.text(
        f"SELECT id, reference FROM source_contact WHERE id > :last ORDER BY id LIMIT {CHUNK}"  # noqa: S608
    )
    fill = sa.text("UPDATE source_contact SET reference_key = :key WHERE id = :id")
    while rows := bind.execute(page, {"last": last}).all():
        bind.execute(fill, [{"id": id_, "key": fold(reference)} for id_, reference in rows])
        last = rows[-1][0]

"""A browser's key, and which token made a token"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
# The audit knows which token made which: the subject is the new one, the device the one that acted.
MAKER = """
UPDATE device SET made_by_id = (
    SELECT MIN(audit_entry.device_id) FROM audit_entry
    JOIN device AS maker ON maker.id = audit_entry.device_id
    WHERE audit_entry.action = 'token.created'
      AND audit_entry.subject = device.public_id
      AND maker.sort = 'script'
) WHERE sort = 'script'
"""


def upgrade() -> None:
    # In words: Alembic adds a foreign key by itself, which SQLite cannot.
    op.execute(
        "ALTER TABLE device ADD COLUMN made_by_id INTEGER "
        "CONSTRAINT fk_device_made_by_id REFERENCES device (id)"
    )
    op.create_index("ix_device_made_by_id", "device", ["made_by_id"])
    op.execute(MAKER)
    op.add_column("device", sa.Column("key_thumbprint", sa.String(), nullable=True))
    op.add_column("device", sa.Column("copy_seen_at", TIME, nullable=True))
    op.add_column("pairing", sa.Column("key_thumbprint", sa.String(), nullable=True))
    op.create_table(
        "seen_proof",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_seen_proof"),
    )
    op.create_index("ix_seen_proof_expires_at", "seen_proof", ["expires_at"])
    _end_browsers_without_key()


def _end_browsers_without_key() -> None:
    """Their tokens open the server to whoever copied them: they are to be connected again."""
    device = sa.table(
        "device",
        sa.column("sort", sa.String()),
        sa.column("revoked_at", TIME),
        sa.column("revoked_because", sa.String()),
    )
    op.execute(
        device.update()
        .where(device.c.sort == "browser", device.c.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC), revoked_because="no-key")
    )

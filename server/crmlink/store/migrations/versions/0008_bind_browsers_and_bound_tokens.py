"""Which token made a token"""

from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None

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

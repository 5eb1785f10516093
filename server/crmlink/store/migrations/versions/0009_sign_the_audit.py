"""Signatures of the audit's entries, and what is known about an audit

Entries before this keep their hashes. When crmlink starts with its key, it checks them and adds
an entry that it signs, whose hash covers them all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("key_id", sa.String(), nullable=True))
    op.add_column("audit_entry", sa.Column("mac", sa.String(), nullable=True))
    op.create_table(
        "audit_seal",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_audit_seal_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "subject", name=op.f("pk_audit_seal")),
    )

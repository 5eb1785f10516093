"""The outbox of emails, and the mail server that an admin entered"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("created_at", "due_at", "expires_at")
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.Column("lease", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_mail_message_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_mail_message_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_message")),
        sa.UniqueConstraint("public_id", name=op.f("uq_mail_message_public_id")),
        sa.UniqueConstraint(
            "workspace_id", "event", name=op.f("uq_mail_message_workspace_id_event")
        ),
    )
    op.create_index("ix_mail_message_state", "mail_message", ["state", "due_at"])
    op.create_index(op.f("ix_mail_message_person_id"), "mail_message", ["person_id"])
    op.create_table(
        "mail_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("host", "security", "username", "password", "sender", "sender_name")
        ),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("port", "weekly_day", "weekly_hour")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_mail_settings_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_settings")),
        sa.UniqueConstraint("workspace_id", name=op.f("uq_mail_settings_workspace_id")),
    )

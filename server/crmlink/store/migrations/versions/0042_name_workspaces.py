"""Names of workspaces, and pairings that belong to none before they are approved"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0039"
branch_labels = None
depends_on = None

workspace = sa.table("workspace", sa.column("id", sa.Integer), sa.column("public_id", sa.String))


def upgrade() -> None:
    with op.batch_alter_table("workspace") as table:
        table.add_column(sa.Column("public_id", sa.String(), nullable=True))
        table.add_column(sa.Column("name", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    connection = op.get_bind()
    for (workspace_id,) in connection.execute(sa.select(workspace.c.id)).all():
        connection.execute(
            sa.update(workspace)
            .where(workspace.c.id == workspace_id)
            .values(public_id=secrets.token_hex(16))
        )
    with op.batch_alter_table("workspace") as table:
        table.alter_column("public_id", existing_type=sa.String(), nullable=False)
        table.create_unique_constraint(op.f("uq_workspace_public_id"), ["public_id"])
    with op.batch_alter_table("pairing") as table:
        table.alter_column("workspace_id", existing_type=sa.Integer(), nullable=True)
    op.create_index(op.f("ix_person_email_key"), "person", ["email_key"])
    op.create_index(op.f("ix_device_previous_hash"), "device", ["previous_hash"])

"""Contacts read straight from accounting packages, and the connections to them"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0032"
branch_labels = None
depends_on = None

TEXTS = ("name", "company", "person", "address", "town", "postcode", "email", "account_number")


def upgrade() -> None:
    op.create_table(
        "source_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("credentials", sa.String(), nullable=True),
        sa.Column("needs_sign_in", sa.Boolean(), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sync_lease", sa.String(), nullable=False),
        sa.Column("sync_owner_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_source_account_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_account")),
    )
    op.create_table(
        "contact_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.JSON(), nullable=True),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fully_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_contact_source_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["source_account.id"], name=op.f("fk_contact_source_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_source")),
        sa.UniqueConstraint("public_id", name=op.f("uq_contact_source_public_id")),
        sa.UniqueConstraint(
            "workspace_id",
            "package",
            "tenant",
            name=op.f("uq_contact_source_workspace_id_package_tenant"),
        ),
    )
    op.create_table(
        "source_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("merged_into", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in TEXTS),
        sa.Column("phones", sa.JSON(), nullable=False),
        sa.Column("other_emails", sa.JSON(), nullable=False),
        sa.Column("other_addresses", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["contact_source.id"], name=op.f("fk_source_contact_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_contact")),
        sa.UniqueConstraint("source_id", "key", name=op.f("uq_source_contact_source_id_key")),
    )
    for columns in (["source_id", "reference"], ["source_id", "state"]):
        name = op.f("ix_source_contact_" + "_".join(columns))
        op.create_index(name, "source_contact", columns)
    op.create_table(
        "source_sign_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_source_sign_in_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_source_sign_in_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_sign_in")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_source_sign_in_state_hash")),
    )

"""A workspace is the firm; the sandbox and the Commusoft accounts are its connections"""

import warnings

import sqlalchemy as sa
from alembic import op

from crmlink.store.migrations import one_firm

revision = "0006"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MOVED = ("record", "link", "batch", "batch_page", "linked_share", "lookalike")
UNIQUE = {
    "record": ("kind", "number"),
    "link": ("idempotency_key",),
    "batch_page": ("key",),
    "linked_share": ("kind", "day"),
    "lookalike": ("first_id", "second_id"),
}
INTENDED = sa.text("state = 'intended'")


def upgrade() -> None:
    firm = one_firm.choose(op.get_bind())
    _connections()
    if firm is not None:
        one_firm.make(op.get_bind(), firm)
    _drop_indexes()
    with warnings.catch_warnings():  # SQLAlchemy says that it copies no index of an expression
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        for table in MOVED:
            _belongs_to_connection(table)
        _workspace()
    if firm is not None:
        one_firm.drop_others(op.get_bind(), firm)
    _create_indexes()


def _connections() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("credentials", sa.String(), nullable=True),
        sa.Column("dialect", sa.JSON(), nullable=True),
        sa.Column("mirror_version", sa.Integer(), nullable=False),
        sa.Column("synced_at", TIME, nullable=True),
        sa.Column("fully_synced_at", TIME, nullable=True),
        sa.Column("syncing_until", TIME, nullable=True),
        sa.Column("connected_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_connection_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint(
            "workspace_id",
            "kind",
            "base_url",
            "client_id",
            name=op.f("uq_connection_workspace_id_kind_base_url_client_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_connection_in_use",
        "connection",
        ["workspace_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _drop_indexes() -> None:
    for name, table in (
        ("ix_record_workspace_id_reference", "record"),
        ("ix_record_workspace_id_changed", "record"),
        ("ix_link_workspace_id_reference", "link"),
        ("ix_link_workspace_id_target", "link"),
        ("ix_link_workspace_id_record", "link"),
        ("uq_link_contact_on_its_way", "link"),
        ("uq_link_record_on_its_way", "link"),
    ):
        op.drop_index(name, table)


def _belongs_to_connection(table: str) -> None:
    """The connections have the ids that the workspaces had, so the values stay."""
    with op.batch_alter_table(table) as change:
        change.drop_constraint(f"fk_{table}_workspace_id", type_="foreignkey")
        if table in UNIQUE:
            columns = "_".join(UNIQUE[table])
            change.drop_constraint(f"uq_{table}_workspace_id_{columns}", type_="unique")
        change.alter_column(
            "workspace_id", new_column_name="connection_id", existing_type=sa.Integer()
        )
    with op.batch_alter_table(table) as change:
        change.create_foreign_key(
            f"fk_{table}_connection_id", "connection", ["connection_id"], ["id"]
        )
        if table in UNIQUE:
            columns = "_".join(UNIQUE[table])
            change.create_unique_constraint(
                f"uq_{table}_connection_id_{columns}", ["connection_id", *UNIQUE[table]]
            )


def _workspace() -> None:
    with op.batch_alter_table("workspace") as change:
        change.drop_constraint("uq_workspace_account", type_="unique")
        for column in (
            "account", "credentials", "connected_at", "dialect", "name", "mirror_version",
            "synced_at", "fully_synced_at", "syncing_until",
        ):  # fmt: skip
            change.drop_column(column)


def _create_indexes() -> None:
    lower = "lower({})".format
    for name, table, columns in (
        ("ix_record_connection_id_reference", "record", [sa.text(lower("reference"))]),
        ("ix_record_connection_id_changed", "record", ["changed"]),
        ("ix_link_connection_id_reference", "link", ["package", "reference"]),
        ("ix_link_connection_id_target", "link", [sa.text(lower("target"))]),
        ("ix_link_connection_id_record", "link", ["kind", "record_number"]),
    ):
        op.create_index(name, table, ["connection_id", *columns])
    for name, columns in (
        ("uq_link_contact_on_its_way", ["package", "organisation", "kind", "reference"]),
        ("uq_link_record_on_its_way", ["kind", "record_number"]),
    ):
        op.create_index(
            name,
            "link",
            ["connection_id", *columns],
            unique=True,
            sqlite_where=INTENDED,
            postgresql_where=INTENDED,
        )

"""Whole lists: batches that are matched, reviewed and written, and what is left"""

import warnings

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _batches()
    with warnings.catch_warnings():  # SQLAlchemy says that it copies no index of an expression
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        _rows()
    _around_batches()
    _what_is_left()
    op.create_index(
        "ix_link_workspace_id_target", "link", ["workspace_id", sa.text("lower(target)")]
    )
    op.create_index(
        "ix_link_workspace_id_record", "link", ["workspace_id", "kind", "record_number"]
    )


def _batches() -> None:
    for column in (
        sa.Column("name", sa.String(), nullable=False, server_default=""),
        sa.Column("source", sa.String(length=12), nullable=False, server_default="list_page"),
        sa.Column("file_name", sa.String(), nullable=False, server_default=""),
        sa.Column("recognised", sa.JSON(), nullable=True),
        sa.Column("bad_rows", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("state", sa.String(length=9), nullable=False, server_default="draft"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        # SQLite adds no column whose default is a moment: it is filled in below
        sa.Column("changed_at", TIME, nullable=False, server_default="1970-01-01 00:00:00"),
        sa.Column("lease", sa.String(), nullable=False, server_default=""),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("sure_bound", sa.Double(), nullable=True),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("progress_of", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("matched_at", TIME, nullable=True),
        sa.Column("sample", sa.JSON(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("trouble", sa.JSON(), nullable=True),
    ):
        op.add_column("batch", column)
    # In words: Alembic adds a foreign key by itself, which SQLite cannot.
    op.execute(
        "ALTER TABLE batch ADD COLUMN started_by_id INTEGER "
        "CONSTRAINT fk_batch_started_by_id REFERENCES device (id)"
    )
    op.execute("UPDATE batch SET changed_at = created_at")
    op.create_index("ix_batch_state", "batch", ["state"])


def _rows() -> None:
    """No table refers to this one, so that SQLite may copy it."""
    text = ("name", "company", "person", "address", "town", "postcode", "account_number")
    with op.batch_alter_table("batch_row") as table:
        table.drop_constraint("uq_batch_row_batch_id_kind_reference", type_="unique")
        table.add_column(sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("line", sa.Integer(), nullable=True))
        table.add_column(
            sa.Column("completed_by", sa.String(length=8), nullable=False, server_default="")
        )
        for name in text[1:]:
            table.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("open_pence", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("newest", sa.Date(), nullable=True))
        table.add_column(
            sa.Column("verdict", sa.String(length=8), nullable=False, server_default="new")
        )
        table.add_column(sa.Column("conflict", sa.JSON(), nullable=True))
        table.add_column(sa.Column("suggestions", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("none_probability", sa.Double(), nullable=True))
        table.add_column(sa.Column("best", sa.String(), nullable=True))
        table.add_column(sa.Column("probability", sa.Double(), nullable=True))
        table.add_column(
            sa.Column("choice", sa.String(length=6), nullable=False, server_default="open")
        )
        table.add_column(sa.Column("record_id", sa.String(), nullable=True))
        table.add_column(sa.Column("agreed", sa.JSON(), nullable=True))
        table.add_column(sa.Column("decided_by_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("decided_at", TIME, nullable=True))
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("claimed_by_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("claimed_until", TIME, nullable=True))
        table.add_column(
            sa.Column("state", sa.String(length=10), nullable=False, server_default="idle")
        )
        table.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("link_id", sa.String(), nullable=True))
        table.add_column(sa.Column("failure", sa.JSON(), nullable=True))
        table.add_column(sa.Column("settled_at", TIME, nullable=True))
        for column, other in (
            ("decided_by_id", "device"),
            ("claimed_by_id", "device"),
            ("link_id", "link"),
        ):
            table.create_foreign_key(f"fk_batch_row_{column}", other, [column], ["id"])
    op.execute("UPDATE batch_row SET position = id")
    with op.batch_alter_table("batch_row") as table:
        table.create_unique_constraint("uq_batch_row_batch_id_position", ["batch_id", "position"])
    op.create_index(
        "uq_batch_row_batch_id_kind_reference",
        "batch_row",
        ["batch_id", "kind", "reference"],
        unique=True,
        sqlite_where=sa.text("reference <> ''"),
        postgresql_where=sa.text("reference <> ''"),
    )
    op.create_index(
        "uq_batch_row_batch_id_record_id",
        "batch_row",
        ["batch_id", "record_id"],
        unique=True,
        sqlite_where=sa.text("choice = 'record'"),
        postgresql_where=sa.text("choice = 'record'"),
    )
    for name, columns in (
        ("ix_batch_row_batch_id_state_position", ["batch_id", "state", "position"]),
        ("ix_batch_row_batch_id_verdict_position", ["batch_id", "verdict", "position"]),
        ("ix_batch_row_counts", ["batch_id", "verdict", "choice", "state"]),
        ("ix_batch_row_best", ["best"]),
    ):
        op.create_index(name, "batch_row", columns)


def _around_batches() -> None:
    op.create_table(
        "batch_bad_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batch.id"],
            name=op.f("fk_batch_bad_row_batch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_bad_row")),
    )
    op.create_index("ix_batch_bad_row_batch_id_line", "batch_bad_row", ["batch_id", "line"])
    op.create_table(
        "batch_page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_batch_page_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_batch_page_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_page")),
        sa.UniqueConstraint("workspace_id", "key", name=op.f("uq_batch_page_workspace_id_key")),
    )
    op.create_index(op.f("ix_batch_page_batch_id"), "batch_page", ["batch_id"])


def _what_is_left() -> None:
    op.create_table(
        "linked_share",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("linked", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_linked_share_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linked_share")),
        sa.UniqueConstraint(
            "workspace_id", "kind", "day", name=op.f("uq_linked_share_workspace_id_kind_day")
        ),
    )
    op.create_table(
        "lookalike",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.String(), nullable=False),
        sa.Column("second_id", sa.String(), nullable=False),
        sa.Column("likeness", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("dismissed_at", TIME, nullable=True),
        sa.Column("dismissed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_lookalike_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["dismissed_by_id"], ["device.id"], name=op.f("fk_lookalike_dismissed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookalike")),
        sa.UniqueConstraint(
            "workspace_id",
            "first_id",
            "second_id",
            name=op.f("uq_lookalike_workspace_id_first_id_second_id"),
        ),
    )

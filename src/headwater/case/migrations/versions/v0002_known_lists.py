"""Known lists, what matched, and what a person decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of this revision; those that exist stay as they are."""
    _list_version()
    _list_event()
    _rehash()
    _match_pass()
    _match()
    _decision()


def _list_version() -> None:
    op.create_table(
        "list_version",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("dated", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("imported_at", sa.Text(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("program_version", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("manifest_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("entries", INTEGER, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_list_version"),
        sqlite_strict=True,
    )
    op.create_index("ix_list_version_name", "list_version", ["name"], unique=False)


def _list_event() -> None:
    op.create_table(
        "list_event",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("list_version_id", INTEGER, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_version_id"], ["list_version.id"], name="fk_list_event_list_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_list_event"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_list_event_list_version_id", "list_event", ["list_version_id"], unique=False
    )


def _rehash() -> None:
    op.create_table(
        "rehash",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("outcome_id", INTEGER, nullable=False),
        sa.Column("method_set_id", INTEGER, nullable=True),
        sa.Column("pdq", sa.LargeBinary(), nullable=True),
        sa.Column("quality", INTEGER, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["method_set_id"], ["method_set.id"], name="fk_rehash_method_set_id"
        ),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_rehash_outcome_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rehash"),
        sqlite_strict=True,
    )
    op.create_index("ix_rehash_outcome_id", "rehash", ["outcome_id"], unique=False)
    # ### end Alembic commands ###


def _match_pass() -> None:
    op.create_table(
        "match_pass",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("list_version_id", INTEGER, nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("outcome_id", INTEGER, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_version_id"], ["list_version.id"], name="fk_match_pass_list_version_id"
        ),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_match_pass_outcome_id"),
        sa.PrimaryKeyConstraint("id", name="pk_match_pass"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_match_pass_list_version_id", "match_pass", ["list_version_id"], unique=False
    )


def _match() -> None:
    op.create_table(
        "match",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("item_id", INTEGER, nullable=False),
        sa.Column("list_version_id", INTEGER, nullable=True),
        sa.Column("partner_item_id", INTEGER, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("distance", INTEGER, nullable=True),
        sa.Column("entries", INTEGER, nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("supersedes", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_match_item_id"),
        sa.ForeignKeyConstraint(
            ["list_version_id"], ["list_version.id"], name="fk_match_list_version_id"
        ),
        sa.ForeignKeyConstraint(["partner_item_id"], ["item.id"], name="fk_match_partner_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_match"),
        sqlite_strict=True,
    )
    op.create_index("ix_match_item_id", "match", ["item_id"], unique=False)
    op.create_index(
        "ix_match_list_version_id_standing", "match", ["list_version_id", "standing"], unique=False
    )
    op.create_index("ix_match_partner_item_id", "match", ["partner_item_id"], unique=False)
    op.create_index(
        "ix_match_supersedes",
        "match",
        ["supersedes"],
        unique=False,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("item_id", INTEGER, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("supersedes", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_decision_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        sqlite_strict=True,
    )
    op.create_index("ix_decision_item_id", "decision", ["item_id"], unique=False)
    op.create_index(
        "ix_decision_supersedes",
        "decision",
        ["supersedes"],
        unique=False,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )

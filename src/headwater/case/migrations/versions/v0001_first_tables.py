"""The first tables of a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLOAT: sa.Double[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    _attempt()
    _blob()
    _case_info()
    _category()
    _item()
    _leaf()
    _method()
    _method_set()
    _run()
    _signing_key()
    _source()
    _containment()
    _directory()
    _method_set_member()
    _outcome()
    _run_event()
    _fact()
    _item_blob()
    _occurrence()
    _record()
    _walk()
    _problem()


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        sqlite_strict=True,
    )
    op.create_index("ix_attempt_key", "attempt", ["key"], unique=False)


def _blob() -> None:
    op.create_table(
        "blob",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("pack", INTEGER, nullable=False),
        sa.Column("offset_bytes", INTEGER, nullable=False),
        sa.Column("size_bytes", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blob"),
        sqlite_strict=True,
    )
    op.create_index("ux_blob_sha256", "blob", ["sha256"], unique=True)


def _case_info() -> None:
    op.create_table(
        "case_info",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("examiner", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("program_version", sa.Text(), nullable=False),
        sa.Column("schema_revision", sa.Text(), nullable=False),
        sa.Column("thumbnails", INTEGER, nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_info"),
        sqlite_strict=True,
    )


def _category() -> None:
    op.create_table(
        "category",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_category"),
        sqlite_strict=True,
    )
    op.create_index("ix_category_format", "category", ["format"], unique=False)


def _item() -> None:
    op.create_table(
        "item",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sha1", sa.LargeBinary(), nullable=False),
        sa.Column("md5", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_item"),
        sqlite_strict=True,
    )
    op.create_index("ux_item_sha256", "item", ["sha256"], unique=True)


def _leaf() -> None:
    op.create_table(
        "leaf",
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("rows_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_leaf"),
        sqlite_strict=True,
    )


def _method() -> None:
    op.create_table(
        "method",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("options_sha256", sa.Text(), nullable=False),
        sa.Column("environment_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_method"),
        sqlite_strict=True,
    )


def _method_set() -> None:
    op.create_table(
        "method_set",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_method_set"),
        sqlite_strict=True,
    )
    op.create_index("ux_method_set_sha256", "method_set", ["sha256"], unique=True)


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("program_version", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("workers", INTEGER, nullable=False),
        sa.Column("cage", sa.Text(), nullable=False),
        sa.Column("probes", INTEGER, nullable=False),
        sa.Column("uncaged", INTEGER, nullable=False),
        sa.Column("accept_atime", INTEGER, nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sqlite_strict=True,
    )


def _signing_key() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("first_used_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_key"),
        sqlite_strict=True,
    )


def _source() -> None:
    op.create_table(
        "source",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sqlite_strict=True,
    )


def _containment() -> None:
    op.create_table(
        "containment",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("parent_item_id", INTEGER, nullable=False),
        sa.Column("ordinal", INTEGER, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("child_item_id", INTEGER, nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("size_bytes", INTEGER, nullable=True),
        sa.Column("offset_bytes", INTEGER, nullable=True),
        sa.Column("extra", sa.LargeBinary(), nullable=True),
        sa.Column("supersedes", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(
            ["child_item_id"], ["item.id"], name="fk_containment_child_item_id"
        ),
        sa.ForeignKeyConstraint(
            ["parent_item_id"], ["item.id"], name="fk_containment_parent_item_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_containment"),
        sqlite_strict=True,
    )
    op.create_index("ix_containment_child_item_id", "containment", ["child_item_id"], unique=False)
    op.create_index(
        "ix_containment_parent_item_id_ordinal",
        "containment",
        ["parent_item_id", "ordinal"],
        unique=False,
    )
    op.create_index(
        "ix_containment_supersedes",
        "containment",
        ["supersedes"],
        unique=False,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )


def _directory() -> None:
    op.create_table(
        "directory",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("source_id", INTEGER, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_directory_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_directory"),
        sqlite_strict=True,
    )
    op.create_index("ux_directory_source_id_path", "directory", ["source_id", "path"], unique=True)


def _method_set_member() -> None:
    op.create_table(
        "method_set_member",
        sa.Column("method_set_id", INTEGER, nullable=False),
        sa.Column("ordinal", INTEGER, autoincrement=False, nullable=False),
        sa.Column("method_id", INTEGER, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["method_id"], ["method.id"], name="fk_method_set_member_method_id"
        ),
        sa.ForeignKeyConstraint(
            ["method_set_id"], ["method_set.id"], name="fk_method_set_member_method_set_id"
        ),
        sa.PrimaryKeyConstraint("method_set_id", "ordinal", name="pk_method_set_member"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _outcome() -> None:
    op.create_table(
        "outcome",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("item_id", INTEGER, nullable=False),
        sa.Column("category_id", INTEGER, nullable=False),
        sa.Column("method_set_id", INTEGER, nullable=True),
        sa.Column("reproducible", INTEGER, nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("supersedes", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name="fk_outcome_category_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_outcome_item_id"),
        sa.ForeignKeyConstraint(
            ["method_set_id"], ["method_set.id"], name="fk_outcome_method_set_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outcome"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_outcome_category_id_method_set_id",
        "outcome",
        ["category_id", "method_set_id"],
        unique=False,
    )
    op.create_index("ix_outcome_item_id", "outcome", ["item_id"], unique=False)
    op.create_index(
        "ix_outcome_supersedes",
        "outcome",
        ["supersedes"],
        unique=False,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )


def _run_event() -> None:
    op.create_table(
        "run_event",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("run_id", INTEGER, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_event_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run_event"),
        sqlite_strict=True,
    )


def _fact() -> None:
    op.create_table(
        "fact",
        sa.Column("outcome_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("width_px", INTEGER, nullable=True),
        sa.Column("height_px", INTEGER, nullable=True),
        sa.Column("duration_seconds", FLOAT, nullable=True),
        sa.Column("pdq", sa.LargeBinary(), nullable=True),
        sa.Column("pdq_quality", INTEGER, nullable=True),
        sa.Column("taken_at", sa.Text(), nullable=True),
        sa.Column("taken_basis", sa.Text(), nullable=True),
        sa.Column("latitude_degrees", FLOAT, nullable=True),
        sa.Column("longitude_degrees", FLOAT, nullable=True),
        sa.Column("make", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_fact_outcome_id"),
        sa.PrimaryKeyConstraint("outcome_id", name="pk_fact"),
        sqlite_strict=True,
    )


def _item_blob() -> None:
    op.create_table(
        "item_blob",
        sa.Column("outcome_id", INTEGER, nullable=False),
        sa.Column("ordinal", INTEGER, autoincrement=False, nullable=False),
        sa.Column("blob_id", INTEGER, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_item_blob_blob_id"),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_item_blob_outcome_id"),
        sa.PrimaryKeyConstraint("outcome_id", "ordinal", name="pk_item_blob"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _occurrence() -> None:
    op.create_table(
        "occurrence",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("directory_id", INTEGER, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_id", INTEGER, nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("size_bytes", INTEGER, nullable=True),
        sa.Column("modified_ns", INTEGER, nullable=True),
        sa.Column("changed_ns", INTEGER, nullable=True),
        sa.Column("accessed_ns", INTEGER, nullable=True),
        sa.Column("created_ns", INTEGER, nullable=True),
        sa.Column("extra", sa.LargeBinary(), nullable=True),
        sa.Column("supersedes", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(
            ["directory_id"], ["directory.id"], name="fk_occurrence_directory_id"
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_occurrence_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_occurrence"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_occurrence_directory_id_name", "occurrence", ["directory_id", "name"], unique=False
    )
    op.create_index("ix_occurrence_item_id", "occurrence", ["item_id"], unique=False)
    op.create_index(
        "ix_occurrence_supersedes",
        "occurrence",
        ["supersedes"],
        unique=False,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )


def _record() -> None:
    op.create_table(
        "record",
        sa.Column("outcome_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_record_outcome_id"),
        sa.PrimaryKeyConstraint("outcome_id", name="pk_record"),
        sqlite_strict=True,
    )


def _walk() -> None:
    op.create_table(
        "walk",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("outcome_id", INTEGER, nullable=False),
        sa.Column("members", INTEGER, nullable=False),
        sa.Column("unpacked_bytes", INTEGER, nullable=False),
        sa.Column("supersedes", INTEGER, nullable=True),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_walk_outcome_id"),
        sa.PrimaryKeyConstraint("id", name="pk_walk"),
        sqlite_strict=True,
    )
    op.create_index("ix_walk_outcome_id", "walk", ["outcome_id"], unique=False)
    op.create_index(
        "ix_walk_supersedes",
        "walk",
        ["supersedes"],
        unique=False,
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )


def _problem() -> None:
    op.create_table(
        "problem",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("leaf", INTEGER, nullable=False),
        sa.Column("outcome_id", INTEGER, nullable=True),
        sa.Column("walk_id", INTEGER, nullable=True),
        sa.Column("occurrence_id", INTEGER, nullable=True),
        sa.Column("containment_id", INTEGER, nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("where", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("limit", sa.Text(), nullable=True),
        sa.Column("reproducible", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["containment_id"], ["containment.id"], name="fk_problem_containment_id"
        ),
        sa.ForeignKeyConstraint(
            ["occurrence_id"], ["occurrence.id"], name="fk_problem_occurrence_id"
        ),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_problem_outcome_id"),
        sa.ForeignKeyConstraint(["walk_id"], ["walk.id"], name="fk_problem_walk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_problem"),
        sqlite_strict=True,
    )
    op.create_index("ix_problem_code", "problem", ["code"], unique=False)
    op.create_index(
        "ix_problem_containment_id",
        "problem",
        ["containment_id"],
        unique=False,
        sqlite_where=sa.text("containment_id IS NOT NULL"),
        postgresql_where=sa.text("containment_id IS NOT NULL"),
    )
    op.create_index(
        "ix_problem_occurrence_id",
        "problem",
        ["occurrence_id"],
        unique=False,
        sqlite_where=sa.text("occurrence_id IS NOT NULL"),
        postgresql_where=sa.text("occurrence_id IS NOT NULL"),
    )
    op.create_index(
        "ix_problem_outcome_id",
        "problem",
        ["outcome_id"],
        unique=False,
        sqlite_where=sa.text("outcome_id IS NOT NULL"),
        postgresql_where=sa.text("outcome_id IS NOT NULL"),
    )
    op.create_index(
        "ix_problem_walk_id",
        "problem",
        ["walk_id"],
        unique=False,
        sqlite_where=sa.text("walk_id IS NOT NULL"),
        postgresql_where=sa.text("walk_id IS NOT NULL"),
    )
    # ### end Alembic commands ###

"""The tables of a case.

Every table is append-only and every row names the leaf of the audit log that it came with. A row
that speaks again of the same item or place `supersedes` the earlier one and leaves it as it is.
Ids are counted up in the order of writing, so a table in the order of its primary key is also in
the order of its leaves; `verify` relies on that to read everything once, with bounded memory.

The first version of these tables is repeated in `migrations/versions`. A later version may add
tables and indices, never a column to a table that exists: the digest of an old leaf covers its
rows as they were.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

REVISION = "0002"
"""The alembic revision that these tables are."""
EARLIER_REVISIONS = ("0001",)
"""Those that a writer brings up to date by adding tables."""

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
}

metadata = MetaData(naming_convention=NAMING)

alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as it makes it; named here so that `verify` knows it."""

INTEGER = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite's strict tables know the type by this name only."""
FLOAT: Double[float] = Double().with_variant(REAL(), "sqlite")


def _table(name: str, *columns: Column[object] | Index, rowid: bool = True) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


def _id() -> Column[object]:
    return Column("id", INTEGER, primary_key=True, autoincrement=False)


def _leaf() -> Column[object]:
    return Column("leaf", INTEGER, nullable=False)


def _integer(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, INTEGER, nullable=null)


def _float(name: str) -> Column[object]:
    return Column(name, FLOAT, nullable=True)


def _text(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, Text, nullable=null)


def _bytes(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, LargeBinary, nullable=null)


def _to(name: str, target: str, *, null: bool = False) -> Column[object]:
    return Column(name, INTEGER, ForeignKey(target), nullable=null)


def _part_of(table: str, *columns: str) -> Index:
    """Return the key of a table whose rows are parts of another's."""
    return Index(f"ix_{table}_{'_'.join(columns)}", *columns)


def _where_set(table: Table, column: str) -> Index:
    """Return an index over the few rows whose `column` is not null."""
    held = table.c[column]
    return Index(
        f"ix_{table.name}_{column}",
        held,
        sqlite_where=held.is_not(None),
        postgresql_where=held.is_not(None),
    )


leaf = Table(
    "leaf",
    metadata,
    Column("number", INTEGER, primary_key=True, autoincrement=False),
    _text("at"),
    _bytes("rows_sha256"),
    _text("counts"),
    sqlite_strict=True,
)
"""The audit log: one row a commit. Every column goes into the leaf's entry."""

case_info = _table(
    "case_info",
    _id(),
    _leaf(),
    _text("case_id"),
    _text("name"),
    _text("examiner"),
    _text("organisation"),
    _text("authority"),
    _text("made_at"),
    _text("program_version"),
    _text("schema_revision"),
    _integer("thumbnails"),
    _text("public_key"),
)
signing_key = _table("signing_key", _id(), _leaf(), _text("public_key"), _text("first_used_at"))
run = _table(
    "run",
    _id(),
    _leaf(),
    _text("started_at"),
    _text("program_version"),
    _text("options"),
    _text("engine"),
    _integer("workers"),
    _text("cage"),
    _integer("probes"),
    _integer("uncaged"),
    _integer("accept_atime"),
    _text("versions"),
)
run_event = _table(
    "run_event",
    _id(),
    _leaf(),
    _to("run_id", "run.id"),
    _text("event"),
    _text("at"),
    _text("detail"),
)
source = _table("source", _id(), _leaf(), _text("kind"), _bytes("path"), _text("first_seen_at"))
directory = _table(
    "directory",
    _id(),
    _leaf(),
    _to("source_id", "source.id"),
    _bytes("path"),
    Index("ux_directory_source_id_path", "source_id", "path", unique=True),
)
"""Paths of directories, kept once however many files are in them."""

method = _table(
    "method",
    _id(),
    _leaf(),
    _text("name"),
    _integer("version"),
    _text("options_sha256"),
    _text("environment_sha256"),
)
method_set = _table(
    "method_set",
    _id(),
    _leaf(),
    _bytes("sha256"),
    Index("ux_method_set_sha256", "sha256", unique=True),
)
"""Methods that ran together; `sha256` digests their keys, so that a set is stored once."""
method_set_member = _table(
    "method_set_member",
    Column("method_set_id", INTEGER, ForeignKey("method_set.id"), primary_key=True),
    Column("ordinal", INTEGER, primary_key=True, autoincrement=False),
    _to("method_id", "method.id"),
    _leaf(),
    rowid=False,
)
category = _table(
    "category",
    _id(),
    _leaf(),
    _text("state"),
    _text("kind"),
    _text("format"),
    _text("media_type", null=True),
    Index("ix_category_format", "format"),
)
"""What items can be and how they can end: few rows, named by each outcome."""

item = _table(
    "item",
    _id(),
    _leaf(),
    _bytes("sha256"),
    _bytes("sha1"),
    _bytes("md5"),
    _integer("size_bytes"),
    Index("ux_item_sha256", "sha256", unique=True),
)
outcome = _table(
    "outcome",
    _id(),
    _leaf(),
    _to("item_id", "item.id"),
    _to("category_id", "category.id"),
    _to("method_set_id", "method_set.id", null=True),
    _integer("reproducible"),
    _bytes("identity", null=True),
    _integer("supersedes", null=True),
    _part_of("outcome", "item_id"),
    _part_of("outcome", "category_id", "method_set_id"),
)
"""`identity` is JSON of what the category does not say: claims, embedded media, notes."""
record = _table(
    "record",
    Column("outcome_id", INTEGER, ForeignKey("outcome.id"), primary_key=True, autoincrement=False),
    _leaf(),
    _bytes("data"),
)
"""`data` is one Zstandard frame of a JSON object: all measurements of the outcome by name."""
fact = _table(
    "fact",
    Column("outcome_id", INTEGER, ForeignKey("outcome.id"), primary_key=True, autoincrement=False),
    _leaf(),
    _integer("width_px", null=True),
    _integer("height_px", null=True),
    _float("duration_seconds"),
    _bytes("pdq", null=True),
    _integer("pdq_quality", null=True),
    _text("taken_at", null=True),
    _text("taken_basis", null=True),
    _float("latitude_degrees"),
    _float("longitude_degrees"),
    _text("make", null=True),
    _text("model", null=True),
)
blob = _table(
    "blob",
    _id(),
    _leaf(),
    _bytes("sha256"),
    _integer("pack"),
    _integer("offset_bytes"),
    _integer("size_bytes"),
    Index("ux_blob_sha256", "sha256", unique=True),
)
item_blob = _table(
    "item_blob",
    Column("outcome_id", INTEGER, ForeignKey("outcome.id"), primary_key=True),
    Column("ordinal", INTEGER, primary_key=True, autoincrement=False),
    _to("blob_id", "blob.id"),
    _leaf(),
    rowid=False,
)
occurrence = _table(
    "occurrence",
    _id(),
    _leaf(),
    _to("directory_id", "directory.id"),
    _bytes("name"),
    _text("kind"),
    _to("item_id", "item.id", null=True),
    _text("state", null=True),
    _integer("size_bytes", null=True),
    _integer("modified_ns", null=True),
    _integer("changed_ns", null=True),
    _integer("accessed_ns", null=True),
    _integer("created_ns", null=True),
    _bytes("extra", null=True),
    _integer("supersedes", null=True),
    _part_of("occurrence", "directory_id", "name"),
    _part_of("occurrence", "item_id"),
)
"""`extra` is JSON of what no column holds: numbers beyond 64 bits."""
containment = _table(
    "containment",
    _id(),
    _leaf(),
    _to("parent_item_id", "item.id"),
    _integer("ordinal"),
    _bytes("name"),
    _to("child_item_id", "item.id", null=True),
    _text("state", null=True),
    _integer("size_bytes", null=True),
    _integer("offset_bytes", null=True),
    _bytes("extra", null=True),
    _integer("supersedes", null=True),
    _part_of("containment", "parent_item_id", "ordinal"),
    _part_of("containment", "child_item_id"),
)
"""`extra` is JSON of times, notes, and numbers beyond 64 bits."""
walk = _table(
    "walk",
    _id(),
    _leaf(),
    _to("outcome_id", "outcome.id"),
    _integer("members"),
    _integer("unpacked_bytes"),
    _integer("supersedes", null=True),
    _part_of("walk", "outcome_id"),
)
problem = _table(
    "problem",
    _id(),
    _leaf(),
    _to("outcome_id", "outcome.id", null=True),
    _to("walk_id", "walk.id", null=True),
    _to("occurrence_id", "occurrence.id", null=True),
    _to("containment_id", "containment.id", null=True),
    _text("code"),
    _text("where"),
    _text("reason"),
    _text("limit", null=True),
    _integer("reproducible"),
    _part_of("problem", "code"),
)
"""One row a problem; exactly one of the four owners is set."""
attempt = _table(
    "attempt",
    _id(),
    _leaf(),
    _bytes("key"),
    _text("at"),
    _text("reason"),
    _part_of("attempt", "key"),
)

list_version = _table(
    "list_version",
    _id(),
    _leaf(),
    _text("name"),
    _text("folder"),
    _text("format"),
    _text("role"),
    _text("version"),
    _text("source"),
    _text("purpose"),
    _text("licence"),
    _text("dated"),
    _text("scheme"),
    _text("signer", null=True),
    _text("imported_at"),
    _text("imported_by"),
    _text("program_version"),
    _bytes("file_sha256"),
    _bytes("manifest_sha256"),
    _integer("entries"),
    _text("report"),
    _part_of("list_version", "name"),
)
"""A known list as it was imported. `folder` is that of its sealed files, `report` is JSON."""
list_event = _table(
    "list_event",
    _id(),
    _leaf(),
    _to("list_version_id", "list_version.id"),
    _text("event"),
    _text("at"),
    _text("by"),
    _text("reason"),
    _part_of("list_event", "list_version_id"),
)
"""What became of a list: `served`, `replaced`, `withdrawn`; the latest holds."""
rehash = _table(
    "rehash",
    _id(),
    _leaf(),
    _to("outcome_id", "outcome.id"),
    _to("method_set_id", "method_set.id", null=True),
    _bytes("pdq", null=True),
    _integer("quality", null=True),
    _text("problem", null=True),
    _part_of("rehash", "outcome_id"),
)
"""PDQ of a full decode, made where a match hung on it: its eight dihedral forms, 256 bytes."""
match_pass = _table(
    "match_pass",
    _id(),
    _leaf(),
    _to("list_version_id", "list_version.id", null=True),
    _text("rule"),
    _to("outcome_id", "outcome.id"),
    _text("at"),
    _part_of("match_pass", "list_version_id"),
)
"""All outcomes up to `outcome_id` were compared with a list (or, without one, with each other) by
`rule`, which is JSON; of passes that speak of the same, the latest holds."""
match = _table(
    "match",
    _id(),
    _leaf(),
    _to("item_id", "item.id"),
    _to("list_version_id", "list_version.id", null=True),
    _to("partner_item_id", "item.id", null=True),
    _text("kind"),
    _text("standing"),
    _integer("distance", null=True),
    _integer("entries"),
    _bytes("detail"),
    _integer("supersedes", null=True),
    _part_of("match", "item_id"),
    _part_of("match", "partner_item_id"),
    _part_of("match", "list_version_id", "standing"),
)
"""One row for an item, a list or partner, and a kind. `distance` is in the unit of the kind,
`detail` is JSON of what the list says and how the match was made: never a value of the list."""
decision = _table(
    "decision",
    _id(),
    _leaf(),
    _to("item_id", "item.id"),
    _text("category"),
    _text("at"),
    _text("by"),
    _text("note"),
    _integer("supersedes", null=True),
    _part_of("decision", "item_id"),
)
"""What a person decided of an item; it stands above every match."""

for _owned in (outcome, occurrence, containment, walk, match, decision):
    _where_set(_owned, "supersedes")
for _owner in ("outcome_id", "walk_id", "occurrence_id", "containment_id"):
    _where_set(problem, _owner)

TABLES: tuple[Table, ...] = (
    case_info,
    signing_key,
    run,
    run_event,
    source,
    directory,
    method,
    method_set,
    method_set_member,
    category,
    item,
    outcome,
    record,
    fact,
    blob,
    item_blob,
    occurrence,
    containment,
    walk,
    problem,
    attempt,
    list_version,
    list_event,
    rehash,
    match_pass,
    match,
    decision,
)
"""All tables but the log itself, in the order in which a leaf's digest reads them."""

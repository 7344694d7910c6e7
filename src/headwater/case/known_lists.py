"""The known lists of a case: what was imported, and what became of it.

The values of a list are not here: they lie sealed in a folder of the case that a row names, and
the row keeps the digest of that folder's manifest.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from headwater.case import schema
from headwater.case.clock import now_utc
from headwater.case.ledger import NewRows
from headwater.case.records import ListInfo, ListVersion
from headwater.case.rows import storable_text
from headwater.errors import CaseDamaged, UsageError
from headwater.version import VERSION

_LIST = schema.list_version.c
_EVENT = schema.list_event.c
_TEXTS = (
    "name",
    "folder",
    "format",
    "role",
    "version",
    "source",
    "purpose",
    "licence",
    "dated",
    "scheme",
)


def add_list(connection: Connection, rows: NewRows, info: ListInfo) -> int:
    """Add an imported list that serves from now on; the one of its name until now is replaced."""
    served = {one.version_id for one in list_versions(connection, name=info.name) if one.serves}
    version_id = rows.add(
        "list_version",
        *(storable_text(getattr(info, name)) for name in _TEXTS),
        None if info.signer is None else storable_text(info.signer),
        now_utc(),
        storable_text(info.imported_by),
        VERSION,
        info.file_sha256,
        info.manifest_sha256,
        info.entries,
        storable_text(msgspec.json.encode(info.report, order="sorted").decode()),
    )
    for earlier in sorted(served):
        _add_event(rows, earlier, "replaced", info.imported_by, f"by version {version_id}")
    _add_event(rows, version_id, "served", info.imported_by, "")
    return version_id


def withdraw_list(
    connection: Connection, rows: NewRows, name: str, by: str, reason: str
) -> ListVersion:
    """Withdraw the list that serves under a name, and its matches with it.

    Raises UsageError where there is none.
    """
    found = [one for one in list_versions(connection, name=name) if one.serves]
    if not found:
        raise UsageError(f"no list named {name!r} serves in this case; `lists show` tells which do")
    _add_event(rows, found[0].version_id, "withdrawn", by, reason)
    return found[0]


def list_versions(connection: Connection, name: str | None = None) -> list[ListVersion]:
    """Return all lists that were ever imported, in that order, or those of one name."""
    latest = (
        select(_EVENT.list_version_id, func.max(_EVENT.id).label("event_id"))
        .group_by(_EVENT.list_version_id)
        .subquery()
    )
    query = (
        select(schema.list_version, _EVENT.event, _EVENT.at.label("event_at"), _EVENT.reason)
        .join(latest, latest.c.list_version_id == _LIST.id)
        .join(schema.list_event, _EVENT.id == latest.c.event_id)
        .order_by(_LIST.id)
    )
    if name is not None:
        query = query.where(_LIST.name == name)
    return [_version(dict(row)) for row in connection.execute(query).mappings()]


def _add_event(rows: NewRows, version_id: int, event: str, by: str, reason: str) -> None:
    words = storable_text(by), storable_text(reason)
    rows.add("list_event", version_id, event, now_utc(), *words)


def _version(row: dict[str, Any]) -> ListVersion:
    try:
        report = msgspec.json.decode(row["report"], type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CaseDamaged(f"a list has no report ({error}); run `verify` on the case") from error
    said = {name: row[name] for name in ListInfo.__struct_fields__}
    return ListVersion(
        version_id=row["id"],
        info=ListInfo(**{**said, "report": report}),
        imported_at=row["imported_at"],
        program_version=row["program_version"],
        standing=row["event"],
        standing_since=row["event_at"],
        standing_reason=row["reason"],
    )

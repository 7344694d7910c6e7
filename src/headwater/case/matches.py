"""What matches, as rows: found, read again, and set aside by a person's decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection, exists, func, or_, select

from headwater.case import schema
from headwater.case.clock import now_utc
from headwater.case.ids import Ids, chunks
from headwater.case.ledger import NewRows
from headwater.case.lookups import methods_of_set
from headwater.case.packed import unpack
from headwater.case.records import Comparable, Compared, Decision, FoundMatch, MatchPass, Rehash
from headwater.case.rows import Value, storable_text
from headwater.errors import CaseDamaged, UsageError
from headwater.model import DIHEDRAL, Method

_MATCH = schema.match.c
_OUTCOME = schema.outcome.c
_LATER_MATCH = schema.match.alias("later_match")
_LATER_OUTCOME = schema.outcome.alias("later_outcome")
_LATER_DECISION = schema.decision.alias("later_decision")
_KEY = ("item_id", "list_version_id", "partner_item_id", "kind")
_COLUMNS = ("standing", "distance", "entries", "detail")
_PAGE = 500

Key = tuple[int, int | None, int | None, str]
"""Item, list, partner, kind: of rows that agree in these, the latest holds."""


class _Hashes(msgspec.Struct):
    """The parts of a stored `pdq` measurement that matching reads."""

    class Decode(msgspec.Struct):
        scale: str

    dihedral: dict[str, str] | None = None
    quality: int | None = None
    decode: Decode | None = None


class _Measured(msgspec.Struct):
    """The parts of a stored record that matching reads."""

    pdq: _Hashes | None = None


_MEASURED = msgspec.json.Decoder(_Measured)


# Writing.


def add_matches(
    connection: Connection, rows: NewRows, found: Sequence[FoundMatch], compared: Compared
) -> int:
    """Add what a comparison found, and end what it found no more; return how many rows that were.

    Nothing is added for a match that the case holds just so.
    """
    earlier = _latest(connection, compared)
    later = {_key(match): _columns(match) for match in found}
    added = 0
    for key, columns in later.items():
        before = earlier.get(key)
        if before is None or before[1] != columns:
            rows.add("match", *key, *columns, None if before is None else before[0])
            added += 1
    for key, (row_id, columns) in earlier.items():
        if key not in later and columns[0] != "ended":
            rows.add("match", *key, "ended", None, 0, b"{}", row_id)
            added += 1
    return added


def add_passes(rows: NewRows, passes: Sequence[MatchPass]) -> None:
    """Add how far comparing has come."""
    for one in passes:
        rows.add("match_pass", one.list_version_id, one.rule, one.outcome_id, now_utc())


def add_rehashes(rows: NewRows, ids: Ids, rehashes: Sequence[Rehash]) -> None:
    """Add hashes of full decodes."""
    for one in rehashes:
        method_set = ids.method_set(rows, one.methods)
        problem = None if one.problem is None else storable_text(one.problem)
        rows.add("rehash", one.outcome_id, method_set, one.pdq, one.quality, problem)


def add_decision(
    connection: Connection, rows: NewRows, item_id: int, category: str, by: str, note: str
) -> None:
    """Add what a person decided of an item; their earlier decision stays, and is superseded."""
    if connection.execute(select(schema.item.c.id).filter_by(id=item_id)).first() is None:
        raise UsageError(f"the case has no item {item_id}")
    table = schema.decision.c
    query = select(func.max(table.id)).where(table.item_id == item_id)
    before = connection.execute(query).scalar()
    words = (storable_text(category), now_utc(), storable_text(by), storable_text(note))
    rows.add("decision", item_id, *words, before)


# Reading.


def comparables(connection: Connection, after: int, up_to: int) -> Iterator[Comparable]:
    """Yield what can be compared of the latest outcomes whose id is in (after, up_to], by id."""
    methods = _Methods(connection)
    while True:
        query = (
            select(
                _OUTCOME.id,
                schema.item.c.id,
                schema.item.c.sha256,
                schema.item.c.sha1,
                schema.item.c.md5,
                schema.record.c.data,
                schema.fact.c.pdq,
                _OUTCOME.method_set_id,
            )
            .join(schema.item, schema.item.c.id == _OUTCOME.item_id)
            .outerjoin(schema.record, schema.record.c.outcome_id == _OUTCOME.id)
            .outerjoin(schema.fact, schema.fact.c.outcome_id == _OUTCOME.id)
            .where(_OUTCOME.id > after, _OUTCOME.id <= up_to)
            .where(~exists().where(_LATER_OUTCOME.c.supersedes == _OUTCOME.id))
            .order_by(_OUTCOME.id)
            .limit(_PAGE)
        )
        page = connection.execute(query).all()
        for outcome_id, item_id, sha256, sha1, md5, data, fact_pdq, method_set in page:
            hashes = _hashes(data) if fact_pdq is not None else _Hashes()
            yield Comparable(
                outcome_id=outcome_id,
                item_id=item_id,
                sha256=bytes(sha256),
                sha1=bytes(sha1),
                md5=bytes(md5),
                pdq=_forms(hashes),
                quality=hashes.quality,
                scaled=hashes.decode is not None and hashes.decode.scale != "full",
                pdq_version=methods.version(method_set, "pdq") if fact_pdq is not None else 0,
            )
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def last_outcome(connection: Connection) -> int:
    """Return the id of the newest outcome, 0 where there is none."""
    return int(connection.execute(select(func.max(_OUTCOME.id))).scalar() or 0)


def passes(connection: Connection) -> dict[tuple[int | None, str], int]:
    """Return, by list (None: each other) and rule, up to which outcome all was compared.

    Of each list the rule of its latest pass alone is there: what an earlier rule found was replaced
    by what the latest one found, so to go back to a rule is to compare anew.
    """
    table = schema.match_pass.c
    query = select(table.list_version_id, table.rule, table.outcome_id).order_by(table.id)
    latest = {version: (rule, outcome) for version, rule, outcome in connection.execute(query)}
    return {(version, rule): outcome for version, (rule, outcome) in latest.items()}


def rehashes(connection: Connection, outcome_ids: Sequence[int]) -> dict[int, Rehash]:
    """Return the full decodes' hashes of outcomes that have one, or where one was tried."""
    table, methods = schema.rehash.c, _Methods(connection)
    columns = (table.outcome_id, table.method_set_id, table.pdq, table.quality, table.problem)
    found: dict[int, Rehash] = {}
    for part in chunks(sorted(outcome_ids)):
        query = select(*columns).where(table.outcome_id.in_(part)).order_by(table.id)
        for outcome_id, method_set, pdq, quality, problem in connection.execute(query).all():
            found[outcome_id] = Rehash(
                outcome_id=outcome_id,
                methods=methods.of(method_set),
                pdq=pdq,
                quality=quality,
                problem=problem,
            )
    return found


def partners_of(connection: Connection, item_ids: Sequence[int]) -> set[int]:
    """Return the items that items have a match with that was not ended."""
    found: set[int] = set()
    holds = (_MATCH.partner_item_id.is_not(None), _MATCH.standing != "ended")
    latest = ~exists().where(_LATER_MATCH.c.supersedes == _MATCH.id)
    ends = ((_MATCH.item_id, _MATCH.partner_item_id), (_MATCH.partner_item_id, _MATCH.item_id))
    for part in chunks(sorted(item_ids)):
        for this, other in ends:
            query = select(other).distinct().where(this.in_(part), *holds, latest)
            found.update(connection.execute(query).scalars())
    return found


def any_measured_again(connection: Connection, after: int) -> bool:
    """Return whether an outcome later than `after` supersedes one that is not."""
    query = select(_OUTCOME.id).where(_OUTCOME.id > after, _OUTCOME.supersedes <= after).limit(1)
    return connection.execute(query).first() is not None


def matches_of(connection: Connection, item_id: int) -> list[FoundMatch]:
    """Return the matches of an item that hold: of lists that serve, and with other items.

    A match with a partner is stored once, and returned for both.
    """
    query = (
        select(schema.match)
        .where(or_(_MATCH.item_id == item_id, _MATCH.partner_item_id == item_id))
        .where(_MATCH.standing != "ended")
        .where(~exists().where(_LATER_MATCH.c.supersedes == _MATCH.id))
        .order_by(_MATCH.id)
    )
    return [_match(dict(row), item_id) for row in connection.execute(query).mappings()]


def list_matches(connection: Connection) -> Iterator[tuple[int, list[FoundMatch]]]:
    """Yield every item that has matches with lists, by id, with those that were not ended."""
    latest = ~exists().where(_LATER_MATCH.c.supersedes == _MATCH.id)
    query = (
        select(schema.match)
        .where(_MATCH.list_version_id.is_not(None), _MATCH.standing != "ended", latest)
        .order_by(_MATCH.item_id, _MATCH.id)
        .execution_options(yield_per=_PAGE)
    )
    rows = connection.execute(query).mappings()
    found = (_match(dict(row), row["item_id"]) for row in rows)
    for item_id, held in groupby(found, key=lambda match: match.item_id):
        yield item_id, list(held)


def partner_pairs(connection: Connection) -> Iterator[tuple[int, int]]:
    """Yield the ids of every two items that match each other, each pair once."""
    query = (
        select(_MATCH.item_id, _MATCH.partner_item_id)
        .where(_MATCH.partner_item_id.is_not(None), _MATCH.standing == "match")
        .where(~exists().where(_LATER_MATCH.c.supersedes == _MATCH.id))
        .order_by(_MATCH.id)
        .execution_options(yield_per=_PAGE)
    )
    for row in connection.execute(query):
        yield row[0], row[1]


def matched_items(connection: Connection, version_id: int) -> list[int]:
    """Return the items that match a list, in order."""
    query = (
        select(_MATCH.item_id)
        .distinct()
        .where(_MATCH.list_version_id == version_id, _MATCH.standing == "match")
        .where(~exists().where(_LATER_MATCH.c.supersedes == _MATCH.id))
        .order_by(_MATCH.item_id)
    )
    return list(connection.execute(query).scalars())


def decision_of(connection: Connection, item_id: int) -> Decision | None:
    """Return what a person decided of an item, None where nobody has."""
    table = schema.decision.c
    query = (
        select(table.category, table.at, table.by, table.note)
        .where(table.item_id == item_id)
        .where(~exists().where(_LATER_DECISION.c.supersedes == table.id))
        .order_by(table.id.desc())
    )
    row = connection.execute(query).first()
    return None if row is None else Decision(category=row[0], at=row[1], by=row[2], note=row[3])


def decisions(connection: Connection) -> dict[int, Decision]:
    """Return what people decided, by item."""
    table = schema.decision.c
    query = (
        select(table.item_id, table.category, table.at, table.by, table.note)
        .where(~exists().where(_LATER_DECISION.c.supersedes == table.id))
        .order_by(table.id)
    )
    return {
        item_id: Decision(category=category, at=at, by=by, note=note)
        for item_id, category, at, by, note in connection.execute(query)
    }


def _latest(connection: Connection, compared: Compared) -> dict[Key, tuple[int, tuple[Value, ...]]]:
    """Return the latest row of every match between what was compared, by its key."""
    query = select(_MATCH.id, *(_MATCH[name] for name in (*_KEY, *_COLUMNS)))
    with_lists = query.where(_MATCH.list_version_id.in_(compared.list_version_ids))
    with_partners = query.where(_MATCH.partner_item_id.is_not(None))
    found: dict[Key, tuple[int, tuple[Value, ...]]] = {}
    for part in chunks(sorted(compared.item_ids)):
        queries = []
        if compared.list_version_ids:
            queries.append(with_lists.where(_MATCH.item_id.in_(part)))
        if compared.partners:
            queries.append(with_partners.where(_MATCH.item_id.in_(part)))
            queries.append(with_partners.where(_MATCH.partner_item_id.in_(part)))
        for one in queries:
            for row_id, item, version, partner, kind, *rest in connection.execute(one):
                key = (item, version, partner, kind)
                if key not in found or found[key][0] < row_id:
                    found[key] = (row_id, tuple(rest))
    return found


def _key(match: FoundMatch) -> Key:
    return match.item_id, match.list_version_id, match.partner_item_id, match.kind


def _columns(match: FoundMatch) -> tuple[Value, ...]:
    detail = msgspec.json.encode(match.detail, order="sorted")
    return match.standing, match.distance, match.entries, detail


def _match(row: dict[str, Any], item_id: int) -> FoundMatch:
    partner = row["partner_item_id"]
    if partner == item_id:
        partner = row["item_id"]
    try:
        detail = msgspec.json.decode(row["detail"], type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CaseDamaged(f"a match is not JSON ({error}); run `verify` on the case") from error
    return FoundMatch(
        item_id=item_id,
        list_version_id=row["list_version_id"],
        partner_item_id=partner,
        kind=row["kind"],
        standing=row["standing"],
        distance=row["distance"],
        entries=row["entries"],
        detail=detail,
    )


class _Methods:
    """The methods of sets, each set read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sets: dict[int | None, tuple[Method, ...]] = {}

    def of(self, method_set: int | None) -> tuple[Method, ...]:
        """Return the methods of a set."""
        if method_set not in self._sets:
            self._sets[method_set] = methods_of_set(self._connection, method_set)
        return self._sets[method_set]

    def version(self, method_set: int | None, name: str) -> int:
        """Return the version of a method in a set, 0 where it is not there."""
        return next((one.version for one in self.of(method_set) if one.name == name), 0)


def _hashes(data: bytes | None) -> _Hashes:
    if data is None:
        return _Hashes()
    try:
        return _MEASURED.decode(unpack(bytes(data))).pdq or _Hashes()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaseDamaged(f"a PDQ is not what was stored ({error}); run `verify`") from error


def _forms(hashes: _Hashes) -> bytes | None:
    if hashes.dihedral is None:
        return None
    try:
        forms = bytes.fromhex("".join(hashes.dihedral[form] for form in DIHEDRAL))
    except (ValueError, KeyError) as error:
        raise CaseDamaged(
            "a PDQ is not eight forms in hex digits; run `verify` on the case"
        ) from error
    if len(forms) != 256:
        raise CaseDamaged("a PDQ does not have eight forms; run `verify` on the case")
    return forms

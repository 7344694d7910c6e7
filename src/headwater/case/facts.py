"""Which measurements become columns: what is filtered, joined or counted over all items."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from headwater.case.records import Facts
from headwater.case.rows import INT64_MAX, Value, storable_text

_Path = tuple[str, ...]

SOURCES: dict[str, tuple[_Path, ...]] = {
    "width_px": (("picture", "width_px"), ("video", "width_px")),
    "height_px": (("picture", "height_px"), ("video", "height_px")),
    "duration_seconds": (("video", "duration_seconds"),),
    "pdq": (("pdq", "pdq"),),
    "pdq_quality": (("pdq", "quality"),),
    "taken_at": (("exif", "taken_at"), ("video", "taken_at")),
    "taken_basis": (("exif", "taken_basis"), ("video", "taken_basis")),
    "latitude_degrees": (("exif", "latitude_degrees"), ("video", "latitude_degrees")),
    "longitude_degrees": (("exif", "longitude_degrees"), ("video", "longitude_degrees")),
    "make": (("exif", "make"), ("video", "make")),
    "model": (("exif", "model"), ("video", "model")),
}
"""Where the value of each column is: the measure, then names of fields. The first that is there
counts; a value of another type than the column's is left out."""

_MEASURES = frozenset(path[0] for paths in SOURCES.values() for path in paths)
_WHOLE = frozenset({"width_px", "height_px", "pdq_quality"})
_REAL = frozenset({"duration_seconds", "latitude_degrees", "longitude_degrees"})


def fact_columns(measurements: Mapping[str, bytes]) -> tuple[Value, ...] | None:
    """Return the values of the columns in the order of `Facts`, None where all are empty."""
    held = {name: _read(measurements[name]) for name in _MEASURES if name in measurements}
    if not held:
        return None
    values = tuple(_value(column, _first(held, SOURCES[column])) for column in SOURCES)
    return values if any(value is not None for value in values) else None


def facts_of(columns: Mapping[str, Value]) -> Facts:
    """Return the record of a row of facts."""
    return msgspec.convert({name: columns[name] for name in SOURCES}, Facts)


def _read(data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _first(held: Mapping[str, object], paths: tuple[_Path, ...]) -> object:
    for path in paths:
        found: object = held
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is not None:
            return found
    return None


def _value(column: str, found: object) -> Value:
    if found is None or isinstance(found, bool):
        return None
    if column in _WHOLE:
        return found if isinstance(found, int) and 0 <= found <= INT64_MAX else None
    if column in _REAL:
        # Adding zero turns a negative zero, which SQLite does not keep, into zero.
        is_number = isinstance(found, int | float) and math.isfinite(found)
        return float(found) + 0.0 if is_number else None  # type: ignore[arg-type]
    if not isinstance(found, str):
        return None
    return _hash(found) if column == "pdq" else storable_text(found)


def _hash(digits: str) -> bytes | None:
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        return None
    return value if len(value) == 32 else None

"""Which measurements become columns: what is filtered, joined or counted over all items.

Only the fields named here are read, and whatever else a measurement holds is passed over. A
measurement that lacks them, or has another type there, gives no columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from headwater.case.records import Facts
from headwater.case.rows import INT64_MAX, Value, storable_text

_FILM = "video:"
"""What stands before the basis of a clock in a film's container."""
TAKEN_BASES: tuple[str, ...] = (
    "exif:original",
    _FILM,
    "xmp:create",
    "exif:digitized",
)
"""Clocks that say when something was taken, the best first. Others say when it was changed."""


class _Header(msgspec.Struct):
    width_px: int | None = None
    height_px: int | None = None


class _Clock(msgspec.Struct):
    basis: str
    at: str | None = None


class _Place(msgspec.Struct):
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None


class _Picture(msgspec.Struct):
    header: _Header


class _Pdq(msgspec.Struct):
    pdq: str
    quality: int


class _Said(msgspec.Struct):
    """What EXIF, XMP and video containers may say alike."""

    make: str | None = None
    model: str | None = None
    times: list[_Clock] = msgspec.field(default_factory=list)
    place: _Place | None = None
    width_px: int | None = None
    height_px: int | None = None
    duration_seconds: float | None = None


class _FilmClock(msgspec.Struct):
    basis: str
    state: str
    at: str | None = None
    zone: str | None = None


class _Device(msgspec.Struct):
    role: str
    value: str


class _Container(msgspec.Struct):
    duration_seconds: float | None = None


class _Stream(msgspec.Struct):
    index: int
    video: _Header | None = None


class _Film(msgspec.Struct):
    """What a video says, each clock, place and device with its own basis."""

    clocks: list[_FilmClock] = msgspec.field(default_factory=list)
    places: list[_Place] = msgspec.field(default_factory=list)
    devices: list[_Device] = msgspec.field(default_factory=list)
    container: _Container | None = None
    streams: list[_Stream] = msgspec.field(default_factory=list)
    main_stream: int | None = None


Part = TypeVar("Part", _Picture, _Pdq, _Said, _Film)

_SAYING = ("exif", "xmp")


def fact_columns(measurements: Mapping[str, bytes]) -> tuple[Value, ...] | None:
    """Return the values of the columns in the order of `Facts`, None where all are empty."""
    picture = _read(measurements, "picture", _Picture)
    pdq = _read(measurements, "pdq", _Pdq)
    said = [part for name in _SAYING if (part := _read(measurements, name, _Said)) is not None]
    film = _read(measurements, "video", _Film)
    if film is not None:
        said.append(_said_by(film))
    size = next(
        ((part.width_px, part.height_px) for part in said if part.width_px is not None),
        (None, None) if picture is None else (picture.header.width_px, picture.header.height_px),
    )
    taken = _taken(said)
    place = next((part.place for part in said if part.place is not None), _Place())
    camera = next((part for part in said if part.make or part.model), _Said())
    seconds = next((part.duration_seconds for part in said if part.duration_seconds), None)
    columns: tuple[Value, ...] = (
        _whole(size[0]),
        _whole(size[1]),
        _real(seconds),
        None if pdq is None else _hash(pdq.pdq),
        None if pdq is None else _whole(pdq.quality),
        _text(taken.at),
        _text(taken.basis or None),
        _real(place.latitude_degrees),
        _real(place.longitude_degrees),
        _text(camera.make),
        _text(camera.model),
    )
    return columns if any(column is not None for column in columns) else None


def _said_by(film: _Film) -> _Said:
    """Return what a film says in the words that pictures use; its clock keeps its own basis."""
    roles = {device.role: device.value for device in reversed(film.devices)}
    main = next((one for one in film.streams if one.index == film.main_stream), None)
    size = main.video if main is not None and main.video is not None else _Header()
    placed = [place for place in film.places if place.latitude_degrees is not None]
    return _Said(
        make=roles.get("make"),
        model=roles.get("model"),
        times=_begun(film.clocks),
        place=placed[0] if placed else None,
        width_px=size.width_px,
        height_px=size.height_px,
        duration_seconds=film.container.duration_seconds if film.container else None,
    )


def _begun(clocks: list[_FilmClock]) -> list[_Clock]:
    """Return the clock of a film's beginning: one that knows its offset before one in UTC."""
    begun = [
        clock
        for clock in clocks
        if clock.at and clock.state == "read" and not clock.basis.endswith(":modified")
    ]
    begun.sort(key=lambda clock: clock.zone != "offset")
    return [_Clock(f"{_FILM}{clock.basis}", clock.at) for clock in begun[:1]]


def facts_of(columns: Mapping[str, Value]) -> Facts:
    """Return the record of a row of facts."""
    return msgspec.convert({name: columns[name] for name in Facts.__struct_fields__}, Facts)


def _read(measurements: Mapping[str, bytes], name: str, kind: type[Part]) -> Part | None:
    data = measurements.get(name)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _taken(said: list[_Said]) -> _Clock:
    clocks = [clock for part in said for clock in part.times if clock.at]
    for basis in TAKEN_BASES:
        for clock in clocks:
            if clock.basis == basis or (basis == _FILM and clock.basis.startswith(_FILM)):
                return clock
    return _Clock("")


def _whole(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= INT64_MAX else None


def _real(value: float | None) -> float | None:
    # Adding zero turns a negative zero, which SQLite does not keep, into zero.
    return value + 0.0 if value is not None and math.isfinite(value) else None


def _text(value: str | None) -> str | None:
    return None if value is None else storable_text(value)


def _hash(digits: str) -> bytes | None:
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        return None
    return value if len(value) == 32 else None

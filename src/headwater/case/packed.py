"""What is kept as bytes inside a row: measurements, the rest of an identity, rare values."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import zstandard

from headwater.case.rows import INT64_MAX, INT64_MIN, storable_text
from headwater.errors import CaseDamaged, CaseError
from headwater.model import Claim, Embedded, Identity, Record, Time

MAX_RECORD_BYTES = 256 << 20
"""An unpacked record is never larger; one that says so is not unpacked."""

_LEVEL = 3
_RAW_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])

Kept = TypeVar("Kept", bound=Record)


class IdentityRest(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of an identity that the category of an outcome does not hold."""

    claims: tuple[Claim, ...] = ()
    embedded: tuple[Embedded, ...] = ()
    trailing_bytes: int = 0
    notes: tuple[str, ...] = ()


class Extra(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of a place that seldom are there."""

    times: tuple[Time, ...] = ()
    notes: tuple[str, ...] = ()
    large: dict[str, str] = msgspec.field(default_factory=dict)
    """Numbers that no column of 64 bits holds, by field."""


_EMPTY_REST = IdentityRest()
_EMPTY_EXTRA = Extra()


class Packer:
    """Compresses measurements; one for each thread."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)

    def pack(self, measurements: dict[str, bytes]) -> bytes:
        """Return one Zstandard frame of the measurements as a JSON object, keys sorted.

        Raises CaseError where one of them is not JSON.
        """
        return self._compressor.compress(measurements_json(measurements))


def measurements_json(measurements: dict[str, bytes]) -> bytes:
    """Return measurements as one JSON object, keys sorted. Raises CaseError if one is not JSON."""
    parts = [msgspec.json.encode(name) + b":" + measurements[name] for name in sorted(measurements)]
    joined = b"{" + b",".join(parts) + b"}"
    try:
        read = _RAW_DECODER.decode(joined)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaseError(f"a measurement is not JSON: {error}") from error
    if read.keys() != measurements.keys():
        raise CaseError("a measurement is not one JSON value")
    return joined


def unpack(data: bytes) -> bytes:
    """Return the JSON object of a packed record. Raises CaseDamaged."""
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= MAX_RECORD_BYTES:
            raise CaseDamaged("a record does not say how large it is; run `verify` on the case")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    except zstandard.ZstdError as error:
        raise CaseDamaged(f"a record cannot be unpacked ({error}); run `verify`") from error


def measurements_of(data: bytes) -> dict[str, bytes]:
    """Return the measurements of a packed record, as JSON by name. Raises CaseDamaged."""
    try:
        return {name: bytes(raw) for name, raw in _RAW_DECODER.decode(unpack(data)).items()}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaseDamaged(f"a record is not JSON ({error}); run `verify`") from error


def identity_rest(identity: Identity) -> bytes | None:
    """Return what a category does not hold of an identity, None where that is nothing."""
    rest = IdentityRest(
        claims=identity.claims,
        embedded=identity.embedded,
        trailing_bytes=identity.trailing_bytes,
        notes=identity.notes,
    )
    return None if rest == _EMPTY_REST else msgspec.json.encode(rest)


def identity_of(
    kind: str, format_name: str, media_type: str | None, rest: bytes | None
) -> Identity:
    """Return the identity of an outcome. Raises CaseDamaged."""
    held = _decode(rest, IdentityRest) if rest is not None else _EMPTY_REST
    words = {"kind": kind, "format": format_name, "media_type": media_type}
    try:
        return msgspec.convert({**words, **msgspec.structs.asdict(held)}, Identity)
    except msgspec.ValidationError as error:
        raise CaseDamaged(f"an item has no identity ({error}); run `verify`") from error


def extra_of(data: bytes | None) -> Extra:
    """Return the seldom parts of a place. Raises CaseDamaged."""
    return _decode(data, Extra) if data is not None else _EMPTY_EXTRA


def extra_bytes(
    numbers: dict[str, int | None], times: tuple[Time, ...] = (), notes: tuple[str, ...] = ()
) -> bytes | None:
    """Return the seldom parts of a place as JSON, None where there are none."""
    large = {name: str(value) for name, value in sorted(numbers.items()) if not _fits(value)}
    if not (large or times or notes):
        return None
    said = tuple(Time(at=storable_text(time.at), basis=storable_text(time.basis)) for time in times)
    words = tuple(storable_text(note) for note in notes)
    return msgspec.json.encode(Extra(times=said, notes=words, large=large))


def column_number(value: int | None) -> int | None:
    """Return what a column holds of a number: None where it does not fit."""
    return value if _fits(value) else None


def must_fit(value: int, name: str) -> int:
    """Return `value`. Raises CaseError where it has more than 64 bits with sign."""
    if not _fits(value):
        raise CaseError(f"{name} is {value}, which is no number of a real file")
    return value


def whole_number(value: int | None, name: str, extra: Extra) -> int | None:
    """Return the number that a column and the extra parts beside it stand for."""
    if value is not None or name not in extra.large:
        return value
    try:
        return int(extra.large[name])
    except ValueError as error:
        raise CaseDamaged(f"{name} is not a number; run `verify` on the case") from error


def _fits(value: int | None) -> bool:
    return value is None or INT64_MIN <= value <= INT64_MAX


def _decode(data: bytes, kind: type[Kept]) -> Kept:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaseDamaged(f"a row holds no {kind.__name__} ({error}); run `verify`") from error

"""Unpacking one ZIP member's data, by method (APPNOTE 6.3.10, section 4.4.5)."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Callable

from headwater.errors import Malformed
from headwater.evidence.archives.decode import (
    Decoded,
    Decoder,
    Deflate,
    Deflate64,
    Zstandard,
    bzip2,
    raw_lzma,
    xz,
)
from headwater.evidence.archives.meter import Pull, exactly
from headwater.evidence.archives.zip_records import (
    FLAG_ENCRYPTED,
    FLAG_MASKED_HEADERS,
    FLAG_STRONG_ENCRYPTION,
)

STORED = 0
DEFLATE64 = 9
LZMA = 14
AES = 99

METHODS = {
    0: "stored",
    1: "shrink",
    2: "reduce",
    3: "reduce",
    4: "reduce",
    5: "reduce",
    6: "implode",
    8: "deflate",
    9: "deflate64",
    10: "PKWARE DCL implode",
    12: "bzip2",
    14: "LZMA",
    16: "IBM z/OS CMPSC",
    18: "IBM TERSE",
    19: "IBM LZ77",
    20: "Zstandard",
    93: "Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG variant",
    97: "WavPack",
    98: "PPMd",
    99: "AES",
}

_DECODERS: dict[int, Callable[[int], Decoder]] = {
    8: lambda memory: Deflate(),
    9: lambda memory: Deflate64(),
    12: lambda memory: bzip2(),
    20: Zstandard,
    93: Zstandard,
    95: xz,
}


def is_supported(method: int) -> bool:
    """Return whether members packed with a method can be unpacked here."""
    return method in _DECODERS or method in (STORED, LZMA)


def method_name(method: int) -> str:
    """Return a method's name, or its number in words."""
    return METHODS.get(method, f"number {method}")


def refused_method(method: int, flags: int) -> str | None:
    """Return why data packed and flagged so is not opened; None where it is."""
    if method == AES:
        return "encrypted (AES)"
    if flags & FLAG_STRONG_ENCRYPTION and flags & FLAG_ENCRYPTED:
        return "encrypted (strong encryption)"
    if flags & FLAG_MASKED_HEADERS:
        return "encrypted (with its headers)"
    if flags & FLAG_ENCRYPTED:
        return "encrypted (traditional)"
    if not is_supported(method):
        return f"compression method {method_name(method)} is not supported"
    return None


def unpack(method: int, packed: Pull, unpacked_bytes: int, memory_bytes: int) -> Pull:
    """Return the unpacked bytes of a member whose method is not refused."""
    if method == STORED:
        return packed
    if method == LZMA:
        return _unpack_lzma(packed, unpacked_bytes, memory_bytes)
    return start_decoding(method, packed, memory_bytes).read


def start_decoding(method: int, packed: Pull, memory_bytes: int) -> Decoded:
    """Return the unpacked bytes of a compressed method other than LZMA."""
    return Decoded(_DECODERS[method](memory_bytes), packed, f"{method_name(method)} data")


def _unpack_lzma(packed: Pull, unpacked_bytes: int, memory_bytes: int) -> Pull:
    """Return the unpacked bytes of method 14 (section 5.8), which may have no end of its own."""
    decoded: Pull | None = None

    def pull(size: int) -> bytes:
        nonlocal decoded
        if decoded is None:
            decoder = _lzma_decoder(packed, memory_bytes)
            decoded = exactly(Decoded(decoder, packed, "LZMA data").read, unpacked_bytes, "LZMA")
        return decoded(size)

    return pull


def _lzma_decoder(packed: Pull, memory_bytes: int) -> Decoder:
    head = packed(4)
    size = struct.unpack("<H", head[2:])[0] if len(head) == 4 else 0
    settings = packed(size) if size else b""
    if size != 5 or len(settings) != 5 or settings[0] >= 9 * 5 * 5:
        raise Malformed("LZMA settings are damaged")
    rest, lc = divmod(settings[0], 9)
    pb, lp = divmod(rest, 5)
    chain = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(4096, int.from_bytes(settings[1:], "little")),
        "lc": lc,
        "lp": lp,
        "pb": pb,
    }
    return raw_lzma([chain], memory_bytes)

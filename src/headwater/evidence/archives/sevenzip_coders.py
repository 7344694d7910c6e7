"""Unpacking one folder of a 7z archive: its chain of coders, each with bounded output.

Not opened, and named: encryption, BCJ2 and other coders of several streams, PPMd, and whatever
else 7-Zip or its relatives can write.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable
from typing import Protocol

from bcj import (
    ARMDecoder,
    ARMTDecoder,
    BCJDecoder,
    IA64Decoder,
    PPCDecoder,
    SparcDecoder,
)

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.archives.decode import (
    Concatenated,
    Decoded,
    Decoder,
    Deflate,
    Deflate64,
    Zstandard,
    bzip2,
    pull_from,
    raw_lzma,
)
from headwater.evidence.archives.gzip import starts_stream
from headwater.evidence.archives.meter import Meter, Pull, counted, exactly
from headwater.evidence.archives.sevenzip_header import Coder, Folder
from headwater.evidence.content import Content

_COPY = b"\x00"
_LZMA2 = b"\x21"
_LZMA = b"\x03\x01\x01"
_DELTA = b"\x03"
_ZSTD = b"\x04\xf7\x11\x01"
_BCJ2 = b"\x03\x03\x01\x1b"

_NAMES = {
    _COPY: "copy",
    _LZMA2: "LZMA2",
    _LZMA: "LZMA",
    _DELTA: "delta",
    _BCJ2: "BCJ2",
    _ZSTD: "Zstandard",
    b"\x0a": "ARM64 filter",
    b"\x0b": "RISC-V filter",
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x08": "deflate",
    b"\x04\x01\x09": "deflate64",
    b"\x04\x02\x02": "bzip2",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x04": "LZ4",
    b"\x04\xf7\x11\x05": "LZ5",
    b"\x04\xf7\x11\x06": "Lizard",
}

_SIMPLE: dict[bytes, Callable[[], Decoder]] = {
    b"\x04\x01\x08": Deflate,
    b"\x04\x01\x09": Deflate64,
    b"\x04\x02\x02": bzip2,
}


class _BranchDecoder(Protocol):
    def decode(self, data: bytes) -> bytes: ...


_BRANCH_FILTERS: dict[bytes, tuple[int, Callable[[int], _BranchDecoder]]] = {
    b"\x04": (lzma.FILTER_X86, BCJDecoder),
    b"\x05": (lzma.FILTER_POWERPC, PPCDecoder),
    b"\x06": (lzma.FILTER_IA64, IA64Decoder),
    b"\x07": (lzma.FILTER_ARM, ARMDecoder),
    b"\x08": (lzma.FILTER_ARMTHUMB, ARMTDecoder),
    b"\x09": (lzma.FILTER_SPARC, SparcDecoder),
}
_OLD_BRANCH_IDS = {
    b"\x03\x03\x01\x03": b"\x04",
    b"\x03\x03\x02\x05": b"\x05",
    b"\x03\x03\x04\x01": b"\x06",
    b"\x03\x03\x05\x01": b"\x07",
    b"\x03\x03\x07\x01": b"\x08",
    b"\x03\x03\x08\x05": b"\x09",
}


def refused_folder(folder: Folder) -> str | None:
    """Return why a folder is not opened; None where it is."""
    for coder in folder.coders:
        if coder.method[:1] == b"\x06" and len(coder.method) > 1:
            return "encrypted"
    for coder in folder.coders:
        method = _OLD_BRANCH_IDS.get(coder.method, coder.method)
        known = method in (_COPY, _LZMA, _LZMA2, _DELTA, _ZSTD)
        if known or method in _SIMPLE or method in _BRANCH_FILTERS:
            if coder.inputs == coder.outputs == 1:
                continue
            return f"a {method_name(coder)} coder of several streams is not supported"
        return f"compression method {method_name(coder)} is not supported"
    return None


def method_name(coder: Coder) -> str:
    """Return a coder's name, or its id in hexadecimal."""
    return _NAMES.get(coder.method, coder.method.hex() or "without an id")


def open_folder(folder: Folder, packed: Content, memory_bytes: int, meter: Meter) -> Pull:
    """Return what a folder unpacks to, counted.

    `packed` are the bytes of its one packed stream. Raises Refused, Malformed, or LimitExceeded
    where a dictionary is too large.
    """
    refused = refused_folder(folder)
    if refused is not None:
        raise Refused(refused)
    order = _chain(folder)
    pull = exactly(pull_from(packed), packed.size_bytes, "the packed stream")
    at = 0
    while at < len(order):
        used = 1
        coder = folder.coders[order[at]]
        size = folder.unpacked_sizes[order[at]]
        if coder.method in (_LZMA, _LZMA2):
            natives = _native_filters(folder, order[at + 1 :], coder)
            used += len(natives)
            size = folder.unpacked_sizes[order[at + used - 1]]
            chain = [*reversed(natives), _lzma_settings(coder)]
            decoder = raw_lzma(chain, memory_bytes)
            pull = counted(Decoded(decoder, pull, method_name(coder)).read, meter)
        elif coder.method == _ZSTD and at == 0:
            pull = counted(_zstandard(packed, memory_bytes).read, meter)
        else:
            pull = _step(coder, size, pull, memory_bytes, meter)
        pull = exactly(pull, size, f"{method_name(coder)} data")
        at += used
    return pull


def _chain(folder: Folder) -> list[int]:
    """Return the coders' places in the order of unpacking, from packed bytes to the member."""
    taken_from = dict(folder.bonds)
    bound = set(taken_from.values())
    ends = [place for place in range(len(folder.coders)) if place not in bound]
    if len(ends) != 1 or len(folder.packed_inputs) != 1:
        raise Malformed("a 7z folder's coders are not joined in one chain")
    order = ends
    while order[-1] in taken_from and len(order) <= len(folder.coders):
        order.append(taken_from[order[-1]])
    if len(order) != len(folder.coders) or not all(0 <= one < len(order) for one in order):
        raise Malformed("a 7z folder's coders are not joined in one chain")
    return order[::-1]


def _native_filters(folder: Folder, after: list[int], base: Coder) -> list[dict[str, int]]:
    """Return the filters behind LZMA that liblzma applies in the same step.

    Branch filters look ahead, and liblzma ends that only with LZMA2, which has an end of its own.
    """
    natives: list[dict[str, int]] = []
    for place in after:
        coder = folder.coders[place]
        method = _OLD_BRANCH_IDS.get(coder.method, coder.method)
        if method == _DELTA:
            natives.append({"id": lzma.FILTER_DELTA, "dist": (coder.settings or b"\0")[0] + 1})
        elif method in _BRANCH_FILTERS and base.method == _LZMA2:
            natives.append({"id": _BRANCH_FILTERS[method][0]})
        else:
            break
    return natives


def _lzma_settings(coder: Coder) -> dict[str, int]:
    if coder.method == _LZMA2:
        if len(coder.settings) != 1 or coder.settings[0] > 40:
            raise Malformed("LZMA2 settings are damaged")
        bits = coder.settings[0]
        size = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)
        return {"id": lzma.FILTER_LZMA2, "dict_size": size}
    if len(coder.settings) != 5 or coder.settings[0] >= 9 * 5 * 5:
        raise Malformed("LZMA settings are damaged")
    rest, lc = divmod(coder.settings[0], 9)
    pb, lp = divmod(rest, 5)
    size = max(4096, int.from_bytes(coder.settings[1:], "little"))
    return {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": lc, "lp": lp, "pb": pb}


def _zstandard(packed: Content, memory_bytes: int) -> Concatenated:
    """Zstandard data may be several frames, as programs with threads write it."""
    return Concatenated(
        packed,
        lambda: Zstandard(memory_bytes),
        lambda head: starts_stream("zstd", head),
        "Zstandard data",
        1 << 20,
    )


def _step(coder: Coder, size: int, pull: Pull, memory_bytes: int, meter: Meter) -> Pull:
    method = _OLD_BRANCH_IDS.get(coder.method, coder.method)
    if method == _COPY:
        return pull
    if method in _BRANCH_FILTERS:
        return _Branch(_BRANCH_FILTERS[method][1], size, pull).read
    if method == _ZSTD:
        return counted(Decoded(Zstandard(memory_bytes), pull, "Zstandard data").read, meter)
    if method in _SIMPLE:
        return counted(Decoded(_SIMPLE[method](), pull, f"{method_name(coder)} data").read, meter)
    raise Refused(f"a {method_name(coder)} filter there is not supported")


class _Branch:
    """A branch filter in a step of its own; it knows its end by the size alone."""

    def __init__(self, make: Callable[[int], _BranchDecoder], size: int, pull: Pull) -> None:
        if size > 1 << 62:
            raise LimitExceeded("archive_member_bytes", f"{size} bytes are stated")
        self._decoder = make(size)
        self._pull = pull
        self._ready = b""

    def read(self, size: int) -> bytes:
        while not self._ready and (data := self._pull(1 << 16)):
            self._ready = bytes(self._decoder.decode(data))
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

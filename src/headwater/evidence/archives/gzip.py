"""A single compressed file: gzip, bzip2, xz or Zstandard."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, cast

from headwater.errors import Malformed, Refused
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.decode import (
    Concatenated,
    Decoder,
    Deflate,
    Zstandard,
    after_zeros,
    bzip2,
    pull_from,
    xz,
)
from headwater.evidence.archives.meter import (
    CHUNK,
    MemberStream,
    Meter,
    Pull,
    counted,
    decoder_memory_bytes,
)
from headwater.evidence.archives.names import describe_name
from headwater.evidence.archives.times import unix_time
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Time

TRAILING_NOTE = "bytes after the end of the compressed stream"

_NAME_BYTES = 1 << 16


def starts_stream(format_name: str, head: bytes) -> bool:
    """Return whether a stream of `gzip`, `bzip2`, `xz` or `zstd` begins with `head`.

    A skippable Zstandard frame counts.
    """
    if format_name == "gzip":
        return head[:3] == b"\x1f\x8b\x08"
    if format_name == "bzip2":
        magic = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
        return head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in magic
    if format_name == "xz":
        return head[:6] == b"\xfd7zXZ\0"
    skippable = head[1:4] == b"\x2a\x4d\x18" and head[:1] in b"PQRSTUVWXYZ[\\]^_"
    return head[:4] == b"\x28\xb5\x2f\xfd" or (bool(head) and skippable)


def make_decoder(format_name: str, limits: Limits) -> Decoder:
    """Return a decoder of one stream of `gzip`, `bzip2`, `xz` or `zstd`.

    Raises Refused for any other name.
    """
    memory = decoder_memory_bytes(limits)
    if format_name == "gzip":
        return Deflate(31)
    if format_name == "bzip2":
        return bzip2()
    if format_name == "xz":
        return xz(memory)
    if format_name == "zstd":
        return Zstandard(memory)
    raise Refused(f"no reader for {format_name!r}")


def unpack(content: Content, format_name: str, limits: Limits) -> Concatenated:
    """Return the unpacked bytes of all streams of a compressed file, one after the other."""
    return Concatenated(
        content,
        lambda: make_decoder(format_name, limits),
        lambda head: starts_stream(format_name, head),
        f"{format_name} stream",
        limits.archive_members,
    )


def read_single(content: Content, format_name: str, limits: Limits) -> Iterator[Member]:
    """Yield the one member of a compressed file; `archives.contract.ArchiveReader` with a format.

    Where other bytes follow the compressed ones, they are a second member, stored as they are.
    """
    meter = Meter(limits, content.size_bytes)
    meter.member()
    name, times = (b"", ()) if format_name != "gzip" else _gzip_header(content)
    source = unpack(content, format_name, limits)
    pull = counted(source.read, meter)
    stream = MemberStream(pull, meter)
    notes = describe_name(name) if name else ()
    yield Member(0, name, None, 0, times, notes, None, lambda: cast(BinaryIO, stream))
    stream.close()
    _drain(pull, meter)
    end = after_zeros(content, source.end)
    if end < content.size_bytes:
        meter.member()
        trailing = MemberStream(counted(pull_from(content, end), meter), meter)
        size = content.size_bytes - end
        yield Member(
            1, b"", size, end, (), (TRAILING_NOTE,), None, lambda: cast(BinaryIO, trailing)
        )
        trailing.close()
        meter.check()


def _drain(pull: Pull, meter: Meter) -> None:
    """Go to the end, since only there it is known what follows."""
    meter.check()
    while pull(CHUNK):
        pass


def _gzip_header(content: Content) -> tuple[bytes, tuple[Time, ...]]:
    """Return the stored name and time (RFC 1952, section 2.3).

    Raises Malformed where the header breaks off.
    """
    head = content.read_at(0, 10)
    if len(head) < 10:
        raise Malformed("gzip stream ends within its header")
    flags = head[3]
    (seconds,) = struct.unpack_from("<I", head, 4)
    reading = unix_time(seconds, "gzip:modified") if seconds else None
    position = 10
    if flags & 4:
        extra = content.read_at(position, 2)
        position += 2 + int.from_bytes(extra, "little")
    name = b""
    if flags & 8:
        name, ended, _ = content.read_at(position, _NAME_BYTES).partition(b"\0")
        if not ended:
            raise Malformed("gzip name has no end")
    return name, (reading,) if reading else ()

"""Walking a container to its end, and writing 7z files that no honest program writes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from headwater.errors import ContentError
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.open import read_archive
from headwater.evidence.content import Content
from headwater.limits import Limits


@dataclass
class Walked:
    """What a container gave, member by member, and how it ended."""

    members: list[Member] = field(default_factory=list)
    data: list[bytes | None] = field(default_factory=list)
    """What was read of each member, also where an error ended it; None where it has no stream."""
    errors: list[ContentError | None] = field(default_factory=list)
    end: ContentError | None = None

    @property
    def names(self) -> list[bytes]:
        return [member.name for member in self.members]

    @property
    def whole(self) -> list[tuple[bytes, bytes | None]]:
        """(name, data) of every member; fails where anything went wrong."""
        assert self.end is None
        assert self.errors == [None] * len(self.errors)
        return list(zip(self.names, self.data, strict=True))

    @property
    def refused(self) -> list[str | None]:
        return [member.problem.reason if member.problem else None for member in self.members]


class Walk:
    """Reads a container of the named format as the engine does: each member once, in order."""

    def __call__(
        self,
        data: bytes,
        archive_format: str,
        limits: Limits | None = None,
        *,
        only: frozenset[int] | None = None,
        step: int = 1 << 16,
    ) -> Walked:
        walked = Walked()
        try:
            for member in read_archive(
                Content.from_bytes(data), archive_format, limits or Limits()
            ):
                walked.members.append(member)
                wanted = only is None or member.ordinal in only
                read, error = self.read(member, step) if wanted else (None, None)
                walked.data.append(read)
                walked.errors.append(error)
        except ContentError as error:
            walked.end = error
        return walked

    @staticmethod
    def read(member: Member, step: int) -> tuple[bytes | None, ContentError | None]:
        if member.open is None:
            assert member.problem is not None
            return None, None
        assert member.problem is None
        parts = []
        stream = member.open()
        try:
            while part := stream.read(step):
                parts.append(part)
        except ContentError as error:
            return b"".join(parts), error
        return b"".join(parts), None


@dataclass
class Plain7z:
    """Writes a 7z file whose data is stored as it is, one folder for all members."""

    names: Sequence[str]
    data: Sequence[bytes]
    attributes: Sequence[int] | None = None
    coders: bytes = b"\x01\x01\x00"
    """The folder's coders as stored: by default one, that copies."""

    def build(self) -> bytes:
        body = b"".join(self.data)
        return self.around(self.header(len(body)), body)

    @staticmethod
    def around(header: bytes, body: bytes) -> bytes:
        start = struct.pack("<QQI", len(body), len(header), zlib.crc32(header))
        return (
            b"7z\xbc\xaf\x27\x1c\x00\x04"
            + struct.pack("<I", zlib.crc32(start))
            + start
            + body
            + header
        )

    def header(self, packed_bytes: int) -> bytes:
        full = [piece for piece in self.data if piece]
        streams = b""
        if full:
            sizes = b"".join(self.number(len(piece)) for piece in full[:-1])
            crcs = b"".join(struct.pack("<I", zlib.crc32(piece)) for piece in full)
            whole = self.number(sum(map(len, full)))
            count = self.number(len(full))
            substreams = b"\x08\x0d" + count + b"\x09" + sizes + b"\x0a\x01" + crcs + b"\x00"
            streams = (
                b"\x04\x06\x00\x01\x09" + self.number(packed_bytes) + b"\x00"
                b"\x07\x0b\x01\x00" + self.coders + b"\x0c" + whole + b"\x00"
            )
            streams += substreams + b"\x00"
        return b"\x01" + streams + b"\x05" + self.files() + b"\x00"

    def files(self) -> bytes:
        text = b"".join(name.encode("utf-16-le", "surrogatepass") + b"\0\0" for name in self.names)
        parts = self.part(0x11, b"\0" + text)
        bare = [not piece for piece in self.data]
        if any(bare):
            parts += self.part(0x0E, self.bits(bare))
            parts += self.part(0x0F, self.bits([True] * sum(bare)))
        if self.attributes is not None:
            packed = b"".join(struct.pack("<I", value) for value in self.attributes)
            parts += self.part(0x15, b"\x01\x00" + packed)
        return self.number(len(self.names)) + parts + b"\x00"

    def part(self, kind: int, data: bytes) -> bytes:
        return bytes([kind]) + self.number(len(data)) + data

    @staticmethod
    def bits(flags: Sequence[bool]) -> bytes:
        out = bytearray((len(flags) + 7) // 8)
        for place, flag in enumerate(flags):
            out[place >> 3] |= flag << (7 - (place & 7))
        return bytes(out)

    @staticmethod
    def number(value: int) -> bytes:
        return bytes([value]) if value < 0x80 else b"\xff" + struct.pack("<Q", value)


@pytest.fixture(scope="session")
def walk() -> Walk:
    return Walk()


@pytest.fixture(scope="session")
def plain_7z() -> type[Plain7z]:
    return Plain7z

"""Compressed metadata, unpacked up to a ceiling."""

from __future__ import annotations

import zlib

from headwater.errors import LimitExceeded, Malformed


def inflate(data: bytes, ceiling_bytes: int) -> bytes:
    """Unpack a zlib stream (RFC 1950).

    Raises Malformed where it is broken or cut off, LimitExceeded (`metadata_bytes`) where more
    than `ceiling_bytes` come out.
    """
    if ceiling_bytes < 1:  # zlib takes 0 for no ceiling at all
        raise LimitExceeded("metadata_bytes", "nothing more may be unpacked")
    unpacker = zlib.decompressobj()
    try:
        out = unpacker.decompress(data, ceiling_bytes)
        if unpacker.unconsumed_tail and unpacker.decompress(unpacker.unconsumed_tail, 1):
            raise LimitExceeded("metadata_bytes", f"zlib stream of more than {ceiling_bytes} bytes")
    except zlib.error as error:
        raise Malformed(f"zlib stream is broken: {error}") from None
    if not unpacker.eof:
        raise Malformed("zlib stream is cut off")
    return out


def unbrotli(data: bytes, ceiling_bytes: int) -> bytes:
    """Unpack a brotli stream (RFC 7932); raises as `inflate` does."""
    import brotli  # type: ignore[import-untyped]  # noqa: PLC0415

    unpacker = brotli.Decompressor()
    parts: list[bytes] = []
    total = 0
    try:
        while not unpacker.is_finished():
            part = unpacker.process(data, output_buffer_limit=1 << 16)
            data = b""
            total += len(part)
            parts.append(part)
            if total > ceiling_bytes:
                raise LimitExceeded(
                    "metadata_bytes", f"brotli stream of more than {ceiling_bytes} bytes"
                )
            if not part and not unpacker.is_finished() and unpacker.can_accept_more_data():
                raise Malformed("brotli stream is cut off")
    except brotli.error as error:
        raise Malformed(f"brotli stream is broken: {error}") from None
    return b"".join(parts)

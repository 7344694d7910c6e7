"""Photoshop image resources (Adobe Photoshop File Formats Specification, "Image Resources")."""

from __future__ import annotations

from dataclasses import dataclass

RESOURCES_MOST = 256
_SIGNATURES = frozenset({b"8BIM", b"PHUT", b"DCSR", b"AgHg", b"MeSa"})


@dataclass(frozen=True, slots=True)
class PhotoshopResource:
    """One resource; the offset is that of its data inside the resources' bytes."""

    number: int
    name: str
    offset_bytes: int
    size_bytes: int
    head: bytes
    """Its first 64 bytes."""


def read_resources(data: bytes) -> tuple[list[PhotoshopResource], str | None]:
    """Return up to 256 resources in stored order, and what stopped the reading early, if anything.

    A resource is a four-byte signature, a number, a Pascal string and the data, each padded to an
    even length.
    """
    found: list[PhotoshopResource] = []
    position = 0
    while position + 12 <= len(data):
        if data[position : position + 4] not in _SIGNATURES:
            padding = not data[position:].strip(b"\0 ")
            return found, None if padding else f"no image resource at {position}"
        number = int.from_bytes(data[position + 4 : position + 6], "big")
        length = data[position + 6]
        name = data[position + 7 : position + 7 + length].decode("latin-1")
        start = position + 6 + length + 1 + ((length + 1) & 1)
        size = int.from_bytes(data[start : start + 4], "big")
        start += 4
        if start + size > len(data):
            return found, f"image resource 0x{number:04x} runs past the end"
        if len(found) >= RESOURCES_MOST:
            return found, f"more than {RESOURCES_MOST} image resources"
        found.append(PhotoshopResource(number, name, start, size, data[start : start + 64]))
        position = start + size + (size & 1)
    return found, None

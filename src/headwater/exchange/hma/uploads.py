"""Uploads: one file of a form, from the network into a memory file, and never onto a disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from headwater.exchange.hma.signals import OF_CONTENT
from headwater.limits import Limits

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 16
URL_REFUSED = (
    "url is refused: this server fetches nothing from anywhere; upload the file with POST, in a "
    "form field named photo or video"
)
_FORM_BYTES = 64 << 10
"""Of headers and of fields that are no file."""
_SILENCE_SECONDS = 30.0


class Room:
    """Memory for uploads: all that is held at one time. For the event loop's thread alone."""

    def __init__(self, limits: Limits) -> None:
        self.upload_bytes = min(limits.picture_bytes, limits.spool_memory_bytes)
        self._left = limits.spool_memory_bytes

    def take(self, size_bytes: int) -> None:
        """Take room. Raises HTTPException (503) where there is none."""
        if size_bytes > self._left:
            raise HTTPException(
                503, "too many uploads at one time; try again", {"Retry-After": "1"}
            )
        self._left -= size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Give room back."""
        self._left += size_bytes


@dataclass(slots=True)
class Upload:
    """A file that was uploaded; a context that gives its memory back."""

    room: Room
    content_type: str = ""
    """The name of its form field: `photo` or `video`."""
    descriptor: int = -1
    size_bytes: int = 0

    def open(self) -> None:
        """Make its memory file."""
        self.descriptor = os.memfd_create("upload", os.MFD_CLOEXEC)

    def write(self, data: bytes) -> None:
        """Add bytes. Raises HTTPException: 413 beyond the ceiling, 503 without room."""
        if self.size_bytes + len(data) > self.room.upload_bytes:
            raise too_large(self.room)
        self.room.take(len(data))
        self.size_bytes += len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        self.room.give_back(self.size_bytes)
        if self.descriptor >= 0:
            os.close(self.descriptor)


def too_large(room: Room) -> HTTPException:
    """Return the error for an upload beyond the ceiling."""
    return HTTPException(413, f"an upload may have at most {room.upload_bytes >> 20} MiB")


def check_length(length: str | None, room: Room) -> None:
    """Refuse a body that says by its Content-Length that it is too large."""
    if length is None or not length.isdecimal():
        return
    if len(length) > 18 or int(length) > room.upload_bytes + _FORM_BYTES:
        raise too_large(room)


async def receive(body: AsyncIterator[bytes], content_type: str, upload: Upload) -> None:
    """Read a form (RFC 7578) into an upload, whose context the caller holds.

    Raises HTTPException: 400 where it is no form, or not with one file in it; 403 for a field
    `url`; 408 where nothing comes for a while; 413 and 503 as `Upload.write`.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise HTTPException(400, "Missing multipart/form-data file upload")
    form = _Form(upload)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        while (part := await _next(body)) is not None:
            parser.write(part)
        parser.finalize()
    except FormParserError:
        # Not chained: its text may quote the body.
        raise HTTPException(400, "the form is malformed") from None
    if not form.ended:
        raise HTTPException(400, "the form breaks off")
    if upload.descriptor < 0:
        raise HTTPException(400, "Missing multipart/form-data file upload")


async def _next(body: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await asyncio.wait_for(anext(body, None), _SILENCE_SECONDS)
    except TimeoutError:
        raise HTTPException(408, "the upload has come to a stop") from None


@dataclass(slots=True)
class _Form:
    """What a parser tells of a form, part by part."""

    upload: Upload
    ended: bool = False
    _parts: int = 0
    _small_bytes: int = 0
    _in_file: bool = False
    _header: bytes = b""
    _value: bytes = b""
    _disposition: bytes = field(default=b"")

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise HTTPException(400, "the form has too many parts")
        self._in_file, self._disposition = False, b""

    def _count(self, size_bytes: int) -> None:
        self._small_bytes += size_bytes
        if self._small_bytes > _FORM_BYTES:
            raise HTTPException(413, "the form has too much beside its file")

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name == "url":
            raise HTTPException(403, URL_REFUSED)
        if b"filename" not in options:
            return
        if self.upload.descriptor >= 0:
            raise HTTPException(400, "Only one file allowed per request")
        if name not in OF_CONTENT:
            raise HTTPException(400, f"no such content_type; there are {', '.join(OF_CONTENT)}")
        self._in_file = True
        self.upload.content_type = name
        self.upload.open()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.upload.write(data[start:end])
        else:
            self._count(end - start)

    def _end(self) -> None:
        self.ended = True

"""Recognising archives by their bytes, and opening one by its format's name."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.errors import ContentError, Refused
from headwater.evidence.archives.contract import Member
from headwater.evidence.archives.gzip import read_single, starts_stream, unpack
from headwater.evidence.archives.sevenzip import read_7z
from headwater.evidence.archives.sevenzip_header import MAGIC as SEVENZIP_MAGIC
from headwater.evidence.archives.tar import read_tar
from headwater.evidence.archives.tar_header import BLOCK, is_header
from headwater.evidence.archives.zip import read_zip
from headwater.evidence.archives.zip_directory import find_directory
from headwater.evidence.content import Content
from headwater.limits import Limits

MEDIA_TYPES = {
    "zip": "application/zip",
    "7z": "application/x-7z-compressed",
    "tar": "application/x-tar",
    "tar.gz": "application/gzip",
    "tar.bz2": "application/x-bzip2",
    "tar.xz": "application/x-xz",
    "tar.zst": "application/zstd",
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "zstd": "application/zstd",
}
"""Every format that can be read, with its media type."""

_TAR_OF = {"gzip": "tar.gz", "bzip2": "tar.bz2", "xz": "tar.xz", "zstd": "tar.zst"}
_COMPRESSION_OF = {tar: single for single, tar in _TAR_OF.items()}
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04")


def identify_archive(content: Content) -> tuple[str, str] | None:
    """Return (format, media type) of an archive; None where the bytes are none.

    By magic first: ZIP, 7z, compressed streams (a `tar.*` where what is unpacked begins with a tar
    header). By structure then: a tar header with a right checksum, or a ZIP central directory that
    an end record points at, whatever comes before it.
    """
    found = _by_magic(content) or _by_structure(content)
    return (found, MEDIA_TYPES[found]) if found is not None else None


def read_archive(content: Content, archive_format: str, limits: Limits) -> Iterator[Member]:
    """Yield the members of a container of one of the formats in `MEDIA_TYPES`.

    Raises Refused for any other format; else as `archives.contract.ArchiveReader`.
    """
    if archive_format == "zip":
        return read_zip(content, limits)
    if archive_format == "7z":
        return read_7z(content, limits)
    if archive_format == "tar":
        return read_tar(content, None, limits)
    if archive_format in _COMPRESSION_OF:
        return read_tar(content, _COMPRESSION_OF[archive_format], limits)
    if archive_format in _TAR_OF:
        return read_single(content, archive_format, limits)
    raise Refused(f"no reader for archives of format {archive_format!r}")


def _by_magic(content: Content) -> str | None:
    head = content.read_at(0, 16)
    if head.startswith(_ZIP_STARTS):
        return "zip"
    if head.startswith(SEVENZIP_MAGIC):
        return "7z"
    for single, tar in _TAR_OF.items():
        if starts_stream(single, head):
            return tar if _holds_tar(content, single) else single
    return None


def _holds_tar(content: Content, single: str) -> bool:
    source = unpack(content, single, Limits())
    block = b""
    try:
        while len(block) < BLOCK and (data := source.read(BLOCK - len(block))):
            block += data
    except ContentError:
        return False
    return is_header(block)


def _by_structure(content: Content) -> str | None:
    if is_header(content.read_at(0, BLOCK)):
        return "tar"
    try:
        directory = find_directory(content)
    except Refused:
        return None
    return "zip" if directory is not None and directory.size else None

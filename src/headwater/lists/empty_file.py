"""The hashes of a file without bytes, which every collection of software holds."""

from __future__ import annotations

import hashlib

from headwater.lists.contract import Entry

EMPTY_FILE = "entries of the empty file"
"""Under this name they are counted among what is lost."""

MD5 = hashlib.md5(usedforsecurity=False).digest()
SHA1 = hashlib.sha1(usedforsecurity=False).digest()
SHA256 = hashlib.sha256().digest()


def is_empty_file(entry: Entry) -> bool:
    """Whether an entry names the empty file by any of its hashes."""
    return entry.sha1 == SHA1 or entry.md5 == MD5 or entry.sha256 == SHA256

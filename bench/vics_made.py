"""Makes VICS lists for benches: `python -m bench.vics_made FILE ENTRIES`.

Every value is drawn at random from a fixed seed, so that no entry is known to anyone, and the
same number of entries gives the same file. MD5, SHA-1, size, date (a day) and category on each,
PhotoDNA on half of them, two Exifs on a tenth, the order shuffled; one in a hundred is broken, in
ten ways that take turns. That is 267 bytes an entry: the names and values of those fields take
so many when nothing is written around them.
"""

from __future__ import annotations

import base64
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import BinaryIO

import msgspec

SEED = 20261122
BROKEN_EACH = 100
"""One of so many is broken."""
HEAD = (
    '{"@odata.context":"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/'
    'Default/$metadata#Media","value":['
)
_DAYS = 28
_BLOCK = 4096


class Made(msgspec.Struct, frozen=True):
    """What a made list holds."""

    entries: int
    size_bytes: int
    whole: dict[str, int]
    """Entries that no reader can keep, by how they are broken."""
    part: dict[str, int]
    """Entries that lose one field, by how they are broken."""


def make(path: Path, entries: int, *, seed: int = SEED) -> Made:
    """Write a list of so many entries and return what it holds."""
    with path.open("wb") as out:
        return write(out, entries, seed=seed)


def write(out: BinaryIO, entries: int, *, seed: int = SEED) -> Made:
    """Write a list of so many entries, some thousands in memory at a time."""
    random = Random(seed)
    broken: Counter[str] = Counter()
    size_bytes = out.write(HEAD.encode())
    separator = b""
    for first in range(0, entries, _BLOCK):
        block = list(_entries(random, min(_BLOCK, entries - first), broken))
        size_bytes += out.write(separator + b",".join(block))
        separator = b","
    size_bytes += out.write(b"]}\n")
    return Made(
        entries,
        size_bytes,
        {name: count for name, count in sorted(broken.items()) if name in _WHOLE},
        {name: count for name, count in sorted(broken.items()) if name in _PART},
    )


def _entries(random: Random, entries: int, broken: Counter[str]) -> Iterator[bytes]:
    ways = {**_WHOLE, **_PART}
    names = list(ways)
    for _ in range(entries):
        entry = _entry(random)
        if random.randrange(BROKEN_EACH):
            yield entry
            continue
        # Every way has the same share, whatever the entry: `md5 of 31 digits` needs its SHA-1.
        name = names[random.randrange(len(names))]
        broken[name] += 1
        yield ways[name](entry)


def _entry(random: Random) -> bytes:
    """Return one sound entry as JSON."""
    parts = [
        f'"Category":{random.randrange(6)}',
        f'"MD5":"{random.randbytes(16).hex().upper()}"',
        f'"SHA1":"{random.randbytes(20).hex().upper()}"',
        f'"MediaSize":{random.randrange(1_000, 9_000_000)}',
        f'"DateUpdated":"{_date(random)}"',
    ]
    if random.randrange(2):
        value = base64.b64encode(random.randbytes(144)).decode()
        parts.append(f'"PhotoDNA":"{value}"')
    if not random.randrange(10):
        make = random.choice(("Canon", "Nikon", "Sony", "Olympus"))
        exifs = [("Make", make), ("Model", f"Model {random.randrange(100)}")]
        rows = (f'{{"PropertyName":"{name}","PropertyValue":"{value}"}}' for name, value in exifs)
        parts.append(f'"Exifs":[{",".join(rows)}]')
    return ("{" + ",".join(parts) + "}").encode()


def _date(random: Random) -> str:
    year, month = random.randrange(2015, 2026), random.randrange(1, 13)
    return f"{year}-{month:02d}-{random.randrange(1, 1 + _DAYS):02d}"


def _without(entry: bytes, name: bytes) -> bytes:
    """Return an entry with the text value of a field made empty."""
    start = entry.index(b'"' + name + b'":"') + len(name) + 4
    return entry[:start] + entry[entry.index(b'"', start) :]


def _of_json(entry: bytes, name: bytes, value: bytes) -> bytes:
    """Return an entry with another JSON text as the value of a scalar field."""
    start = entry.index(b'"' + name + b'":') + len(name) + 3
    stop = min(place for place in (entry.find(b",", start), entry.find(b"}", start)) if place > 0)
    return entry[:start] + value + entry[stop:]


def _hashless(entry: bytes) -> bytes:
    bare = _without(_without(entry, b"MD5"), b"SHA1")
    return _without(bare, b"PhotoDNA") if b"PhotoDNA" in bare else bare


_WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "no value behind a colon": lambda entry: _of_json(entry, b"Category", b""),
    "no comma": lambda entry: entry.replace(b',"SHA1"', b' "SHA1"'),
    "an array": lambda entry: b"[1,2]",
    "no hash": _hashless,
    "a bad escape": lambda entry: entry.replace(b'"SHA1":"', b'"SHA1":"\\x'),
}
_PART: dict[str, Callable[[bytes], bytes]] = {
    "MD5 of 31 digits": lambda entry: _of_json(entry, b"MD5", b'"' + b"A" * 31 + b'"'),
    "MD5 of other letters": lambda entry: _of_json(entry, b"MD5", b'"' + b"G" * 32 + b'"'),
    "MD5 a number": lambda entry: _of_json(entry, b"MD5", b"12"),
    "a size below zero": lambda entry: _of_json(entry, b"MediaSize", b"-1"),
    "no date": lambda entry: _of_json(entry, b"DateUpdated", b'"yesterday"'),
}


if __name__ == "__main__":
    print(
        msgspec.json.format(msgspec.json.encode(make(Path(sys.argv[1]), int(sys.argv[2])))).decode()
    )

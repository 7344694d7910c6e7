"""A list format for tests, its reader, and lists of random entries in it.

One entry a line: its fields as JSON, hashes in hex. A line that is no JSON is a broken entry; one
that is `cut` ends the file where it should not end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from headwater.lists.contract import Batch, Entry, Fault, ListFault, Spot, Stream
from headwater.lists.keys import ListKey, derived
from headwater.lists.locked import LockedMemory, Protection

HASHES = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32, "photodna": 144}
VERSION_ID = "0f" * 16


def a_key(seed: int = 7) -> ListKey:
    return derived(bytes([seed]) * 32)


def some_memory() -> LockedMemory:
    """Memory whose process is not locked as a whole, as tests run."""
    return LockedMemory(Protection(held="no_swap", reason="a test"))


def random_entry(random: Random, number: int, *, few: bool = False) -> Entry:
    """Return an entry with at least one hash; with `few`, hashes that often come again."""
    wanted = [name for name in HASHES if random.random() < 0.5] or ["md5"]
    hashes = {
        name: (bytes([random.randrange(5)]) * size if few else random.randbytes(size))
        for name, size in HASHES.items()
        if name in wanted
    }
    fields: dict[str, Any] = dict(hashes)
    if "pdq" in hashes and random.random() < 0.5:
        fields["pdq_quality"] = random.randrange(101)
    labels = [("series", random.choice("abc")), ("tags", f"né{number % 7}")]
    return Entry(
        spot=Spot(line=number + 1),
        size_bytes=random.choice([None, 0, 1 << 40, number]),
        media=random.choice([None, "picture", "video"]),
        category=random.choice([None, "1", "2", "A2"]),
        labels=tuple(labels[: random.randrange(3)]),
        status=random.choice(["active", "active", "withdrawn"]),
        **fields,
    )


def random_entries(seed: int, count: int, *, few: bool = False) -> list[Entry]:
    random = Random(seed)
    return [random_entry(random, number, few=few) for number in range(count)]


def line_of(entry: Entry) -> bytes:
    """Return an entry as a line of the format; its spot is the line's number in the file."""
    said: dict[str, Any] = {
        name: None if (value := getattr(entry, name)) is None else value.hex() for name in HASHES
    }
    for name in ("pdq_quality", "size_bytes", "media", "category", "labels", "status"):
        said[name] = getattr(entry, name)
    return json.dumps(said).encode() + b"\n"


def write_list(path: Path, entries: list[Entry], *, broken_each: int = 0) -> Path:
    """Write entries in order, a broken line after each so many; their lines are numbered anew."""
    with path.open("wb") as out:
        for number, entry in enumerate(entries, 1):
            out.write(line_of(entry))
            if broken_each and number % broken_each == 0:
                out.write(b"broken\n")
    return path


class MadeReader:
    """Reads the format, so many lines a batch."""

    FORMAT: ClassVar[str] = "made"

    def __init__(self, batch_lines: int = 37) -> None:
        self._batch_lines = batch_lines

    def read(self, stream: Stream, cursor: bytes = b"") -> Iterator[Batch]:
        place, line = (int(part) for part in (cursor or b"0 0").split())
        if place:
            stream.seek(place)
        rest = b""
        while True:
            while rest.count(b"\n") < self._batch_lines and (part := stream.read(4096)):
                rest += part
            lines = rest.split(b"\n", self._batch_lines)
            rest, lines = lines[-1], lines[:-1]
            if not lines:
                break
            place += sum(map(len, lines)) + len(lines)
            entries: list[Entry] = []
            faults: list[Fault] = []
            cut = False
            for number, text in enumerate(lines, line + 1):
                cut = cut or text == b"cut"
                self._read_line(text, Spot(line=number), entries, faults)
            line += len(lines)
            yield Batch(
                entries=entries,
                faults=faults,
                lost={"Media.Name": len(entries)} if entries else {},
                cursor=f"{place} {line}".encode(),
                position_bytes=place,
            )
            if cut:
                raise ListFault("the list breaks off", Spot(line=line))
        if rest:
            raise ListFault("the last line has no end", Spot(line=line + 1))

    @staticmethod
    def _read_line(text: bytes, spot: Spot, entries: list[Entry], faults: list[Fault]) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            faults.append(Fault(spot=spot, field="line", rule="no JSON"))
            return
        for name in HASHES:
            said[name] = None if said[name] is None else bytes.fromhex(said[name])
        said["labels"] = tuple((name, value) for name, value in said["labels"])
        entries.append(Entry(spot=spot, **said))

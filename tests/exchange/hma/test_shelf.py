"""The shelf: look-ups beside a plain twin, suppression, and lists that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from headwater.case.records import ListRole, ListVersion
from headwater.exchange.hma.banks import ContentIds
from headwater.exchange.hma.shelf import Match, OpenedList, Shelf, open_whole
from headwater.match.rule import Rule
from tests.case.building import LIST
from tests.exchange.hma.serving import flipped

Integers = npt.NDArray[np.int64]

RULE = Rule()
IDS = ContentIds(b"k" * 32)
KINDS = {"md5": 16, "sha1": 20, "sha256": 32}


@dataclass(frozen=True)
class Said:
    status: str
    category: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass
class MadeList:
    """A list, opened: entries have digests or codes, and some are withdrawn."""

    digests: dict[str, list[tuple[bytes, int]]] = field(default_factory=dict)
    codes: list[tuple[bytes, int]] = field(default_factory=list)
    withdrawn: frozenset[int] = frozenset()
    closed: int = 0

    def lookup(self, kind: str, keyed: npt.NDArray[np.uint64]) -> tuple[Integers, Integers]:
        held = self.digests.get(kind, [])
        pairs = [
            (row, entry)
            for row in range(len(keyed))
            for digest, entry in held
            if keyed[row].tobytes() == digest[:16]
        ]
        made = np.array(pairs, np.int64).reshape(-1, 2)
        return made[:, 0], made[:, 1]

    def pdq_codes(self) -> tuple[npt.NDArray[np.uint8], Integers]:
        joined = np.frombuffer(b"".join(code for code, _ in self.codes), np.uint8)
        return joined.reshape(-1, 32), np.array([entry for _, entry in self.codes], np.int64)

    def photodna(self) -> tuple[npt.NDArray[np.uint8], Integers]:
        raise AssertionError("no PhotoDNA value is looked up")

    def said(self, entry: int) -> Said:
        return Said("withdrawn" if entry in self.withdrawn else "active")


class MadeDesk:
    """Opens made lists; digests are keyed by cutting them off."""

    def __init__(self) -> None:
        self.lists: dict[str, MadeList] = {}

    def keyed(self, digests: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        return np.ascontiguousarray(digests[:, :16]).view(np.uint64)

    @contextmanager
    def opened(self, version: ListVersion) -> Iterator[MadeList]:
        made = self.lists[version.info.folder]
        yield made
        made.closed += 1

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        return np.empty(shape, dtype)


class Made:
    """A shelf of made lists."""

    def __init__(self) -> None:
        self.desk = MadeDesk()
        self.shelf = Shelf(self.desk, RULE, IDS)

    def open(self, name: str, made: MadeList, role: ListRole = "watch") -> OpenedList:
        number = len(self.desk.lists) + 1
        folder = f"{number:032x}"
        self.desk.lists[folder] = made
        counts = {kind: len(held) for kind, held in made.digests.items()}
        report = {"hashes": {**counts, "pdq": len(made.codes)}}
        info = msgspec.structs.replace(LIST, name=name, folder=folder, role=role, report=report)
        version = ListVersion(
            version_id=number,
            info=info,
            imported_at=f"2026-11-{number:02d}T10:00:00Z",
            program_version="1",
            standing="served",
            standing_since="",
            standing_reason="",
        )
        return open_whole(version, self.desk, RULE)

    def put(self, name: str, made: MadeList, role: ListRole = "watch") -> OpenedList:
        opened = self.open(name, made, role)
        self.shelf.exchange((), [opened])
        return opened

    def found(self, kind: str, value: bytes, **item: bytes) -> list[Match]:
        return self.shelf.look_up(kind, value, {kind: value, **item})


def made_list(random: Random, centres: list[bytes], entries: int) -> MadeList:
    codes = [
        (flipped(random.choice(centres), random.sample(range(256), random.randrange(30))), entry)
        for entry in range(entries)
    ]
    digests = {
        kind: [(random.randbytes(size), random.randrange(entries)) for _ in range(40)]
        for kind, size in KINDS.items()
    }
    return MadeList(digests=digests, codes=codes)


@pytest.mark.parametrize("seed", range(4))
def test_matches_are_those_of_the_plain_twin(seed: int) -> None:
    random = Random(seed)
    centres = [random.randbytes(32) for _ in range(20)]
    made, lists = Made(), {}
    for name in ("harbour", "quay"):
        lists[name] = made_list(random, centres, 300)
        made.put(name, lists[name])
    folders = {"harbour": f"{1:032x}", "quay": f"{2:032x}"}
    for _ in range(100):
        query = flipped(random.choice(centres), random.sample(range(256), random.randrange(40)))
        expected = sorted(
            (name.upper(), IDS.of(folders[name], entry), apart)
            for name, held in lists.items()
            for code, entry in held.codes
            if (apart := (int.from_bytes(code) ^ int.from_bytes(query)).bit_count()) <= 31
        )
        found = made.found("pdq", query)
        assert [(one.bank, one.content_id, one.distance_bits) for one in found] == expected
    for kind, size in KINDS.items():
        for name, held in lists.items():
            for digest, entry in held.digests[kind]:
                expected_match = Match(name.upper(), IDS.of(folders[name], entry), None)
                assert made.found(kind, digest) == [expected_match]
        assert made.found(kind, random.randbytes(size)) == []


def test_negative_lists_suppress() -> None:
    made = Made()
    code, other = b"c" * 32, b"o" * 32
    digest = {kind: bytes([size]) * size for kind, size in KINDS.items()}
    made.put("watch", MadeList({"md5": [(digest["md5"], 0)]}, [(code, 0), (other, 1)]))
    near = flipped(code, [1, 2])
    assert made.found("pdq", near)
    made.put("wrong", MadeList({"sha1": [(digest["sha1"], 0)]}, [(code, 0)]), "negative")
    # An equal PDQ hash is a confirmed false match of near matches alone, a near one of nothing.
    assert made.found("pdq", code) == []
    assert made.found("pdq", near)
    assert made.found("pdq", other)
    assert made.found("md5", digest["md5"], pdq=code)
    # An equal digest is one of everything.
    assert made.found("pdq", near, sha1=digest["sha1"]) == []
    assert made.found("md5", digest["md5"], sha1=digest["sha1"]) == []
    assert made.found("md5", digest["md5"], sha1=b"x" * 20)


def test_entries_that_a_list_has_withdrawn_neither_match_nor_suppress() -> None:
    made = Made()
    code = b"c" * 32
    digest = b"m" * 16
    both = [(code, 0), (flipped(code, [9]), 1)]
    made.put("watch", MadeList({"md5": [(digest, 0), (digest, 1)]}, both, frozenset({1})))
    ids = [IDS.of(f"{1:032x}", 0)]
    assert [one.content_id for one in made.found("pdq", code)] == ids
    assert [one.content_id for one in made.found("md5", digest)] == ids
    wrong = MadeList({"md5": [(digest, 5)]}, [(code, 5)], frozenset({5}))
    made.put("wrong", wrong, "negative")
    assert made.found("pdq", code, md5=digest)
    assert made.found("md5", digest)


def test_lists_come_and_go() -> None:
    made = Made()
    first = made.put("harbour", MadeList(codes=[(b"a" * 32, 0)]))
    made.put("quay", MadeList(codes=[(b"b" * 32, 0)]))
    assert made.shelf.banks == ["HARBOUR", "QUAY"]
    second = made.open("harbour", MadeList(codes=[(b"c" * 32, 0)]))
    assert made.found("pdq", b"c" * 32) == []
    made.shelf.exchange([first.version.version_id], [second])
    assert made.found("pdq", b"a" * 32) == []
    assert [one.bank for one in made.found("pdq", b"c" * 32)] == ["HARBOUR"]
    assert [held.closed for held in made.desk.lists.values()] == [2, 1, 1]
    made.shelf.close()
    assert [held.closed for held in made.desk.lists.values()] == [2, 2, 2]
    assert made.shelf.banks == []
    assert made.found("pdq", b"b" * 32) == []


def test_status_counts_what_serves_and_no_negative_list() -> None:
    made = Made()
    assert made.shelf.status("pdq") == (0, None)
    made.put("harbour", MadeList({"md5": [(b"m" * 16, 0)]}, [(b"a" * 32, 0), (b"b" * 32, 1)]))
    made.put("wrong", MadeList(codes=[(b"c" * 32, 0)]), "negative")
    made.put("quay", MadeList(codes=[(b"b" * 32, 0)]))
    newest = int(np.datetime64("2026-11-03T10:00:00", "s").astype(np.int64))
    assert made.shelf.status("pdq") == (3, newest)
    assert made.shelf.status("md5") == (1, newest - 2 * 86400)
    assert made.shelf.status("sha256") == (0, None)


def test_order_within_an_answer_tells_no_distance() -> None:
    made = Made()
    made.put("harbour", MadeList(codes=[(flipped(bytes(32), range(n)), n) for n in range(32)]))
    found = made.found("pdq", bytes(32))
    assert len(found) == 32
    assert [one.content_id for one in found] == sorted(one.content_id for one in found)
    distances = [one.distance_bits or 0 for one in found]
    assert distances not in (sorted(distances), sorted(distances, reverse=True))

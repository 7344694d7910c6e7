"""What segments hold is what was given, looked up beside a plain dictionary."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import CaseDamaged, CaseError, HeadwaterError
from headwater.lists.contract import Entry, Spot
from headwater.lists.details import BLOCK_ENTRIES
from headwater.lists.keyed import Keyed, keyed
from headwater.lists.manifest import MANIFEST, Manifest, changed_files
from headwater.lists.opened import OpenList, open_list
from headwater.lists.segments import DIGESTS, SegmentWriter
from tests.lists.made_list import VERSION_ID, a_key, random_entries, some_memory


def write(
    base: Path, entries: list[Entry], *, segment_entries: int = 50, batch: int = 7
) -> tuple[Path, Manifest, bytes]:
    folder = base / VERSION_ID
    folder.mkdir(mode=0o700, exist_ok=True)
    writer = SegmentWriter(
        folder, a_key(), VERSION_ID, some_memory(), segment_entries=segment_entries
    )
    for begin in range(0, len(entries), batch):
        writer.add(entries[begin : begin + batch])
    manifest, sha256 = writer.finish()
    return folder, manifest, sha256


def reopened(folder: Path, sha256: bytes) -> OpenList:
    return open_list(folder, a_key(), sha256, some_memory())


def compare(known: OpenList, entries: list[Entry]) -> None:
    """Compare an open list with the entries that it was made of, entry by entry."""
    assert known.entries == len(entries)
    for kind, size in DIGESTS.items():
        twin: defaultdict[bytes, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            if (value := getattr(entry, kind)) is not None:
                twin[value].append(number)
        asked = [*twin, b"\xfe" * size, *list(twin)[:3]][::-1]
        rows, found = known.lookup(kind, keyed(a_key().digests, asked))
        pairs = [(row, entry) for row, one in enumerate(asked) for entry in twin.get(one, [])]
        assert list(zip(rows.tolist(), found.tolist(), strict=True)) == pairs
    for kind, (codes, numbers) in {"pdq": known.pdq_codes(), "photodna": known.photodna()}.items():
        given_codes = [
            (number, value)
            for number, entry in enumerate(entries)
            if (value := getattr(entry, kind)) is not None
        ]
        held = [(int(number), code.tobytes()) for number, code in zip(numbers, codes, strict=True)]
        assert held == given_codes
    qualities = [
        255 if entry.pdq_quality is None else entry.pdq_quality
        for entry in entries
        if entry.pdq is not None
    ]
    assert known.pdq_qualities().tolist() == qualities
    for number, entry in enumerate(entries):
        said = known.said(number)
        for name in ("spot", "category", "labels", "media", "size_bytes", "status"):
            assert getattr(said, name) == getattr(entry, name)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    count=st.integers(0, 400),
    few=st.booleans(),
    segment_entries=st.integers(1, 150),
    batch=st.integers(1, 200),
)
def test_a_list_holds_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    count: int,
    few: bool,
    segment_entries: int,
    batch: int,
) -> None:
    entries = random_entries(seed, count, few=few)
    folder, manifest, sha256 = write(
        tmp_path_factory.mktemp("list"), entries, segment_entries=segment_entries, batch=batch
    )
    with reopened(folder, sha256) as known:
        compare(known, entries)
    memory = some_memory()
    with open_list(folder, a_key(), sha256, memory, held_digests=count // 4) as known:
        compare(known, entries)
    assert all(segment.entries < segment_entries + batch for segment in manifest.segments)
    assert changed_files(folder, sha256) == []


def test_blocks_of_details_that_are_full_and_their_neighbours(tmp_path: Path) -> None:
    for count in (BLOCK_ENTRIES - 1, BLOCK_ENTRIES, BLOCK_ENTRIES + 1, 3 * BLOCK_ENTRIES):
        entries = [
            Entry(spot=Spot(line=number + 1), md5=bytes(16), category=str(number))
            for number in range(count)
        ]
        folder, _, sha256 = write(tmp_path, entries, segment_entries=1 << 20, batch=1000)
        with reopened(folder, sha256) as known:
            said = [known.said(number).category for number in range(count)]
            assert said == [entry.category for entry in entries]
            for number in (-1, count):
                with pytest.raises(IndexError):
                    known.said(number)


def test_equal_first_halves_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def colliding(_key: bytes, digests: list[bytes]) -> Keyed:
        return np.array([[one[0] % 3, one[1]] for one in digests], np.uint64).reshape(-1, 2)

    monkeypatch.setattr("headwater.lists.segments.keyed", colliding)
    digests = [bytes([first, second]) + bytes(14) for first in range(9) for second in range(9)]
    entries = [Entry(spot=Spot(line=1), md5=digest) for digest in digests]
    folder, _, sha256 = write(tmp_path, entries, segment_entries=30)
    with reopened(folder, sha256) as known:
        asked = colliding(b"", digests)
        rows, found = known.lookup("md5", asked)
    expected = [
        (row, entry)
        for row, one in enumerate(digests)
        for entry, other in enumerate(digests)
        if (one[0] % 3, one[1]) == (other[0] % 3, other[1])
    ]
    assert list(zip(rows.tolist(), found.tolist(), strict=True)) == expected


def test_writing_goes_on_behind_segments_that_are_there(tmp_path: Path) -> None:
    entries = random_entries(3, 300)
    folder = tmp_path / VERSION_ID
    folder.mkdir()
    first = SegmentWriter(folder, a_key(), VERSION_ID, some_memory(), segment_entries=40)
    whole = [first.add(entries[begin : begin + 20]) for begin in range(0, 180, 20)]
    assert whole == [False, True] * 4 + [False]
    assert (first.entries, first.waiting) == (160, 20)
    (folder / "000004.md5").write_bytes(b"of no segment")
    (folder / "000004.pdq.part").write_bytes(b"unfinished")
    second = SegmentWriter(
        folder, a_key(), VERSION_ID, some_memory(), written=first.segments, segment_entries=70
    )
    assert sorted(os.listdir(folder))[-1].startswith("000003.")
    second.add(entries[160:])
    _, sha256 = second.finish()
    with reopened(folder, sha256) as known:
        compare(known, entries)
    assert changed_files(folder, sha256) == []


def test_equal_lists_of_two_versions_share_no_bytes(tmp_path: Path) -> None:
    entries = random_entries(5, 100)
    one, _, _ = write(tmp_path, entries)
    parts = {}
    for path in sorted(one.iterdir()):
        parts[path.name] = path.read_bytes()[64:96]
    write(tmp_path, entries)
    for path in sorted(one.iterdir()):
        if path.name != MANIFEST:
            assert path.read_bytes()[64:96] != parts[path.name]


def test_any_changed_missing_or_added_file_shows(tmp_path: Path) -> None:
    folder, _, sha256 = write(tmp_path, random_entries(9, 120))
    for path in sorted(folder.iterdir()):
        good = path.read_bytes()
        for bad in (good[:-1], good + b"\0", good[:70] + bytes([good[70] ^ 1]) + good[71:], b""):
            path.write_bytes(bad)
            assert changed_files(folder, sha256), path.name
            with pytest.raises((CaseDamaged, CaseError)), reopened(folder, sha256) as known:
                compare(known, random_entries(9, 120))
        path.unlink()
        assert changed_files(folder, sha256), path.name
        with pytest.raises(CaseDamaged), reopened(folder, sha256) as known:
            compare(known, random_entries(9, 120))
        path.write_bytes(good)
    (folder / "000009.md5").write_bytes(b"")
    assert changed_files(folder, sha256) == [f"{VERSION_ID}/000009.md5 belongs to no list"]


def test_a_file_of_an_earlier_writing_cannot_be_put_back(tmp_path: Path) -> None:
    entries = random_entries(9, 60)
    folder, _, _ = write(tmp_path, entries)
    earlier = (folder / "000000.md5").read_bytes()
    folder, _, sha256 = write(tmp_path, entries)
    (folder / "000000.md5").write_bytes(earlier)
    with reopened(folder, sha256) as known, pytest.raises(CaseDamaged):
        compare(known, entries)


def test_another_key_is_named_as_the_reason(tmp_path: Path) -> None:
    folder, _, sha256 = write(tmp_path, random_entries(9, 20))
    with pytest.raises(CaseError, match="another key"):
        open_list(folder, a_key(8), sha256, some_memory())


def test_values_are_wiped_when_the_list_is_closed(tmp_path: Path) -> None:
    folder, _, sha256 = write(tmp_path, random_entries(9, 200))
    known = reopened(folder, sha256)
    codes, values = known.pdq_codes()[0], known.photodna()[0]
    assert codes.any()
    assert values.any()
    known.close()
    assert not codes.any()
    assert not values.any()


def test_a_hash_of_the_wrong_size_is_refused_without_showing_it(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, a_key(), VERSION_ID, some_memory())
    for kind in (*DIGESTS, "pdq", "photodna"):
        bad = Entry(spot=Spot(line=1), **{kind: b"\xab\xcd"})  # type: ignore[arg-type]
        with pytest.raises(HeadwaterError, match=f"gave a {kind} that has not") as caught:
            writer.add([bad])
        assert "abcd" not in str(caught.value)
        assert "xab" not in str(caught.value)


def test_a_kind_that_is_not_kept_by_a_key_cannot_be_looked_up(tmp_path: Path) -> None:
    folder, _, sha256 = write(tmp_path, random_entries(9, 20))
    with reopened(folder, sha256) as known, pytest.raises(ValueError, match="pdq"):
        known.lookup("pdq", np.zeros((0, 2), np.uint64))

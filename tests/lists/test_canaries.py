"""Values of a list appear nowhere: in no file, no output, no error and no core."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from headwater.lists.contract import Entry, Spot
from tests.lists.made_list import HASHES, line_of

ENTRIES = 2_000
WINDOW_BYTES = 8
"""Even so much of a value in a row is a leak."""


def canaries() -> list[Entry]:
    """Return entries with every kind of hash, all of them random."""
    random = Random(99)
    return [
        Entry(
            spot=Spot(line=number + 1),
            category=str(number % 5),
            **{name: random.randbytes(size) for name, size in HASHES.items()},  # type: ignore[arg-type]
        )
        for number in range(ENTRIES)
    ]


class Watch:
    """Finds values, or parts of them, in bytes: raw, as hex and as base64."""

    def __init__(self, values: list[bytes]) -> None:
        self._raw: set[bytes] = set()
        self._texts: set[bytes] = set()
        for value in values:
            parts = [value[begin : begin + WINDOW_BYTES] for begin in range(0, len(value) - 7, 4)]
            self._raw.update(parts)
            for part in parts:
                self._texts.update((part.hex().encode(), part.hex().upper().encode()))
            # Base64 looks different by the place where a value begins in its text.
            for shift in range(3):
                text = base64.b64encode(bytes(shift) + value)[4:]
                self._texts.update(text[begin : begin + 12] for begin in range(0, len(text) - 14))
        self._sizes = sorted({len(text) for text in self._texts})

    def found(self, data: bytes) -> list[bytes]:
        """Return the canaries in `data`."""
        found = [
            data[begin : begin + WINDOW_BYTES]
            for begin in range(len(data) - WINDOW_BYTES + 1)
            if data[begin : begin + WINDOW_BYTES] in self._raw
        ]
        for size in self._sizes:
            found += [
                data[begin : begin + size]
                for begin in range(len(data) - size + 1)
                if data[begin : begin + size] in self._texts
            ]
        return found


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch([getattr(entry, name) for entry in canaries() for name in HASHES])


def test_the_watch_sees_each_form(watch: Watch) -> None:
    for entry in (canaries()[0], canaries()[-1]):
        for name in HASHES:
            value = getattr(entry, name)
            for form in (
                value,
                value[4:13],
                value.hex().encode(),
                value.hex().upper().encode(),
                base64.b64encode(value),
                base64.b64encode(b"x" + value),
                base64.b64encode(b"xy" + value),
                value.hex()[8:30].encode(),
            ):
                assert watch.found(b"before " + form + b" after")
    assert not watch.found(Random(1).randbytes(100_000))


def test_values_of_a_list_appear_nowhere(tmp_path: Path, watch: Watch) -> None:
    entries = canaries()
    given = tmp_path / "given"
    given.mkdir()
    case, keys, home = (tmp_path / name for name in ("case", "keys", "home"))
    case.mkdir()
    home.mkdir()
    path, broken = given / "list", given / "broken"
    path.write_bytes(b"".join(map(line_of, entries)))
    assert watch.found(path.read_bytes()[:2000])
    broken.write_bytes(path.read_bytes()[:-30])
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.lists.import_canaries"),
            *map(str, (path, broken, case, keys)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(home), "TMPDIR": str(home), "HEADWATER_KEY_DIR": str(keys)},
    )
    out, errors = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGSEGV, errors.decode()[-2000:]

    # It did what it was to do.
    assert b"held=" in out
    assert out.count(b"Imported(") == 1
    assert b"Manifest(" in out
    assert errors.count(b"Traceback") >= 12
    assert errors.count(b"CaseDamaged") >= 4
    assert b"ListFault" in errors
    assert b"that has not 16 bytes" in errors
    written = [place for place in tmp_path.rglob("*") if place.is_file() and given != place.parent]
    names = {place.name for place in written}
    assert {"manifest.json", "report.json", "000003.md5", "000001.details"} <= names
    assert any(name.endswith(".state") for name in names)
    assert not list(home.iterdir())

    assert not watch.found(out)
    assert not watch.found(errors)
    for place in written:
        assert not place.name.startswith("core")
        assert not watch.found(place.read_bytes()), place
        assert not watch.found(str(place).encode()), place

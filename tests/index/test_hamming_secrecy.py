"""Codes of an index with memory of its own are nowhere else in the process, used or freed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CHILD = """
import mmap, sys
import numpy as np
from headwater.index.hamming import HammingIndex

arena = np.frombuffer(mmap.mmap(-1, 1 << 28), np.uint8)
used = 0

def allocate(shape, dtype):
    global used
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    array = arena[used : used + size].view(dtype).reshape(shape)
    used += -(-size // 64) * 64
    return array

codes = np.load(sys.argv[1], mmap_mode="r")
index = HammingIndex(allocate=allocate)
for part in np.array_split(codes, 5):
    index.add(part)
queries = np.random.default_rng(1).integers(0, 256, (3000, 32), dtype=np.uint8)
for plan in ("scan", "probe", "join", None):
    index.search(queries, 31, plan=plan, threads=2)
    index.search(queries, 90, most_per_query=2, plan="scan")
pairs = index.pairs(31)
print(arena.ctypes.data, arena.ctypes.data + used, len(pairs), flush=True)
sys.stdin.read()
"""


def written_regions(process: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where the process has private memory that it may write."""
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        span, rights, *_ = line.split()
        if rights.startswith("rw"):
            begin, _, end = span.partition("-")
            yield int(begin, 16), int(end, 16)


def count_near(memory: bytes, halves: set[bytes]) -> int:
    """Count the places of eight bytes where one of the halves, 16 bytes, begins."""
    words = np.frombuffer(memory[: len(memory) & ~7], np.uint64)
    firsts = np.array([int.from_bytes(half[:8], sys.byteorder) for half in halves], np.uint64)
    places = np.flatnonzero(np.isin(words, firsts))
    return sum(memory[8 * place : 8 * place + 16] in halves for place in places.tolist())


def test_codes_are_in_the_given_memory_alone(tmp_path: Path) -> None:
    codes = np.frombuffer(os.urandom(20_000 * 32), np.uint8).reshape(-1, 32)
    np.save(tmp_path / "codes.npy", codes)
    halves = {codes[row, at : at + 16].tobytes() for row in range(0, 20_000, 7) for at in (0, 16)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "codes.npy")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        begin, end, pairs = map(int, child.stdout.readline().split())
        assert pairs == 0
        inside = outside = looked_at = 0
        with open(f"/proc/{child.pid}/mem", "rb") as memory:
            for first, last in written_regions(child.pid):
                memory.seek(first)
                content = memory.read(last - first)
                looked_at += len(content)
                if first <= begin < last:
                    inside += count_near(content[begin - first : end - first], halves)
                    content = content[: begin - first] + content[end - first :]
                outside += count_near(content, halves)
        child.communicate("")
    assert looked_at > 1 << 24
    assert inside >= len(halves)
    assert outside == 0

"""Imports, opens and mistreats a list of canaries, as a process of its own.

Arguments: the list file, a broken copy of it, the case folder and the key folder. It makes all
the errors it can, prints each with its trace, and ends by a crash.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headwater.errors import HeadwaterError
from headwater.lists.contract import Entry
from headwater.lists.importing import ImportOptions, ImportProgress, identity_of, import_list
from headwater.lists.keyed import keyed_digests
from headwater.lists.keys import ListKey, derived, list_key
from headwater.lists.locked import LockedMemory, protect_process
from headwater.lists.manifest import changed_files
from headwater.lists.opened import open_list
from headwater.lists.segments import DIGESTS, SegmentWriter
from headwater.lists.stream import FileStream
from tests.lists.made_list import VERSION_ID, MadeReader

CASE_ID = "c0" * 16


def say(*things: object) -> None:
    """Show what a careless program would show."""
    sys.stdout.write(" ".join(map(str, things)) + "\n")


@contextlib.contextmanager
def printed() -> Iterator[None]:
    """Print what is raised, as a program that fails would."""
    try:
        yield
    except (HeadwaterError, LookupError, ValueError):
        traceback.print_exc()
        return
    say("no error")


def imported(path: Path, lists: Path, key: ListKey, memory: LockedMemory, name: str) -> bytes:
    """Import a list; return its version's folder and manifest digest, joined."""

    def progress(now: ImportProgress) -> None:
        say(now)

    options = ImportOptions(name=name, segment_entries=500)
    with FileStream(path) as stream:
        done = import_list(
            MadeReader(), stream, lists, key, memory, options, identity_of(path), progress
        )
    say(done)
    return bytes.fromhex(done.version_id) + done.manifest_sha256


def look_up(folder: Path, key: ListKey, sha256: bytes, memory: LockedMemory) -> None:
    """Open a list, and ask it for everything."""
    with open_list(folder, key, sha256, memory) as known:
        for kind, size in DIGESTS.items():
            asked = keyed_digests(key.digests, np.zeros((5, size), np.uint8))
            say(known.lookup(kind, asked))
        codes, entries = known.pdq_codes()
        values, _ = known.photodna()
        say(known, codes.shape, values.shape, entries[:5], known.manifest)
        say(known.said(3), repr(key))
        with printed():
            known.said(1 << 40)
        with printed():
            known.lookup("photodna", asked)


def main(path: Path, broken: Path, case: Path, keys: Path) -> None:
    """Do all of it."""
    protection = protect_process(accept_swap=True)
    say(protection)
    lists = case / "lists"
    key = list_key(keys, CASE_ID, case, make=True)
    with LockedMemory(protection) as memory:
        made = imported(path, lists, key, memory, "canaries")
        folder, sha256 = lists / made[:16].hex(), made[16:]
        look_up(folder, key, sha256, memory)
        with printed():
            imported(broken, lists, key, memory, "broken")
        with printed():
            look_up(folder, derived(bytes(32)), sha256, memory)
        wrong_sizes(path, case, key, memory)
        for name in ("000001.md5", "000001.pdq", "000001.photodna", "000000.details"):
            data = bytearray((folder / name).read_bytes())
            data[-1] ^= 1
            (folder / name).write_bytes(data)
            say(changed_files(folder, sha256))
            with printed():
                look_up(folder, key, sha256, memory)
            data[-1] ^= 1
            (folder / name).write_bytes(data)
        with printed():
            stop(path, lists, key, memory)
        sys.stdout.flush()
        with open_list(folder, key, sha256, memory) as known:
            codes, _ = known.pdq_codes()
            assert codes.any()
            os.kill(os.getpid(), signal.SIGSEGV)


def wrong_sizes(path: Path, case: Path, key: ListKey, memory: LockedMemory) -> None:
    """Give a writer hashes that are too long, as a faulty reader would."""
    folder = case / "spoilt"
    folder.mkdir()
    writer = SegmentWriter(folder, key, VERSION_ID, memory)
    with FileStream(path) as stream:
        first = next(iter(MadeReader().read(stream))).entries[0]
    for kind in (*DIGESTS, "pdq", "photodna"):
        long = {kind: first.photodna}
        with printed():
            writer.add([Entry(spot=first.spot, **long)] * 2)  # type: ignore[arg-type]


def stop(path: Path, lists: Path, key: ListKey, memory: LockedMemory) -> None:
    """Stop an import, so that its state and its files are there to be looked at."""

    def progress(now: ImportProgress) -> None:
        if now.entries > 1_200:
            raise KeyError("stopped")

    options = ImportOptions(name="stopped", segment_entries=500)
    with FileStream(path) as stream:
        import_list(MadeReader(), stream, lists, key, memory, options, identity_of(path), progress)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))

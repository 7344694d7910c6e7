"""Cases and lists made of numbers, for matching: codes that cluster, and digests that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.case.query import Case
from headwater.case.records import Batch, FoundMatch, ListRole, ListVersion, Rehash
from headwater.case.store import CaseStore
from headwater.match.against_list import Keyed
from headwater.match.items import Bytes, Integers
from headwater.match.rule import Rule
from headwater.match.run import Matching, MatchTally
from headwater.model import DIHEDRAL
from tests.case import building
from tests.case.building import LIST

Code = bytes
"""32 bytes."""


def code(center: int, flips: Sequence[int] = ()) -> Code:
    """Return the code of a cluster, with some bits flipped; clusters lie far apart."""
    bits = np.unpackbits(np.frombuffer(building.sha256(center), np.uint8))
    for flip in flips:
        bits[flip] ^= 1
    return np.packbits(bits).tobytes()


@dataclass
class MadeItem:
    """An item of a case: what its smaller decode gives, and what its full decode would."""

    number: int
    shared: Code
    full: Code | None = None
    """None: hashed from the full decode at once."""
    quality: int = 80
    form: int = 0
    """Where in the eight forms the code lies; the others are far from everything."""
    full_quality: int = 80

    def forms(self, held: Code) -> list[Code]:
        far = [code(100_000 + 8 * self.number + form) for form in range(len(DIHEDRAL))]
        far[self.form] = held
        return far

    def measured(self) -> bytes:
        forms = dict(zip(DIHEDRAL, self.forms(self.shared), strict=True))
        said = {
            "pdq": forms["original"].hex(),
            "quality": self.quality,
            "dihedral": {name: forms[name].hex() for name in sorted(forms)},
            "decode": {"scale": "full" if self.full is None else "dct 1/4"},
        }
        return msgspec.json.encode(said)


@dataclass(frozen=True)
class MadeSaid:
    category: str | None
    labels: tuple[tuple[str, str], ...] = ()
    status: str = "active"


@dataclass
class MadeList:
    """A list, opened: entries have a digest of some kind, or a code."""

    digests: dict[str, list[tuple[bytes, int]]] = field(default_factory=dict)
    codes: list[tuple[Code, int]] = field(default_factory=list)
    values: list[tuple[bytes, int]] = field(default_factory=list)
    categories: dict[int, str] = field(default_factory=dict)
    withdrawn: frozenset[int] = frozenset()

    def lookup(self, kind: str, keyed: Keyed) -> tuple[Integers, Integers]:
        held = self.digests.get(kind, [])
        found = [
            (row, entry)
            for row in range(len(keyed))
            for digest, entry in held
            if bytes(keyed[row].tobytes()) == digest[:16]
        ]
        pairs = np.array(found, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def pdq_codes(self) -> tuple[Bytes, Integers]:
        joined = b"".join(held for held, _ in self.codes)
        entries = np.array([entry for _, entry in self.codes], np.int64)
        return np.frombuffer(joined, np.uint8).reshape(-1, 32), entries

    def photodna(self) -> tuple[Bytes, Integers]:
        joined = b"".join(held for held, _ in self.values)
        entries = np.array([entry for _, entry in self.values], np.int64)
        return np.frombuffer(joined, np.uint8).reshape(-1, 144), entries

    def said(self, entry: int) -> MadeSaid:
        status = "withdrawn" if entry in self.withdrawn else "active"
        return MadeSaid(self.categories.get(entry), status=status)


class MadeDesk:
    """Opens made lists; digests are keyed by cutting them off."""

    def __init__(self) -> None:
        self.lists: dict[str, MadeList] = {}
        self.opened_names: list[str] = []

    def keyed(self, digests: Bytes) -> Keyed:
        return np.ascontiguousarray(digests[:, :16]).view(np.uint64)

    @contextmanager
    def opened(self, version: ListVersion) -> Iterator[MadeList]:
        self.opened_names.append(version.info.name)
        yield self.lists[version.info.folder]

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        return np.empty(shape, dtype)

    def meaning(self, version: ListVersion) -> Callable[[str], str | None]:
        return {"1": "pertinent", "2": "related"}.get


class MadeCase:
    """A case in a folder, its items, its lists, and full decodes on demand."""

    def __init__(self) -> None:
        self.folder = building.quick_folder() / "case"
        self.desk = MadeDesk()
        self.items: dict[bytes, MadeItem] = {}
        self.rehashed: list[int] = []
        self.unreadable: set[int] = set()
        CaseStore.create(self.folder, building.INFO).close()

    def examine(self, *items: MadeItem) -> None:
        """Add items, or measure those of the same number again."""
        self.items |= {building.sha256(item.number): item for item in items}
        outcomes = tuple(
            building.outcome(item.number, measurements={"pdq": item.measured()}) for item in items
        )
        store = CaseStore.open(self.folder)
        store.commit(Batch(outcomes=outcomes))
        store.close()

    def serve(self, name: str, made: MadeList, role: ListRole = "watch") -> int:
        """Serve a list under a name."""
        folder = f"{len(self.desk.lists):032x}"
        self.desk.lists[folder] = made
        store = CaseStore.open(self.folder)
        report = {"hashes": {"photodna": len(made.values)}}
        info = msgspec.structs.replace(LIST, name=name, folder=folder, role=role, report=report)
        version = store.serve_list(info)
        store.close()
        return version

    def withdraw(self, name: str) -> None:
        """Withdraw a list."""
        store = CaseStore.open(self.folder)
        store.withdraw_list(name, "", "")
        store.close()

    def match(self, rule: Rule | None = None) -> MatchTally:
        """Match what is new."""
        store = CaseStore.open(self.folder)
        try:
            with Case.open(self.folder) as case:
                self._by_outcome = {
                    one.outcome_id: self.items[one.sha256]
                    for one in case.comparables(0, case.last_outcome())
                }
                return Matching(case, store, self.desk, self._rehash, rule or Rule()).run()
        finally:
            store.close()

    def _rehash(self, outcome_ids: Sequence[int]) -> list[Rehash]:
        made = []
        for outcome_id in outcome_ids:
            item = self._by_outcome[outcome_id]
            self.rehashed.append(item.number)
            if item.number in self.unreadable:
                made.append(Rehash(outcome_id=outcome_id, problem="the source is not there"))
                continue
            assert item.full is not None
            pdq = b"".join(item.forms(item.full))
            methods = (building.method("pdq_full"),)
            made.append(
                Rehash(outcome_id=outcome_id, methods=methods, pdq=pdq, quality=item.full_quality)
            )
        return made

    def held(self) -> dict[tuple[int, str, str], tuple[str, int | None]]:
        """Return standing and distance by number of item, list or partner, and kind."""
        return {key: (one.standing, one.distance) for key, one in self.matches().items()}

    def told(self) -> dict[tuple[int, str, str], tuple[str, int | None, int, dict[str, Any]]]:
        """Return all that is told of matches, by number of item, list or partner, and kind."""
        return {
            key: (one.standing, one.distance, one.entries, one.detail)
            for key, one in self.matches().items()
        }

    def matches(self) -> dict[tuple[int, str, str], FoundMatch]:
        """Return matches with items and lists that serve, in the same order."""
        numbers = {sha256: item.number for sha256, item in self.items.items()}
        found: dict[tuple[int, str, str], FoundMatch] = {}
        with Case.open(self.folder) as case:
            lists = {one.version_id: one for one in case.lists()}
            by_id = {row.item_id: numbers[row.sha256] for row in case.all_items()}
            for item_id, number in by_id.items():
                for match in case.matches(item_id):
                    version = lists.get(match.list_version_id or 0)
                    if version is not None and not version.serves:
                        continue
                    other = (
                        str(by_id[match.partner_item_id])
                        if match.partner_item_id is not None
                        else (version.info.name if version else "?")
                    )
                    found[number, other, match.kind] = match
        return found


def in_case(folder: Path) -> Case:
    """Open the case of a folder."""
    return Case.open(folder)

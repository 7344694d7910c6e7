"""Items are found by what is said of their paths: the same as by looking at every place."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headwater.case.finding import BORDER, MOST_BORDERS
from headwater.case.query import Case
from headwater.case.records import Batch, Place
from headwater.case.store import CaseStore
from headwater.errors import UsageError
from headwater.model import Containment, Occurrence
from tests.case import building

CONTAINERS, ITEMS = range(4), range(4, 12)
LETTERS = b"ab//"


def word(random_numbers: random.Random, letters: bytes, most: int) -> bytes:
    """Return up to `most` letters, at least one."""
    return bytes(random_numbers.choices(letters, k=random_numbers.randint(1, most)))


def random_places(seed: int) -> tuple[list[Occurrence], list[Containment]]:
    """Return files and members with short names of few letters; containers lie in later ones."""
    numbers = random.Random(seed)
    files = [
        msgspec.structs.replace(
            building.file(1, "x", number),
            directory=b"/".join(word(numbers, b"ab", 2) for _ in range(numbers.randint(0, 2))),
            name=word(numbers, b"ab", 3) + b"%d" % index,
        )
        for index, number in enumerate([*numbers.choices(ITEMS, k=6), *CONTAINERS[2:]])
    ]
    members = [
        building.member(
            parent,
            ordinal,
            parent - 1 if parent and not ordinal else numbers.choice(ITEMS),
            name=word(numbers, LETTERS, 5),
        )
        for parent in CONTAINERS
        for ordinal in range(4)
    ]
    return files, members


@pytest.fixture(scope="module", params=range(4))
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finding")
    files, members = random_places(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_KEY_DIR", str(folder / "keys"))
        with closing(CaseStore.create(folder / "case", building.INFO)) as store:
            assert store.source("folder", b"/evidence") == 1
            kinds = ["archive" if number in CONTAINERS else "other" for number in range(12)]
            outcomes = tuple(building.outcome(n, kind=kind) for n, kind in enumerate(kinds))  # type: ignore[arg-type]
            store.commit(
                Batch(outcomes=outcomes, occurrences=tuple(files), containments=tuple(members))
            )
    return folder / "case"


def holds(place: Place, text: bytes) -> bool:
    """Return whether the printed path of a place holds `text`, reaching into its last name."""
    whole = place.whole_path
    own = len(whole) - len(place.steps[-1].name) if place.steps else 0
    return any(whole.startswith(text, at) and at + len(text) >= own for at in range(len(whole) + 1))


def texts(places: list[Place]) -> Iterator[bytes]:
    """Yield whole paths, parts of them, and parts put together wrongly."""
    numbers = random.Random(7)
    for place in places:
        whole = place.whole_path
        yield whole
        for _ in range(6):
            first = numbers.randrange(len(whole))
            part = whole[first : first + numbers.randint(1, 12)]
            yield part
            yield part + word(numbers, LETTERS, 2)
    yield from (b"/", BORDER, b"///", b"a//b", b"zzz")


def test_a_path_finds_what_looking_at_every_place_finds(crowded: Path) -> None:
    with Case.open(crowded) as case:
        places = {item.sha256: case.places(item.item_id) for item in case.all_items()}
        every = [place for held in places.values() for place in held]
        assert max(len(place.steps) for place in every) >= 2
        for text in dict.fromkeys(texts(every[:80])):
            expected = [
                sha256
                for sha256, held in sorted(places.items())
                if any(holds(place, text) for place in held)
            ]
            found = case.find_path(text)
            assert [item.sha256 for item in found.items] == expected, text
            assert found.total == len(expected)


def test_every_whole_path_finds_its_item(crowded: Path) -> None:
    with Case.open(crowded) as case:
        for item in case.all_items():
            for place in case.places(item.item_id):
                assert item in case.find_path(place.whole_path).items


def test_what_is_found_is_counted_beyond_the_limit(crowded: Path) -> None:
    with Case.open(crowded) as case:
        everything = case.find_path(b"/")
        first = case.find_path(b"/", limit=1)
        assert first.items == everything.items[:1]
        assert first.total == everything.total > 1


def test_only_so_many_borders_are_looked_for(crowded: Path) -> None:
    with Case.open(crowded) as case:
        assert case.find_path(b"//x" * MOST_BORDERS).total == 0
        with pytest.raises(UsageError, match="SHA-256"):
            case.find_path(b"//x" * (MOST_BORDERS + 1))

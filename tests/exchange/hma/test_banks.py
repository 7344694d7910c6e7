"""Banks: names by HMA's rules, ids that tell nothing."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange.hma.banks import BANK_NAME, ContentIds, bank_names

FOLDER = "ab" * 16


@given(st.lists(st.text(min_size=1), unique=True, max_size=20))
def test_names_are_allowed_and_no_two_are_alike(names: list[str]) -> None:
    banks = bank_names(names)
    assert set(banks) == set(names)
    assert all(BANK_NAME.fullmatch(bank) for bank in banks.values())
    assert len(set(banks.values())) == len(names)


def test_a_list_that_is_called_so_keeps_its_name() -> None:
    assert bank_names(["Harbour 2"]) == {"Harbour 2": "HARBOUR_2"}
    banks = bank_names(["HARBOUR", "harbour", "Harbour"])
    assert banks["HARBOUR"] == "HARBOUR"
    assert all(bank.startswith("HARBOUR_") for name, bank in banks.items() if name != "HARBOUR")
    assert bank_names(["HARBOUR", "harbour", "quay"])["harbour"] == banks["harbour"]


def test_ids_stay_and_belong_to_key_version_and_entry() -> None:
    ids = ContentIds(b"k" * 32)
    given = [ids.of(FOLDER, entry) for entry in range(2000)]
    assert given == [ContentIds(b"k" * 32).of(FOLDER, entry) for entry in range(2000)]
    assert len(set(given)) == 2000
    assert not set(given) & {ContentIds(b"l" * 32).of(FOLDER, entry) for entry in range(2000)}
    assert not set(given) & {ids.of("cd" * 16, entry) for entry in range(2000)}
    assert all(0 <= one < 1 << 53 for one in given)


def test_ids_tell_neither_order_nor_number() -> None:
    ids = ContentIds(b"k" * 32)
    given = [ids.of(FOLDER, entry) for entry in range(4000)]
    rising = sum(one < next_one for one, next_one in itertools.pairwise(given))
    assert 1800 < rising < 2200
    # All of the range is used by few entries, so the largest says nothing of how many there are.
    assert max(given[:100]) > (1 << 53) * 0.9
    assert min(given[:100]) < (1 << 53) * 0.1

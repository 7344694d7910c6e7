"""What films may cost, and which key frames are taken for it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from headwater.media.video.effort import DECODED_ALWAYS, allowed_effort, effort
from headwater.media.video.key_packets import KEY_PIXELS_MOST, Chosen, affordable, evenly


def key_frames(sizes: list[int]) -> list[Chosen]:
    return [Chosen(SimpleNamespace(size=size), 2.0 * at) for at, size in enumerate(sizes)]


@given(length=st.integers(1, 1000), share=st.floats(0.001, 1))
def test_places_are_spread_from_the_first_to_the_last(length: int, share: float) -> None:
    count = max(1, int(length * share))
    places = evenly(length, count)
    gaps = {after - before for before, after in itertools.pairwise(places)}
    assert len(places) == count
    assert places[0] == 0
    assert count == 1 or places[-1] == length - 1
    assert not gaps or (min(gaps) >= 1 and max(gaps) - min(gaps) <= 1)


@given(
    sizes=st.lists(st.integers(1, 5_000_000), min_size=1, max_size=80),
    side=st.sampled_from((16, 640, 1920, 8192)),
    most=st.integers(1, 240),
)
def test_what_is_taken_is_paid_for_and_nothing_is_left_out_without_need(
    sizes: list[int], side: int, most: int
) -> None:
    codec = SimpleNamespace(name="h264", width=side, height=side)
    suiting, seconds = key_frames(sizes), 2.0 * len(sizes)
    taken = affordable(suiting, codec, most, seconds)
    spent = sum(effort("h264", side * side, one.packet.size) for one in taken)
    assert 1 <= len(taken) <= most
    assert len(taken) <= DECODED_ALWAYS or spent <= allowed_effort(seconds)
    assert len(taken) * side * side <= KEY_PIXELS_MOST
    if len(taken) < min(len(suiting), most, KEY_PIXELS_MOST // side**2):
        more = [suiting[at] for at in evenly(len(suiting), len(taken) + 1)]
        costs = [effort("h264", side * side, one.packet.size) for one in more]
        assert sum(costs) > allowed_effort(seconds)


def test_a_byte_costs_more_where_arithmetic_coding_packs_it() -> None:
    assert effort("h264", 100, 1000) > effort("mpeg2video", 100, 1000) > effort("h264", 100, 10)
    assert effort("a codec nobody measured", 100, 1000) == effort("h264", 100, 1000)

"""Probing: who walks towards a value is noticed, who looks pictures up is not."""

from __future__ import annotations

import weakref
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.exchange.hma import probing
from headwater.exchange.hma.probing import Alarm, Prober
from tests.exchange.hma.serving import flipped

RADIUS, ALARM_AT = 31, 20


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


class Memory:
    """Gives arrays, and keeps them all, to look into."""

    def __init__(self) -> None:
        self.given: list[npt.NDArray[Any]] = []

    def __call__(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        self.given.append(np.zeros(shape, dtype))
        return self.given[-1]


def prober(alarm_at: int = ALARM_AT) -> tuple[Prober, Memory]:
    memory = Memory()
    return Prober(RADIUS, alarm_at, memory), memory


def climb(random: Random, target: bytes, least_queries: int) -> list[bytes]:
    """Return what somebody asks who turns one bit after the other of a signal that matches."""
    asked = flipped(target, random.sample(range(256), 25))
    queries = [asked]
    for bit in range(least_queries):
        trial = flipped(asked, [bit])
        queries.append(trial)
        if distance(trial, target) < distance(asked, target):
            asked = trial
    return queries


@pytest.mark.parametrize("seed", range(5))
def test_climbing_is_noticed_within_pictures_of_all_kinds(seed: int) -> None:
    random = Random(seed)
    watching, _ = prober()
    target = random.randbytes(32)
    alarms: list[Alarm | None] = []
    for query in climb(random, target, 3 * ALARM_AT):
        for _ in range(20):
            assert watching.note("tool", random.randbytes(32), matched=False) is None
        alarms.append(watching.note("tool", query, matched=distance(query, target) <= RADIUS))
    raised = [number for number, alarm in enumerate(alarms) if alarm is not None]
    assert raised[0] == ALARM_AT
    alarm = alarms[raised[0]]
    assert alarm is not None
    assert (alarm.token, alarm.neighbours) == ("tool", ALARM_AT)
    # The next comes at twice as many, so an alarm is not drowned by itself.
    assert raised[1] == 2 * ALARM_AT


def test_climbing_with_changing_noise_is_noticed() -> None:
    """Signals that are kept further from each other than the radius, but match one entry."""
    random = Random(11)
    watching, _ = prober()
    target = random.randbytes(32)
    queries = [flipped(target, random.sample(range(256), RADIUS)) for _ in range(ALARM_AT + 1)]
    apart = [distance(queries[0], one) for one in queries[1:]]
    assert min(apart) > RADIUS
    assert [watching.note("tool", one, matched=True) is None for one in queries] == [
        *[True] * ALARM_AT,
        False,
    ]


def test_asking_the_same_again_is_no_probing() -> None:
    watching, _ = prober(2)
    for _ in range(100):
        assert watching.note("tool", b"s" * 32, matched=True) is None


def test_tokens_are_watched_one_by_one() -> None:
    watching, _ = prober()
    for bit in range(2 * ALARM_AT):
        name = f"tool{bit % 4}"
        assert watching.note(name, flipped(bytes(32), [bit]), matched=True) is None


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1 << 32), st.integers(2, 12))
def test_alarms_are_those_of_the_plain_twin(seed: int, alarm_at: int) -> None:
    random = Random(seed)
    watching, _ = prober(alarm_at)
    centres = [random.randbytes(32) for _ in range(3)]
    held: list[tuple[bytes, bool]] = []
    next_alarm = alarm_at
    for _ in range(80):
        query = flipped(random.choice(centres), random.sample(range(256), random.randrange(45)))
        matched = random.random() < 0.5
        alarm = watching.note("tool", query, matched=matched)
        if any(query == one for one, _ in held):
            assert alarm is None
            continue
        near = sum(
            distance(query, one) <= (2 * RADIUS if matched and other else RADIUS)
            for one, other in held
        )
        held.append((query, matched))
        assert (alarm is not None) == (near >= next_alarm)
        if alarm is not None:
            assert alarm.neighbours == near
            next_alarm = 2 * near


def test_no_signal_lies_in_memory_as_it_was_asked() -> None:
    random = Random(3)
    watching, memory = prober()
    asked = [random.randbytes(32) for _ in range(200)]
    for one in asked:
        watching.note("tool", one, matched=False)
    kept = b"".join(array.tobytes() for array in memory.given)
    assert not any(one in kept for one in asked)


def test_memory_is_bounded_and_the_newest_are_compared_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probing, "GENERATION", 64)
    random = Random(3)
    alive: weakref.WeakValueDictionary[int, npt.NDArray[Any]] = weakref.WeakValueDictionary()

    def allocate(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        array = np.zeros(shape, dtype)
        alive[id(array)] = array
        return array

    watching = Prober(RADIUS, ALARM_AT, allocate)
    last = b""
    for _ in range(1000):
        last = random.randbytes(32)
        watching.note("tool", last, matched=False)
        assert sum(array.nbytes for array in alive.values()) <= (1 + 2 * 64) * 32
    newest = [flipped(last, [bit]) for bit in range(ALARM_AT)]
    assert any(watching.note("tool", one, matched=False) for one in newest)

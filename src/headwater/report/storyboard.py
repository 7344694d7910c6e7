"""The frames that a video is shown by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.report.covers import Covers
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element
from headwater.report.words import amount, duration

_DIGEST_DIGITS = 64


def storyboard(
    record: Any, blobs: frozenset[str], name: str, covers: Covers, limits: PageLimits, out: LeftOut
) -> Html | None:
    """Return the covered frames of a video's storyboard, None where it has none.

    `record` is the measurement `storyboard`; `blobs` are the digests of the item's blobs, in hex.
    """
    frames = list(_frames(record, blobs))
    if not frames:
        return None
    shown = _evenly(frames, limits.storyboard_frames)
    out.note("storyboard frame of a video (frames in between)", len(frames) - len(shown))
    words = f"{amount(len(frames), 'frame')} with a picture"
    if len(shown) < len(frames):
        words = f"{len(shown)} of {words}, evenly taken"
    strip = (
        covers.cover(digest, f"frame at {_at(seconds)} of {name}", _at(seconds))
        for digest, seconds in shown
    )
    return element(
        "div",
        element(
            "p",
            words,
            element("button", "Show all", type="button", class_="all", aria_pressed="false"),
        ),
        element("div", *strip, class_="strip"),
        class_="storyboard",
    )


def _frames(record: Any, blobs: frozenset[str]) -> Iterator[tuple[str, float | None]]:
    entries = record.get("frames") if isinstance(record, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, Mapping):
            continue
        digest = next((text for text in _texts(entry) if text in blobs), None)
        if digest is not None:
            yield digest, _seconds(entry)


def _texts(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield texts that may name a blob: in the entry, or one step inside it."""
    for value in entry.values():
        if isinstance(value, Mapping):
            yield from (part for part in value.values() if _is_digest(part))
        elif _is_digest(value):
            yield value


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == _DIGEST_DIGITS


def _seconds(entry: Mapping[str, Any]) -> float | None:
    for key, value in entry.items():
        if key.endswith("seconds") and isinstance(value, int | float):
            return float(value)
    return None


def _at(seconds: float | None) -> str:
    if seconds is None:
        return "an unknown time"
    return duration(seconds) if seconds >= 0 else f"{seconds:.1f} s"


def _evenly(frames: list[tuple[str, float | None]], most: int) -> list[tuple[str, float | None]]:
    """Return at most `most` frames, the first and the last among them."""
    if len(frames) <= most:
        return frames
    last = max(most - 1, 1)
    return [frames[place * (len(frames) - 1) // last] for place in range(most)]

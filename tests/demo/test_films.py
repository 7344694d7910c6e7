"""Films have the frames, cuts, turns and dates that the manifest says."""

from __future__ import annotations

import io

import av
import numpy as np
import numpy.typing as npt
import pytest

from headwater.demo import films
from headwater.demo.manifest import Planted
from tests.demo.conftest import Evidence

Frames = npt.NDArray[np.uint8]


def decoded(data: bytes) -> Frames:
    """Return the frames in grey, shape (frames, height, width), without turning them."""
    with av.open(io.BytesIO(data)) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


def film_items(evidence: Evidence) -> list[Planted]:
    return [item for item in evidence.manifest.planted if item.kind == "video"]


def test_films_have_the_frames_and_cuts_of_the_manifest(evidence: Evidence) -> None:
    assert {item.format for item in film_items(evidence)} == {"mp4", "mov", "mkv", "webm", "avi"}
    for item in film_items(evidence):
        film = item.film
        assert film is not None
        frames = decoded(evidence.data(item)).astype(np.int16)
        assert frames.shape == (film.frames, film.height_px, film.width_px), item.key
        jumps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2))
        largest = np.argsort(jumps)[len(jumps) - len(film.cuts) :] + 1
        assert tuple(sorted(largest.tolist())) == film.cuts, item.key
        assert len(film.scenes) == len(film.cuts) + 1
        assert 4 <= film.frames / film.frames_per_second <= 12


def test_streams_are_what_the_manifest_says(evidence: Evidence) -> None:
    for item in film_items(evidence):
        assert item.film is not None
        with av.open(io.BytesIO(evidence.data(item))) as container:
            assert container.streams.video[0].average_rate == item.film.frames_per_second
            assert bool(container.streams.audio) == item.film.has_sound
            turn = next(container.decode(video=0)).rotation
        # FFmpeg counts anticlockwise.
        assert turn % 360 == -item.film.rotation_degrees % 360


def test_the_trimmed_copy_holds_the_very_frames_of_its_source(evidence: Evidence) -> None:
    item = next(i for i in film_items(evidence) if i.copy_of and i.copy_of.edit == "trimmed")
    assert item.copy_of
    assert item.film
    assert item.copy_of.start_seconds
    source = decoded(evidence.data(evidence.manifest.by_key(item.copy_of.of)))
    first = round(item.copy_of.start_seconds * item.film.frames_per_second)
    assert np.array_equal(decoded(evidence.data(item)), source[first:])


def test_the_transcoded_copy_shows_its_source_smaller(evidence: Evidence) -> None:
    item = next(i for i in film_items(evidence) if i.copy_of and i.copy_of.edit == "transcoded")
    assert item.copy_of
    source = decoded(evidence.data(evidence.manifest.by_key(item.copy_of.of)))[:, ::2, ::2]
    copy = decoded(evidence.data(item))
    assert copy.shape == source.shape
    # Each frame is nearer to its own than to any of another scene.
    for number in range(0, len(copy), 7):
        apart = np.abs(source.astype(np.int16) - copy[number]).mean(axis=(1, 2))
        assert apart[number] < 16
        assert apart[number] == pytest.approx(apart.min(), abs=6)


def test_the_quicktime_film_says_where_and_when(evidence: Evidence) -> None:
    item = next(i for i in film_items(evidence) if i.format == "mov")
    with av.open(io.BytesIO(evidence.data(item))) as container:
        said = dict(container.metadata)
    place = next(place for place in evidence.manifest.places if place.key == item.place)
    point = said["com.apple.quicktime.location.ISO6709"]
    assert point == f"{place.latitude_degrees:+08.4f}{place.longitude_degrees:+09.4f}+012.000/"
    assert item.taken_at is not None
    assert said["com.apple.quicktime.creationdate"] == item.taken_at[:-3] + item.taken_at[-2:]
    assert said["creation_time"].startswith(item.modified_at.removesuffix("Z"))


def test_a_file_without_a_track_cannot_be_turned() -> None:
    with pytest.raises(ValueError, match="track header"):
        films.turned(b"\x00\x00\x00\x08free" * 20)

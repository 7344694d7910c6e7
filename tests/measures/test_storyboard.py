"""Storyboards of films with known cuts."""

from __future__ import annotations

import hashlib
import io
import itertools
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from headwater.errors import LimitExceeded
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure, Measured
from headwater.measures.pdq_hash import hash_luma
from headwater.measures.storyboard import Board, Storyboard, StoryboardOptions
from headwater.media.video import effort
from headwater.media.video.demuxers import DEMUXERS
from tests.media.video import films
from tests.media.video.films import FORMS, Form, encode, name_of, shoot

SHOTS = (20, 16, 24, 14)
FRAMES = shoot(SHOTS)
CUTS = tuple(int(cut) for cut in np.cumsum((0, *SHOTS[:-1])))
BY_NAME = {name_of(form): form for form in FORMS}


def measured(data: bytes, name: str, limits: Limits | None = None) -> Measured:
    result = Storyboard().measure(films.media(data, name, limits))
    assert isinstance(result, Measured)
    return result


def board(data: bytes, name: str, limits: Limits | None = None) -> Board:
    record = measured(data, name, limits).record
    assert isinstance(record, Board)
    return record


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _firsts(record: Board) -> list[float]:
    """When each shot's first frame is shown."""
    by_shot = itertools.groupby(record.frames, key=lambda frame: frame.shot)
    return [next(frames).time_seconds for _, frames in by_shot]


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_finds_the_cuts(form: Form) -> None:
    record = board(encode(FRAMES, form, keys=CUTS), form.format)
    assert record.shots == len(SHOTS)
    ends = np.cumsum(SHOTS) / films.RATE
    for frame in record.frames:
        # Half a frame is allowed for: clocks of some containers count in milliseconds.
        assert frame.shot == int(np.searchsorted(ends, frame.time_seconds + 0.05, side="right"))
    assert [f.shot for f in record.frames if f.stands_for_shot] == list(range(len(SHOTS)))


def test_finds_the_cuts_where_key_frames_are_elsewhere() -> None:
    record = board(encode(FRAMES, keys=(), gop=5), "mp4")
    firsts = _firsts(record)
    assert record.shots == len(SHOTS)
    for first, cut in zip(firsts, CUTS, strict=True):
        assert 0 <= first - cut / films.RATE < 0.5 + 1e-6


def test_finds_the_cuts_of_a_film_with_one_key_frame() -> None:
    record = board(encode(shoot((40, 40, 40)), keys=(0,)), "mp4")
    assert record.source == "every reference frame"
    assert record.shots == 3
    assert record.key_frames_seen == 1


def test_one_long_shot_is_one_shot() -> None:
    record = board(encode(shoot((60,)), keys=(), gop=10), "mp4")
    assert record.shots == 1
    assert len(record.frames) == 6


def test_hashes_are_those_of_the_pictures() -> None:
    form = BY_NAME["mp4-h264"]
    data = encode(FRAMES, form, keys=CUTS)
    record = board(data, form.format)
    assert record.luma.range == "expanded from limited"
    assert record.luma.reduced_by == 1
    with av.open(io.BytesIO(data), format=DEMUXERS[form.format]) as container:
        every = {round(frame.time, 3): frame for frame in container.decode(video=0)}
    for frame in record.frames:
        stored = every[round(frame.time_seconds, 3)].to_ndarray()[: films.HEIGHT]
        stretched = (stored.astype(np.float32) - np.float32(16)) * np.float32(255 / 219)
        bits, quality = hash_luma(np.clip(stretched, 0, 255))
        assert (frame.pdq, frame.quality) == (bits.tobytes().hex(), quality)


def test_hashes_find_the_source_and_nothing_else() -> None:
    sources = []
    for cut in CUTS:
        grey = np.ascontiguousarray(np.asarray(Image.fromarray(FRAMES[cut]).convert("L")))
        sources.append(hash_luma(grey)[0].tobytes().hex())
    for name in ("mp4-h264", "webm-vp8", "asf-wmv2", "mpegps-mpeg2video", "flv-flv1"):
        form = BY_NAME[name]
        record = board(encode(FRAMES, form, keys=CUTS), form.format)
        for shot, frame in enumerate(record.frames):
            distances = [distance(frame.pdq, source) for source in sources]
            assert distances[shot] <= 16
            assert min(d for place, d in enumerate(distances) if place != shot) > 60


def test_thumbnails_are_the_blobs_and_hold_no_metadata() -> None:
    result = measured(encode(FRAMES, keys=CUTS), "mp4")
    assert isinstance(result.record, Board)
    digests = {hashlib.sha256(blob).hexdigest(): blob for blob in result.blobs}
    named = [frame.thumbnail for frame in result.record.frames if frame.thumbnail]
    assert {thumbnail.sha256 for thumbnail in named} == set(digests)
    for frame in result.record.frames:
        assert frame.thumbnail is not None or not frame.stands_for_shot
    for thumbnail in named:
        blob = digests[thumbnail.sha256]
        with Image.open(io.BytesIO(blob)) as shown:
            assert shown.format == "JPEG"
            assert shown.size == (thumbnail.width_px, thumbnail.height_px)
            assert max(shown.size) <= 240
            assert not shown.getexif()
            assert "icc_profile" not in shown.info
        assert len(blob) == thumbnail.size_bytes


def test_thumbnails_show_the_scene() -> None:
    result = measured(encode(FRAMES, keys=CUTS), "mp4")
    assert isinstance(result.record, Board)
    blobs = {hashlib.sha256(blob).hexdigest(): blob for blob in result.blobs}
    for shot, frame in enumerate(result.record.frames):
        assert frame.thumbnail is not None
        with Image.open(io.BytesIO(blobs[frame.thumbnail.sha256])) as shown:
            seen = np.asarray(shown.convert("RGB")).astype(int)
        source = FRAMES[CUTS[shot]].astype(int)
        # 4:2:0 loses colour at the edges of patches, so means are compared.
        assert np.abs(seen - source).mean() < 12
        assert np.abs(seen.mean((0, 1)) - source.mean((0, 1))).max() < 4


_TURNED = {0: 1, 90: 8, 180: 3, 270: 6}
"""EXIF orientation by degrees counter-clockwise."""


@pytest.mark.parametrize("degrees", _TURNED)
def test_thumbnails_are_upright(degrees: int) -> None:
    plain = measured(encode(FRAMES[:3]), "mp4")
    turned = measured(encode(FRAMES[:3], rotation=(degrees, False)), "mp4")
    assert isinstance(plain.record, Board)
    assert isinstance(turned.record, Board)
    assert turned.record.orientation == _TURNED[degrees]
    assert [f.pdq for f in turned.record.frames] == [f.pdq for f in plain.record.frames]
    with (
        Image.open(io.BytesIO(plain.blobs[0])) as stored,
        Image.open(io.BytesIO(turned.blobs[0])) as shown,
    ):
        # PIL turns counter-clockwise too.
        expected = np.asarray(stored.convert("L").rotate(degrees, expand=True)).astype(int)
        seen = np.asarray(shown.convert("L")).astype(int)
    assert seen.shape == expected.shape
    assert np.abs(seen - expected).mean() < 4


def test_frames_alike_have_one_thumbnail() -> None:
    still = [films.scene(1)] * 60
    result = measured(encode(still, keys=(), gop=10), "mp4")
    assert isinstance(result.record, Board)
    assert len(result.record.frames) == 6
    assert len(result.blobs) == 1
    assert [f.thumbnail is not None for f in result.record.frames].count(True) == 1


def test_thumbnails_can_be_left_out() -> None:
    media = films.media(encode(FRAMES, keys=CUTS), "mp4")
    result = Storyboard(StoryboardOptions(thumbnails=False)).measure(media)
    assert isinstance(result, Measured)
    assert isinstance(result.record, Board)
    assert result.blobs == ()
    assert all(frame.thumbnail is None for frame in result.record.frames)
    assert [f.pdq for f in result.record.frames] == [
        f.pdq for f in board(encode(FRAMES, keys=CUTS), "mp4").frames
    ]


def test_a_limit_on_frames_is_kept_and_spreads_them() -> None:
    data = encode(shoot((100,)), keys=(), gop=5)
    record = board(data, "mp4", msgspec.structs.replace(Limits(), storyboard_frames=4))
    times = [frame.time_seconds for frame in record.frames]
    assert 3 <= len(times) <= 4
    assert times[0] == 0.0
    assert times[-1] > 5.0


def _grainy(seconds: int) -> bytes:
    """A film of two pictures a second, each a key frame that hardly compresses."""
    random = np.random.default_rng(3)
    frames = []
    for number in range(2 * seconds):
        light = films.scene(number // 8, 640, 480).astype(np.int16) // 2
        frames.append((light + random.integers(0, 128, light.shape)).astype(np.uint8))
    return encode(frames, gop=1, rate=2, extra={"crf": "1"})


def test_heavy_key_frames_are_left_out_evenly_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _grainy(16)
    record = board(data, "mp4")
    monkeypatch.setattr(effort, "ALLOWED_ALWAYS", 1 << 60)
    whole = board(data, "mp4")
    assert whole.key_frames_seen == record.key_frames_seen == 32
    assert (whole.key_frames_decoded, whole.key_frames_left_out) == (len(whole.frames), 0)
    assert effort.DECODED_ALWAYS < record.key_frames_decoded < whole.key_frames_decoded
    assert record.key_frames_decoded == len(record.frames)
    assert record.key_frames_decoded + record.key_frames_left_out == whole.key_frames_decoded
    assert record.spacing_seconds == whole.spacing_seconds < 1
    by_time = {frame.time_seconds: frame for frame in whole.frames}
    times = [frame.time_seconds for frame in record.frames]
    assert times[0] == min(by_time)
    assert times[-1] == max(by_time)
    gaps = np.diff([sorted(by_time).index(time) for time in times])
    assert gaps.max() - gaps.min() <= 1
    for frame in record.frames:
        # Leaving others out changes nothing about those that are looked at.
        same = by_time[frame.time_seconds]
        assert (frame.pdq, frame.quality, frame.shot) == (same.pdq, same.quality, same.shot)


def test_light_key_frames_are_all_looked_at() -> None:
    record = board(encode(FRAMES, keys=CUTS), "mp4")
    assert record.key_frames_seen == record.key_frames_decoded == len(CUTS)
    assert record.key_frames_left_out == 0


def test_a_film_of_large_pictures_is_refused() -> None:
    limits = msgspec.structs.replace(Limits(), video_pixels=100)
    with pytest.raises(LimitExceeded) as caught:
        board(encode(FRAMES, keys=CUTS), "mp4", limits)
    assert caught.value.limit == "video_pixels"


def test_a_film_of_sound_alone_cannot_be_measured() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        films.add_silence(container, container.add_stream("aac", rate=44100, layout="mono"), 1.0)
    result = Storyboard().measure(films.media(file.getvalue(), "mp4"))
    assert result == CannotMeasure(reason="the file holds no stream of pictures")


def test_the_same_film_gives_the_same_board() -> None:
    data = encode(FRAMES, keys=CUTS)
    first, second = measured(data, "mp4"), measured(data, "mp4")
    assert first.record == second.record
    assert first.blobs == second.blobs
    assert msgspec.json.decode(msgspec.json.encode(first.record), type=Board) == first.record


@pytest.mark.data
def test_cuts_between_real_clips_are_found(data_folder: Path) -> None:
    """Pairs of clips, put one after the other, with a key frame every half second."""
    names = ["bottles", "coast", "crystal-lotus", "walk-by-office", "wooden-chair", "silent-film"]
    scenes = []
    for name in names:
        with av.open(str(data_folder / "clips" / f"{name}.mp4")) as container:
            frames = [f for number, f in enumerate(container.decode(video=0)) if number % 3 == 0]
            scenes.append(
                [f.to_ndarray(format="rgb24", width=320, height=240) for f in frames[:40]]
            )
    joined = [frame for scene in scenes for frame in scene]
    record = board(encode(joined, keys=(), gop=5), "mp4")
    firsts = [
        min(f.time_seconds for f in record.frames if f.shot == s) for s in range(record.shots)
    ]
    cuts = np.cumsum([0, *(len(scene) for scene in scenes[:-1])]) / films.RATE
    found = sum(any(0 <= first - cut < 0.51 for first in firsts) for cut in cuts)
    assert found >= len(cuts) - 1
    assert record.shots <= len(cuts) + 3

"""Facts of films made here, and of the key frames that are decoded from them."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from headwater.errors import LimitExceeded, Malformed, Refused
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.media.video.demuxers import DEMUXERS
from headwater.media.video.key_frames import KeyFrame
from headwater.media.video.probe import VideoProbe, probe_video
from tests.media.video import films
from tests.media.video.films import FORMS, Form, encode, name_of, shoot

CUTS = (0, 12, 30)
FRAMES = shoot((12, 18, 10))


def probe(data: bytes, name: str, limits: Limits | None = None) -> VideoProbe:
    return probe_video(Content.from_bytes(data), films.identity(name), limits or Limits())


def shown(data: bytes, name: str) -> list[KeyFrame]:
    return list(probe(data, name).key_frames())


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_states_what_the_film_is(form: Form) -> None:
    facts = probe(encode(FRAMES, form, keys=CUTS), form.format)
    stream = facts.streams[0]
    assert facts.main == 0
    assert facts.container.format == form.format
    assert facts.container.demuxer == DEMUXERS[form.format]
    assert facts.container.duration_seconds == pytest.approx(4.0, abs=0.11)
    assert stream.codec == form.codec
    assert stream.kind == "video"
    assert stream.video is not None
    assert (stream.video.width_px, stream.video.height_px) == (films.WIDTH, films.HEIGHT)
    assert (stream.video.coded_width_px or 0) >= films.WIDTH
    assert stream.video.pixel_format is not None
    assert (stream.video.rotation_degrees, stream.video.mirrored) == (0, False)
    assert facts.container.notes == ()


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_decodes_the_key_frames_alone(form: Form) -> None:
    data = encode(FRAMES, form, keys=CUTS)
    facts = probe(data, form.format)
    key_frames = facts.key_frames()
    frames = list(key_frames)
    assert key_frames.source == "key frames"
    assert key_frames.stopped is None
    assert key_frames.without_picture == 0
    assert key_frames.key_packets == sum(frame.key_frame for frame in _decoded(data, form))
    times = np.array([frame.seconds for frame in frames])
    # Where every frame is a key frame, the nearest one half a second apart is taken.
    reach = 0.3 if key_frames.key_packets == len(FRAMES) else 0.05
    for cut in CUTS:
        assert np.abs(times - cut / films.RATE).min() < reach


def _decoded(data: bytes, form: Form) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data), format=DEMUXERS[form.format]) as container:
        return list(container.decode(video=0))


def test_pictures_are_those_that_a_full_decode_gives() -> None:
    form = FORMS[0]
    data = encode(FRAMES, form, keys=CUTS, extra={"bf": "2"})
    every = {round(frame.time, 3): frame for frame in _decoded(data, form)}
    frames = shown(data, form.format)
    assert len(frames) == len(CUTS)
    for frame in frames:
        full = every[round(frame.seconds, 3)].to_ndarray()[: films.HEIGHT]
        assert frame.picture.luma is not None
        assert np.array_equal(frame.picture.luma, full)


@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska", "mpegts"])
def test_times_are_those_of_a_full_decode_where_frames_come_out_of_order(muxer: str) -> None:
    form = FORMS[0]._replace(muxer=muxer, format=muxer)
    extra = {"bf": "3", "b_strategy": "2", "preset": "medium"}
    data = encode(shoot((33, 28, 31, 28)), form, keys=(), gop=9, extra=extra)
    with av.open(io.BytesIO(data), format=DEMUXERS[muxer]) as container:
        start = (container.start_time or 0) / 1e6
        every = {round(frame.time - start, 3): frame for frame in container.decode(video=0)}
    frames = shown(data, muxer)
    assert len(frames) > 10
    for frame in frames:
        full = every[round(frame.seconds, 3)]
        assert frame.picture.luma is not None
        assert full.key_frame
        assert np.array_equal(frame.picture.luma, full.to_ndarray()[: films.HEIGHT])


def test_a_dense_film_gives_frames_a_spacing_apart() -> None:
    prores = next(form for form in FORMS if form.codec == "prores")
    facts = probe(encode(FRAMES, prores), "mov")
    key_frames = facts.key_frames()
    times = [frame.seconds for frame in key_frames]
    assert key_frames.key_packets == len(FRAMES)
    assert key_frames.chosen == len(times) < len(FRAMES)
    assert min(np.diff(times)) >= 0.45


def test_a_film_without_enough_key_frames_is_decoded_frame_by_frame() -> None:
    data = encode(shoot((60, 60)), keys=(0,), extra={"sc_threshold": "0"})
    key_frames = probe(data, "mp4").key_frames()
    times = [frame.seconds for frame in key_frames]
    assert key_frames.key_packets == 1
    assert key_frames.source == "every reference frame"
    assert len(times) > 10
    assert times[0] == 0.0
    assert max(np.diff(times)) < 1.5


def test_never_more_frames_than_the_limit() -> None:
    prores = next(form for form in FORMS if form.codec == "prores")
    dense = encode(shoot((40,)), prores)
    sparse = encode(shoot((60, 60)), keys=(0,))
    for most in (1, 2, 5):
        limits = msgspec.structs.replace(Limits(), storyboard_frames=most)
        for data, name in ((dense, "mov"), (sparse, "mp4")):
            assert 1 <= len(list(probe(data, name, limits).key_frames())) <= most


_PLAIN = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
"""By EXIF orientation: the point (x, y) is shown at (a x + c y, b x + d y), moved into view."""


@pytest.mark.parametrize("orientation", _PLAIN)
@pytest.mark.parametrize("muxer", ["mp4", "mov"])
def test_states_rotation_and_mirror(orientation: int, muxer: str) -> None:
    a, b, c, d = _PLAIN[orientation]
    one = 1 << 16
    matrix = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    form = FORMS[0]._replace(muxer=muxer, format=muxer)
    facts = probe(_with_matrix(form, matrix), muxer)
    video = facts.streams[0].video
    assert video is not None
    assert video.matrix_is_plain
    picture = next(iter(facts.key_frames())).picture
    assert picture.matrix.orientation == orientation
    turned = {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}
    assert video.rotation_degrees == turned[orientation]
    assert video.mirrored == (orientation in (2, 4, 5, 7))


def test_a_slanted_matrix_is_said_to_be_no_plain_turn() -> None:
    one = 1 << 16
    facts = probe(
        _with_matrix(FORMS[0], (one, one // 3, 0, -one // 3, one, 0, 0, 0, 1 << 30)), "mp4"
    )
    video = facts.streams[0].video
    assert video is not None
    assert video.matrix_is_plain is False
    assert video.rotation_degrees == 18


def _with_matrix(form: Form, matrix: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form.muxer) as container:
        stream = container.add_stream(form.encoder, rate=10, options=dict(form.options))
        stream.width, stream.height, stream.pix_fmt = films.WIDTH, films.HEIGHT, "yuv420p"
        stream.set_display_matrix(matrix)
        for number, pixels in enumerate(FRAMES[:3]):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def test_sound_is_described_and_never_decoded() -> None:
    form = FORMS[3]
    facts = probe(encode(FRAMES, form, keys=CUTS, sound=True), form.format)
    sound = facts.streams[1]
    assert sound.kind == "audio"
    assert sound.codec == "mp2"
    assert sound.audio is not None
    assert (sound.audio.sample_rate_hz, sound.audio.channels) == (44100, 1)


def test_a_file_without_pictures_is_opened_and_says_so() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=44100, layout="mono")
        films.add_silence(container, audio, 1.0)
    facts = probe(file.getvalue(), "mp4")
    assert facts.main is None
    assert facts.container.notes == ("no stream of pictures: audio alone",)
    with pytest.raises(Malformed, match="no stream of pictures"):
        facts.key_frames()


def test_the_largest_stream_of_pictures_is_looked_at() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        streams = []
        for width, height in ((64, 48), (176, 144), (96, 64)):
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            streams.append(stream)
        for number in range(3):
            for stream in streams:
                pixels = films.scene(number, stream.width, stream.height)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts = number
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    facts = probe(file.getvalue(), "matroska")
    assert facts.main == 1
    assert next(iter(facts.key_frames())).picture.width_px == 176
    assert [stream.video.pixel_format for stream in facts.streams if stream.video] == [
        "yuv420p"
    ] * 3


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    data = encode(FRAMES, keys=CUTS)
    limits = msgspec.structs.replace(Limits(), video_pixels=films.WIDTH * films.HEIGHT - 1)
    facts = probe(data, "mp4", limits)
    assert "limit video_pixels reached" in facts.container.notes[0]
    with pytest.raises(LimitExceeded) as caught:
        next(iter(facts.key_frames()))
    assert caught.value.limit == "video_pixels"


def test_a_film_whose_header_lies_about_its_size_is_held_to_the_limit() -> None:
    frames = shoot((4,), 640, 480)
    data = encode(frames, keys=None, gop=1)
    # The sample entry says 16 x 16; the H.264 parameter sets inside still say 640 x 480.
    entry = data.index(b"avc1", data.index(b"stsd"))
    lying = bytearray(data)
    lying[entry + 28 : entry + 32] = b"\0\x10\0\x10"
    limits = msgspec.structs.replace(Limits(), video_pixels=320 * 240)
    facts = probe(bytes(lying), "mp4", limits)
    try:
        assert list(facts.key_frames()) == []
    except LimitExceeded as error:
        assert error.limit == "video_pixels"


def test_too_many_streams_are_refused() -> None:
    limits = msgspec.structs.replace(Limits(), video_streams=1)
    data = encode(FRAMES, FORMS[3], keys=CUTS, sound=True)
    with pytest.raises(LimitExceeded) as caught:
        probe(data, "matroska", limits)
    assert caught.value.limit == "video_streams"


@pytest.mark.parametrize("name", ["hls", "concat", "jpeg", "m4a", "unknown", "mov,mp4", ""])
def test_no_format_beside_the_list_is_opened(name: str) -> None:
    with pytest.raises(Refused):
        probe(encode(FRAMES[:2]), name)


def test_many_and_long_tags_are_cut() -> None:
    tags = {f"T{number:04}": "v" * 10 for number in range(400)} | {"LONG": "x" * 10_000}
    facts = probe(encode(FRAMES[:2], FORMS[3], tags=tags), "matroska")
    assert len(facts.container.tags) == 256
    assert [tag.name for tag in facts.container.tags] == sorted(
        t.name for t in facts.container.tags
    )
    assert max(len(tag.value) for tag in facts.container.tags) == 4096
    assert "some tags were cut or left out" in facts.container.notes


def test_text_that_is_no_utf8_is_shown_as_bytes() -> None:
    data = encode(FRAMES[:2], FORMS[6], tags={"title": "abcdefgh"})
    facts = probe(data.replace(b"abcdefgh", b"ab\xff\xfedefgh"[:8]), "avi")
    values = {tag.name: tag.value for tag in facts.container.tags}
    assert values["title"] == "ab\\xff\\xfedefg"[: len(values["title"])]


def test_what_an_encoder_says_of_itself_is_kept() -> None:
    video = probe(encode(FRAMES[:3]), "mp4").streams[0].video
    assert video is not None
    assert video.encoder_text is not None
    assert video.encoder_text.startswith("x264 - core")


def test_the_same_film_gives_the_same_facts_and_frames() -> None:
    data = encode(FRAMES, keys=CUTS)
    first, second = probe(data, "mp4"), probe(data, "mp4")
    assert (first.container, first.streams) == (second.container, second.streams)
    pairs = zip(first.key_frames(), second.key_frames(), strict=True)
    for one, other in pairs:
        assert one.seconds == other.seconds
        assert one.picture.luma is not None
        assert other.picture.luma is not None
        assert np.array_equal(one.picture.luma, other.picture.luma)


_LOADS_NOTHING_LATER = """
import sys
from headwater.media.video import probe
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Identity
before = set(sys.modules)
data = sys.stdin.buffer.read()
film = Identity(kind="video", format="matroska", media_type=None)
facts = probe.probe_video(Content.from_bytes(data), film, Limits())
assert len(list(facts.key_frames())) == 3
print(sorted(name for name in set(sys.modules) - before if name.startswith(("av", "headwater"))))
"""


def test_nothing_is_loaded_when_the_first_film_is_opened() -> None:
    data = encode(FRAMES, FORMS[3], keys=CUTS, sound=True)
    answer = subprocess.run(
        [sys.executable, "-c", _LOADS_NOTHING_LATER], input=data, capture_output=True, check=True
    )
    assert answer.stdout.decode().strip() == "[]"


@pytest.mark.data
def test_real_films_are_read(data_folder: Path) -> None:
    counted = 0
    for path in sorted((data_folder / "clips").glob("*.mp4")):
        facts = probe(path.read_bytes(), "mp4")
        frames = list(facts.key_frames())
        assert frames
        assert not any(frame.picture.damaged for frame in frames)
        counted += 1
    assert counted > 0

"""Films that are empty, cut, damaged, that lie, and that ask for other files."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import ContentError
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure, Measured
from headwater.measures.storyboard import Storyboard
from headwater.measures.video import Video
from headwater.media.video import key_frames
from headwater.media.video.demuxers import DEMUXERS
from tests.media.video import films
from tests.media.video.films import FORMS, Form, encode, name_of, shoot

FRAMES = shoot((8, 8))
_MADE: dict[str, bytes] = {}


def film(form: Form) -> bytes:
    """Return a film of that form, made once."""
    name = name_of(form)
    if name not in _MADE:
        _MADE[name] = encode(FRAMES, form, keys=(0, 8), sound=form.muxer in ("matroska", "vob"))
    return _MADE[name]


def measure(data: bytes, name: str) -> list[str]:
    """Measure with both measures; return how each ended. Anything but a ContentError escapes."""
    media = films.media(data, name)
    ends = []
    for measure in (Video(), Storyboard()):
        try:
            result = measure.measure(media)
        except ContentError as error:
            ends.append(type(error).__name__)
        else:
            assert isinstance(result, Measured | CannotMeasure)
            ends.append(type(result).__name__)
    return ends


@pytest.mark.parametrize("name", sorted(DEMUXERS))
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\xff" * 4096, b"\0" * 70_000, b"\x47" * 1880, b"#EXTM3U\n" * 50]
)
def test_what_is_no_film_gives_no_film(name: str, data: bytes) -> None:
    for end in measure(data, name):
        assert end in ("Malformed", "Refused", "LimitExceeded", "CannotMeasure", "Measured")
    with pytest.raises(ContentError):
        films.media(data, name).video.key_frames()


@pytest.mark.parametrize("form", FORMS, ids=name_of)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_films_that_are_cut_off(form: Form, share: float) -> None:
    data = film(form)
    measure(data[: int(len(data) * share)], form.format)


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_films_with_a_damaged_middle_still_give_their_start(form: Form) -> None:
    data = bytearray(film(form))
    start = len(data) * 4 // 10
    data[start : start + len(data) // 10] = bytes(len(data) // 10)
    result = measure(bytes(data), form.format)
    assert result == ["Measured", "Measured"]


@pytest.mark.parametrize("form", FORMS, ids=name_of)
@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32 - 1), flips=st.sampled_from((1, 4, 32, 500)))
def test_films_with_flipped_bits(form: Form, seed: int, flips: int) -> None:
    data = np.frombuffer(film(form), np.uint8).copy()
    random = np.random.default_rng(seed)
    places = random.integers(0, data.size, flips)
    if seed % 2:
        # Headers are at the start or at the end.
        places = np.where(places % 2, places % min(1500, data.size), -1 - places % 1500)
    data[places] ^= (1 << random.integers(0, 8, flips)).astype(np.uint8)
    measure(data.tobytes(), form.format)


@pytest.mark.parametrize("form", FORMS, ids=name_of)
@pytest.mark.parametrize("name", sorted(DEMUXERS))
def test_films_under_the_name_of_another_format(form: Form, name: str) -> None:
    measure(film(form), name)


def test_a_claimed_duration_of_years_does_not_thin_the_frames() -> None:
    data = bytearray(encode(shoot((20, 20, 20, 20)), keys=(0, 20, 40, 60)))
    honest = _times(bytes(data))
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(box) + offset
        data[at : at + 4] = b"\x7f\xff\xff\xff"
    lying = _times(bytes(data))
    assert set(honest) <= set(lying)


def _times(data: bytes) -> list[float]:
    return [frame.seconds for frame in films.media(data, "mp4").video.key_frames()]


def test_claimed_packets_that_are_not_there_end_soon() -> None:
    data = bytearray(film(FORMS[0]))
    at = data.index(b"stts") + 8
    data[at + 4 : at + 8] = struct.pack(">I", 50_000_000)
    assert measure(bytes(data), "mp4")[0] in ("Measured", "Malformed", "LimitExceeded")


def test_nothing_that_a_film_says_makes_its_storyboard_longer_than_the_limit() -> None:
    data = encode(shoot((30,)), next(form for form in FORMS if form.codec == "prores"))
    media = films.media(data, "mov", Limits(storyboard_frames=3))
    result = Storyboard().measure(media)
    assert isinstance(result, Measured)
    assert len(result.record.frames) <= 3  # type: ignore[attr-defined]


def test_a_film_that_states_tiny_pictures_is_charged_for_those_it_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = bytearray(encode(shoot((60,), 640, 480), keys=(0,)))
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = b"\0\x10\0\x10"
    monkeypatch.setattr(key_frames, "EVERY_EFFORT_MOST", 20 * 640 * 480)
    frames = films.media(bytes(data), "mp4").video.key_frames()
    seconds = [frame.seconds for frame in frames]
    assert frames.source == "every reference frame"
    assert frames.stopped is not None
    assert 0 < max(seconds) < 3


_IN_OPEN, _IN_ACCESS = 0x20, 0x01


class Canary:
    """A film that must not be opened, and a port that must not be called."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "canary.mp4"
        self.path.write_bytes(film(FORMS[0]))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/canary.mp4"
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch = libc.inotify_init1(os.O_NONBLOCK)
        watched = libc.inotify_add_watch(self._watch, os.fsencode(self.path), _IN_OPEN | _IN_ACCESS)
        assert watched >= 0

    def was_opened(self) -> bool:
        """Whether the file was opened by anything since the last question."""
        try:
            return bool(os.read(self._watch, 4096))
        except BlockingIOError:
            return False

    def was_called(self) -> bool:
        """Whether anything connected to the port since the last question."""
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    def close(self) -> None:
        os.close(self._watch)
        self.listener.close()


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    made = Canary(tmp_path)
    yield made
    made.close()


def _playlists(canary: Canary) -> dict[str, bytes]:
    path, url = str(canary.path), canary.url
    targets = [path, f"file://{path}", url, f"concat:{path}", f"subfile,,start,0,end,0,,:{path}"]
    made = {}
    for number, target in enumerate(targets):
        head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n"
        made[f"hls-{number}"] = f"{head}#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode()
        made[f"concat-{number}"] = f"ffconcat version 1.0\nfile '{target}'\n".encode()
        made[f"sdp-{number}"] = f"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 {target}\n".encode()
        dash = f"<MPD><Period><AdaptationSet><BaseURL>{target}</BaseURL></AdaptationSet></Period>"
        made[f"dash-{number}"] = f'<?xml version="1.0"?>{dash}</MPD>'.encode()
    return made


def test_no_playlist_opens_anything(canary: Canary) -> None:
    for data in _playlists(canary).values():
        for name in DEMUXERS:
            assert measure(data, name)[1] != "Measured"
    assert not canary.was_opened()
    assert not canary.was_called()


def test_the_canary_would_tell(canary: Canary, tmp_path: Path) -> None:
    listed = tmp_path / "list.ffconcat"
    listed.write_bytes(_playlists(canary)["concat-0"])
    with av.open(str(listed), format="concat", options={"safe": "0"}) as container:
        assert container.streams.video
    assert canary.was_opened()
    socket.create_connection(canary.listener.getsockname()).close()
    assert canary.was_called()


def _with_reference(data: bytes, entry: bytes) -> bytes:
    """Return an MP4 whose first track says that its samples lie in the file that `entry` names."""
    at = data.index(b"dref")
    old = data[at + 12 : at + 24]
    assert old[4:8] == b"url "
    grown = bytearray(data[: at + 12] + entry + data[at + 24 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = data.index(box) - 4
        size = struct.unpack_from(">I", data, place)[0]
        struct.pack_into(">I", grown, place, size + len(entry) - len(old))
    return bytes(grown)


def _url_entry(url: str) -> bytes:
    body = b"url \0\0\0\0" + url.encode() + b"\0"
    return struct.pack(">I", len(body) + 4) + body


def _alias_entry(path: str) -> bytes:
    """A QuickTime alias with an absolute path, as FFmpeg reads one."""
    colons = path.replace("/", ":").encode()
    colons += b"\0" * (len(colons) % 2)
    body = bytes(10) + b"\1v" + bytes(26) + bytes(12) + b"\1f" + bytes(62) + bytes(16)
    body += struct.pack(">HH", 0, 0) + bytes(16)
    body += struct.pack(">HH", 2, len(colons)) + colons + struct.pack(">hH", -1, 0)
    return struct.pack(">I", len(body) + 12) + b"alis\0\0\0\0" + body


def test_a_reference_to_another_file_is_not_followed(canary: Canary) -> None:
    plain = film(FORMS[1])
    entries = [
        _alias_entry(str(canary.path)),
        _url_entry(str(canary.path)),
        _url_entry(f"file://{canary.path}"),
        _url_entry(canary.url),
    ]
    for entry in entries:
        for name in ("mov", "mp4"):
            measure(_with_reference(plain, entry), name)
    assert not canary.was_opened()
    assert not canary.was_called()


def test_the_reference_is_one_that_ffmpeg_would_follow(canary: Canary, tmp_path: Path) -> None:
    path = tmp_path / "refers.mov"
    path.write_bytes(_with_reference(film(FORMS[1]), _alias_entry(str(canary.path))))
    allowed = {"enable_drefs": "1", "use_absolute_path": "1"}
    av.open(str(path), format="mov", container_options=allowed).close()
    assert canary.was_opened()

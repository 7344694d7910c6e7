"""How much faster than real time films are measured, by the distance and weight of key frames.

    python -m bench.video [--seconds N] [FILE ...]

Without files, makes 1080p H.264: a painted texture like that of photographs, seen through another
one that moves differently, cut every seven seconds. Films differ in how often they have a key
frame, how heavy these are, in bit rate and frame rate (`CASES`). Times are CPU time of one core
over facts and storyboard together. Target: at least 40 times real time, but for a film with one
key frame, all of which has to be decoded.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from headwater.errors import ContentError
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import Measured
from headwater.measures.storyboard import Board, Storyboard
from headwater.measures.video import Video, VideoFacts
from headwater.media.identify import identify
from headwater.media.media import Media

WIDTH, HEIGHT, RATE = 1920, 1080, 30
SHOT_SECONDS = 7
ROOM = 300
TARGET = 40
SMOOTH, ROUGH = 1.2, 0.7
"""How fast the spectrum of the textures falls: photographs have about 1.2."""

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Case:
    """One film: what is looked for in it, and how x264 is told to make it."""

    name: str
    frames_to_key: int
    """From one key frame to the next."""
    megabits: int = 8
    """A second, at 30 frames."""
    rate: int = RATE
    key_weight: float = 1.4
    """x264's `ipratio`: how much finer key frames are coded than those that refer to them."""
    falls: float = SMOOTH
    has_target: bool = True


CASES = (
    Case("key frame every 1 s", RATE),
    Case("key frame every 2 s", 2 * RATE),
    Case("key frame every 8 s", 8 * RATE),
    Case("every 2 s, 60 frames a second", 4 * RATE, megabits=6, rate=2 * RATE),
    Case("every 1 s, 25 Mb/s", RATE, megabits=25),
    Case("key frames alone, 100 Mb/s", 1, megabits=100),
    Case("one key frame", 1 << 20, has_target=False),
    Case("every 2 s, heavy", 2 * RATE, key_weight=10, falls=ROUGH),
    Case("every 2 s, heaviest", 2 * RATE, megabits=16, key_weight=30, falls=ROUGH),
)


def texture(seed: int, height: int, width: int, falls: float) -> npt.NDArray[np.float32]:
    """Return a picture with a spectrum that falls like that of photographs, of some light."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(random.standard_normal((height, width)))
    down = np.fft.fftfreq(height)[:, np.newaxis]
    across = np.fft.rfftfreq(width)[np.newaxis, :]
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1.0
    made = np.fft.irfft2(spectrum / frequency**falls, s=(height, width))
    mean, spread = random.uniform(80, 170), random.uniform(25, 55)
    painted: npt.NDArray[np.float32] = mean + spread * (made - made.mean()) / made.std()
    return painted.astype(np.float32)


def planes(seconds: int, falls: float) -> Iterator[Plane]:
    """Yield luma: two textures seen through each other, moving apart, new every `SHOT_SECONDS`.

    No block of a frame is a moved block of the one before, so that frames between key frames need
    bits too, as those of films do.
    """
    for number in range(seconds * RATE):
        shot, place = divmod(number, SHOT_SECONDS * RATE)
        if place == 0:
            near = texture(2 * shot, HEIGHT + ROOM, WIDTH + ROOM, falls)
            far = texture(2 * shot + 1, HEIGHT + ROOM, WIDTH + ROOM, falls)
        left, top = place % ROOM, place // 2 % ROOM
        view = near[top : top + HEIGHT, left : left + WIDTH] * np.float32(0.7)
        left, top = ROOM - place // 3 % ROOM, ROOM - place // 5 % ROOM
        view += far[top : top + HEIGHT, left : left + WIDTH] * np.float32(0.3)
        yield np.clip(view, 16, 235).astype(np.uint8)


def make_films(seconds: int, cases: tuple[Case, ...]) -> list[bytes]:
    """Return one film for each case, encoded side by side; those of 60 frames last half as long.

    All cases have textures that fall alike.
    """
    files = [io.BytesIO() for _ in cases]
    containers = [av.open(file, "w", format="mp4") for file in files]
    streams = [_stream(into, case) for into, case in zip(containers, cases, strict=True)]
    for number, plane in enumerate(planes(seconds, cases[0].falls)):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for target in frame.planes:
            target.update(np.full(target.buffer_size, 128, np.uint8).tobytes())
        rows = np.frombuffer(frame.planes[0], np.uint8).reshape(HEIGHT, -1)
        rows[:, :WIDTH] = plane
        for container, stream, case in zip(containers, streams, cases, strict=True):
            frame.pts, frame.time_base = number, Fraction(1, case.rate)
            container.mux(stream.encode(frame))
    for container, stream in zip(containers, streams, strict=True):
        container.mux(stream.encode(None))
        container.close()
    return [file.getvalue() for file in files]


def _stream(container: av.container.OutputContainer, case: Case) -> av.VideoStream:
    keys = f"keyint={case.frames_to_key}:min-keyint={case.frames_to_key}:scenecut=0"
    bits = 1_000_000 * case.megabits * case.rate // RATE
    options = {
        "preset": "veryfast",
        "x264-params": f"{keys}:ipratio={case.key_weight}",
        "maxrate": str(bits),
        "bufsize": str(bits * 2),
    }
    stream = container.add_stream("libx264", rate=case.rate, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = bits
    return stream


def _key_kilobytes(data: bytes, facts: VideoFacts) -> float:
    """Return the mean size of key frames of the stream that is looked at."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams[facts.main_stream or 0]
        sizes = [packet.size for packet in container.demux(stream) if packet.is_keyframe]
    return float(np.mean(sizes)) / 1000 if sizes else 0.0


def measure(name: str, data: bytes) -> float | None:
    """Print what a film costs; return how often it fits into its own duration."""
    content = Content.from_bytes(data)
    media = Media(content, identify(content), Limits(), content.digests())
    began = time.process_time()
    try:
        facts, board = Video().measure(media), Storyboard().measure(media)
    except ContentError as error:
        print(f"{name:<32} {type(error).__name__}: {error}")
        return None
    spent = time.process_time() - began
    if not isinstance(board, Measured):
        print(f"{name:<32} {board.reason}")
        return None
    assert isinstance(facts.record, VideoFacts)
    assert isinstance(board.record, Board)
    duration = facts.record.container.duration_seconds or 0.0
    frames = len(board.record.frames)
    print(
        f"{name:<32} {duration:8.1f} s {8 * len(data) / max(duration, 0.1) / 1e6:6.1f} Mb/s "
        f"{_key_kilobytes(data, facts.record):6.0f} kB/key {frames:4} frames "
        f"{board.record.key_frames_left_out:3} left out {board.record.shots:4} shots "
        f"{1000 * spent:8.0f} ms {1000 * spent / frames:7.1f} ms/frame "
        f"{duration / spent:8.1f} x  {board.record.source}"
    )
    return duration / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=28)
    arguments = parser.parse_args()
    # Compiles kernels and loads codecs; its time is not counted.
    measure("(warming up)", make_films(1, CASES[:1])[0])
    if arguments.files:
        for path in arguments.files:
            measure(path.name[-32:], path.read_bytes())
        return
    for falls in (SMOOTH, ROUGH):
        cases = tuple(case for case in CASES if case.falls == falls)
        for case, film in zip(cases, make_films(arguments.seconds, cases), strict=True):
            speed = measure(case.name, film)
            if case.has_target:
                met = speed is not None and speed >= TARGET
                print(f"{'':<32} target {TARGET} x: {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()

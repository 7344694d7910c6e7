"""How much faster than real time films are measured, by the distance of their key frames.

    python -m bench.video [--seconds N] [FILE ...]

Without files, makes 1080p H.264 of about 8 Mb/s at 30 frames a second: a painted texture like that
of photographs, seen through another one that moves differently, cut every seven seconds, with a
key frame every 1, 2 and 8 seconds. Times are CPU time of one core over facts and storyboard
together. Decoding makes most of it and grows with the size of key frames, which is therefore
printed. Target: at least 40 times real time.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator
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
BITS_PER_SECOND = 8_000_000
TARGET = 40

Plane = npt.NDArray[np.uint8]


def texture(seed: int, height: int, width: int) -> npt.NDArray[np.float32]:
    """Return a picture with the spectrum of photographs, of some light and contrast."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(random.standard_normal((height, width)))
    down = np.fft.fftfreq(height)[:, np.newaxis]
    across = np.fft.rfftfreq(width)[np.newaxis, :]
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1.0
    made = np.fft.irfft2(spectrum / frequency**1.2, s=(height, width))
    mean, spread = random.uniform(80, 170), random.uniform(25, 55)
    painted: npt.NDArray[np.float32] = mean + spread * (made - made.mean()) / made.std()
    return painted.astype(np.float32)


def planes(seconds: int) -> Iterator[Plane]:
    """Yield luma: two textures seen through each other, moving apart, new every `SHOT_SECONDS`.

    No block of a frame is a moved block of the one before, so that frames between key frames need
    bits too, as those of films do.
    """
    for number in range(seconds * RATE):
        shot, place = divmod(number, SHOT_SECONDS * RATE)
        if place == 0:
            near = texture(2 * shot, HEIGHT + ROOM, WIDTH + ROOM)
            far = texture(2 * shot + 1, HEIGHT + ROOM, WIDTH + ROOM)
        left, top = place % ROOM, place // 2 % ROOM
        view = near[top : top + HEIGHT, left : left + WIDTH] * np.float32(0.7)
        left, top = ROOM - place // 3 % ROOM, ROOM - place // 5 % ROOM
        view += far[top : top + HEIGHT, left : left + WIDTH] * np.float32(0.3)
        yield np.clip(view, 16, 235).astype(np.uint8)


def make_films(seconds: int, key_seconds: tuple[int, ...]) -> list[bytes]:
    """Return one film for each distance of key frames, encoded side by side."""
    files = [io.BytesIO() for _ in key_seconds]
    containers = [av.open(file, "w", format="mp4") for file in files]
    streams = [
        _stream(container, RATE * apart)
        for container, apart in zip(containers, key_seconds, strict=True)
    ]
    for number, plane in enumerate(planes(seconds)):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for target in frame.planes:
            target.update(np.full(target.buffer_size, 128, np.uint8).tobytes())
        rows = np.frombuffer(frame.planes[0], np.uint8).reshape(HEIGHT, -1)
        rows[:, :WIDTH] = plane
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        for container, stream in zip(containers, streams, strict=True):
            container.mux(stream.encode(frame))
    for container, stream in zip(containers, streams, strict=True):
        container.mux(stream.encode(None))
        container.close()
    return [file.getvalue() for file in files]


def _stream(container: av.container.OutputContainer, key_frames: int) -> av.VideoStream:
    options = {
        "preset": "veryfast",
        "x264-params": f"keyint={key_frames}:min-keyint={key_frames}:scenecut=0",
        "maxrate": str(BITS_PER_SECOND),
        "bufsize": str(BITS_PER_SECOND * 2),
    }
    stream = container.add_stream("libx264", rate=RATE, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = BITS_PER_SECOND
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
        f"{board.record.shots:4} shots {1000 * spent:8.0f} ms "
        f"{1000 * spent / frames:7.1f} ms/frame {duration / spent:8.1f} x  {board.record.source}"
    )
    return duration / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=28)
    arguments = parser.parse_args()
    # Compiles kernels and loads codecs; its time is not counted.
    measure("(warming up)", make_films(1, (1,))[0])
    if arguments.files:
        for path in arguments.files:
            measure(path.name[-32:], path.read_bytes())
        return
    films = make_films(arguments.seconds, (1, 2, 8))
    for apart, film in zip((1, 2, 8), films, strict=True):
        speed = measure(f"key frame every {apart} s", film)
        met = speed is not None and speed >= TARGET
        print(f"{'':<32} target {TARGET} x: {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()

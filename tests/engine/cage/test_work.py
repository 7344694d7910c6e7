"""Inside the closed cage the real work still goes."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numba
import numpy as np
import pi_heif
import pytest
import simplejpeg
from PIL import Image

from headwater.engine.cage.close import close_cage, enter_nursery
from headwater.engine.cage.spec import CageSpec, library_folders

GIB = 1 << 30
READABLE = library_folders()

# Media, made here.


def picture(width: int = 96, height: int = 64) -> np.ndarray[Any, Any]:
    across = np.linspace(0, 255, width, dtype=np.uint8)
    plane = np.broadcast_to(across, (height, width))
    return np.ascontiguousarray(np.stack([plane, plane[:, ::-1], plane // 2], axis=2))


def make_jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "JPEG", quality=95)
    return out.getvalue()


def make_video(codec: str, frames: int, options: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(picture(), number, axis=1), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def make_heif() -> bytes:
    """Put one HEVC frame into the boxes of ISO/IEC 23008-12."""
    mp4 = make_video("libx265", 1, {"x265-params": "pools=none:bframes=0:log-level=none"})
    at = mp4.index(b"hvcC") - 4
    (size,) = struct.unpack_from(">I", mp4, at)
    configuration = mp4[at : at + size]
    with av.open(io.BytesIO(mp4)) as container:
        coded = next(bytes(packet) for packet in container.demux(video=0) if packet.size)
    full = bytes(4)
    kind = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    handler = box(b"hdlr", full, bytes(4), b"pict", bytes(13))
    primary = box(b"pitm", full, b"\0\1")
    info = box(b"iinf", full, b"\0\1", box(b"infe", b"\2\0\0\0", b"\0\1\0\0", b"hvc1", b"\0"))
    extents = box(b"ispe", full, struct.pack(">II", 96, 64))
    properties = box(
        b"iprp",
        box(b"ipco", configuration, extents),
        box(b"ipma", full, struct.pack(">IHBBB", 1, 1, 2, 0x81, 0x02)),
    )

    def meta(offset: int) -> bytes:
        place = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(coded))
        return box(b"meta", full, handler, primary, box(b"iloc", full, place), info, properties)

    start = len(kind) + len(meta(0)) + 8
    return kind + meta(start) + box(b"mdat", coded)


@numba.njit("float64(uint8[:, ::1])")  # type: ignore[untyped-decorator]
def mean_of(plane: Any) -> Any:
    total = 0.0
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            total += plane[row, column]
    return total / plane.size


# The worker: takes a descriptor, answers with a number and a memory file.


def read_all(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def with_pillow(descriptor: int) -> Any:
    with (
        os.fdopen(descriptor, "rb", closefd=False) as file,
        Image.open(file, formats=["JPEG"]) as image,
    ):
        image.draft("RGB", (48, 32))
        return np.asarray(image.convert("RGB"))


def with_simplejpeg(descriptor: int) -> Any:
    return simplejpeg.decode_jpeg(read_all(descriptor))


def with_pi_heif(descriptor: int) -> Any:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return np.asarray(pi_heif.open_heif(file).to_pillow())


def with_av(descriptor: int) -> Any:
    with os.fdopen(descriptor, "rb", closefd=False) as file, av.open(file) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.thread_count = "AUTO", 3
        assert stream.codec_context.thread_count == 3
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        if os.path.exists("/proc/self/task"):
            assert len(os.listdir("/proc/self/task")) > 3
    return frames[-1]


WORK: dict[str, tuple[Callable[[], bytes], Callable[[int], Any]]] = {
    "pillow": (make_jpeg, with_pillow),
    "simplejpeg": (make_jpeg, with_simplejpeg),
    "pi_heif": (make_heif, with_pi_heif),
    "av": (lambda: make_video("libx264", 12, {"threads": "1"}), with_av),
}


def serve(channel: socket.socket) -> None:
    """Decode what arrives until the other end closes."""
    while True:
        name, descriptors, _, _ = socket.recv_fds(channel, 64, 1)
        if not name:
            return
        decoded = np.ascontiguousarray(WORK[name.decode()][1](descriptors[0]))
        os.close(descriptors[0])
        memory = os.memfd_create("decoded", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(memory, decoded.tobytes())
        mean = mean_of(decoded[:, :, 1].copy())
        answer = ",".join(map(str, (*decoded.shape, mean))).encode()
        socket.send_fds(channel, [answer], [memory])
        os.close(memory)


def work_in_a_cage(media: dict[str, bytes], answer_descriptor: int) -> list[Any]:
    """In a nursery: fork a worker, send it media by descriptor, and return its answers."""
    nursery_spec = CageSpec(memory_bytes=GIB, readable=READABLE)
    enter_nursery(nursery_spec)
    ours, theirs = socket.socketpair()
    worker = os.fork()
    if worker == 0:
        ours.close()
        code = 1
        try:
            kept = (theirs.fileno(), answer_descriptor)
            close_cage(CageSpec(memory_bytes=GIB, readable=READABLE, kept_descriptors=kept))
            serve(theirs)
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    answers = []
    for name, data in media.items():
        evidence = os.memfd_create("evidence", os.MFD_CLOEXEC)
        os.pwrite(evidence, data, 0)
        socket.send_fds(ours, [name.encode()], [evidence])
        os.close(evidence)
        answer, descriptors, _, _ = socket.recv_fds(ours, 200, 1)
        assert answer, f"the worker ended on {name}"
        size = os.fstat(descriptors[0]).st_size
        answers.append([*map(float, answer.decode().split(",")), size])
        os.close(descriptors[0])
    ours.close()
    assert os.waitpid(worker, 0)[1] == 0
    return answers


@pytest.mark.parametrize("ordinary", [False, True], ids=["as started", "ordinary user"])
def test_decoding_gives_in_the_cage_what_it_gives_outside(child: Any, ordinary: bool) -> None:
    media = {name: make() for name, (make, _) in WORK.items()}
    expected = []
    for name, (_, decode) in WORK.items():
        descriptor = os.memfd_create(name)
        os.pwrite(descriptor, media[name], 0)
        decoded = np.ascontiguousarray(decode(descriptor))
        os.close(descriptor)
        mean = mean_of(decoded[:, :, 1].copy())
        expected.append([*map(float, decoded.shape), mean, decoded.nbytes])
    assert expected[0][:3] == [32, 48, 3]
    assert all(row[:3] == [64, 96, 3] for row in expected[1:])

    def body() -> list[Any]:
        if ordinary:
            child.become_ordinary()
        return work_in_a_cage(media, child.ANSWER)

    assert child.run(body) == expected


def test_modules_and_shared_libraries_are_loaded_lazily(child: Any) -> None:
    def body() -> list[Any]:
        close_cage(CageSpec(memory_bytes=GIB, readable=READABLE, kept_descriptors=(child.ANSWER,)))
        import sys

        lazy = [name for name in ("colorsys", "_lsprof") if name in sys.modules]
        import _lsprof  # a shared library of the interpreter
        import colorsys

        import headwater.demo  # noqa: F401

        return [lazy, colorsys.rgb_to_hsv(1, 0, 0)[1], hasattr(_lsprof, "Profiler")]

    assert child.run(body) == [[], 1.0, True]


def test_threads_run_in_a_closed_cage(child: Any) -> None:
    def body() -> int:
        close_cage(CageSpec(memory_bytes=GIB, readable=READABLE, kept_descriptors=(child.ANSWER,)))
        done: list[int] = []
        threads = [threading.Thread(target=done.append, args=(1,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(done)

    assert child.run(body) == 8

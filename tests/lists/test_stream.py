"""The bytes of a list file: files, pipes, and a look ahead."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.lists.contract import ListFault
from headwater.lists.stream import (
    PEEK_BYTES,
    FileStream,
    PeekedStream,
    PipeStream,
    from_start,
    go_to,
    open_stream,
    read_full,
)
from tests.lists.reading import BytesStream


def test_a_file_is_read_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(bytes(range(256)))
    with FileStream(path) as stream:
        assert stream.size_bytes == 256
        assert stream.seekable
        assert stream.read(3) == b"\x00\x01\x02"
        assert stream.tell() == 3
        stream.seek(250)
        assert stream.read(100) == bytes(range(250, 256))
        assert stream.read(1) == b""
        with pytest.raises(ListFault, match="ends before the place"):
            stream.seek(257)


def test_a_file_that_shrinks_is_a_fault_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"x" * 100)
    with FileStream(path) as stream:
        stream.read(40)
        os.truncate(path, 40)
        with pytest.raises(ListFault, match="became shorter while it was read at byte 40"):
            stream.read(10)


def test_a_file_that_grows_is_read_as_long_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"abc")
    with FileStream(path) as stream:
        path.write_bytes(b"abcdef")
        assert read_full(stream, 100) == b"abc"


def test_what_is_no_list_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a regular file"):
        open_stream(str(tmp_path))
    with pytest.raises(UsageError, match="cannot be opened"):
        open_stream(str(tmp_path / "absent"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a regular file"):
        FileStream(tmp_path / "pipe")


def test_a_fifo_is_waited_for_and_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = os.urandom(300_000)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    stream = open_stream(str(path))
    assert isinstance(stream, PipeStream)
    assert stream.size_bytes is None
    assert read_full(stream, 1_000_000) == data
    assert stream.tell() == len(data)
    writer.join()
    with pytest.raises(ListFault, match="once, forward"):
        stream.seek(0)
    stream.close()


def test_the_standard_input_is_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from outside")
    os.close(writing)
    monkeypatch.setattr(os, "dup", lambda descriptor: reading if descriptor == 0 else -1)
    with open_stream("-") as stream:
        assert stream.read(100) == b"from outside"
        assert stream.read(100) == b""


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.booleans(), st.integers(0, 90)), max_size=20),
    st.sampled_from((None, 1, 7)),
)
def test_a_look_ahead_changes_nothing(
    data: bytes, steps: list[tuple[bool, int]], piece_bytes: int | None
) -> None:
    stream = PeekedStream(BytesStream(data, piece_bytes=piece_bytes))
    taken = b""
    for look, size in steps:
        assert stream.tell() == len(taken)
        if look:
            assert stream.peek(size) == data[len(taken) : len(taken) + size]
        else:
            taken += stream.read(size)
            assert data.startswith(taken)
    assert taken + read_full(stream, 1000) == data


def test_a_look_ahead_has_a_ceiling() -> None:
    with pytest.raises(ValueError, match="at most"):
        PeekedStream(BytesStream(b"")).peek(PEEK_BYTES + 1)


def test_readers_begin_at_the_beginning_of_a_file_that_was_looked_at() -> None:
    stream = BytesStream(b"0123456789")
    stream.read(4)
    assert read_full(from_start(stream), 4) == b"0123"
    looked_at = PeekedStream(BytesStream(b"0123456789", piece_bytes=3))
    assert looked_at.peek(5) == b"01234"
    assert from_start(looked_at) is looked_at
    assert read_full(looked_at, 20) == b"0123456789"


@pytest.mark.parametrize("piece_bytes", [None, 3])
def test_going_to_a_place_reads_a_pipe_forward(piece_bytes: int | None) -> None:
    stream = PeekedStream(BytesStream(b"0123456789", piece_bytes=piece_bytes))
    stream.peek(4)
    go_to(stream, 6)
    assert read_full(stream, 10) == b"6789"


def test_a_pipe_goes_neither_back_nor_beyond_its_end() -> None:
    stream = BytesStream(b"0123456789", piece_bytes=3)
    go_to(stream, 3)
    with pytest.raises(ListFault, match="once, forward"):
        go_to(stream, 2)
    with pytest.raises(ListFault, match=r"ends before the place .* at byte 10"):
        go_to(stream, 11)

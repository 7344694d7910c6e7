"""Uploads: forms in any pieces, in memory alone, never beyond the ceiling."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from headwater.exchange.hma.uploads import Room, Upload, check_length, receive
from headwater.limits import Limits
from tests.exchange.hma.serving import form

SMALL = msgspec.structs.replace(Limits(), picture_bytes=1000, spool_memory_bytes=1500)


def received(
    body: bytes, content_type: str, cuts: list[int] | None = None, room: Room | None = None
) -> tuple[str, bytes]:
    """Receive a form that comes in pieces; return the field's name and what lies in memory."""

    async def pieces() -> AsyncIterator[bytes]:
        places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts or ())})
        for begin, end in itertools.pairwise(places):
            yield body[begin:end]

    with Upload(room or Room(Limits())) as upload:
        asyncio.run(receive(pieces(), content_type, upload))
        assert os.fstat(upload.descriptor).st_size == upload.size_bytes
        assert os.readlink(f"/proc/self/fd/{upload.descriptor}").startswith("/memfd:")
        return upload.content_type, os.pread(upload.descriptor, upload.size_bytes + 1, 0)


def refusal(*parts: tuple[str, str | None, bytes], room: Room | None = None) -> HTTPException:
    with pytest.raises(HTTPException) as caught:
        received(*form(*parts), room=room)
    return caught.value


@settings(deadline=None)
@given(
    st.binary(max_size=3000) | st.sampled_from([b"\r\n--", b"\r\n" * 50, b"--" * 50]),
    st.lists(st.integers(0, 1 << 16), max_size=30),
    st.sampled_from(["photo", "video"]),
)
def test_a_file_arrives_whatever_it_holds_and_however_it_is_cut(
    data: bytes, cuts: list[int], name: str
) -> None:
    body, kind = form(("note", None, b"kept nowhere"), (name, "a.jpg", data))
    assert received(body, kind, cuts) == (name, data)


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_bodies_that_are_no_form_are_refused(noise: bytes, cut: int) -> None:
    body, kind = form(("photo", "a.jpg", b"picture"))
    for wrong in (
        noise,
        body[: cut % (len(body) - 3)],
        body[:-6],
    ):
        with pytest.raises(HTTPException) as caught:
            received(wrong, kind)
        assert caught.value.status_code in (400, 413)
        assert caught.value.__cause__ is None


def test_what_else_is_refused() -> None:
    picture = ("photo", "a.jpg", b"picture")
    assert refusal(picture, ("photo", "b.jpg", b"more")).status_code == 400
    assert refusal(picture, ("video", "b.mp4", b"more")).status_code == 400
    assert refusal(("file", "a.jpg", b"picture")).status_code == 400
    assert refusal(("photo", None, b"picture")).status_code == 400
    assert refusal(("url", None, b"somewhere")).status_code == 403
    assert refusal(picture, ("url", None, b"somewhere")).status_code == 403
    assert refusal(("url", "a.jpg", b"picture")).status_code == 403
    assert refusal(*[("note", None, b"")] * 17, picture).status_code == 400
    assert refusal(("note", None, b"x" * 70_000), picture).status_code == 413
    for kind in ("", "application/json", "multipart/form-data", "multipart/mixed; boundary=x"):
        with pytest.raises(HTTPException) as caught:
            received(form(picture)[0], kind)
        assert caught.value.status_code == 400


def test_the_ceiling_holds_and_room_is_given_back() -> None:
    room = Room(SMALL)
    for size in (1000, 1, 1000, 0, 999):
        assert len(received(*form(("photo", "a", b"x" * size)), room=room)[1]) == size
    assert refusal(("photo", "a", b"x" * 1001), room=room).status_code == 413
    with Upload(room) as first:
        first.open()
        first.write(b"x" * 600)
        full = refusal(("photo", "a", b"x" * 1000), room=room)
        assert (full.status_code, full.headers) == (503, {"Retry-After": "1"})
        received(*form(("photo", "a", b"x" * 900)), room=room)
    received(*form(("photo", "a", b"x" * 1000)), room=room)


@pytest.mark.parametrize("length", ["99999999999999999999", "10000000", "66537"])
def test_a_length_beyond_the_ceiling_is_refused_at_once(length: str) -> None:
    with pytest.raises(HTTPException) as caught:
        check_length(length, Room(SMALL))
    assert caught.value.status_code == 413


@pytest.mark.parametrize("length", [None, "", "0", "66536", "-1", "many"])
def test_other_lengths_are_left_to_the_body(length: str | None) -> None:
    check_length(length, Room(SMALL))


@pytest.fixture(autouse=True)
def all_files_are_closed() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before

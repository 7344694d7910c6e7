"""What is recognised, how it ends, and that nothing recognised is invented."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.evidence.content import Content
from headwater.media.formats import BY_NAME
from headwater.media.identification.signatures import STARTS
from headwater.media.identify import identify
from tests.media.pictures import makers


def kind_and_format(data: bytes) -> tuple[str, str]:
    identity = identify(Content.from_bytes(data))
    return identity.kind, identity.format


@pytest.mark.parametrize("name", sorted(makers.samples()))
def test_every_picture_is_recognised_whole(name: str) -> None:
    identity = identify(Content.from_bytes(makers.samples()[name]))
    assert (identity.kind, identity.format) == ("picture", name)
    assert identity.media_type == BY_NAME[name].media_type
    assert [claim.format for claim in identity.claims] == [name]
    assert (identity.trailing_bytes, identity.embedded, identity.notes) == (0, (), ())


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        ("mp4", "mpeg4", "mp4"),
        ("mov", "mpeg4", "mov"),
        ("3gp", "mpeg4", "3gp"),
        ("ipod", "libx264", "m4v"),
        ("matroska", "mpeg4", "matroska"),
        ("webm", "libvpx", "webm"),
        ("avi", "mpeg4", "avi"),
        ("mpegts", "mpeg2video", "mpegts"),
        ("vob", "mpeg2video", "mpegps"),
        ("asf", "wmv2", "asf"),
        ("flv", "flv", "flv"),
    ],
)
def test_every_video_container_is_recognised_whole(
    container: str, codec: str, expected: str
) -> None:
    identity = identify(Content.from_bytes(makers.movie(container, codec)))
    assert (identity.kind, identity.format) == ("video", expected)
    assert [claim.format for claim in identity.claims] == [expected]
    assert (identity.trailing_bytes, identity.embedded, identity.notes) == (0, (), ())


@pytest.mark.parametrize(
    ("container", "expected"), [("ipod", "m4a"), ("mp4", "m4a"), ("matroska", "mka")]
)
def test_sound_alone_is_not_video(container: str, expected: str) -> None:
    assert kind_and_format(makers.movie(container, "aac", audio=True)) == ("other", expected)


def test_a_zip_is_an_archive_and_a_name_plays_no_part() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("picture.jpg", b"text, whatever it is called")
    assert kind_and_format(out.getvalue()) == ("archive", "zip")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n%binary", "pdf"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"<!DOCTYPE html><p>x</p>", "html"),
        (b"plain words, and an umlaut: \xc3\xbc\n", "text"),
        (b"\x7fELF\x02\x01\x01" + bytes(57), "elf"),
        (b"MZ" + bytes(62), "exe"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "eps"),
        (b"SQLite format 3\x00" + bytes(84), "sqlite"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(20), "rar"),
        (bytes(1000), "unknown"),
    ],
)
def test_what_is_not_opened_still_has_a_name(data: bytes, expected: str) -> None:
    assert kind_and_format(data) == ("other", expected)


@pytest.mark.parametrize("name", sorted(makers.samples()))
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_off_picture_has_no_trailing_bytes_and_says_so(name: str, cut: float) -> None:
    data = makers.samples()[name]
    identity = identify(Content.from_bytes(data[: int(len(data) * cut)]))
    assert identity.format in (name, "png")
    assert identity.trailing_bytes == 0
    # Neither TIFF nor the bare codestreams tell where they end.
    assert identity.notes or name in ("tiff", "jxl", "j2k")


@given(tail=st.binary(min_size=1, max_size=400))
@settings(max_examples=60, deadline=None)
def test_appended_bytes_are_counted(tail: bytes) -> None:
    for name in ("jpeg", "png", "apng", "gif", "webp"):
        data = SMALL[name]
        identity = identify(Content.from_bytes(data + tail))
        # RIFF pads to even length: a first byte of padding belongs to the structure.
        padding = len(data) % 2 if name == "webp" else 0
        assert identity.trailing_bytes == len(tail) - padding
        assert identity.format == name


SMALL = makers.samples(2, 24, 16)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_identify_never_raises(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SMALL)))
    mutated = bytearray(SMALL[name])
    for _ in range(data.draw(st.integers(1, 8))):
        where = data.draw(st.integers(0, len(mutated) - 1))
        mutated[where] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(mutated)))
    identity = identify(Content.from_bytes(bytes(mutated[:cut])))
    assert 0 <= identity.trailing_bytes <= cut
    for found in identity.embedded:
        assert 0 <= found.offset_bytes <= found.offset_bytes + found.size_bytes <= cut


@given(st.binary(max_size=3000))
@settings(max_examples=150, deadline=None)
def test_noise_is_identified_without_raising(data: bytes) -> None:
    identity = identify(Content.from_bytes(data))
    assert all(0 <= claim.offset_bytes <= len(data) for claim in identity.claims)


def test_every_short_start_is_identified_without_raising() -> None:
    whole = [*makers.samples(2, 24, 16).values(), bytes(64), b"\0\0\1\0\1\0" + bytes(16)]
    whole += [start.ljust(64, b"\xff") for start, _ in STARTS]
    for data in whole:
        for size in range(min(len(data), 64)):
            identity = identify(Content.from_bytes(data[:size]))
            assert identity.kind == "other" or size >= 3


def test_identity_does_not_depend_on_how_the_bytes_are_held(tmp_path: Path) -> None:
    import os

    from headwater.evidence.content import DescriptorSource

    for name, data in makers.samples().items():
        path = tmp_path / name
        path.write_bytes(b"before" + data + b"PK\x03\x04 after")
        descriptor = os.open(path, os.O_RDONLY)
        try:
            held = Content(DescriptorSource(descriptor), 6, len(data) + 10)
            assert identify(held) == identify(Content.from_bytes(data + b"PK\x03\x04 after"))
        finally:
            os.close(descriptor)


class CountingSource:
    """Counts reads, to hold walks to their bounds."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0

    def read_at(self, offset: int, size: int) -> bytes:
        self.reads += 1
        return self.data[offset : offset + size]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0teXt\0\0\0\0" * 250_000,
        (16).to_bytes(4, "big") + b"ftypmp42" + bytes(4) + b"\0\0\0\x08free" * 250_000,
        b"\xff\xd8" + b"\xff\xfe\0\2" * 250_000,
        b"\xff\xd8\xff\xda\0\2" + b"\xff\xe0\0\2" * 250_000 + b"\xff\xd9 ",
        b"RIFF\xff\xff\xff\0WEBP" + b"XXXX\0\0\0\0" * 250_000,
    ],
    ids=["png", "boxes", "jpeg segments", "jpeg scans", "riff"],
)
def test_walks_are_bounded(data: bytes) -> None:
    source = CountingSource(data)
    identity = identify(Content(source, 0, len(data)))
    assert source.reads < 450_000
    assert identity.kind in ("picture", "video")
    assert identity.notes


def test_gif_blocks_of_one_byte_are_followed_only_so_far() -> None:
    data = SMALL["gif"][:-1] + b"\x21\xfe" + b"\x01x" * 1_100_000 + b"\0;"
    identity = identify(Content.from_bytes(data))
    assert identity.notes
    assert identity.trailing_bytes == 0


def test_a_directory_that_points_at_itself_ends() -> None:
    looped = b"II*\0\x08\0\0\0\x01\0" + b"\x00\x01\x03\0\x01\0\0\0\x05\0\0\0" + b"\x08\0\0\0"
    assert kind_and_format(looped) == ("picture", "tiff")


@pytest.mark.data
def test_ordinary_photographs_are_jpeg_and_nothing_else(data_folder: Path) -> None:
    for path in sorted((data_folder / "photos").iterdir())[::3]:
        identity = identify(Content.from_bytes(path.read_bytes()))
        assert [claim.format for claim in identity.claims] == ["jpeg"], path.name
        assert (identity.trailing_bytes, identity.embedded, identity.notes) == (0, (), ())


@pytest.mark.data
def test_a_second_picture_of_a_camera_is_found(data_folder: Path) -> None:
    path = data_folder / "cameras" / "nikon-d3200-hard" / "original" / "DSC_0424.JPG"
    content = Content.from_bytes(path.read_bytes())
    (second,) = identify(content).embedded
    assert second.name == "mpo-2"
    part = content.part(second.offset_bytes, second.size_bytes)
    assert identify(part).format == "jpeg"


@pytest.mark.data
def test_clips_are_video(data_folder: Path) -> None:
    for path in sorted((data_folder / "clips").iterdir()):
        identity = identify(Content.from_bytes(path.read_bytes()))
        assert identity.kind == "video", path.name
        assert len(identity.claims) == 1, path.name

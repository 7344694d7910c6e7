"""The EXIF writer, read back by Pillow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from headwater.demo import exif

UNSIGNED = st.integers(0, 2**32 - 1)
FRACTION = st.tuples(UNSIGNED, st.integers(1, 2**32 - 1))
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip)
ORDER = st.sampled_from(["<", ">"])


@given(
    order=ORDER,
    make=ASCII.filter(bool),
    numbers=st.lists(st.integers(0, 65535), min_size=1, max_size=5),
    fraction=FRACTION,
    note=st.binary(max_size=200),
    latitude=FRACTION,
    thumbnail=st.binary(max_size=50),
)
def test_what_is_written_is_read(
    order: exif.ByteOrder,
    make: str,
    numbers: list[int],
    fraction: tuple[int, int],
    note: bytes,
    latitude: tuple[int, int],
    thumbnail: bytes,
) -> None:
    block = exif.write_exif(
        [exif.text(0x010F, make), exif.short(0x0102, *numbers)],
        [exif.raw(0x927C, note), exif.rational(0x829A, fraction)],
        [exif.rational(2, latitude)],
        thumbnail=thumbnail,
        order=order,
    )
    read = Image.Exif()
    read.load(block)
    assert read[0x010F] == make
    assert read[0x0102] == (numbers[0] if len(numbers) == 1 else tuple(numbers))
    photo = read.get_ifd(0x8769)
    assert photo.get(0x927C, b"") == note
    assert photo[0x829A].numerator * fraction[1] == fraction[0] * photo[0x829A].denominator
    place = read.get_ifd(0x8825)[2]
    assert place.numerator * latitude[1] == latitude[0] * place.denominator
    last = read.get_ifd(ExifTags.IFD.IFD1)
    assert bool(last) == bool(thumbnail)
    if thumbnail:
        start = 6 + last[0x0201]
        assert block[start : start + last[0x0202]] == thumbnail
        assert start + last[0x0202] == len(block)


def test_without_a_place_there_is_no_directory_for_it() -> None:
    block = exif.write_exif([exif.text(0x010F, "a")], [], [], thumbnail=b"", order="<")
    read = Image.Exif()
    read.load(block)
    assert 0x8825 not in read


def test_a_block_too_long_for_a_segment_is_refused() -> None:
    with pytest.raises(ValueError, match="segment"):
        exif.write_exif([], [exif.raw(0x927C, bytes(70_000))], [], thumbnail=b"", order="<")

"""ICC profiles as LittleCMS writes them, beside what LittleCMS reads from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageCms

from headwater.errors import Malformed
from headwater.media.metadata.icc_profile import read_profile

NAMES = ("sRGB", "LAB", "XYZ")


def profile(name: str) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_header_and_names_are_those_littlecms_reads(name: str) -> None:
    made = profile(name)
    read = read_profile(made.tobytes(), "test", None)
    theirs = made.profile
    assert read.problems == ()
    assert read.description == theirs.profile_description
    assert read.copyright == theirs.copyright
    assert read.device_class == theirs.device_class.strip()
    assert read.colour_space == theirs.xcolor_space.strip()
    assert read.connection_space == theirs.connection_space.strip()
    assert float(".".join(read.version.split(".")[:2])) == pytest.approx(theirs.version)
    assert read.rendering_intent == theirs.rendering_intent
    assert theirs.creation_date is not None
    assert read.created.at == f"{theirs.creation_date.isoformat()}Z"


@given(st.data())
def test_damage_never_raises_anything_else(data: st.DataObject) -> None:
    raw = bytearray(profile("sRGB").tobytes())
    for _ in range(data.draw(st.integers(1, 12))):
        raw[data.draw(st.integers(0, min(len(raw) - 1, 400)))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    if len(cut) < 128:
        with pytest.raises(Malformed):
            read_profile(cut, "test", None)
    else:
        read = read_profile(cut, "test", None)
        assert read.size_bytes == len(cut)
        assert (read.stated_size_bytes != len(cut)) == any("states" in p for p in read.problems)


def test_a_profile_id_is_checked() -> None:
    raw = bytearray(profile("sRGB").tobytes())
    raw[84:100] = bytes(range(16))
    read = read_profile(bytes(raw), "test", None)
    assert read.profile_id == bytes(range(16)).hex()
    assert read.profile_id_matches is False

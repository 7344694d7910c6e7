"""The ICC measure, on profiles that Pillow writes into five formats."""

from __future__ import annotations

import io
from hashlib import sha256

import pytest
from PIL import Image, ImageCms

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.contract import CannotMeasure
from headwater.measures.icc import Icc, IccRecord
from headwater.media.media import Media
from headwater.model import Identity

PROFILE: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def measure(data: bytes, name: str) -> IccRecord | CannotMeasure:
    content = Content.from_bytes(data)
    identity = Identity(kind="picture", format=name, media_type=None)
    measured = Icc().measure(Media(content, identity, Limits(), content.digests()))
    if isinstance(measured, CannotMeasure):
        return measured
    assert isinstance(measured.record, IccRecord)
    return measured.record


def saved(name: str, profile: bytes | None) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 24), (200, 10, 10)).save(out, name.upper(), icc_profile=profile)
    return out.getvalue()


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "avif"])
def test_every_format_gives_the_profile_back(name: str) -> None:
    record = measure(saved(name, PROFILE), name)
    assert isinstance(record, IccRecord)
    assert [profile.sha256 for profile in record.profiles] == [sha256(PROFILE).hexdigest()]
    assert record.profiles[0].description == "sRGB built-in"
    assert record.problems == ()


def test_a_large_profile_in_parts() -> None:
    long = PROFILE + bytes(200_000)
    record = measure(saved("jpeg", long), "jpeg")
    assert isinstance(record, IccRecord)
    assert record.profiles[0].sha256 == sha256(long).hexdigest()
    assert any("header states" in problem for problem in record.profiles[0].problems)


def test_rubbish_instead_of_a_profile_is_a_problem() -> None:
    record = measure(saved("jpeg", b"no profile"), "jpeg")
    assert isinstance(record, IccRecord)
    assert record.profiles == ()
    assert record.problems


def test_without_a_profile() -> None:
    assert measure(saved("jpeg", None), "jpeg") == CannotMeasure(reason="no ICC profile")

"""Structure is reported as identification found it, for pictures and videos."""

from __future__ import annotations

import io
import zipfile

import pytest

from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.measures.structure import Structure, StructureFacts
from headwater.media.identify import identify
from headwater.media.media import Media
from tests.media.pictures import makers
from tests.pictures import jpeg


def facts(data: bytes) -> StructureFacts:
    content = Content.from_bytes(data)
    media = Media(content, identify(content), Limits(), content.digests())
    record = Structure().measure(media).record
    assert isinstance(record, StructureFacts)
    return record


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("a.txt", "benign")
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(makers.samples()))
def test_a_plain_picture_is_one_thing(name: str) -> None:
    found = facts(makers.samples()[name])
    assert not found.is_polyglot
    assert (found.trailing_bytes, found.embedded, found.notes) == (0, (), ())


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "tiff"])
def test_a_polyglot_is_told(name: str) -> None:
    found = facts(makers.samples()[name] + archive())
    assert found.is_polyglot
    assert found.format == name
    assert "zip" in {claim.format for claim in found.claims}


def test_a_video_with_an_archive_behind_it_is_a_polyglot() -> None:
    movie, zipped = makers.movie("mp4"), archive()
    found = facts(movie + zipped)
    assert found.is_polyglot
    assert found.trailing_bytes == len(zipped)


def test_a_camera_that_appends_a_picture_makes_no_polyglot() -> None:
    found = facts(jpeg(1, after=jpeg(2)))
    assert not found.is_polyglot
    assert len(found.embedded) == 1

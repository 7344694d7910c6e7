"""Every format that is called verified goes through the whole path with a real file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import Any

import py7zr
import pytest
import zstandard

from headwater.media.formats import BY_NAME, FORMATS
from tests.engine.examined import documents, examine
from tests.media.pictures import makers
from tests.media.video import films
from tests.pictures import jpeg

THIS = "tests/engine/test_formats_through.py::"
ARCHIVED = {"inside.jpg": jpeg(77)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Examine one file of each format together; documents by file name."""
    folder = tmp_path_factory.mktemp("formats")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("HEADWATER_KEY_DIR", str(folder / "keys"))
    source = folder / "source"
    source.mkdir()
    for name, data in {**pictures(), **videos(), **archives()}.items():
        (source / name).write_bytes(data)
    examine(source, folder / "case", engine="pool", uncaged=False, workers=2)
    monkeypatch.undo()
    return {
        place["path"]: document
        for document in documents(folder / "case")
        for place in document["occurrences"]
        if not place["inside"]
    }


def pictures() -> dict[str, bytes]:
    made = {f"{name}.{name}": data for name, data in makers.samples(width=640, height=480).items()}
    return {**made, "dng.dng": makers.dng(640, 480)}


def videos() -> dict[str, bytes]:
    forms = {form.format: form for form in reversed(films.FORMS)}
    frames = films.shoot([5, 5])
    made = {f"{name}.{name}": films.encode(frames, form) for name, form in forms.items()}
    ipod = films.FORMS[0]._replace(muxer="ipod", format="m4v")
    return {**made, "m4v.m4v": films.encode(frames, ipod)}


def archives() -> dict[str, bytes]:
    zipped, tarred, seven = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive, tarfile.open(fileobj=tarred, mode="w") as tape:
        for name, data in ARCHIVED.items():
            archive.writestr(name, data)
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tape.addfile(entry, io.BytesIO(data))
    with py7zr.SevenZipFile(seven, "w") as archive_7z:
        archive_7z.writestr(ARCHIVED["inside.jpg"], "inside.jpg")
    plain = {"zip": zipped.getvalue(), "tar": tarred.getvalue(), "7z": seven.getvalue()}
    packers = {
        "gz": lambda data: gzip.compress(data, mtime=0),
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": zstandard.ZstdCompressor().compress,
    }
    packed = {f"tar.{name}": pack(plain["tar"]) for name, pack in packers.items()}
    single = {f"single.{name}": pack(ARCHIVED["inside.jpg"]) for name, pack in packers.items()}
    return {**{f"archive.{name}": data for name, data in {**plain, **packed}.items()}, **single}


@pytest.mark.parametrize("name", [*makers.samples(), "dng"])
def test_a_picture_is_identified_decoded_and_measured(
    name: str, found: dict[str, dict[str, Any]]
) -> None:
    document = found[f"{name}.{name}"]
    assert (document["item"]["format"], document["item"]["state"]) == (name, "measured")
    assert document["item"]["media_type"] == BY_NAME[name].media_type
    assert document["problems"] == []
    measured = document["measurements"]
    assert len(measured["pdq"]["pdq"]) == 64
    assert (measured["picture"]["header"]["width_px"], measured["thumbnail"]["width_px"]) == (
        640,
        320,
    )


@pytest.mark.parametrize("name", sorted({form.format for form in films.FORMS} | {"m4v"}))
def test_a_video_is_identified_opened_and_measured(
    name: str, found: dict[str, dict[str, Any]]
) -> None:
    document = found[f"{name}.{name}"]
    assert (document["item"]["format"], document["item"]["state"]) == (name, "measured")
    assert document["item"]["media_type"] == BY_NAME[name].media_type
    assert document["problems"] == []
    assert document["measurements"]["storyboard"]["frames"]
    assert document["measurements"]["video"]["streams"]


@pytest.mark.parametrize("name", sorted(archives()))
def test_an_archive_is_walked_and_its_picture_measured(
    name: str, found: dict[str, dict[str, Any]]
) -> None:
    document = found[name]
    assert (document["item"]["kind"], document["item"]["state"]) == ("archive", "measured")
    assert document["problems"] == []
    assert document["measurements"]["container"]["members"] == 1


def test_the_table_of_formats_names_these_tests_and_no_others() -> None:
    verified = {row.name for row in FORMATS if row.verified_by and row.verified_by.startswith(THIS)}
    assert verified == {*makers.samples(), "dng", "m4v", *(form.format for form in films.FORMS)}

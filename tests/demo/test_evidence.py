"""The folder is what the manifest says, the same every time, and opens with others' programs."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import stat
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import av
import imagecodecs
import msgspec
import pytest
from PIL import Image
from PIL.MpoImagePlugin import MpoImageFile

from headwater.demo.evidence import make_evidence
from headwater.demo.manifest import DemoManifest, Planted
from headwater.errors import UsageError
from tests.demo.conftest import Evidence, likeness

PILLOW_FORMATS = {
    "jpeg": {"JPEG", "MPO"},
    "png": {"PNG"},
    "gif": {"GIF"},
    "webp": {"WEBP"},
    "tiff": {"TIFF"},
    "bmp": {"BMP"},
    "avif": {"AVIF"},
    "jp2": {"JPEG2000"},
}


def tree_digest(folder: Path) -> str:
    """Digest names, kinds, times of change and bytes of everything in a folder."""
    digest = hashlib.sha256()
    root = os.fsencode(folder)
    paths = [os.path.join(top, name) for top, d, f in os.walk(root) for name in (*d, *f)]
    for path in sorted(paths):
        status = os.lstat(path)
        facts = (path[len(root) :], stat.S_IFMT(status.st_mode), status.st_mtime_ns)
        digest.update(repr(facts).encode())
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                digest.update(file.read())
        elif stat.S_ISLNK(status.st_mode):
            digest.update(os.readlink(path))
    return digest.hexdigest()


def test_another_process_clock_zone_and_locale_give_the_same_folder(
    evidence: Evidence, tmp_path: Path
) -> None:
    script = (
        "import sys, msgspec\n"
        "from pathlib import Path\n"
        "from headwater.demo.evidence import make_evidence\n"
        "manifest = make_evidence(Path(sys.argv[1]), size='small', traps=True)\n"
        "sys.stdout.buffer.write(msgspec.json.encode(manifest))\n"
    )
    surroundings = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "again")],
        env={**os.environ, **surroundings},
        umask=0o077,
        capture_output=True,
        check=True,
    )
    assert msgspec.json.decode(ran.stdout, type=DemoManifest) == evidence.manifest
    assert tree_digest(tmp_path / "again") == tree_digest(evidence.folder)


def test_another_seed_gives_other_pictures_in_the_same_places_and_no_traps_unasked(
    evidence: Evidence, tmp_path: Path
) -> None:
    other = make_evidence(tmp_path, seed=1, size="small")
    traps = {item.key for item in evidence.manifest.planted} - {item.key for item in other.planted}
    assert {evidence.manifest.by_key(key).entry for key in traps} == {"link", "fifo"}
    assert len(traps) == 2
    assert [item.key for item in other.planted] == [
        item.key for item in evidence.manifest.planted if item.key not in traps
    ]
    mine = {item.sha256 for item in evidence.manifest.originals()}
    assert mine.isdisjoint(item.sha256 for item in other.originals())


def test_the_folder_holds_what_the_manifest_says_and_nothing_else(evidence: Evidence) -> None:
    root = os.fsencode(evidence.folder)
    found = set()
    for top, directories, names in os.walk(root):
        links = [name for name in directories if os.path.islink(os.path.join(top, name))]
        found |= {os.path.relpath(os.path.join(top, name), root) for name in (*names, *links)}
    files = evidence.manifest.files()
    assert found == {item.path for item in files}
    assert len(found) == len(files)
    for item in files:
        status = os.lstat(evidence.path(item))
        modified = datetime.datetime.fromisoformat(item.modified_at).timestamp()
        assert status.st_mtime_ns == modified * 10**9
        assert status.st_size == item.size_bytes
        kinds = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo"}
        assert kinds[stat.S_IFMT(status.st_mode)] == item.entry
    assert os.listdir(evidence.folder.parent) == [evidence.folder.name]


def test_digests_are_those_of_the_bytes_in_folder_and_archives(evidence: Evidence) -> None:
    for item in evidence.manifest.planted:
        if item.entry == "file":
            data = evidence.data(item)
            assert hashlib.sha256(data).digest() == item.sha256, item.key
            assert len(data) == item.size_bytes


def test_archives_hold_the_planted_members_in_stored_order(evidence: Evidence) -> None:
    archives = [item for item in evidence.manifest.files() if item.kind == "archive"]
    assert {item.format for item in archives} == {"zip", "gzip", "7z"}
    for item in archives:
        planted = [
            member.inside
            for member in evidence.manifest.planted
            if member.inside and member.path == item.path
        ]
        assert [names for names, _ in evidence.members(item)] == planted


def test_keys_are_unique_and_copies_come_from_planted_files(evidence: Evidence) -> None:
    manifest = evidence.manifest
    keys = [item.key for item in manifest.planted]
    assert len(set(keys)) == len(keys)
    for item in manifest.planted:
        assert manifest.by_key(item.key) == item
        if item.copy_of is not None:
            origin = manifest.by_key(item.copy_of.of)
            assert (origin.camera, origin.scene) == (item.camera, item.scene)
            assert item.key in {copy.key for copy in manifest.family(origin.key)}
    with pytest.raises(KeyError):
        manifest.by_key("nowhere")


def test_every_picture_is_an_original_a_copy_or_unreadable(evidence: Evidence) -> None:
    originals = {item.key for item in evidence.manifest.originals()}
    for item in evidence.manifest.planted:
        if item.kind == "picture":
            assert (item.key in originals) + (item.copy_of is not None) + (item.camera is None) == 1
    assert any("!/" in key for key in originals), "one original is in an archive alone"


def intact_pictures(evidence: Evidence) -> list[Planted]:
    return [
        item
        for item in evidence.manifest.planted
        if item.kind == "picture" and not item.broken and not item.refuse
    ]


def test_intact_pictures_open_as_what_they_are_said_to_be(evidence: Evidence) -> None:
    for item in intact_pictures(evidence):
        if item.format == "jxl":
            assert imagecodecs.jpegxl_check(evidence.data(item))
        else:
            with Image.open(io.BytesIO(evidence.data(item))) as picture:
                picture.load()
                assert picture.format in PILLOW_FORMATS[item.format], item.key


def test_copies_show_what_they_were_made_from(evidence: Evidence) -> None:
    manifest = evidence.manifest
    for item in intact_pictures(evidence):
        if item.copy_of is None:
            continue
        copy, shown = item.copy_of, evidence.upright(item)
        origin = evidence.upright(manifest.by_key(copy.of))
        if copy.shows:
            origin = origin.crop(copy.shows)
        if copy.placed:
            shown = shown.crop(copy.placed)
        if copy.mirrored:
            assert likeness(shown, origin) < 0.9, "a mirrored copy is not like its source"
            shown = shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        shown = shown.rotate(-90 * copy.quarter_turns, expand=True)
        assert likeness(shown, origin) > 0.985, item.key
        if copy.edit == "exact":
            assert item.sha256 == manifest.by_key(copy.of).sha256
        else:
            assert item.sha256 != manifest.by_key(copy.of).sha256


def test_pictures_of_different_scenes_are_not_alike(evidence: Evidence) -> None:
    originals = evidence.manifest.originals()
    pictures = [evidence.upright(item) for item in originals]
    for number, item in enumerate(originals):
        for other in range(number):
            if originals[other].scene != item.scene:
                alike = likeness(pictures[number], pictures[other])
                assert alike < 0.95, (item.key, originals[other].key)


def test_one_room_was_photographed_by_two_cameras(evidence: Evidence) -> None:
    cameras: dict[str | None, set[str | None]] = {}
    for item in evidence.manifest.originals():
        cameras.setdefault(item.scene, set()).add(item.camera)
    assert any(len(seen) > 1 for seen in cameras.values())


def test_an_archive_that_should_be_refused_needs_its_password(evidence: Evidence) -> None:
    locked = [item for item in evidence.manifest.files() if item.password]
    assert locked
    for item in locked:
        with zipfile.ZipFile(io.BytesIO(evidence.file_bytes(item))) as archive:
            for info in archive.infolist():
                with pytest.raises(RuntimeError, match="encrypted"):
                    archive.read(info)
                with pytest.raises((RuntimeError, zipfile.BadZipFile)):
                    archive.read(info, pwd=b"guessed")


def test_broken_files_do_not_open(evidence: Evidence) -> None:
    broken = [item for item in evidence.manifest.planted if item.broken]
    assert {item.format for item in broken} == {"jpeg", "png", "empty"}
    for item in broken:
        with (
            pytest.raises((OSError, SyntaxError)),
            Image.open(io.BytesIO(evidence.data(item))) as picture,
        ):
            picture.load()


def test_pictures_to_refuse_are_valid_but_beyond_a_viewer(evidence: Evidence) -> None:
    refused = {
        item.format: evidence.data(item)
        for item in evidence.manifest.files()
        if item.refuse and item.kind == "picture"
    }
    assert set(refused) == {"jpeg", "png"}
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(refused["png"]))
    deep = imagecodecs.jpeg8_decode(refused["jpeg"])
    assert deep.dtype == "uint16"
    assert 255 < deep.max() < 4096


def test_names_lie_where_the_manifest_says_so(evidence: Evidence) -> None:
    lying = {item.path.split(b"/")[-1]: item for item in evidence.manifest.files() if item.odd}
    assert evidence.file_bytes(lying[b"shopping list.txt"])[:3] == b"\xff\xd8\xff"
    assert evidence.file_bytes(lying[b"not-a-picture.jpg"]).decode().isprintable() is False
    assert evidence.file_bytes(lying[b"not-a-picture.jpg"]).startswith(b"Dear")


def test_the_link_leads_out_of_the_folder(evidence: Evidence) -> None:
    outside = [
        item
        for item in evidence.manifest.files()
        if item.entry == "link" and item.odd and "out of" in item.odd
    ]
    assert outside
    for item in outside:
        target = os.path.realpath(evidence.path(item))
        assert os.path.dirname(target) == os.fsencode(evidence.folder.parent.resolve())


def test_a_motion_photo_ends_with_its_film(evidence: Evidence) -> None:
    item = next(
        i for i in evidence.manifest.files() if i.copy_of and i.copy_of.edit == "motion-photo"
    )
    data = evidence.file_bytes(item)
    with Image.open(io.BytesIO(data)) as picture, warnings.catch_warnings():
        warnings.simplefilter("error")
        description = picture.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert description["MotionPhoto"] == "1"
    film = description["Directory"]["Seq"]["li"][1]["Item"]
    assert film["Mime"] == "video/mp4"
    with av.open(io.BytesIO(data[-int(film["Length"]) :])) as container:
        assert len(list(container.decode(video=0))) == 8


def test_a_polyglot_opens_both_ways(evidence: Evidence) -> None:
    item = next(
        i for i in evidence.manifest.files() if i.copy_of and i.copy_of.edit == "zip-behind"
    )
    data = evidence.file_bytes(item)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["note.txt"]
    assert item.copy_of
    assert data.startswith(evidence.data(evidence.manifest.by_key(item.copy_of.of)))


def test_a_picture_pair_holds_two(evidence: Evidence) -> None:
    item = next(
        i for i in evidence.manifest.files() if i.copy_of and i.copy_of.edit == "picture-pair"
    )
    with Image.open(io.BytesIO(evidence.file_bytes(item))) as pair:
        assert isinstance(pair, MpoImageFile)
        assert pair.n_frames == 2
        whole = pair.convert("RGB")
        pair.seek(1)
        assert likeness(whole, pair.convert("RGB")) > 0.99


def test_a_cropped_copy_keeps_the_thumbnail_of_the_whole(evidence: Evidence) -> None:
    import exifread

    item = next(i for i in evidence.manifest.files() if i.copy_of and i.copy_of.edit == "cropped")
    tags = exifread.process_file(io.BytesIO(evidence.file_bytes(item)))
    thumbnail = Image.open(io.BytesIO(tags["JPEGThumbnail"]))
    assert item.copy_of
    whole = evidence.upright(evidence.manifest.by_key(item.copy_of.of))
    assert likeness(thumbnail, whole) > 0.95
    assert likeness(thumbnail, evidence.upright(item)) < 0.9


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        make_evidence(tmp_path, size="small")
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_negative_seed_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="negative"):
        make_evidence(tmp_path / "new", seed=-1)
    assert os.listdir(tmp_path) == []

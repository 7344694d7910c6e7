"""Names that would escape a folder, links and devices: read as data, described, never followed."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.evidence.archives.names import describe_name

Walk = Callable[..., Any]

ESCAPES = [
    *(b"../escape", b"../../../../../../etc/cron.d/x", b"a/../../escape", b"./../escape"),
    *(b"..", b"../", b"..\\escape", b"a\\..\\..\\escape", b"..//escape", b".../escape"),
    *(b"/etc/passwd", b"//etc/passwd", b"///x", b"\\etc\\passwd", b"/", b"/../x"),
    *(
        b"C:\\Windows\\x",
        b"C:/x",
        b"c:x",
        b"\\\\server\\share\\x",
        b"//server/share",
        b"\\\\?\\C:\\x",
    ),
    *(b"file\0.jpg", b"\0", b"a\nb", b"a\rb", b"\x1b[31mred", b"tab\there", b"\x7f", b"bell\x07"),
    *("photo\u202egpj.exe".encode(), "\u2066x\u2069".encode(), "\u200fx".encode()),
    *(b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xae\xc0\xae/x", b"\x80" * 20),
    *(b"n" * 255, b"n" * 256, b"n" * 4000, b"/".join([b"d"] * 500), b"trailing.", b"trailing "),
    *(
        b"dir. /x",
        b"CON",
        b"aux.jpg",
        b"com1",
        b"NUL",
        b"-rf",
        b"--help",
        b"$(id)",
        b"`id`",
        b"; ls",
    ),
    *(b"%2e%2e/x", b"~/x", b"~root/x", b"file://x", b"|cat", b"<x>", b'"', b"'", b"*", b"?", b""),
    *("ﬁle".encode(), "e\u0301".encode(), "é".encode(), "\ufeffx".encode(), "．．/x".encode()),
]


def zip_of(name: bytes, data: bytes) -> bytes:
    head = struct.pack(
        "<2H2H3I2H", 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0
    )
    local = b"PK\x03\x04" + b"\x14\0" + head + name + data
    central = b"PK\x01\x02" + b"\x14\0\x14\0" + head + bytes(14 - 0 - 4 + 4) + name
    end = struct.pack("<4H2IH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + b"PK\x05\x06" + end


def tar_of(form: int) -> Callable[[bytes, bytes], bytes]:
    def build(name: bytes, data: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(
            fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
        ) as archive:
            info = tarfile.TarInfo(os.fsdecode(name))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        return out.getvalue()

    return build


def gzip_of(name: bytes, data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(data) + packer.flush()
    sums = struct.pack("<II", zlib.crc32(data), len(data))
    return b"\x1f\x8b\x08\x08" + bytes(6) + name + b"\0" + body + sums


BUILDERS: dict[str, tuple[str, Callable[[bytes, bytes], bytes], Callable[[bytes], bool]]] = {
    "zip": ("zip", zip_of, lambda name: True),
    "tar gnu": ("tar", tar_of(tarfile.GNU_FORMAT), lambda name: b"\0" not in name),
    "tar pax": ("tar", tar_of(tarfile.PAX_FORMAT), lambda name: b"\0" not in name),
    "gzip": ("gzip", gzip_of, lambda name: b"\0" not in name),
}
CASES = [(builder, name) for builder in BUILDERS for name in ESCAPES if BUILDERS[builder][2](name)]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 200


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test, three steps down, where nothing may appear."""
    inside = tmp_path / "a" / "b" / "c"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    return tmp_path


@pytest.mark.parametrize(("builder", "name"), CASES)
def test_the_name_is_kept_and_described_and_the_bytes_are_read(
    walk: Walk, watched: Path, builder: str, name: bytes
) -> None:
    archive_format, build, _ = BUILDERS[builder]
    before = sorted(watched.rglob("*"))
    walked = walk(build(name, b"content"), archive_format)
    assert walked.end is None
    (member,) = walked.members
    assert member.name == name
    described = describe_name(name) if name or builder != "gzip" else ()
    assert [note for note in member.notes if note in described] == list(described)
    assert walked.data == [b"content"]
    assert sorted(watched.rglob("*")) == before


@pytest.mark.parametrize("name", [name for name in ESCAPES if b"\0" not in name])
def test_7z_names(walk: Walk, plain_7z: Any, watched: Path, name: bytes) -> None:
    before = sorted(watched.rglob("*"))
    text = name.decode("utf-8", "replace")
    walked = walk(plain_7z([text], [b"content"]).build(), "7z")
    assert walked.whole == [(text.encode(), b"content")]
    assert walked.members[0].notes == describe_name(text.encode())
    assert sorted(watched.rglob("*")) == before


@pytest.mark.parametrize("target", [b"/etc/passwd", b"../../x", b"a", b"\xff", b"t" * 100])
@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6"])
@pytest.mark.parametrize("name", [b"x", b"../x", b"/dev/sda"])
def test_a_link_is_never_followed_by_the_member_after_it(
    walk: Walk, watched: Path, name: bytes, kind: bytes, target: bytes
) -> None:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out,
        mode="w",
        format=tarfile.GNU_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        link = tarfile.TarInfo(os.fsdecode(name))
        link.type, link.linkname = kind, os.fsdecode(target)
        archive.addfile(link)
        through = tarfile.TarInfo(os.fsdecode(name))
        through.size = 4
        archive.addfile(through, io.BytesIO(b"data"))
    before = sorted(watched.rglob("*"))
    walked = walk(out.getvalue(), "tar")
    assert walked.end is None
    assert [member.name for member in walked.members] == [name, name]
    assert walked.members[0].problem.code == "refused"
    assert walked.data == [None, b"data"]
    assert sorted(watched.rglob("*")) == before

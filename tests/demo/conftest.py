"""One small folder of evidence for all tests of the demonstration, and readers of other makers."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from functools import cached_property
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import py7zr
import pytest
from PIL import Image, ImageOps

from headwater.demo.evidence import make_evidence
from headwater.demo.manifest import DemoManifest, Planted


class Evidence:
    """A folder with its manifest. Everything is read with libraries that did not write it."""

    def __init__(self, folder: Path, manifest: DemoManifest) -> None:
        self.folder, self.manifest = folder, manifest

    def path(self, item: Planted) -> bytes:
        return os.path.join(os.fsencode(self.folder), item.path)

    def file_bytes(self, item: Planted) -> bytes:
        with open(self.path(item), "rb") as file:
            return file.read()

    @cached_property
    def _members(self) -> dict[bytes, list[tuple[tuple[bytes, ...], bytes]]]:
        archives = [item for item in self.manifest.files() if item.kind == "archive"]
        return {item.path: list(self._unpacked(item)) for item in archives}

    def members(self, item: Planted) -> list[tuple[tuple[bytes, ...], bytes]]:
        """Return (names that lead there, bytes) of all members of an archive, in stored order."""
        return self._members[item.path]

    def _unpacked(self, item: Planted) -> list[tuple[tuple[bytes, ...], bytes]]:
        data = self.file_bytes(item)
        if item.format == "7z":
            factory = py7zr.io.BytesIOFactory(1 << 24)
            with py7zr.SevenZipFile(io.BytesIO(data)) as archive:
                names = archive.getnames()
                archive.extractall(factory=factory)  # noqa: S202 - into memory
            return [((name.encode(),), factory.products[name].read()) for name in names]
        if item.format == "gzip":
            return _unpacked_tar(data)
        return _unpacked_zip(data, item.password)

    def data(self, item: Planted) -> bytes:
        """Return the bytes of any planted file or member."""
        if not item.inside:
            return self.file_bytes(item)
        container = next(file for file in self.manifest.files() if file.path == item.path)
        siblings = [
            member for member in self.manifest.planted if member.inside and member.path == item.path
        ]
        return self.members(container)[siblings.index(item)][1]

    def upright(self, item: Planted) -> Image.Image:
        """Return a picture as a viewer shows it, RGB, its first frame."""
        data = self.data(item)
        if item.format == "jxl":
            return Image.fromarray(np.asarray(imagecodecs.jpegxl_decode(data)))
        return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def _unpacked_zip(data: bytes, password: str | None) -> list[tuple[tuple[bytes, ...], bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            (
                (info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437"),),
                archive.read(info, pwd=password.encode() if password else None),
            )
            for info in archive.infolist()
        ]


def _unpacked_tar(data: bytes) -> list[tuple[tuple[bytes, ...], bytes]]:
    found: list[tuple[tuple[bytes, ...], bytes]] = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for info in archive:
            stream = archive.extractfile(info)
            assert stream is not None
            name, member = os.fsencode(info.name), stream.read()
            found.append(((name,), member))
            if name.endswith(b".zip"):
                inner = _unpacked_zip(member, None)
                found += [((name, *names), part) for names, part in inner]
    return found


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("demo") / "evidence"
    return Evidence(folder, make_evidence(folder, size="small", traps=True))


def likeness(first: Image.Image, second: Image.Image) -> float:
    """Return the correlation (-1..1) of two pictures' brightness at 64 x 48 places."""
    planes = []
    for picture in (first, second):
        small = picture.convert("L").resize((64, 48), Image.Resampling.BOX)
        plane: npt.NDArray[np.float64] = np.asarray(small, dtype=np.float64)
        planes.append((plane - plane.mean()).ravel())
    return float(
        np.dot(planes[0], planes[1]) / np.linalg.norm(planes[0]) / np.linalg.norm(planes[1])
    )

"""What this machine and installation are: versions, licences, bundled codecs, the cage."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import sys

import msgspec

from headwater.errors import HeadwaterError
from headwater.version import VERSION

_OPEN_EVIDENCE = (
    "pillow",
    "simplejpeg",
    "pi-heif",
    "rawpy",
    "imagecodecs",
    "av",
    "exifread",
    "defusedxml",
    "inflate64",
    "pybcj",
    "zstandard",
    "brotli",
)
_CARRY_THE_REST = (
    "numpy",
    "numba",
    "llvmlite",
    "sqlalchemy",
    "alembic",
    "msgspec",
    "cryptography",
    "typer",
    "rich",
    "py7zr",
    "starlette",
    "uvicorn",
    "python-multipart",
)
_PILLOW_FEATURES = (
    "libjpeg_turbo",
    "webp",
    "avif",
    "jpg_2000",
    "libtiff",
    "zlib_ng",
    "littlecms2",
)
_COPYLEFT = {
    "av": "its wheel bundles FFmpeg with x264 and x265 (GPL-2.0-or-later): you installed it from "
    "its own publisher; Headwater only decodes with it and never redistributes it",
    "pi-heif": "bundles libheif and libde265 (LGPL-3.0)",
    "rawpy": "bundles LibRaw (LGPL-2.1 or CDDL-1.0)",
    "inflate64": "LGPL-2.1-or-later",
    "pybcj": "LGPL-2.1-or-later",
}


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """One installed distribution."""

    name: str
    version: str
    licence: str
    note: str = ""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """How known lists would be kept from the disk while they are open. Nothing is locked to tell.

    Where memory cannot be locked and there is swap, lists are opened with `--accept-swap` alone.
    """

    can_be_locked: bool
    obstacle: str
    """Why it cannot, empty where it can."""
    swap: bool
    """The machine has swap, or it cannot be told whether."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `doctor` finds. `problems` is empty where all is well."""

    schema: str = "headwater/doctor/1"
    headwater: str
    python: str
    system: str
    cores: int
    opens_evidence: tuple[Library, ...]
    other_libraries: tuple[Library, ...]
    bundled_codecs: dict[str, str]
    cage: dict[str, str]
    probes_blocked: int | None
    memory: Memory
    problems: tuple[str, ...]


def examine_machine(*, try_cage: bool) -> Machine:
    """Look at what is installed, and with `try_cage` start one caged worker."""
    problems: list[str] = []
    cage, probes = _try_cage(problems) if try_cage else ({}, None)
    return Machine(
        headwater=VERSION,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)),
        opens_evidence=_libraries(_OPEN_EVIDENCE, problems),
        other_libraries=_libraries(_CARRY_THE_REST, problems),
        bundled_codecs=_codecs(),
        cage=cage,
        probes_blocked=probes,
        memory=_memory(),
        problems=tuple(problems),
    )


def _libraries(names: tuple[str, ...], problems: list[str]) -> tuple[Library, ...]:
    found: list[Library] = []
    for name in names:
        try:
            held = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} is not installed; run `make demo` or install it")
            continue
        note = _COPYLEFT.get(name, "")
        found.append(Library(name=name, version=held["Version"], licence=_licence(held), note=note))
    return tuple(found)


def _licence(held: importlib.metadata.PackageMetadata) -> str:
    said = dict.fromkeys(held)
    if "License-Expression" in said:
        return held["License-Expression"]
    for classifier in held.get_all("Classifier") or []:
        if classifier.startswith("License ::"):
            return str(classifier).rpartition(":: ")[2]
    text = held["License"].strip() if "License" in said else ""
    return text.splitlines()[0][:60] if text else "not stated"


def _codecs() -> dict[str, str]:
    """Return the versions of the codec libraries inside the wheels, by `distribution: codec`."""
    import av  # noqa: PLC0415
    import imagecodecs  # noqa: PLC0415
    import pi_heif  # noqa: PLC0415
    import rawpy  # noqa: PLC0415
    from cryptography.hazmat.backends.openssl import backend as openssl  # noqa: PLC0415
    from PIL import features  # noqa: PLC0415

    codecs = {"av: ffmpeg": str(av.ffmpeg_version_info)}
    codecs |= {
        f"av: {name}": ".".join(map(str, version))
        for name, version in sorted(av.library_versions.items())
    }
    for feature in _PILLOW_FEATURES:
        codecs[f"pillow: {feature}"] = str(features.version(feature))
    heif = pi_heif.libheif_info()
    codecs["pi-heif: libheif"] = str(heif["libheif"])
    codecs |= {f"pi-heif: {name}": str(text) for name, text in sorted(heif["decoders"].items())}
    codecs["rawpy: libraw"] = ".".join(map(str, rawpy.libraw_version))
    listed = dict(part.rpartition("-")[::2] for part in imagecodecs.version().split(", "))
    codecs["imagecodecs: libjxl"] = listed.get("libjxl", "unknown")
    codecs["python: sqlite"] = sqlite3.sqlite_version
    codecs["cryptography: openssl"] = openssl.openssl_version_text()
    codecs["python"] = sys.version.split()[0]
    return codecs


def _memory() -> Memory:
    from headwater.lists.locked import lock_obstacle, swap_in_use  # noqa: PLC0415

    obstacle = lock_obstacle()
    return Memory(can_be_locked=not obstacle, obstacle=obstacle, swap=swap_in_use())


def _try_cage(problems: list[str]) -> tuple[dict[str, str], int | None]:
    from headwater.engine.methods import measure_names  # noqa: PLC0415
    from headwater.engine.nursery import Config  # noqa: PLC0415
    from headwater.engine.pool import Pool  # noqa: PLC0415
    from headwater.limits import Limits  # noqa: PLC0415

    try:
        pool = Pool(1, Config(limits=Limits(), measures=measure_names()))
    except HeadwaterError as error:
        problems.append(str(error))
        return {}, None
    try:
        return pool.facts.cage, pool.facts.probes
    finally:
        pool.close()

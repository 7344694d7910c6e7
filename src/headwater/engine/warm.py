"""Warming up: everything a worker will need is imported, compiled and used once, before evidence.

The kernels' compiled form is kept in a folder that workers cannot write.
"""

from __future__ import annotations

import importlib
import io
import os
from pathlib import Path

from headwater.engine.execute import Unpacked, visit
from headwater.engine.methods import LoadedMeasure
from headwater.engine.spool import SpoolFile
from headwater.evidence.archives.contract import Member
from headwater.evidence.content import Content
from headwater.limits import Limits
from headwater.model import Digests, Identity, Problem

_USED_LATER = (
    "headwater.engine.worker",
    "headwater.evidence.archives.open",
    "headwater.media.identify",
    "headwater.media.pictures.decode",
    "headwater.media.video.probe",
    "headwater.media.video.key_frames",
    "headwater.measures.frame_pixels",
    "headwater.measures.shots",
    "encodings.idna",
    "encodings.cp437",
    "encodings.latin_1",
    "encodings.utf_16",
)


def kernel_folder() -> Path:
    """Return where compiled kernels are kept: private to the user, outside any case."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "headwater" / "kernels"


def warm_up(measures: tuple[LoadedMeasure, ...], limits: Limits) -> None:
    """Import and compile what tasks will use, then measure a picture made here."""
    for name in _USED_LATER:
        importlib.import_module(name)
    from headwater.measures import pdq_hash, pdq_scaled, shrink  # noqa: PLC0415
    from headwater.media.metadata.warm import warm_metadata  # noqa: PLC0415
    from headwater.media.pictures.decode import warm_decoders  # noqa: PLC0415

    for kernels in (pdq_hash, pdq_scaled, shrink):
        kernels.compile_kernels()
    warm_decoders()
    warm_metadata()
    visit(Content.from_bytes(_sample()), measures, limits, _NoDesk())


def _sample() -> bytes:
    from PIL import Image  # noqa: PLC0415

    gradient = Image.linear_gradient("L").resize((640, 640))
    out = io.BytesIO()
    Image.merge("RGB", (gradient, gradient.rotate(90), gradient)).save(out, "JPEG", quality=80)
    return out.getvalue()


class _NoDesk:
    """A desk for the sample alone: asks for measuring, keeps nothing."""

    def digested(self, digests: Digests) -> bool:
        return True

    def identified(self, identity: Identity) -> None: ...

    def spool_file(self, size_bytes: int | None) -> SpoolFile:
        raise AssertionError(f"a picture asked for a spool file of {size_bytes} bytes")

    def member(self, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked) -> None: ...

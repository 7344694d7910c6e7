"""Benign evidence from a seed: a folder of photographs, films, copies, archives and damage."""

from __future__ import annotations

from pathlib import Path

from headwater.demo.cameras import BODIES, PLACES, Camera
from headwater.demo.manifest import DemoManifest, Size
from headwater.demo.planting.archives import plant_archives
from headwater.demo.planting.damage import plant_damage, plant_documents, plant_links, plant_traps
from headwater.demo.planting.films import plant_films
from headwater.demo.planting.folder import SCALES, EvidenceFolder
from headwater.demo.planting.photographs import Album
from headwater.errors import UsageError

SEED = 20261122


def make_evidence(
    folder: Path, *, seed: int = SEED, size: Size = "normal", traps: bool = False
) -> DemoManifest:
    """Write the evidence into `folder`, and return what was planted.

    The folder is made if need be. The same seed, size and library versions give the same bytes,
    names and times of change. `traps` adds a named pipe and a link to its own folder, from which
    careless readers never come back. Raises UsageError where the folder holds something already,
    ValueError for a negative seed.
    """
    if seed < 0:
        raise ValueError("a seed is not negative")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name an empty or new folder for the evidence")
    scale = SCALES[size]
    cameras = {body.key: Camera(body, *scale.camera_px, seed) for body in BODIES}
    evidence = EvidenceFolder(folder)
    album = Album(evidence, cameras)
    album.plant_shots(seed, scale)
    album.plant_copies(seed)
    plant_films(evidence, seed, scale)
    plant_archives(evidence, album)
    plant_damage(evidence, album)
    plant_documents(evidence)
    plant_links(evidence)
    if traps:
        plant_traps(evidence)
    evidence.set_directory_times()
    return DemoManifest(
        seed=seed,
        size=size,
        cameras=tuple(camera.record() for camera in cameras.values()),
        places=PLACES,
        planted=tuple(sorted(evidence.planted, key=lambda item: item.path)),
    )

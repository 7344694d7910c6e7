"""Photographs and their copies."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from headwater.demo import films, plan
from headwater.demo.archives import Entry, zip_archive
from headwater.demo.cameras import BODIES, PLACES, Camera, Shot, file_name, folder_name
from headwater.demo.edits import EDITS, Edited, Source, motion_photo, zip_behind
from headwater.demo.manifest import Copy
from headwater.demo.planting.folder import (
    Circumstances,
    EvidenceFolder,
    Scale,
    changed,
    key_of,
    record,
    utc,
)
from headwater.demo.scenes import paint


class Photograph(NamedTuple):
    """A photograph or a copy of one, by the label that the plan gives it."""

    source: Source
    circumstances: Circumstances
    format: str


class Album:
    """All photographs and copies that were made so far."""

    def __init__(self, folder: EvidenceFolder, cameras: Mapping[str, Camera]) -> None:
        self._folder = folder
        self._cameras = cameras
        self.photographs: dict[str, Photograph] = {}

    def plant_shots(self, seed: int, scale: Scale) -> None:
        """Take all photographs, and lay them on their cards."""
        numbers = {body.key: body.first_number for body in BODIES}
        hand = np.random.Generator(np.random.SFC64([seed, 3000]))
        for planned in plan.SHOTS:
            camera = self._cameras[planned.camera]
            shot = _shot(planned, numbers[planned.camera], hand)
            numbers[planned.camera] += 1
            scene = paint(
                planned.kind,
                planned.number,
                seed=seed,
                height_px=scale.painting_px,
                pan=planned.pan,
            )
            data = camera.photograph(scene, shot)
            circumstances = Circumstances(
                planned.camera,
                f"{planned.kind}-{planned.number}",
                planned.place,
                shot.taken.isoformat(timespec="seconds"),
            )
            path = folder_name(camera.body) + b"/" + file_name(camera.body, shot)
            if planned.label in plan.ONLY_IN_ARCHIVE:
                key = key_of(plan.HOLIDAY, (plan.ONLY_IN_ARCHIVE[planned.label],))
            else:
                key = key_of(path)
                self._folder.plant(
                    record(
                        path,
                        data,
                        shot.taken,
                        kind="picture",
                        format_name="jpeg",
                        circumstances=circumstances,
                    ),
                    data,
                )
            source = Source(key, data, camera, shot)
            self.photographs[planned.label] = Photograph(source, circumstances, "jpeg")

    def plant_copies(self, seed: int) -> None:
        """Make all copies that the plan names, in its order."""
        for planned in plan.COPIES:
            self._plant_copy(planned, EDITS[planned.edit](self.photographs[planned.of].source))
        take = films.Take("lake", 0, 8)
        frames = films.shoot([take], (320, 240), seed)
        clip = films.encode(frames, films.facts([take], (320, 240), 8), films.MP4)
        planned = plan.MOTION_PHOTO
        motion = motion_photo(self.photographs[planned.of].source, clip)
        self._plant_copy(planned, motion)
        planned = plan.ZIP_BEHIND
        note = Entry(b"note.txt", b"behind the picture\n", utc(planned.modified))
        polyglot = zip_behind(self.photographs[planned.of].source, zip_archive([note]))
        self._plant_copy(planned, polyglot)

    def _plant_copy(self, planned: plan.PlannedCopy, edited: Edited) -> None:
        original = self.photographs[planned.of]
        item = record(
            planned.path,
            edited.data,
            utc(planned.modified),
            kind="picture",
            format_name=edited.format,
            circumstances=original.circumstances,
        )
        copy = Copy(
            of=original.source.key,
            edit=planned.edit,
            shows=edited.shows,
            placed=edited.placed,
            mirrored=edited.mirrored,
            quarter_turns=edited.quarter_turns,
        )
        lies = planned.path.endswith(b".txt")
        odd = "a picture under the name of a text" if lies else edited.odd
        self._folder.plant(changed(item, copy_of=copy, odd=odd), edited.data)
        camera, shot = original.source.camera, original.source.shot
        self.photographs[planned.label] = Photograph(
            Source(item.key, edited.data, camera, shot), original.circumstances, edited.format
        )


def _shot(planned: plan.PlannedShot, number: int, hand: np.random.Generator) -> Shot:
    """Return the circumstances; nobody holds a camera twice quite alike."""
    framed = float(hand.uniform(0.95, 0.99))
    left, top = (float(hand.uniform(0, 1 - framed)) for _ in range(2))
    place = next(place for place in PLACES if place.key == planned.place)
    zone = datetime.timezone(datetime.timedelta(hours=place.utc_offset_hours))
    dark = planned.kind == "night"
    return Shot(
        place=place,
        taken=datetime.datetime.fromisoformat(planned.local_time).replace(tzinfo=zone),
        number=number,
        upright=planned.upright,
        aim=(left, top, framed),
        exposure=(1, 15) if dark else (1, 250),
        iso=800 if dark else 100,
    )

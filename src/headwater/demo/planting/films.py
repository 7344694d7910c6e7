"""Films and their copies."""

from __future__ import annotations

import datetime

from headwater.demo import films, plan
from headwater.demo.cameras import BODIES, PLACES
from headwater.demo.manifest import Copy, Film, Planted
from headwater.demo.planting.folder import EvidenceFolder, Scale, changed, record, utc

_FORMS = {"mp4": films.MP4, "mov": films.MOV, "mkv": films.MKV, "avi": films.AVI}


def plant_films(folder: EvidenceFolder, seed: int, scale: Scale) -> None:
    """Shoot all films, and copy one of them twice."""
    _plant_walk(folder, seed, scale)
    for planned in plan.FILMS:
        frames, film = _shoot(planned, seed, scale)
        metadata = {"creation_time": planned.modified + "Z"}
        if planned.place is not None:
            metadata |= _quicktime_metadata(planned)
        data = films.encode(frames, film, _FORMS[planned.form], metadata=metadata)
        if planned.upright:
            data = films.turned(data)
            film = changed(film, rotation_degrees=90)
        item = _film_record(planned.path, data, planned.modified, film, planned.form)
        if planned.place is not None:
            taken_at = _local_time(planned).isoformat(timespec="seconds")
            item = changed(item, place=planned.place, taken_at=taken_at)
        folder.plant(item, data)


def _shoot(planned: plan.PlannedFilm, seed: int, scale: Scale) -> tuple[list[films.Frame], Film]:
    rate = scale.frames_per_second
    takes = [films.Take(kind, number, rate * span) for kind, number, span in planned.takes]
    return films.shoot(takes, scale.film_px, seed), films.facts(takes, scale.film_px, rate)


def _film_record(path: bytes, data: bytes, modified: str, film: Film, form: str) -> Planted:
    item = record(path, data, utc(modified), kind="video", format_name=form)
    return changed(item, film=film)


def _local_time(planned: plan.PlannedFilm) -> datetime.datetime:
    place = next(place for place in PLACES if place.key == planned.place)
    zone = datetime.timezone(datetime.timedelta(hours=place.utc_offset_hours))
    return utc(planned.modified).astimezone(zone)


def _quicktime_metadata(planned: plan.PlannedFilm) -> dict[str, str]:
    place = next(place for place in PLACES if place.key == planned.place)
    model = BODIES[0].model
    point = f"{place.latitude_degrees:+08.4f}{place.longitude_degrees:+09.4f}+012.000/"
    return {
        "com.apple.quicktime.make": model.make,
        "com.apple.quicktime.model": model.model,
        "com.apple.quicktime.software": model.software,
        "com.apple.quicktime.creationdate": _local_time(planned).strftime("%Y-%m-%dT%H:%M:%S%z"),
        "com.apple.quicktime.location.ISO6709": point,
    }


def _plant_walk(folder: EvidenceFolder, seed: int, scale: Scale) -> None:
    """Plant the film that others are copies of, a trimmed copy and a smaller, transcoded one."""
    walk, rate = plan.WALK, scale.frames_per_second
    frames, film = _shoot(walk, seed, scale)
    metadata = {"creation_time": walk.modified + "Z"}
    data = films.encode(frames, film, films.MP4, metadata=metadata, sound=True)
    original = _film_record(walk.path, data, walk.modified, changed(film, has_sound=True), "mp4")
    folder.plant(original, data)

    first = plan.TRIM_SECONDS * rate
    short = changed(
        film,
        frames=film.frames - first,
        cuts=tuple(cut - first for cut in film.cuts if cut > first),
        scenes=film.scenes[1:],
    )
    data = films.trimmed(data, first, rate)
    copy = Copy(of=original.key, edit="trimmed", start_seconds=float(plan.TRIM_SECONDS))
    item = _film_record(plan.TRIMMED_PATH, data, plan.TRIMMED_MODIFIED, short, "mp4")
    folder.plant(changed(item, copy_of=copy), data)

    width_px, height_px = scale.film_px
    smaller = changed(film, width_px=width_px // 2, height_px=height_px // 2)
    data = films.encode([frame[::2, ::2].copy() for frame in frames], smaller, films.WEBM)
    copy = Copy(of=original.key, edit="transcoded", start_seconds=0.0)
    item = _film_record(plan.TRANSCODED_PATH, data, plan.TRANSCODED_MODIFIED, smaller, "webm")
    folder.plant(changed(item, copy_of=copy), data)

"""Cases that are made for reports, with text of the caller's choice wherever evidence has text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headwater.case.records import Batch, CaseInfo, Compared, FoundMatch, RunInfo, Walk
from headwater.case.store import CaseStore
from headwater.model import (
    Containment,
    Digests,
    Identity,
    Kind,
    Method,
    Occurrence,
    Outcome,
    Problem,
    State,
    Time,
)
from tests.case.building import LIST
from tests.pictures import jpeg

CAGE = {
    "level": "strong",
    "files": "on: Landlock and the mount view",
    "memory_group": "off: none was asked for",
}


def run_info(*, uncaged: bool = False, accept_atime: bool = False, said: str = "pool") -> RunInfo:
    """Return the facts of a run."""
    return RunInfo(
        program_version="1.2.3",
        options=json.dumps({"sources": [said]}),
        engine=said,
        workers=2,
        cage={} if uncaged else {**CAGE, said: f"on: {said}"},
        probes=0 if uncaged else 9,
        uncaged=uncaged,
        accept_atime=accept_atime,
        versions={"numpy": said},
    )


def digests(content: bytes) -> Digests:
    """Return the digests of a content."""
    return Digests(
        sha256=hashlib.sha256(content).digest(),
        sha1=hashlib.sha1(content, usedforsecurity=False).digest(),
        md5=hashlib.md5(content, usedforsecurity=False).digest(),
        size_bytes=len(content),
    )


def outcome(
    content: bytes,
    *,
    kind: Kind = "picture",
    item_format: str = "jpeg",
    state: State = "measured",
    measurements: dict[str, object] | None = None,
    blobs: tuple[bytes, ...] = (),
    problems: tuple[Problem, ...] = (),
) -> Outcome:
    """Return the outcome of a content."""
    measured = {name: json.dumps(value).encode() for name, value in (measurements or {}).items()}
    return Outcome(
        digests=digests(content),
        identity=Identity(kind=kind, format=item_format, media_type=None),
        state=state,
        measurements=measured,
        methods=tuple(method(name) for name in sorted(measured)),
        blobs=blobs,
        problems=problems,
    )


def method(name: str) -> Method:
    """Return a method."""
    return Method(name=name, version=1, options_sha256="0" * 64, environment_sha256="1" * 64)


def file(source_id: int, path: bytes, content: bytes | None, *problems: Problem) -> Occurrence:
    """Return the place of a content in a source."""
    directory, _, name = path.rpartition(b"/")
    return Occurrence(
        source_id=source_id,
        directory=directory,
        name=name,
        kind="file" if content is not None else "link",
        item_sha256=None if content is None else digests(content).sha256,
        state=None if content is not None else "refused",
        size_bytes=None if content is None else len(content),
        modified_ns=1_700_000_000_123_456_789,
        problems=problems,
    )


def shown_picture(seed: int) -> tuple[dict[str, object], bytes]:
    """Return the measurement of a thumbnail, and the thumbnail."""
    blob = jpeg(seed, 64, 48)
    return {"sha256": hashlib.sha256(blob).hexdigest(), "width_px": 64, "height_px": 48}, blob


def said_outcome(number: int, text: str) -> Outcome:
    """Return a picture whose metadata say `text` wherever metadata can say something."""
    record, blob = shown_picture(number)
    exif = {
        "make": text,
        "model": text,
        "times": [{"basis": "exif:original", "at": text, "raw": text}],
        "place": {"latitude_degrees": 48.5 + number / 1000, "longitude_degrees": -0.25},
        "tags": {"IFD0": {text: {"type": "ASCII", "text": text}}, text: {}},
        "problems": [text],
    }
    measurements: dict[str, object] = {
        "thumbnail": record,
        "exif": exif,
        "xmp": {text: [text, {text: None}], "numbers": [1, 2.5, text]},
        "iptc": {"cannot_measure": text},
        "structure": {"is_polyglot": True, "notes": [text]},
    }
    problem = Problem(code="malformed", where=text, reason=text, limit=text)
    return outcome(
        b"picture %d" % number, measurements=measurements, blobs=(blob,), problems=(problem,)
    )


def said_case(folder: Path, texts: Sequence[str]) -> None:
    """Make a case that says each of `texts` in every place where evidence or people say things."""
    first = texts[0]
    info = CaseInfo(name=first, examiner=first, organisation=first, authority=first)
    store = CaseStore.create(folder, info)
    run = store.begin_run(run_info(said=first))
    source = store.source("folder", b"/" + first.encode("utf-8", "surrogateescape"))
    archive = outcome(b"archive", kind="archive", item_format="zip", measurements={first: {}})
    outcomes, files, members = [archive], [file(source, b"a.zip", b"archive")], []
    for number, text in enumerate(texts):
        content = b"picture %d" % number
        raw = text.encode("utf-8", "surrogateescape")
        problem = Problem(code="refused", where=text, reason=text)
        outcomes.append(said_outcome(number, text))
        files.append(file(source, b"d/" + raw + b".jpg", content, problem))
        files.append(file(source, b"l/" + raw, None, problem))
        members.append(
            Containment(
                parent_sha256=digests(b"archive").sha256,
                ordinal=number,
                name=raw,
                child_sha256=digests(content).sha256 if number % 2 else None,
                state=None if number % 2 else "refused",
                size_bytes=7,
                times=(Time(at=text, basis=text),),
                notes=(text,),
                problems=(problem,),
            )
        )
    walk = Walk(parent_sha256=digests(b"archive").sha256, members=len(members), unpacked_bytes=7)
    store.commit(
        Batch(
            outcomes=tuple(outcomes),
            occurrences=tuple(files),
            containments=tuple(members),
            walks=(walk,),
        )
    )
    _say_lists(store, texts)
    store.end_run(run, "finished", {})
    store.close()


def _say_lists(store: CaseStore, texts: Sequence[str]) -> None:
    """Add lists that say each text of themselves and of the pictures, and decisions that do."""
    for number, text in enumerate(texts):
        state = store.item_state(digests(b"picture %d" % number).sha256)
        assert state is not None
        names = ("name", "version", "source", "purpose", "licence", "dated", "scheme")
        said = msgspec.structs.replace(LIST, **dict.fromkeys(names, text), signer=text)
        version_id = store.serve_list(said)
        match = FoundMatch(
            item_id=state.item_id,
            list_version_id=version_id,
            kind="pdq",
            standing="match",
            distance=3,
            detail={
                "categories": [{"code": text, "meaning": text, "entries": 1}],
                "labels": {text: [text]},
                "how": {"form": "original", "decode": "full"},
            },
        )
        compared = Compared(list_version_ids=frozenset([version_id]))
        store.commit_matches([match], compared)
        if number % 2:
            store.decide(state.item_id, text, text, text)


def plain_case(
    folder: Path,
    outcomes: Sequence[Outcome],
    *,
    runs: Sequence[RunInfo] = (),
    extra: Sequence[Occurrence] = (),
    ended: bool = True,
) -> str:
    """Make a case of these outcomes, each at a place of its own; return its root."""
    info = CaseInfo(name="Harbour", examiner="A. Examiner", organisation="", authority=" ")
    store = CaseStore.create(folder, info)
    root = ""
    source = store.source("folder", b"/evidence")
    for run_info_ in runs or (run_info(),):
        run = store.begin_run(run_info_)
        files = [
            Occurrence(
                source_id=source,
                directory=b"DCIM",
                name=b"%05d.jpg" % place,
                kind="file",
                item_sha256=one.digests.sha256,
                size_bytes=one.digests.size_bytes,
            )
            for place, one in enumerate(outcomes)
        ]
        store.commit(Batch(outcomes=tuple(outcomes), occurrences=(*files, *extra)))
        if ended:
            root = store.end_run(run, "finished", {}).root_hex
    store.close()
    return root

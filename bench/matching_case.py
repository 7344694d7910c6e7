"""Makes a case of many items, and lists that know some of them, out of codes that cluster.

The items' codes are of crops of every fourth real picture, those of the lists of crops of the
others, extended by differences measured within clusters. So nothing that is not planted is known,
but for what pictures of different content have in common. Digests are random, of a fixed seed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from bench import command, hamming_codes
from bench.hamming_crops import PROCESSES, crops
from headwater.case import schema
from headwater.case.query import Case
from headwater.case.records import Batch, CaseInfo, Compared, Rehash
from headwater.case.store import LISTS, CaseStore
from headwater.engine.methods import load_measures
from headwater.match.rule import Rule
from headwater.measures.registry import BUILT_IN, ON_DEMAND
from headwater.model import DIHEDRAL, Claim, Digests, Identity, Occurrence, Outcome

Codes = npt.NDArray[np.uint8]

ITEMS = 100_000
LIST_ENTRIES = 1_000_000
LISTS_AT_FIRST = 10
SCALED_SHARE = 0.6
"""Of a collection of photographs, so many are large enough to be decoded smaller."""
EQUAL, NEAR = 2_000, 2_000
"""Items that are planted in lists by a digest, and by a code that is near one of their forms."""
_FORM = 1
"""Rises whenever another case would be made."""
_EACH_FOURTH = 4
_CRAMPED = 15
"""Bits below which the hash of a smaller decode decides."""
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Planted:
    """One item that a list knows."""

    item: int
    list_name: str
    kind: str
    distance: int | None


@dataclass(slots=True)
class Made:
    """A case with its keys, and what is planted in it."""

    case: Path
    keys: Path
    added: Path
    """The list file that is to be imported later."""
    planted: list[Planted]
    digests: list[Digests]
    scaled: int
    alone: command.Ran
    """Matching of the items with each other, before there was a list."""

    def copy(self, to: Path) -> Path:
        """Copy the case; sealed files, which nobody changes, are linked."""
        shutil.rmtree(to, ignore_errors=True)

        def take(source: str, target: str) -> str:
            if Path(source).is_relative_to(self.case / LISTS):
                os.link(source, target)
                return target
            return shutil.copy2(source, target)

        return Path(shutil.copytree(self.case, to, copy_function=take))


def made(pictures: Path, work: Path, crops_file: Path) -> Made:
    """Return the case with ten lists, made anew only where it is not there yet."""
    done, case, keys = work / "made", work / "case", work / "keys"
    stamp = f"{_FORM} {schema.REVISION} {Rule().text()} {ITEMS} {LIST_ENTRIES}"
    fresh = not done.exists() or done.read_text() != stamp
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    forms, qualities = _item_codes(pictures, work / "items.npz")
    digests = _digests()
    scaled = np.random.default_rng(11).random(ITEMS) < SCALED_SHARE
    plan = _plan(forms, qualities)
    added = work / f"list-{LISTS_AT_FIRST}.csv"
    if fresh:
        _make_case(case, keys, digests, forms, qualities, scaled, plan)
        alone = command.ran(["match", "--case", str(case)], keys)
        (work / "alone.json").write_bytes(msgspec.json.encode(alone))
        for number, path in enumerate(_list_files(pictures, work, crops_file, digests, plan)):
            if number < LISTS_AT_FIRST:
                command.ran(import_of(path, case), keys)
                path.unlink()
        done.write_text(stamp)
    planted = [one for one, _ in plan]
    alone = msgspec.json.decode((work / "alone.json").read_bytes(), type=command.Ran)
    return Made(case, keys, added, planted, digests, int(scaled.sum()), alone)


def import_of(file: Path, case: Path) -> list[str]:
    """Return the command that imports a list under the name of its file."""
    return [
        *("lists", "import", str(file), "--case", str(case)),
        *("--name", file.stem, "--scheme", "vics-us"),
    ]


def _item_codes(pictures: Path, kept: Path) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Return eight forms of each item's code, uint8 (n, 8, 32), and qualities."""
    if not kept.exists():
        paths = sorted(pictures.glob("*.jpg"))[::_EACH_FOURTH]
        each = -(-ITEMS // len(paths))
        with ProcessPoolExecutor(PROCESSES) as processes:
            parts = list(processes.map(_forms_of, paths, range(len(paths)), [each] * len(paths)))
        forms = np.concatenate([one for one, _ in parts])[:ITEMS]
        np.savez(kept, forms=forms, qualities=np.concatenate([one for _, one in parts])[:ITEMS])
    held = np.load(kept)
    return held["forms"], held["qualities"]


def _forms_of(path: Path, number: int, count: int) -> tuple[Codes, npt.NDArray[np.int64]]:
    from PIL import Image

    from headwater.measures import pdq_hash

    with Image.open(path) as picture:
        pixels: Any = np.asarray(picture.convert("L"))
    height, width = pixels.shape
    random = np.random.default_rng([7, number])
    forms, qualities = np.empty((count, 8, 32), np.uint8), np.empty(count, np.int64)
    for row in range(count):
        share, down, across = random.uniform(0.3, 0.9), random.random(), random.random()
        rows, columns = int(height * share), int(width * share)
        top, left = int(down * (height - rows)), int(across * (width - columns))
        crop = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
        forms[row], qualities[row] = pdq_hash.dihedral(crop)
    return forms, qualities


def _digests() -> list[Digests]:
    random = np.random.default_rng(12).bytes(68 * ITEMS)
    parts = [random[begin : begin + 68] for begin in range(0, len(random), 68)]
    return [
        Digests(sha256=one[:32], sha1=one[32:52], md5=one[52:], size_bytes=300_000) for one in parts
    ]


def _plan(forms: Codes, qualities: npt.NDArray[np.int64]) -> list[tuple[Planted, bytes]]:
    """Return what is planted where, and with it the digest's kind or the code."""
    good = np.flatnonzero(qualities >= Rule().least_quality)
    random = np.random.default_rng(13)
    chosen = random.permutation(good)[: EQUAL + NEAR].tolist()
    plan: list[tuple[Planted, bytes]] = []
    for number, item in enumerate(chosen):
        name = f"list-{number % (LISTS_AT_FIRST + 1)}"
        if number < EQUAL:
            plan.append((Planted(item, name, ("md5", "sha1")[number % 2], None), b""))
            continue
        distance = number % (Rule().radius_bits + 1)
        mask = hamming_codes.masks(np.array([distance]), random)[0]
        code = forms[item, number % len(DIHEDRAL)] ^ mask
        plan.append((Planted(item, name, "pdq", distance), code.tobytes()))
    return plan


def _make_case(
    case: Path,
    keys: Path,
    digests: list[Digests],
    forms: Codes,
    qualities: npt.NDArray[np.int64],
    scaled: npt.NDArray[np.bool_],
    plan: list[tuple[Planted, bytes]],
) -> None:
    """Commit all items, and the full decodes' hashes of planted ones that hang on them."""
    os.environ["HEADWATER_KEY_DIR"] = str(keys)
    store = CaseStore.create(
        case, CaseInfo(name="bench", examiner="", organisation="", authority="")
    )
    loaded = load_measures((*BUILT_IN, *ON_DEMAND), {})
    methods = {one.row.method.name: one.row.method for one in loaded}
    source = store.source("folder", b"/nowhere")
    for begin in range(0, ITEMS, _BATCH):
        part = range(begin, min(begin + _BATCH, ITEMS))
        outcomes = tuple(
            Outcome(
                digests=digests[item],
                identity=_IDENTITY,
                state="measured",
                measurements={"pdq": _record(forms[item], int(qualities[item]), scaled[item])},
                methods=(methods["pdq"],),
            )
            for item in part
        )
        occurrences = tuple(
            Occurrence(
                source_id=source,
                directory=b"DCIM/%03d" % (begin // _BATCH),
                name=b"IMG_%06d.JPG" % item,
                kind="file",
                item_sha256=digests[item].sha256,
                size_bytes=300_000,
                modified_ns=1_700_000_000_000_000_000,
                changed_ns=1_700_000_000_000_000_000,
            )
            for item in part
        )
        store.commit(Batch(outcomes=outcomes, occurrences=occurrences))
    with Case.open(case) as opened:
        ids = {one.sha256: one.outcome_id for one in opened.comparables(0, ITEMS)}
    again = [
        Rehash(
            outcome_id=ids[digests[one.item].sha256],
            methods=(methods["pdq_full"],),
            pdq=forms[one.item].tobytes(),
            quality=int(qualities[one.item]),
        )
        for one, _ in plan
        if one.distance is not None and one.distance >= _CRAMPED and scaled[one.item]
    ]
    store.commit_matches([], Compared(), rehashes=again)
    store.close()


_IDENTITY = Identity(
    kind="picture",
    format="jpeg",
    media_type="image/jpeg",
    claims=(Claim(format="jpeg", offset_bytes=0, evidence="magic"),),
)


def _record(forms: Codes, quality: int, scaled: bool) -> bytes:
    hexes = {name: form.tobytes().hex() for name, form in zip(DIHEDRAL, forms, strict=True)}
    decode = {
        "decoder": "libjpeg-turbo (simplejpeg)",
        "width_px": 1008,
        "height_px": 756,
        "scale": "dct 1/4" if scaled else "full",
    }
    return msgspec.json.encode(
        {
            "pdq": hexes["original"],
            "quality": quality,
            "dihedral": hexes,
            "subject": "picture" if scaled else "raster",
            "decode": decode,
        }
    )


def _list_files(
    pictures: Path,
    work: Path,
    crops_file: Path,
    digests: list[Digests],
    plan: list[tuple[Planted, bytes]],
) -> Iterator[Path]:
    """Yield list files one by one: MD5, SHA-1, PDQ and category of each entry."""
    names = sorted(pictures.glob("*.jpg"))
    real = crops(pictures, crops_file, LIST_ENTRIES)
    each = -(-LIST_ENTRIES // len(names))
    others = real[(np.arange(len(real)) // each) % _EACH_FOURTH != 0]
    flips = hamming_codes.measured_flips(others, each, 10_000)
    total = (LISTS_AT_FIRST + 1) * LIST_ENTRIES
    codes = hamming_codes.extended(others, flips, total)
    # Each list holds codes of every picture.
    order = np.random.default_rng(14).permutation(total)
    for number in range(LISTS_AT_FIRST + 1):
        path = work / f"list-{number}.csv"
        part = codes[order[number * LIST_ENTRIES : (number + 1) * LIST_ENTRIES]]
        random = np.random.default_rng([15, number])
        md5 = random.integers(0, 256, (LIST_ENTRIES, 16), np.uint8)
        sha1 = random.integers(0, 256, (LIST_ENTRIES, 20), np.uint8)
        mine = [(one, code) for one, code in plan if one.list_name == path.stem]
        for row, (one, code) in zip(
            random.choice(LIST_ENTRIES, len(mine), replace=False).tolist(), mine, strict=True
        ):
            if one.kind == "pdq":
                part[row] = np.frombuffer(code, np.uint8)
            elif one.kind == "md5":
                md5[row] = np.frombuffer(digests[one.item].md5, np.uint8)
            else:
                sha1[row] = np.frombuffer(digests[one.item].sha1, np.uint8)
        _write(path, md5, sha1, part)
        yield path


def _write(path: Path, md5: Codes, sha1: Codes, pdq: Codes) -> None:
    columns = zip(*(_hexes(values) for values in (md5, sha1, pdq)), strict=True)
    with path.open("w") as out:
        out.write("md5,sha1,pdq,category\n")
        out.writelines(f"{m},{s},{p},{row % 3}\n" for row, (m, s, p) in enumerate(columns))


def _hexes(values: Codes) -> Iterator[str]:
    digits = 2 * values.shape[1]
    text = values.tobytes().hex()
    return (text[begin : begin + digits] for begin in range(0, len(text), digits))

"""Matching a case of many items against many lists, by the real command.

The case is made without files: its items are what an examination would have kept of them. It is
matched first without any list, as `examine` does at its end. Then it gets ten lists, and one more,
and is matched again each time. Everything planted has to be found, at its distance. Items whose
full decode decides are unconfirmed here, because there is nothing to decode: how many is printed.
"""

from __future__ import annotations

from pathlib import Path

from bench import command, machine
from bench.matching_case import ITEMS, LIST_ENTRIES, LISTS_AT_FIRST, Made, import_of, made
from bench.report import Report, Setting
from headwater.case.query import Case

MOST_SECONDS = 120.0
MOST_SECONDS_AGAIN = 15.0


def bench(setting: Setting) -> Report:
    assert setting.data is not None
    report = Report()
    crops_file = setting.work / "hamming" / "crops.npy"
    crops_file.parent.mkdir(exist_ok=True)
    built = made(setting.data / "photos", setting.work / "matching", crops_file)
    report.say(
        f"{ITEMS:,} items, {built.scaled:,} of them hashed from a smaller decode; lists of "
        f"{LIST_ENTRIES:,} entries, each with MD5, SHA-1 and PDQ. Load average {machine.load()}."
    )
    case = built.copy(setting.work / "matching-case")
    first = command.ran(["match", "--case", str(case)], built.keys)
    command.ran(import_of(built.added, case), built.keys)
    again = command.ran(["match", "--case", str(case)], built.keys)
    report.table(
        ("against", "wall s", "CPU s", "peak MB", "full decodes asked for", "matches"),
        [
            _row("each other, before", built.alone),
            _row(f"{LISTS_AT_FIRST} lists", first),
            _row("one list more", again),
        ],
    )
    missing = _missing(report, built, case)
    report.at_most("planted matches that were not found", missing, 0)
    report.at_most(f"against {LISTS_AT_FIRST} lists, wall", first.wall, MOST_SECONDS, " s")
    report.at_most("against one list more, wall", again.wall, MOST_SECONDS_AGAIN, " s")
    return report


def _row(against: str, ran: command.Ran) -> tuple[str, ...]:
    return (
        against,
        f"{ran.wall:.1f}",
        f"{ran.cpu:.1f}",
        f"{ran.peak_mb:,.0f}",
        f"{ran.said['full_decodes']:,}",
        f"{ran.said['changed']:,}",
    )


def _missing(report: Report, built: Made, case: Path) -> int:
    """Return how many planted matches the case does not hold as they were planted."""
    missing = 0
    with Case.open(case) as opened:
        names = {one.version_id: one.info.name for one in opened.lists()}
        ids = {one.sha256: one.item_id for one in opened.all_items()}
        for one in built.planted:
            found = {
                (names[match.list_version_id], str(match.kind)): match
                for match in opened.matches(ids[built.digests[one.item].sha256])
                if match.list_version_id is not None
            }
            match = found.get((one.list_name, one.kind))
            good = match is not None and match.standing == "match"
            # Something else may lie nearer than what was planted.
            near = match is not None and (match.distance or 0) <= (one.distance or 0)
            missing += not (good and near)
        by_list = [len(opened.matched_items(version)) for version in names]
    report.say(
        f"{len(built.planted):,} matches are planted; {sum(by_list):,} pairs of an item and a list "
        "match in all."
    )
    return missing

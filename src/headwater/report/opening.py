"""How the evidence was opened: run by run, what was promised, and what held."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from headwater.case.query import Case
from headwater.case.records import RunRow
from headwater.report.limits import LeftOut, PageLimits
from headwater.report.markup import Html, element, joined, said, spoken
from headwater.report.values import value_of
from headwater.report.words import amount, more, table

PROPERTIES = {
    "no_new_privileges": "No program can be started that gives more rights",
    "system_calls": "Only listed system calls: no network, no programs, no writing by name",
    "limits": "Memory, file sizes, descriptors and threads are bounded by the kernel",
    "descriptors": "No descriptor is open but the ones it needs",
    "files": "By name, only program libraries can be read; nothing can be written",
    "landlock": "The kernel decides by the file itself (Landlock)",
    "mount_view": "The file system it sees holds program libraries alone",
    "network": "A network without any interface",
    "ipc": "No memory shared with other programs",
    "identity": "It works as a user that owns nothing",
    "capabilities": "It holds no rights of the administrator",
    "environment": "It cannot read the environment of the examiner's session",
    "hidden": "Other programs cannot read its memory or steer it",
    "ends_with_nursery": "It ends when the program ends",
    "first_to_go": "It is the first to be ended when memory runs out",
    "memory_group": "The memory of all workers together is bounded",
}
"""What each property of a cage means, by its name."""

_LEVELS = {
    "strong": "strong: what is required, and with it Landlock, the mount view, the empty network, "
    "the user that owns nothing, and no rights of the administrator",
    "required": "required: that without which nothing is opened",
}


def opening(
    case: Case, runs: list[RunRow], limits: PageLimits, left_out: LeftOut
) -> Iterator[Html]:
    """Yield the sources, the runs and their cages."""
    yield element("h3", "Sources")
    rows = [
        (source.source_id, said(source.path), source.kind, element("time", source.first_seen_at))
        for source in case.sources()
    ]
    yield table(("No.", "Path", "Kind", "First seen"), rows)
    yield element(
        "p",
        "Sources are opened for reading only, step by step from the named folder. Links are "
        "recorded and never followed, devices and pipes are never opened. A file counts as read "
        "once all of its bytes went through SHA-256, SHA-1 and MD5.",
    )
    shown = runs[-limits.groups :]
    left_out.note("earlier run in the table of runs", len(runs) - len(shown))
    yield element("h3", "Runs")
    heads = ("Run", "Began", "How it ended", "Access times", "Cage", "Proved by", "Program")
    yield table(heads, [_run(run) for run in shown])
    yield from _cages(shown)
    yield more("What was asked for, and the libraries behind the results", *map(_asked, shown))


def _run(run: RunRow) -> tuple[Html | str | int, ...]:
    info = run.info
    cage = info.cage.get("level", "not stated")
    probes = f"{amount(info.probes, 'attempt')} to leave the cage, all stopped"
    return (
        run.run_id,
        element("time", run.started_at),
        _ending(run),
        _bad("reading that may change them was allowed") if info.accept_atime else "kept",
        _bad("none: uncaged") if info.uncaged else spoken(cage or "not stated"),
        probes if info.probes and not info.uncaged else element("em", "nothing"),
        f"Headwater {spoken(info.program_version)}, {spoken(info.engine)}, "
        f"{amount(info.workers, 'worker')}",
    )


def _bad(words: str) -> Html:
    return element("strong", words, class_="bad")


def _ending(run: RunRow) -> Html:
    if not run.events:
        return _bad("not ended, or not in order")
    ends = [joined((spoken(event.event), " ", element("time", event.at))) for event in run.events]
    return joined(ends, "; ")


def _cages(runs: list[RunRow]) -> Iterator[Html]:
    """Yield each cage once, with the runs that had it."""
    alike: dict[bytes, list[RunRow]] = {}
    for run in runs:
        alike.setdefault(msgspec.json.encode(run.info.cage, order="sorted"), []).append(run)
    for group in alike.values():
        cage = group[-1].info.cage
        if not cage:
            continue
        which = ", ".join(str(run.run_id) for run in group)
        title = f"The cage of run {which}" if len(group) == 1 else f"The cage of runs {which}"
        level = cage.get("level", "")
        words = element("p", "Level ", _LEVELS.get(level) or said(level or "not stated"), ".")
        rows = [_property(name, value) for name, value in cage.items() if name != "level"]
        yield more(title, words, table(("Property", "Held", "How, or why not"), rows))


def _property(name: str, value: str) -> tuple[Html, Html, Html]:
    held, _, why = value.partition(": ")
    mark = element("span", "yes", class_="good") if held == "on" else element("span", "no")
    meaning = PROPERTIES.get(name)
    label = element("span", meaning) if meaning else said(name)
    named = joined((label, " ", element("code", spoken(name))))
    if held not in ("on", "off"):
        return named, element("span", "see beside"), said(value)
    return named, mark, said(why)


def _asked(run: RunRow) -> Html:
    try:
        options = msgspec.json.decode(run.info.options)
    except msgspec.DecodeError:
        options = run.info.options
    asked = value_of({"options": options, "versions": run.info.versions})
    return joined((element("h4", f"Run {run.run_id}"), asked))

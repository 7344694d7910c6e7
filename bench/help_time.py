"""How soon the program answers `--help`, which loads no decoder, kernel or database."""

from __future__ import annotations

from bench.program import best_of
from bench.report import Report, Setting

MOST_SECONDS = 0.3
TIMES = 5


def bench(_setting: Setting) -> Report:
    report = Report()
    wall, cpu = best_of(TIMES, ["--help"])
    report.say(f"`headwater --help`, best of {TIMES}: {wall:.3f} s, of which {cpu:.3f} s CPU.")
    report.at_most("help, wall", wall, MOST_SECONDS, " s")
    return report

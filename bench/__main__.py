"""Run benches: `python -m bench [--nightly] [--data FOLDER] [--write FILE] [NAME...]`.

Each prints what it measured and whether its targets are met. Figures are ratios, or CPU time, of
things measured in the same run. The exit code is 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.registry import BENCHES, Entry
from bench.report import Report, Setting

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    options = _options()
    setting = Setting(options.data, options.nightly, ROOT / "build" / "bench")
    setting.work.mkdir(parents=True, exist_ok=True)
    chosen = [entry for entry in BENCHES if not options.names or entry.name in options.names]
    reports: list[tuple[Entry, Report | None]] = []
    print(machine.described())
    for entry in chosen:
        if entry.needs_data and setting.data is None:
            print(f"\n== {entry.name}: left out, it needs --data or HEADWATER_DATA", flush=True)
            reports.append((entry, None))
            continue
        print(f"\n== {entry.name}: {entry.what}", flush=True)
        began = time.monotonic()
        reports.append((entry, entry.run(setting)))
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    summary = _summary(reports)
    if options.write:
        options.write.write_text(_document(reports, summary, nightly=options.nightly))
    missed = [claim for _, report in reports if report for claim in report.claims if not claim.met]
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=_first_line())
    parser.add_argument("names", nargs="*", metavar="NAME", help=_names())
    parser.add_argument("--nightly", action="store_true", help="the long form of long benches")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("HEADWATER_DATA"),
        help="folder of benign media; HEADWATER_DATA if not given",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a markdown document too")
    options = parser.parse_args()
    if unknown := set(options.names) - {entry.name for entry in BENCHES}:
        parser.error(f"no bench is named {sorted(unknown)[0]!r}: {_names()}")
    if options.data is not None:
        options.data = Path(options.data).resolve()
        if not options.data.is_dir():
            parser.error(f"{options.data} is not a folder")
    return options


def _first_line() -> str:
    return "Measure Headwater against its targets."


def _names() -> str:
    return "one of " + ", ".join(entry.name for entry in BENCHES)


def _summary(reports: list[tuple[Entry, Report | None]]) -> Report:
    print("\n== summary", flush=True)
    rows = []
    for entry, report in reports:
        if report is None:
            rows.append((entry.name, "left out: it needs a folder of media", "", "", ""))
            continue
        for claim in report.claims:
            result = "PASS" if claim.met else "FAIL"
            rows.append((entry.name, claim.what, claim.measured, claim.target, result))
    summary = Report()
    summary.table(("bench", "what", "measured", "target", ""), rows)
    return summary


def _document(reports: list[tuple[Entry, Report | None]], summary: Report, *, nightly: bool) -> str:
    command = "make bench-nightly" if nightly else "make bench"
    parts = [
        "# Benchmarks",
        f"Written by `{command}` (`python -m bench --write`) on "
        f"{datetime.now(UTC).date().isoformat()}: {machine.described()}.",
        "Pictures are named by the first twelve digits of their SHA-256. CPU times are of this "
        "machine; what is promised is the ratios, and the bounds in the last column.",
        *summary.blocks,
    ]
    for entry, report in reports:
        if report is not None:
            parts += [f"## {entry.name}: {entry.what}", *report.blocks]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())

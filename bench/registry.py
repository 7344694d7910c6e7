"""Every bench, written out, in the order in which they run."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass

from bench.report import Claim, Report, Setting


@dataclass(frozen=True, slots=True)
class Entry:
    """One bench. `runs` is `module:function`, or `module` of a program with a bench of its own."""

    name: str
    runs: str
    what: str
    needs_data: bool = False
    arguments: tuple[str, ...] = ()
    """For a program: `{data}` is replaced by the folder of media."""

    def run(self, setting: Setting) -> Report:
        module, _, function = self.runs.partition(":")
        if function:
            report: Report = getattr(importlib.import_module(module), function)(setting)
            return report
        return self._run_program(module, setting)

    def _run_program(self, module: str, setting: Setting) -> Report:
        """Run a program that says what it measured, and by its exit code whether that holds."""
        arguments = [argument.format(data=setting.data) for argument in self.arguments]
        ran = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        report = Report()
        report.say(f"```\n{ran.stdout.rstrip()}\n```")
        met = ran.returncode == 0 and "MISSED" not in ran.stdout
        said = "see its lines" if ran.returncode in (0, 1) else f"exit code {ran.returncode}"
        report.claim(Claim(self.what, said, "as it says itself", met))
        return report


BENCHES: tuple[Entry, ...] = (
    Entry("help", "bench.help_time:bench", "how soon the program answers"),
    Entry("picture", "bench.picture:bench", "one JPEG, beside its floor and a peer", True),
    Entry(
        "pdq_decode",
        "bench.pdq_decode",
        "PDQ of the scaled decode: median at most 4 bits, 99th percentile at most 16",
        True,
        ("{data}/cameras", "{data}/photos", "--composites", "160"),
    ),
    Entry("video", "bench.video", "facts and storyboard of 1080p: at least 40 times real time"),
    Entry("engine_cost", "bench.engine_cost:bench", "what the engine adds to an item", True),
    Entry("death", "bench.death:bench", "what a worker's death costs"),
    Entry(
        "faults", "bench.faults:bench", "throughput where one task in a hundred kills its worker"
    ),
    Entry("workers", "bench.workers:bench", "two workers beside one", True),
    Entry("hamming", "bench.hamming:bench", "exact range search over 256-bit codes", True),
    Entry(
        "import_list", "bench.import_list:bench", "import of a large VICS list, killed on the way"
    ),
    Entry("matching", "bench.matching:bench", "a large case against ten lists and one more", True),
    Entry("folder", "bench.folder:bench", "duplicates in a folder, beside czkawka", True),
    Entry("scale", "bench.scale:bench", "a large case: pace, memory, answers, bytes"),
)

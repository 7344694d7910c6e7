"""What a bench gives back: tables to read, and claims that hold or do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Setting:
    """How benches are to run."""

    data: Path | None
    """Folder of benign media to measure on, None where there is none."""
    nightly: bool
    work: Path
    """Folder for what a bench makes; it lies in build/ and may stay between runs."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One target: what was measured, what is wanted, and whether it is met."""

    what: str
    measured: str
    target: str
    met: bool

    def line(self) -> str:
        return f"{'PASS' if self.met else 'FAIL'}  {self.what}: {self.measured} ({self.target})"


@dataclass(slots=True)
class Report:
    """The outcome of one bench, in the order in which it was written."""

    blocks: list[str] = field(default_factory=list)
    """Markdown: paragraphs and tables."""
    claims: list[Claim] = field(default_factory=list)

    def say(self, text: str) -> None:
        print(text, flush=True)
        self.blocks.append(text)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        cells = [[str(cell) for cell in row] for row in (head, *rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
        numbers = [all(_is_number(row[place]) for row in cells[1:]) for place in range(len(head))]
        lines = [_row(row, widths, numbers) for row in cells]
        rule = ["-" * (w - 1) + (":" if n else "-") for w, n in zip(widths, numbers, strict=True)]
        lines.insert(1, _row(rule, widths, numbers))
        self.say("\n".join(lines))

    def at_most(self, what: str, value: float, target: float, unit: str = "") -> None:
        self._claim(what, value, "at most", target, unit, value <= target)

    def at_least(self, what: str, value: float, target: float, unit: str = "") -> None:
        self._claim(what, value, "at least", target, unit, value >= target)

    def claim(self, claim: Claim) -> None:
        print(claim.line(), flush=True)
        self.claims.append(claim)

    def _claim(
        self, what: str, value: float, word: str, target: float, unit: str, met: bool
    ) -> None:
        self.claim(Claim(what, f"{value:.3g}{unit}", f"{word} {target:g}{unit}", met))


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").replace(",", "").replace(".", "", 1).isdigit()


def _row(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(cells, widths, numbers, strict=True)
    ]
    return f"| {' | '.join(padded)} |"

"""Examining a folder inside a test, by whichever engine."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from headwater.case.query import Case
from headwater.cli.run_examine import ExamineRequest, Summary, run_examine
from headwater.exchange.lines import write_jsonl


def examine(source: Path, case: Path, **wishes: Any) -> Summary:
    """Examine `source` into `case`; inline unless the wishes say otherwise."""
    chosen = {"engine": "inline", "uncaged": True, **wishes}
    return run_examine(ExamineRequest(sources=(source,), case=case, quiet=True, **chosen))


def exported(case: Path) -> str:
    """Return the whole export."""
    out = io.StringIO()
    with Case.open(case) as opened:
        write_jsonl(opened, out)
    return out.getvalue()


def documents(case: Path) -> list[dict[str, Any]]:
    """Return the export's documents."""
    return [json.loads(line) for line in exported(case).splitlines()]

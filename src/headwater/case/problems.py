"""Problems as they are stored, read back into records."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.case.latest import ProblemRow
from headwater.model import Problem


def problems_of(rows: Iterable[ProblemRow]) -> tuple[Problem, ...]:
    """Return the records of stored problems, in their order."""
    return tuple(
        Problem(code=code, where=where, reason=reason, limit=limit, reproducible=bool(reproducible))
        for code, where, reason, limit, reproducible in rows
    )

"""The one clock of the case: the times of leaves, runs and checkpoints."""

from __future__ import annotations

from datetime import UTC, datetime


def now_utc() -> str:
    """Return the time as RFC 3339 text in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

"""Reports where a VICS file deviates from version 2.0."""

from __future__ import annotations

from collections.abc import Generator

from headwater.lists.contract import Stream
from headwater.lists.vics.deviation import Deviation, Summary
from headwater.lists.vics.rewrite import Rewriting


def lint(stream: Stream) -> Generator[Deviation, None, Summary]:
    """Yield each deviation in the order of the file, and return what the file held.

    Each says what `repair` would make of it. One element is in memory at a time. Raises ListFault
    where the file breaks off or is not JSON, after what lies before that place.
    """
    rewriting = Rewriting(stream)
    for _, deviations in rewriting:
        yield from deviations
    return rewriting.summary

"""Writes a VICS file anew as version 2.0, with all that can be mended mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from headwater.lists.contract import Stream
from headwater.lists.vics.deviation import Deviation, Summary
from headwater.lists.vics.rewrite import DEFAULT_REGION, Rewriting


class Output(Protocol):
    """Takes the repaired file."""

    def write(self, data: bytes, /) -> object:
        """Write all of the bytes."""
        ...


def repair(
    stream: Stream,
    out: Output,
    *,
    region: str = DEFAULT_REGION,
    tell: Callable[[Deviation], None] | None = None,
) -> Summary:
    """Write the file to `out` in UTF-8 without byte order mark, and return what it held.

    Unknown members, the order of members and the spelling of numbers stay; space between members
    does not. `region` is named in the context where the file names none. `tell` gets every
    deviation, those that could not be mended with the outcome `kept` or `left out`. A repaired file
    is repaired to itself.

    Raises ListFault where the file breaks off or is not JSON; `out` is incomplete then.
    """
    rewriting = Rewriting(stream, region=region)
    for text, deviations in rewriting:
        out.write(text)
        if tell is not None:
            for deviation in deviations:
                tell(deviation)
    return rewriting.summary

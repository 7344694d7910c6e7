"""By what rule matches are made; part of every match, and of what was compared."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.model import Record

VERSION = 2
"""Rises whenever the same items, lists and rule could give other matches."""

PHOTODNA_DISTANCE = 40_000
"""The distance at which a public look-up calls two PhotoDNA values near."""


class Rule(Record, frozen=True, kw_only=True):
    """How near is near, and what is not compared."""

    version: int = VERSION
    radius_bits: int = 31
    """PDQ hashes at most so far apart match: the distance that the exchanges agreed on."""
    least_quality: int = 50
    """PDQ hashes of a lower quality (0..100) are not compared."""
    margin_bits: int = 16
    """A hash from a smaller decode whose distance lies so near the radius, on either side, is
    made again from the full decode before the match is declared or dismissed."""
    photodna_distance: int | None = None
    """Given PhotoDNA values at most so far apart match (squared Euclidean distance over 144
    bytes); None: they are not compared."""
    most_partners: int = 64
    """Of the items near one form of an item, so many of the nearest are kept."""

    def text(self, given_by: Sequence[int] = ()) -> str:
        """Return the rule as JSON with sorted keys; equal rules give equal text.

        `given_by` are the ids of the lists that give values to what is compared by the rule. They
        are part of the text: with other lists, all is to be compared anew.
        """
        said = msgspec.to_builtins(self)
        if given_by:
            said["given_by"] = sorted(given_by)
        return msgspec.json.encode(said, order="sorted").decode()

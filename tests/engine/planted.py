"""What the measures that tests plant say of themselves."""

from __future__ import annotations

from headwater.measures.contract import Doc


def doc_of(requirement: str) -> Doc:
    """Return the documentation of a measure that measures nothing."""
    return Doc(
        requirement=requirement,
        shows="nothing",
        cannot_show="anything",
        method="none",
        validated_on="not validated",
    )

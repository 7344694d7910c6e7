"""What a walk over a format's structure gives, whichever format it is."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.model import Embedded


@dataclass(frozen=True, slots=True)
class Layout:
    """The structure of one item, as far as it could be followed."""

    format: str
    """The short name, made more exact than the signature where the structure tells."""
    end_bytes: int | None
    """Where the structure ends; None where it cannot be told."""
    embedded: tuple[Embedded, ...] = ()
    notes: tuple[str, ...] = ()
    texts: tuple[tuple[int, bytes], ...] = ()
    """Free text that the format carries (offset in bytes, content), bounded in size and number."""
    media_type: str | None = None
    """Set where one short name has several media types."""

"""Signal types: what HMA calls them, how they are written, and what lists keep them as.

`pdq` and `video_md5` are HMA's. `md5`, `sha1` and `sha256` are an extension of Headwater, for
lists that hold digests of pictures.
"""

from __future__ import annotations

import re
from typing import Any

from headwater.errors import UsageError
from headwater.model import Record

NO_DISTANCE = "-"
"""HMA's own word for a match that has no distance."""
_HEX = re.compile(r"[0-9a-f]+")


class SignalType(Record, frozen=True, kw_only=True):
    """One signal type."""

    name: str
    kind: str
    """What lists keep: `pdq`, `md5`, `sha1` or `sha256`."""
    size_bytes: int

    def parsed(self, signal: str) -> bytes:
        """Return a signal's bytes. Raises UsageError, which does not repeat the signal."""
        text = signal.strip().lower()
        if len(text) != 2 * self.size_bytes or not _HEX.fullmatch(text):
            raise UsageError(
                f"invalid signal: a {self.name} signal is {2 * self.size_bytes} hex digits"
            )
        return bytes.fromhex(text)

    def compared(self, left: bytes, right: bytes, radius_bits: int) -> list[Any]:
        """Return whether two signals match, and their distance, as HMA writes it."""
        if self.kind != "pdq":
            return [left == right, {"distance": NO_DISTANCE}]
        apart = (int.from_bytes(left) ^ int.from_bytes(right)).bit_count()
        return [apart <= radius_bits, {"distance": apart}]


SIGNAL_TYPES = {
    one.name: one
    for one in (
        SignalType(name="pdq", kind="pdq", size_bytes=32),
        SignalType(name="video_md5", kind="md5", size_bytes=16),
        SignalType(name="md5", kind="md5", size_bytes=16),
        SignalType(name="sha1", kind="sha1", size_bytes=20),
        SignalType(name="sha256", kind="sha256", size_bytes=32),
    )
}
OF_CONTENT = {"photo": ("pdq",), "video": ("video_md5",)}
"""By content type, the signal types that HMA makes of it."""
EXTENSION = ("md5", "sha1", "sha256")
"""Made of any content, where they are asked for."""


def signal_type(name: str) -> SignalType:
    """Return a signal type. Raises UsageError, which does not repeat the name."""
    found = SIGNAL_TYPES.get(name)
    if found is None:
        raise UsageError(f"No such SignalType; there are {', '.join(SIGNAL_TYPES)}")
    return found


def types_of(content_type: str, wanted: str | None) -> tuple[SignalType, ...]:
    """Return the signal types to make of an upload. Raises UsageError.

    `wanted` is the parameter `types`: names, divided by commas.
    """
    made = OF_CONTENT.get(content_type)
    if made is None:
        raise UsageError(f"no such content_type; there are {', '.join(OF_CONTENT)}")
    if wanted is None:
        return tuple(SIGNAL_TYPES[name] for name in made)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names:
        raise UsageError("empty signal type selection")
    if any(name not in (*made, *EXTENSION) for name in names):
        raise UsageError(
            f"a signal type that is not made of a {content_type}; there are "
            f"{', '.join((*made, *EXTENSION))}"
        )
    return tuple(SIGNAL_TYPES[name] for name in dict.fromkeys(names))

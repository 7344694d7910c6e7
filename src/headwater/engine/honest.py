"""What an honest worker sends: the checks on everything that a worker says of an item.

A worker has read hostile bytes, so its words are judged before they are kept: shapes are checked
by `wire`, and meanings here. Each check raises WireError, which ends the worker and costs its
task a try.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from headwater.engine.wire import MemberFound, Window, WireError
from headwater.model import Digests, Method, Outcome

_INT64_MAX = 2**63 - 1
_LENGTHS = {"sha256": 32, "sha1": 20, "md5": 16}


def check_digests(digests: Digests, window: Window) -> None:
    """Digests have their lengths, and are of no more bytes than the item was given."""
    for name, length in _LENGTHS.items():
        if len(getattr(digests, name)) != length:
            raise WireError(f"a {name} that is not {length} bytes long")
    if not 0 <= digests.size_bytes <= window.size_bytes:
        raise WireError("digests of more bytes than the item has")


def check_outcome(outcome: Outcome, digests: Digests | None, known: Collection[Method]) -> None:
    """An outcome is of the item that was asked for, by methods that were asked for."""
    if outcome.digests != digests:
        raise WireError("the worker changed the digests that it had reported")
    if not set(outcome.methods) <= set(known):
        raise WireError("results of a method that was not asked for")
    if not set(outcome.measurements) <= {method.name for method in outcome.methods}:
        raise WireError("a measurement without its method")
    if not all(map(_is_json_object, outcome.measurements.values())):
        raise WireError("a measurement that is not JSON")
    for part in outcome.identity.embedded:
        end = part.offset_bytes + part.size_bytes
        if min(part.offset_bytes, part.size_bytes) < 0 or end > outcome.digests.size_bytes:
            raise WireError("embedded media outside their item")
    numbers = [outcome.identity.trailing_bytes]
    numbers += [claim.offset_bytes for claim in outcome.identity.claims]
    if not all(0 <= number <= _INT64_MAX for number in numbers):
        raise WireError("a number that no item has")


def check_member(found: MemberFound, most_members: int) -> None:
    """A member stands at a position that a container of this run can have.

    Sizes and offsets are claims of the container, and may be as large as it likes.
    """
    if not 0 <= found.ordinal <= 2 * most_members:
        raise WireError("a member at an impossible position")
    for number in (found.size_bytes, found.offset_bytes):
        if number is not None and number < 0:
            raise WireError("a member with a negative number")


def _is_json_object(data: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(data), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False

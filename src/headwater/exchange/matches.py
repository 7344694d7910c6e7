"""Matches of an item, and the category they come to, as a document says them."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.case.query import Case
from headwater.case.records import FoundMatch, ListVersion
from headwater.match.standing import Held, category, standing

Document = dict[str, Any]

UNITS = {"photodna": "squared distance"}
"""Of kinds that are not counted in differing bits, their unit. Digests differ in no bit."""


def matches_of(case: Case, item_id: int) -> Document:
    """Return `matches`, and `category`: null where neither a list nor a person says one."""
    found = case.matches(item_id)
    lists = case.lists_by_id() if found else {}
    held = standing(found, lists)
    known = category(held, case.decision(item_id))
    partners = case.digests_of(
        [one.match.partner_item_id for one in held if one.match.partner_item_id is not None]
    )
    said = [_match(one, partners) for one in held]
    return {
        "matches": sorted(said, key=_order),
        "category": None if known is None else msgspec.to_builtins(known),
    }


def _match(held: Held, partners: dict[int, bytes]) -> Document:
    match = held.match
    said: Document = {"kind": match.kind, "standing": held.standing}
    if held.listed is not None:
        said |= _list(held.listed, match)
    else:
        assert match.partner_item_id is not None
        said["item"] = partners[match.partner_item_id].hex()
    said["score"] = _score(match)
    said["how"] = match.detail.get("how", {})
    if held.suppressed_by is not None:
        said["suppressed_by"] = held.suppressed_by
    return said


def _list(version: ListVersion, match: FoundMatch) -> Document:
    info = version.info
    return {
        "list": info.name,
        "list_version": info.version,
        "role": info.role,
        "signed": info.signer is not None,
        "entries": match.entries,
        "categories": match.detail.get("categories", []),
        "labels": match.detail.get("labels", {}),
    }


def _score(match: FoundMatch) -> Document:
    return {"value": match.distance or 0, "unit": UNITS.get(match.kind, "differing bits")}


def _order(said: Document) -> tuple[bool, str, str, str]:
    return "list" not in said, said.get("list", ""), said["kind"], said.get("item", "")

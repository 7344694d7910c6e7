"""Finding again, in the sources, the bytes of items that a case already knows."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.case.query import Case
from headwater.case.records import ItemRow, Place
from headwater.engine.replay import Node, Root, Stored
from headwater.errors import EvidenceError
from headwater.evidence.folder import Place as FolderPlace
from headwater.evidence.folder import Walk

FileKey = tuple[int, bytes, bytes]
"""Source, directory and name of a file."""


def open_walks(case: Case, *, accept_atime: bool) -> tuple[dict[int, Walk], dict[bytes, str]]:
    """Open the sources of a case again: by id those that are there, by path why others are not."""
    walks: dict[int, Walk] = {}
    missing: dict[bytes, str] = {}
    for source in case.sources():
        try:
            walks[source.source_id] = Walk(source.path, accept_atime=accept_atime)
        except EvidenceError as error:
            missing[source.path] = str(error)
    return walks, missing


def add_item(case: Case, nodes: dict[FileKey, Node], item: ItemRow, stored: Stored) -> bool:
    """Add an item to what is to be measured again, under the file in which it lies first.

    Returns False where the case knows no place of it.
    """
    places = case.places(item.item_id, limit=1)
    if not places:
        return False
    _node_of(nodes, places[0], item.sha256).measure = stored
    return True


def roots(
    case: Case, walks: dict[int, Walk], nodes: dict[FileKey, Node], *, everything: bool
) -> Iterator[Root]:
    """Yield the files of sources that can be opened: all, or those that `nodes` asks for."""
    for _source, file in case.files():
        if file.item_sha256 is None or file.source_id not in walks:
            continue
        node = nodes.get((file.source_id, file.directory, file.name))
        if node is None and not everything:
            continue
        place = FolderPlace(
            file.directory, file.name, "file", file.size_bytes, file.modified_ns, None, None
        )
        yield Root(walks[file.source_id], place, node or Node(file.item_sha256))


def _node_of(nodes: dict[FileKey, Node], place: Place, sha256: bytes) -> Node:
    contents = [*(step.parent_sha256 for step in place.steps), sha256]
    key = (place.source_id, place.directory, place.name)
    node = nodes.setdefault(key, Node(contents[0]))
    for step, content in zip(place.steps, contents[1:], strict=True):
        node = node.inside.setdefault(step.ordinal, Node(content))
    return node

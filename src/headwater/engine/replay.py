"""Doing it again: are the sources what they were, and do the stored results come out the same?

A replay opens a place, digests its bytes and measures them with the same engine. Each result ends
as one of four: *equal*, *within the declared tolerance*, *differs under other library versions*,
or *differs: alarm*.
"""

from __future__ import annotations

import math
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from headwater.engine.spool import Spool, SpoolFile, read_only, sealed
from headwater.engine.task import Death, Engine, Task
from headwater.engine.wire import MemberFound, Visited, Walked, Window
from headwater.errors import EvidenceError
from headwater.evidence.folder import Place, Walk
from headwater.model import Digests, Identity, Method, Outcome

Verdict = Literal["equal", "tolerance", "other_versions", "alarm"]
_MEMBERS_AT_ONCE = 64
_WALKS_PER_DEPTH = 2

RELATIVE_TOLERANCE = 1e-6
"""Largest relative difference of a number that still counts as the same result."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What the case holds of an item that is to be measured again."""

    sha256: bytes
    measurements: dict[str, Any]
    methods: tuple[Method, ...]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement made again."""

    sha256: bytes
    method: str
    verdict: Verdict
    detail: str = ""


class SourceFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A place that is not what it was."""

    source: bytes
    path: bytes
    code: Literal["missing", "changed", "unreadable", "not_replayed"]
    reason: str


@dataclass(slots=True)
class Node:
    """A place to open again: expected content, items to measure, and places inside it."""

    expected: bytes
    measure: Stored | None = None
    inside: dict[int, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Root:
    """A file of a source, and what to do with it."""

    walk: Walk
    place: Place
    node: Node


@dataclass(slots=True)
class ReplayReport:
    """What a replay found."""

    files: int = 0
    bytes_read: int = 0
    items: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)
    """Every result that was not equal."""
    findings: list[SourceFinding] = field(default_factory=list)


class Replay:
    """Opens places again through an engine."""

    def __init__(self, engine: Engine, spool: Spool, tick: Callable[[ReplayReport], None]) -> None:
        self.engine = engine
        self.spool = spool
        self.report = ReplayReport()
        self._tick = tick
        self._queue: deque[_Again] = deque()
        self.walking: Counter[int] = Counter()
        """Walks under way, by depth."""

    def run(self, roots: Iterable[Root]) -> ReplayReport:
        """Open every root, digest it, and measure what it asks for."""
        ahead = iter(roots)
        more = True
        while True:
            while more and not self._queue and self.engine.is_free("visit"):
                root = next(ahead, None)
                more = root is not None
                if root is not None:
                    self._open(root)
                    self._give_out()
            self._give_out()
            if not more and not self._queue and not self.engine.is_busy():
                return self.report
            self.engine.wait(0.1)
            self._tick(self.report)

    def queue(self, again: _Again) -> None:
        """Take a task for the next free worker."""
        self._queue.append(again)

    def work_once(self) -> bool:
        """Get on with what is queued; return whether there was anything."""
        self._give_out()
        if not self.engine.is_busy():
            return False
        self.engine.wait(0.0)
        return True

    def _give_out(self) -> None:
        for _ in range(len(self._queue)):
            again = self._queue.pop()
            if again.kind == "walk" and self.walking[again.depth] < _WALKS_PER_DEPTH:
                self.walking[again.depth] += 1
                self.engine.start(again.task(), again)
            elif again.kind == "visit" and self.engine.is_free("visit"):
                self.engine.start(again.task(), again)
            else:
                self._queue.appendleft(again)

    def _open(self, root: Root) -> None:
        try:
            descriptor = root.walk.open_place(root.place)
        except FileNotFoundError:
            self.finding(root, "missing", "it is not there any more")
            return
        except OSError as error:
            self.finding(root, "unreadable", error.strerror or type(error).__name__)
            return
        except EvidenceError as error:
            self.finding(root, "unreadable", str(error))
            return
        self.report.files += 1
        window = Window(start_bytes=0, size_bytes=os.fstat(descriptor).st_size)
        self.queue(_Again(self, root, root.node, window, descriptor))

    def finding(
        self,
        root: Root,
        code: Literal["missing", "changed", "unreadable", "not_replayed"],
        reason: str,
    ) -> None:
        """Record that a place is not what it was."""
        place = root.place
        path = place.directory + b"/" + place.name if place.directory else place.name
        self.report.findings.append(
            SourceFinding(source=root.walk.source, path=path, code=code, reason=reason)
        )

    def compare(self, stored: Stored, outcome: Outcome) -> None:
        """Compare one item's results with what the case holds."""
        self.report.items += 1
        for compared in compare(stored, outcome):
            counts = self.report.verdicts
            counts[compared.verdict] = counts.get(compared.verdict, 0) + 1
            if compared.verdict != "equal":
                self.report.compared.append(compared)


@dataclass(slots=True)
class _Again:
    """Answers for the tasks of one place that is opened again (an `engine.task.Handler`)."""

    replay: Replay
    root: Root
    node: Node
    window: Window
    descriptor: int
    owned: bool = True
    kind: Literal["visit", "walk"] = "visit"
    parent: _Again | None = None
    open_inside: int = 0
    format: str = ""
    spooled: tuple[int, int] = (0, 0)
    disk: deque[SpoolFile] = field(default_factory=deque)
    to_close: list[int] = field(default_factory=list)
    met: set[int] = field(default_factory=set)
    """Places inside that were opened."""
    tried_again: bool = False

    @property
    def depth(self) -> int:
        """Number of containers around the place."""
        return 0 if self.parent is None else self.parent.depth + 1

    def task(self) -> Task:
        only = tuple(sorted(self.node.inside.keys() - self.met))
        return Task(self.kind, self.descriptor, self.window, format=self.format, only=only)

    def digested(self, digests: Digests) -> bool:
        self.replay.report.bytes_read += digests.size_bytes
        if digests.sha256 != self.node.expected:
            self.replay.finding(self.root, "changed", "its content is not what was examined")
            self._end()
            return False
        if self.node.measure is None and not self.node.inside:
            self._end()
            return False
        return True

    def identified(self, identity: Identity) -> None: ...

    def unread(self, reason: str) -> None:
        self.replay.finding(self.root, "unreadable", reason)
        self._end()

    def visited(self, result: Visited) -> None:
        stored = self.node.measure
        identity = result.outcome.identity
        if stored is not None and identity.kind != "archive":
            self.replay.compare(stored, result.outcome)
        if not self.node.inside:
            self._end()
        elif identity.kind == "archive":
            self.kind, self.format = "walk", identity.format
            self.replay.queue(self)
        else:
            parts = dict(enumerate(identity.embedded))
            self.open_inside = 1
            for ordinal, node in sorted(self.node.inside.items()):
                if ordinal not in parts:
                    continue
                self.met.add(ordinal)
                start = self.window.start_bytes + parts[ordinal].offset_bytes
                size = parts[ordinal].size_bytes
                window = Window(start_bytes=start, size_bytes=size, key=self.window.key)
                self._open_inside(node, window, self.descriptor, owned=False)
            self._note_missed()
            self.inside_ended()

    def has_disk(self, size_bytes: int | None) -> bool:
        return self.replay.spool.has_disk(size_bytes)

    def spool_file(self, size_bytes: int | None) -> SpoolFile | None:
        self._drop_spool_files()
        made = self.replay.spool.disk_file(size_bytes)
        if made is not None:
            view = read_only(made.descriptor)
            self.disk.append(SpoolFile(view, made.key, made.room_bytes))
            self.to_close.append(made.descriptor)
        return made

    def has_room(self) -> bool:
        if self.open_inside == 0:
            return True
        return self.open_inside < _MEMBERS_AT_ONCE and self.replay.spool.has_memory()

    def make_room(self) -> bool:
        return self.replay.work_once()

    def member(self, found: MemberFound, descriptor: int | None) -> None:
        node = self.node.inside.get(found.ordinal)
        if found.on_disk and self.disk:
            file = self.disk.popleft()
            readable = file.descriptor
            key: bytes | None = file.key
            size = os.fstat(readable).st_size
            self.replay.spool.disk_bytes += size - file.room_bytes
            spooled = (0, size)
        elif descriptor is not None:
            readable, size = sealed(descriptor)
            key = None
            self.replay.spool.memory_bytes += size
            spooled = (size, 0)
        else:
            return
        window = Window(start_bytes=0, size_bytes=size, key=key)
        if node is None or found.ordinal in self.met:
            _Again(self.replay, self.root, Node(b""), window, readable, spooled=spooled).close()
            return
        self.met.add(found.ordinal)
        self._open_inside(node, window, readable, owned=True, spooled=spooled)

    def _open_inside(
        self,
        node: Node,
        window: Window,
        descriptor: int,
        *,
        owned: bool,
        spooled: tuple[int, int] = (0, 0),
    ) -> None:
        self.open_inside += 1
        self.replay.queue(
            _Again(
                self.replay,
                self.root,
                node,
                window,
                descriptor,
                owned,
                "visit",
                self,
                spooled=spooled,
            )
        )

    def walked(self, result: Walked) -> None:
        self.replay.walking[self.depth] -= 1
        self.kind = "visit"
        self._note_missed()
        self._end_if_complete()

    def died(self, death: Death) -> None:
        if self.kind == "walk":
            self.replay.walking[self.depth] -= 1
        if death.code != "limit" and not self.tried_again:
            self.tried_again = True
            self.replay.queue(self)
            return
        self.replay.finding(self.root, "not_replayed", death.reason)
        self.kind = "visit"
        self._end_if_complete()

    def _note_missed(self) -> None:
        if missed := self.node.inside.keys() - self.met:
            reason = f"{len(missed)} of the places inside it could not be opened again"
            self.replay.finding(self.root, "not_replayed", reason)

    def inside_ended(self) -> None:
        self.open_inside -= 1
        self._end_if_complete()

    def _end_if_complete(self) -> None:
        if self.kind == "visit" and self.open_inside == 0:
            self._end()

    def _end(self) -> None:
        self.close()
        if self.parent is not None:
            self.parent.inside_ended()

    def close(self) -> None:
        """Give back the bytes."""
        self._drop_spool_files()
        if self.owned:
            os.close(self.descriptor)
            self.owned = False
        self.replay.spool.memory_bytes -= self.spooled[0]
        self.replay.spool.disk_bytes -= self.spooled[1]
        self.spooled = (0, 0)

    def _drop_spool_files(self) -> None:
        for descriptor in self.to_close:
            os.close(descriptor)
        self.to_close.clear()
        while self.disk:
            self.replay.spool.give_back(self.disk.popleft())


def compare(stored: Stored, outcome: Outcome) -> list[Compared]:
    """Compare each stored measurement with the one made again, in order of names."""
    again = {name: msgspec.json.decode(data) for name, data in outcome.measurements.items()}
    stored_methods = {method.name: method for method in stored.methods}
    again_methods = {method.name: method for method in outcome.methods}
    results = []
    for name in sorted({*stored.measurements, *again}):
        same = stored_methods.get(name) == again_methods.get(name)
        before, after = stored.measurements.get(name), again.get(name)
        verdict = _verdict(before, after, same_method=same)
        detail = "" if verdict == "equal" else _first_difference(before, after)
        results.append(Compared(sha256=stored.sha256, method=name, verdict=verdict, detail=detail))
    return results


def _verdict(before: Any, after: Any, *, same_method: bool) -> Verdict:
    if before == after:
        return "equal"
    if before is not None and after is not None and _is_close(before, after):
        return "tolerance"
    return "alarm" if same_method else "other_versions"


def _is_close(before: Any, after: Any) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(
            _is_close(before[key], after[key]) for key in before
        )
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_close, before, after))
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=RELATIVE_TOLERANCE)
    return bool(before == after)


def _first_difference(before: Any, after: Any, path: str = "") -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                return _first_difference(before.get(key), after.get(key), f"{path}.{key}")
    return f"{path.lstrip('.') or 'value'}: {str(before)[:80]} became {str(after)[:80]}"

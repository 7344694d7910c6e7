"""The pool: supervised, caged workers on this machine.

Each worker has one task at a time and a channel of its own, so a worker that crashes, hangs or
lies costs its own task and nothing else. Time is watched from outside: the CPU time of each busy
worker is read from the kernel, and one that is over its limit is killed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Literal

import msgspec

from headwater.engine.nursery import (
    Config,
    Exited,
    Fork,
    Forked,
    FromNursery,
    Hello,
    Kill,
)
from headwater.engine.task import Death, EngineFacts, Handler, Task
from headwater.engine.warm import kernel_folder
from headwater.engine.wire import (
    Channel,
    Digested,
    FromWorker,
    Identified,
    MemberFound,
    Message,
    More,
    Proceed,
    Ready,
    Spool,
    Unread,
    Visit,
    Visited,
    WalkArchive,
    Walked,
    WireError,
)
from headwater.errors import CageError, HeadwaterError
from headwater.limits import GIB, Limits

_NURSERY_START_SECONDS = 300.0
_BURIAL_SECONDS = 10.0
_WATCH_SECONDS = 0.25
_TASKS_PER_WORKER = 2_000
"""A worker is replaced after so many tasks, so that what leaks in a decoder stays small."""
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""glibc (mallopt(3)): freed pixel buffers are kept for the next task. By default a worker gives
each back and lets the kernel clear the same pages anew: a third of the CPU time of a small picture.
"""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class _Worker:
    number: int
    role: Literal["visit", "walk"]
    channel: Channel
    pid: int | None = None
    ready: Ready | None = None
    handler: Handler | None = None
    task: Task | None = None
    task_number: int = 0
    tasks_done: int = 0
    members: int = 0
    """Of the container that is being walked, so far."""
    unpacked_bytes: int = 0
    cpu_at_start: float = 0.0
    cpu_last: float = 0.0
    idle_seconds: float = 0.0
    """Time in which it was watched and used no CPU."""
    waits_for_room: bool = False
    asked: Spool | None = None
    """The spool file that it waits for."""
    killed_for: Death | None = None


class Pool:
    """An `Engine` of `workers` caged processes, with walkers of containers beside them.

    Raises CageError where the cage cannot be made (and `caged` is wanted), HeadwaterError where
    the nursery does not start.
    """

    def __init__(
        self,
        workers: int,
        config: Config,
        *,
        tasks_per_worker: int = _TASKS_PER_WORKER,
    ) -> None:
        self._config = config
        self._limits: Limits = config.limits
        self._tasks_per_worker = tasks_per_worker
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, _Worker] = {}
        self._exits: dict[int, int] = {}
        self._retired: set[int] = set()
        self._next_worker = 0
        self._next_task = 0
        self._wanted = workers
        self._watched_at = 0.0
        self._nursery, self._control = _start_nursery(config)
        try:
            hello = self._await_hello()
            self._selector.register(self._control, selectors.EVENT_READ, None)
            first = self._hire("visit", probe=True)
            self._await_ready(first)
        except BaseException:
            self.close()
            raise
        assert first.ready is not None
        self.facts = EngineFacts(
            name="pool",
            workers=workers,
            methods=hello.methods,
            cage={**hello.cage, **first.ready.cage},
            probes=first.ready.probes,
        )
        for _ in range(workers - 1):
            self._hire("visit")

    # What the caller uses.

    def is_free(self, kind: Literal["visit", "walk"]) -> bool:
        """Return whether a task can start at once. Walkers are made as they are needed."""
        return kind == "walk" or self._idle("visit") is not None

    def is_busy(self) -> bool:
        """Return whether any task is under way."""
        return any(worker.handler is not None for worker in self._workers.values())

    def is_stalled(self) -> bool:
        """Return whether there are tasks under way and each of them waits for room."""
        busy = [worker for worker in self._workers.values() if worker.handler is not None]
        return bool(busy) and all(worker.waits_for_room for worker in busy)

    def start(self, task: Task, handler: Handler) -> None:
        """Give a task to an idle worker."""
        worker = self._idle(task.kind) or self._hire(task.kind)
        self._next_task += 1
        worker.task, worker.handler, worker.task_number = task, handler, self._next_task
        worker.cpu_at_start = worker.cpu_last = _cpu_seconds(worker.pid)
        worker.members = worker.unpacked_bytes = 0
        worker.idle_seconds = 0.0
        message: Message
        if task.kind == "visit":
            message = Visit(task=self._next_task, window=task.window)
        else:
            message = WalkArchive(
                task=self._next_task, window=task.window, format=task.format, only=task.only
            )
        # Where the worker has just died, the answer comes from its channel like any other death.
        with contextlib.suppress(WireError):
            worker.channel.send(message, (task.descriptor,))

    def wait(self, seconds: float) -> None:
        """Deliver what has arrived, waiting up to `seconds` for the first.

        Places inside containers may wait for each other; where nothing else is under way, the
        innermost walk goes on without room, so that they come to an end.
        """
        self._make_room()
        if self.is_stalled():
            stalled = (worker for worker in self._workers.values() if worker.waits_for_room)
            self._go_on(max(stalled, key=_depth))
        for key, _events in self._selector.select(seconds):
            if key.data is None:
                self._hear_nursery()
            elif key.data in self._workers:
                self._hear(self._workers[key.data])
        now = time.monotonic()
        if now - self._watched_at >= _WATCH_SECONDS:
            # Time in which this process itself stood still is nobody's idleness.
            self._watch(min(now - self._watched_at, 2 * _WATCH_SECONDS))
            self._watched_at = now

    def close(self) -> None:
        """End all workers and the nursery."""
        for worker in self._workers.values():
            worker.channel.close()
        self._workers.clear()
        self._control.close()
        try:
            self._nursery.wait(timeout=_BURIAL_SECONDS)
        except subprocess.TimeoutExpired:
            self._nursery.kill()
            self._nursery.wait()
        self._selector.close()

    def pids(self) -> list[int]:
        """Return the process ids of all live workers (for tests and `status`)."""
        return [worker.pid for worker in self._workers.values() if worker.pid is not None]

    # Starting.

    def _await_hello(self) -> Hello:
        self._control.socket.settimeout(_NURSERY_START_SECONDS)
        try:
            message = self._control.receive()
        except WireError as error:
            raise HeadwaterError(
                f"the nursery of workers did not start ({error}); run `headwater doctor`"
            ) from error
        self._control.socket.setblocking(False)
        if not isinstance(message, Hello):
            raise WireError("the nursery did not introduce itself")
        if message.no_cage is not None:
            raise CageError(message.no_cage)
        if message.problem is not None:
            raise HeadwaterError(message.problem)
        return message

    def _await_ready(self, worker: _Worker) -> None:
        deadline = time.monotonic() + _NURSERY_START_SECONDS
        while worker.ready is None:
            if worker.number not in self._workers or time.monotonic() > deadline:
                raise CageError("the first worker died before its cage was closed")
            self.wait(0.5)
        if worker.ready.failed_probes:
            names = ", ".join(worker.ready.failed_probes)
            raise CageError(f"the cage leaks: these probes got through: {names}")

    def _hire(self, role: Literal["visit", "walk"], *, probe: bool = False) -> _Worker:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        self._next_worker += 1
        worker = _Worker(
            self._next_worker, role, Channel(ours, FromWorker, self._limits.result_bytes)
        )
        self._workers[worker.number] = worker
        self._selector.register(ours, selectors.EVENT_READ, worker.number)
        with theirs:
            order = Fork(worker=worker.number, walker=role == "walk", probe=probe)
            self._control.send(order, (theirs.fileno(),))
        return worker

    def _idle(self, role: Literal["visit", "walk"]) -> _Worker | None:
        for worker in self._workers.values():
            if worker.role == role and worker.handler is None and worker.killed_for is None:
                return worker
        return None

    # Hearing.

    def _hear_nursery(self) -> None:
        try:
            messages = self._control.arrived()
        except WireError as error:
            raise HeadwaterError(
                f"the nursery of workers is gone ({error}); run the same command again to go on"
            ) from error
        for message in messages:
            if isinstance(message, Forked) and message.worker in self._workers:
                self._workers[message.worker].pid = message.pid
            elif isinstance(message, Exited) and message.worker in self._retired:
                self._retired.discard(message.worker)
            elif isinstance(message, Exited):
                self._exits[message.worker] = message.code

    def _hear(self, worker: _Worker) -> None:
        try:
            for message in worker.channel.arrived():
                if worker.number in self._workers:
                    self._take(worker, message)
        except WireError as error:
            if worker.number in self._workers:
                self._bury(worker, str(error))

    def _take(self, worker: _Worker, message: Message) -> None:
        handler = worker.handler
        if isinstance(message, Ready):
            worker.ready = message
            return
        if handler is None or getattr(message, "task", None) != worker.task_number:
            raise WireError(f"{type(message).__name__} for a task that it does not have")
        channel = worker.channel
        if isinstance(message, Digested):
            wanted = handler.digested(message.digests)
            channel.send(Proceed(task=message.task, measure=wanted))
            if not wanted:
                self._release(worker)
        elif isinstance(message, Identified):
            handler.identified(message.identity)
        elif isinstance(message, Visited):
            handler.visited(message)
            self._release(worker)
        elif isinstance(message, Unread):
            self._release(worker)
            handler.unread(message.reason)
        elif isinstance(message, Spool):
            worker.waits_for_room, worker.asked = True, message
            self._make_room()
        elif isinstance(message, MemberFound):
            in_memory = message.unpacked and not message.on_disk
            handler.member(message, channel.take_descriptor() if in_memory else None)
            worker.waits_for_room = True
            worker.members += 1
            worker.unpacked_bytes += max(0, message.size_bytes or 0) if message.unpacked else 0
            self._make_room()
        elif isinstance(message, Walked):
            self._release(worker)
            handler.walked(message)

    def _make_room(self) -> None:
        for worker in list(self._workers.values()):
            if not worker.waits_for_room or worker.handler is None:
                continue
            if worker.asked is None:
                has_room = worker.handler.has_room()
            else:
                has_room = worker.handler.has_disk(worker.asked.size_bytes)
            if has_room:
                self._go_on(worker)

    def _go_on(self, worker: _Worker) -> None:
        """Answer a walker that waits for room."""
        assert worker.handler is not None
        asked, worker.asked, worker.waits_for_room = worker.asked, None, False
        worker.idle_seconds = 0.0
        given = worker.handler.spool_file(asked.size_bytes) if asked else None
        # Where the walker has died, the word of it comes from its channel.
        with contextlib.suppress(WireError):
            if given is None:
                worker.channel.send(More(task=worker.task_number))
            else:
                answer = More(task=worker.task_number, key=given.key, room_bytes=given.room_bytes)
                worker.channel.send(answer, (given.descriptor,))

    def _release(self, worker: _Worker) -> None:
        worker.handler, worker.task = None, None
        worker.waits_for_room, worker.asked = False, None
        worker.tasks_done += 1
        if worker.tasks_done >= self._tasks_per_worker:
            self._retire(worker)
            if worker.role == "visit":
                self._hire("visit")

    def _retire(self, worker: _Worker) -> None:
        """Close the channel of an idle worker; it leaves by itself."""
        self._selector.unregister(worker.channel.socket)
        del self._workers[worker.number]
        self._retired.add(worker.number)
        worker.channel.close()

    # Deaths.

    def _bury(self, worker: _Worker, why: str) -> None:
        """Forget a worker whose channel broke, learn how it died, and tell its task's handler."""
        self._selector.unregister(worker.channel.socket)
        worker.channel.close()
        del self._workers[worker.number]
        code = self._exit_code(worker)
        handler, death = worker.handler, worker.killed_for
        if worker.role == "visit":
            self._hire("visit")
        if handler is not None:
            handler.died(death or _death(code, why))

    def _exit_code(self, worker: _Worker) -> int | None:
        """Return how a worker ended; one that only broke the protocol is ended first."""
        with contextlib.suppress(WireError):
            self._control.send(Kill(worker=worker.number))
        deadline = time.monotonic() + _BURIAL_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            while worker.number not in self._exits and time.monotonic() < deadline:
                if selector.select(0.5):
                    self._hear_nursery()
        return self._exits.pop(worker.number, None)

    def _watch(self, passed: float) -> None:
        """Kill what is over a limit; `passed` seconds went by since the last look."""
        for worker in list(self._workers.values()):
            if worker.handler is None or worker.waits_for_room or worker.pid is None:
                continue
            used = _cpu_seconds(worker.pid)
            worker.idle_seconds = worker.idle_seconds + passed if used == worker.cpu_last else 0.0
            worker.cpu_last = used
            death = self._over_limit(worker, used - worker.cpu_at_start)
            if death is not None and worker.killed_for is None:
                worker.killed_for = death
                with contextlib.suppress(WireError):
                    self._control.send(Kill(worker=worker.number))

    def _over_limit(self, worker: _Worker, used: float) -> Death | None:
        limits = self._limits
        size = worker.task.window.size_bytes if worker.task else 0
        size += min(worker.unpacked_bytes, limits.archive_total_bytes)
        allowed = limits.task_cpu_seconds + limits.task_cpu_seconds_per_gib * size / GIB
        allowed += limits.task_cpu_seconds_per_member * worker.members
        if used > allowed:
            reason = f"more than {allowed:.0f} s of CPU time"
            return Death("limit", reason, "task_cpu_seconds")
        if worker.idle_seconds > limits.task_idle_seconds:
            reason = f"no CPU time used for {limits.task_idle_seconds:.0f} s: it hung"
            return Death("limit", reason, "task_idle_seconds")
        return None


def _start_nursery(config: Config) -> tuple[subprocess.Popen[bytes], Channel]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = kernel_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HeadwaterError(
            f"compiled kernels cannot be kept in {folder} ({error.strerror}); set XDG_CACHE_HOME "
            "to a folder that can be written"
        ) from error
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    for name in ("PYTHONPATH", "XDG_CACHE_HOME", "VIRTUAL_ENV"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment |= dict.fromkeys(_THREAD_VARIABLES, "1")
    environment |= _ALLOCATOR
    environment |= {"NUMBA_CACHE_DIR": str(folder), "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    arguments = [sys.executable, "-P", "-m", "headwater.engine.nursery", str(theirs.fileno())]
    arguments.append(msgspec.json.encode(config).decode())
    with theirs:
        process = subprocess.Popen(
            arguments, env=environment, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),)
        )
    return process, Channel(ours, FromNursery, 16 << 20)


def _depth(worker: _Worker) -> int:
    return worker.handler.depth if worker.handler is not None else 0


def _death(code: int | None, why: str) -> Death:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return Death("crashed", f"the worker was ended by {signal.Signals(-code).name}")
        return Death("crashed", f"the worker was ended by signal {-code}")
    if code:
        return Death("crashed", f"the worker left with code {code}")
    return Death("broke_protocol", why)


def _cpu_seconds(pid: int | None) -> float:
    """Return the user and system time of a process, 0.0 where it cannot be read (proc(5))."""
    if pid is None:
        return 0.0
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS

"""The nursery: a warm, single-threaded process that has opened no evidence and forks workers.

Started fresh by the main process (`python -m headwater.engine.nursery`), it imports every decoder
and compiles every kernel once, so that a new worker costs a fork and the closing of its cage. It
speaks with the main process alone, over an inherited socket, and leaves when that closes.
"""

from __future__ import annotations

import ctypes
import gc
import os
import selectors
import signal
import socket
import sys
import time
from typing import NoReturn

import msgspec

from headwater.engine.cage.close import close_cage, enter_nursery
from headwater.engine.cage.spec import CageSpec
from headwater.engine.methods import LoadedMeasure, MethodRow, container_row, load_measures
from headwater.engine.wire import Channel, Message, Ready, ToWorker, WireError
from headwater.errors import CageError, HeadwaterError
from headwater.limits import Limits

_PR_SET_PDEATHSIG = 1
_CONTROL_CEILING = 16 << 20
_LAST_SECONDS = 5.0


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What the main process decides once for all workers."""

    limits: Limits
    measures: tuple[str, ...]
    options: dict[str, dict[str, int | float | str | bool]] = {}
    caged: bool = True
    group_memory_bytes: int | None = None
    """Memory of all workers together, where the machine can bound it (control group)."""


class Fork(Message, frozen=True, kw_only=True):
    """Make a worker; its socket comes along."""

    worker: int
    walker: bool = False
    """It will unpack containers, and so may write large spool files."""
    probe: bool = False


class Kill(Message, frozen=True, kw_only=True):
    """End a worker at once."""

    worker: int


class Hello(Message, frozen=True, kw_only=True):
    """The nursery is warm."""

    methods: tuple[MethodRow, ...]
    cage: dict[str, str]
    no_cage: str | None = None
    """Why no cage can be made here."""
    problem: str | None = None
    """Why the nursery cannot start otherwise."""


class Forked(Message, frozen=True, kw_only=True):
    """A worker lives."""

    worker: int
    pid: int


class Exited(Message, frozen=True, kw_only=True):
    """A worker is gone: exit code, or minus the signal that ended it."""

    worker: int
    code: int


ToNursery = Fork | Kill
FromNursery = Hello | Forked | Exited


class Nursery:
    """Forks, watches and buries workers."""

    def __init__(self, control: Channel, config: Config) -> None:
        self._control = control
        self._config = config
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._children: dict[int, tuple[int, int]] = {}
        self._measures: tuple[LoadedMeasure, ...] = ()

    def run(self) -> None:
        """Serve the main process until it closes the control socket."""
        try:
            hello = self._hello()
        except HeadwaterError as error:
            hello = Hello(methods=(), cage={}, problem=str(error))
        self._control.send(hello)
        gc.collect()
        gc.freeze()
        while True:
            for key, _events in self._selector.select():
                if key.fileobj is self._control:
                    for message in self._control.arrived():
                        self._obey(message)
                else:
                    self._bury(key.data)

    def _hello(self) -> Hello:
        from headwater.engine.warm import warm_up  # noqa: PLC0415

        self._measures = load_measures(self._config.measures, self._config.options)
        warm_up(self._measures, self._config.limits)
        methods = (*(entry.row for entry in self._measures), container_row())
        if not self._config.caged:
            return Hello(methods=methods, cage={"level": "none: asked for --uncaged"})
        try:
            cage = enter_nursery(self._spec())
        except CageError as error:
            return Hello(methods=methods, cage={}, no_cage=str(error))
        # Taking another identity makes the kernel forget the wish.
        die_with_parent()
        return Hello(methods=methods, cage=cage)

    def _obey(self, message: Message) -> None:
        if isinstance(message, Fork):
            self._fork(message, self._control.take_descriptor())
        elif isinstance(message, Kill) and message.worker in self._children:
            os.kill(self._children[message.worker][0], signal.SIGKILL)

    def _fork(self, order: Fork, descriptor: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._be_worker(order, descriptor)
        os.close(descriptor)
        pidfd = os.pidfd_open(pid)
        self._children[order.worker] = (pid, pidfd)
        self._selector.register(pidfd, selectors.EVENT_READ, order.worker)
        self._control.send(Forked(worker=order.worker, pid=pid))

    def bury_all(self) -> None:
        """Wait for workers whose channels have closed, so that their CPU time is counted."""
        deadline = time.monotonic() + _LAST_SECONDS
        self._selector.unregister(self._control)
        while self._children and time.monotonic() < deadline:
            for key, _events in self._selector.select(1.0):
                self._wait_for(key.data)

    def _bury(self, worker: int) -> None:
        code = self._wait_for(worker)
        self._control.send(Exited(worker=worker, code=code))

    def _wait_for(self, worker: int) -> int:
        pid, pidfd = self._children.pop(worker)
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        return os.waitstatus_to_exitcode(status)

    def _be_worker(self, order: Fork, descriptor: int) -> NoReturn:
        """Never returns: the forked process must not fall back into the nursery's loop."""
        code = 70
        try:
            die_with_parent()
            _forget_signals()
            ready = self._close_cage(order, descriptor)
            sock = socket.socket(fileno=descriptor)
            channel = Channel(sock, ToWorker, _CONTROL_CEILING)
            channel.send(ready)
            from headwater.engine.worker import work  # noqa: PLC0415

            work(channel, self._measures, self._config.limits)
            code = 0
        finally:
            os._exit(code)

    def _close_cage(self, order: Fork, descriptor: int) -> Ready:
        if not self._config.caged:
            os.close(self._control.fileno())
            return Ready(cage={"level": "none: asked for --uncaged"})
        report = close_cage(self._spec(descriptor, walker=order.walker))
        failed: tuple[str, ...] = ()
        count = 0
        if order.probe:
            from headwater.engine.cage.probes import run_startup_probes  # noqa: PLC0415

            results = run_startup_probes()
            count = len(results)
            failed = tuple(result.name for result in results if not result.blocked)
        return Ready(cage=report.as_text(), failed_probes=failed, probes=count)

    def _spec(self, descriptor: int | None = None, *, walker: bool = False) -> CageSpec:
        limits = self._config.limits
        return CageSpec(
            memory_bytes=limits.worker_memory_bytes,
            group_memory_bytes=self._config.group_memory_bytes,
            file_bytes=limits.archive_member_bytes if walker else limits.worker_memory_bytes,
            kept_descriptors=() if descriptor is None else (descriptor,),
        )


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that made it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _forget_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main() -> None:
    """Run the nursery on the socket and configuration named on the command line."""
    die_with_parent()
    _forget_signals()
    config = msgspec.json.decode(sys.argv[2].encode(), type=Config)
    sock = socket.socket(fileno=int(sys.argv[1]))
    nursery = Nursery(Channel(sock, ToNursery, _CONTROL_CEILING), config)
    try:
        nursery.run()
    except WireError:
        nursery.bury_all()


if __name__ == "__main__":
    main()

"""A caged worker: takes tasks from its channel until it is told to stop.

Runs in a process forked from the nursery. By the time the first message with evidence arrives,
the cage is closed.
"""

from __future__ import annotations

import os
import time

from headwater.engine.execute import Unpacked, visit, walk
from headwater.engine.methods import LoadedMeasure
from headwater.engine.spool import SpoolFile
from headwater.engine.wire import (
    Channel,
    Digested,
    Identified,
    MemberFound,
    More,
    Proceed,
    Spool,
    Stop,
    Unread,
    Visit,
    Visited,
    WalkArchive,
    Walked,
    Window,
    WireError,
)
from headwater.errors import LimitExceeded
from headwater.evidence.archives.contract import Member
from headwater.evidence.content import Content, DescriptorSource
from headwater.evidence.spool import SpoolSource
from headwater.limits import Limits
from headwater.model import Digests, Identity, Problem


def work(channel: Channel, measures: tuple[LoadedMeasure, ...], limits: Limits) -> None:
    """Carry out tasks until `Stop` arrives or the main process is gone."""
    while True:
        try:
            message = channel.receive()
            if isinstance(message, Visit):
                _visit(channel, message, measures, limits)
            elif isinstance(message, WalkArchive):
                _walk(channel, message, limits)
            elif isinstance(message, Stop):
                return
            else:
                raise WireError(f"{type(message).__name__} outside a task")
        except WireError:
            return


def open_window(descriptor: int, window: Window) -> Content:
    """Return the content that a task's descriptor and window stand for."""
    source = (
        SpoolSource(descriptor, window.key)
        if window.key is not None
        else DescriptorSource(descriptor)
    )
    return Content(source, window.start_bytes, window.size_bytes)


def member_found(
    task: int, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked
) -> MemberFound:
    """Return the message that stands for a member."""
    return MemberFound(
        task=task,
        ordinal=member.ordinal,
        name=member.name,
        size_bytes=bytes_at.size_bytes,
        offset_bytes=member.offset_bytes,
        times=member.times,
        notes=member.notes,
        problems=problems,
        unpacked=bytes_at.memory is not None or bytes_at.on_disk,
        on_disk=bytes_at.on_disk,
    )


def _visit(
    channel: Channel, task: Visit, measures: tuple[LoadedMeasure, ...], limits: Limits
) -> None:
    began = time.process_time()
    descriptor = channel.take_descriptor()
    try:
        content = open_window(descriptor, task.window)
        outcome = visit(content, measures, limits, _ChannelDesk(channel, task.task))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        channel.send(Unread(task=task.task, reason=reason))
        return
    finally:
        os.close(descriptor)
    if outcome is not None:
        used = time.process_time() - began
        channel.send(Visited(task=task.task, outcome=outcome, cpu_seconds=used))


def _walk(channel: Channel, task: WalkArchive, limits: Limits) -> None:
    began = time.process_time()
    descriptor = channel.take_descriptor()
    try:
        content = open_window(descriptor, task.window)
        only = None if task.only is None else frozenset(task.only)
        summary = walk(content, task.format, only, limits, _ChannelDesk(channel, task.task))
    finally:
        os.close(descriptor)
    channel.send(
        Walked(
            task=task.task,
            members=summary.members,
            unpacked_bytes=summary.unpacked_bytes,
            problems=summary.problems,
            cpu_seconds=time.process_time() - began,
        )
    )


class _ChannelDesk:
    """The desk of a worker: asks and tells over its channel."""

    def __init__(self, channel: Channel, task: int) -> None:
        self._channel = channel
        self._task = task

    def digested(self, digests: Digests) -> bool:
        self._channel.send(Digested(task=self._task, digests=digests))
        answer = self._channel.receive()
        if not isinstance(answer, Proceed) or answer.task != self._task:
            raise WireError("expected leave to measure")
        return answer.measure

    def identified(self, identity: Identity) -> None:
        self._channel.send(Identified(task=self._task, identity=identity))

    def spool_file(self, size_bytes: int | None) -> SpoolFile:
        self._channel.send(Spool(task=self._task, size_bytes=size_bytes))
        answer = self._more()
        if answer.key is None:
            raise LimitExceeded(
                "spool_disk_bytes", "no room to spool this member", reproducible=False
            )
        return SpoolFile(self._channel.take_descriptor(), answer.key, answer.room_bytes)

    def member(self, member: Member, problems: tuple[Problem, ...], bytes_at: Unpacked) -> None:
        found = member_found(self._task, member, problems, bytes_at)
        if bytes_at.memory is None:
            self._channel.send(found)
        else:
            try:
                self._channel.send(found, (bytes_at.memory,))
            finally:
                os.close(bytes_at.memory)
        self._more()

    def _more(self) -> More:
        answer = self._channel.receive()
        if not isinstance(answer, More) or answer.task != self._task:
            raise WireError("expected leave to go on")
        return answer

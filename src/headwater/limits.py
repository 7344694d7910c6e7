"""Every ceiling, in one place.

A limit is enforced outside the decoder it guards wherever that is possible: pixels are read from
the header before a decoder is called, memory by the kernel, time by the supervisor.
"""

from __future__ import annotations

import msgspec

MIB = 1 << 20
GIB = 1 << 30


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Ceilings for one run. Units are in the names."""

    # One task, enforced by the supervisor and the kernel.
    task_cpu_seconds: float = 60.0
    """CPU time of one task, plus what the next two allow for the size of its item."""
    task_cpu_seconds_per_gib: float = 120.0
    """For each GiB of the item and, while a container is walked, of what was unpacked from it."""
    task_cpu_seconds_per_member: float = 0.001
    """For each member of a container that is walked."""
    task_idle_seconds: float = 60.0
    """A worker that uses no CPU for so long while it owes a result is hung."""
    worker_memory_bytes: int = 3 * GIB
    """What a worker may map beyond what it had when it was forked."""
    result_bytes: int = 64 * MIB
    """One task's result, blobs included."""

    # Pictures.
    picture_bytes: int = 1 * GIB
    """Encoded size of a picture that is read into memory."""
    picture_pixels: int = 300_000_000
    """Width x height of a picture that is decoded."""
    picture_frames: int = 10_000
    """Frames counted in an animation."""
    metadata_bytes: int = 32 * MIB
    """One metadata segment (EXIF, XMP, ICC)."""

    # Video.
    video_pixels: int = 8192 * 8192
    """Width x height of one video frame."""
    video_streams: int = 64
    storyboard_frames: int = 240
    """Key frames decoded for one storyboard."""

    # Archives.
    archive_depth: int = 6
    """Containers inside containers."""
    archive_members: int = 1_000_000
    """Members of one container."""
    archive_member_bytes: int = 16 * GIB
    """Unpacked size of one member."""
    archive_total_bytes: int = 256 * GIB
    """Unpacked size of all members of one container."""
    archive_ratio: int = 1_000
    """Unpacked / packed bytes of one container, once `archive_ratio_floor_bytes` are unpacked."""
    archive_ratio_floor_bytes: int = 64 * MIB
    spool_memory_bytes: int = 512 * MIB
    """Members held in memory at one time, over all workers."""
    spool_disk_bytes: int = 16 * GIB
    """Members held encrypted inside the case at one time."""
    spool_member_memory_bytes: int = 64 * MIB
    """A larger member is spooled to disk."""

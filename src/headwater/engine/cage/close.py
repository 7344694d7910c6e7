"""Closing the cage: `enter_nursery` once in the nursery, `close_cage` in each worker it forks.

What costs time (namespaces, the view of the file system, the ruleset, the filter) is made once
and inherited; a worker makes some forty system calls. What each property is for stands in the
package's docstring.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import msgspec

from headwater.engine.cage import landlock, memory_group, process, seccomp
from headwater.engine.cage.descriptors import check_kept, close_others, open_null
from headwater.engine.cage.kernel import PR_SET_NO_NEW_PRIVS, errno_name, prctl
from headwater.engine.cage.namespaces import enter_namespaces, enter_user_namespace, new_mounts
from headwater.engine.cage.privileges import (
    CAP_SYS_ADMIN,
    become_nobody,
    capabilities_left,
    drop_capabilities,
    holds,
    seal_capabilities,
    why_not_nobody,
)
from headwater.engine.cage.spec import REQUIRED, STRONG, CageReport, CageSpec, Property
from headwater.engine.cage.syscalls import this_architecture
from headwater.engine.cage.trial import tried
from headwater.engine.cage.view import enter_view
from headwater.errors import CageError


def enter_nursery(spec: CageSpec) -> dict[str, str]:
    """Enter what the nursery's workers are born into, and return each property in words.

    For a single-threaded process that has opened no evidence and needs nothing of the file
    system any more but the library folders: it gives up its environment, its capabilities and,
    as root, its id, and sees no other files than those folders. It cannot be undone, and a
    second call changes nothing. Raises CageError where the required cage cannot be made here.
    """
    prepared = _prepared(spec)
    refusal = tried(closing=partial(_close_around_nothing, spec))
    if refusal is not None:
        raise CageError(refusal)
    return {
        entry.name: f"{'on' if entry.on else 'off'}: {entry.why}" for entry in prepared.properties
    }


def close_cage(spec: CageSpec) -> CageReport:
    """Close the cage around the calling process, for good, and return what it has.

    For a process that was just forked and has one thread. Where no nursery was entered before,
    that is made up for here. Raises CageError, naming what is missing, where a property of
    `spec.REQUIRED` cannot be had or a kept descriptor is a way out; the process must then leave.
    """
    check_kept(spec.kept_descriptors)
    prepared = _prepared(spec)
    properties = {entry.name: entry for entry in prepared.properties}
    for entry in _close(spec, prepared):
        properties[entry.name] = entry
    missing = [name for name in REQUIRED if name not in properties or not properties[name].on]
    if missing:
        reasons = (f"{name} ({properties[name].why})" for name in missing if name in properties)
        raise CageError(_refused(f"missing: {', '.join(reasons) or ', '.join(missing)}"))
    strong = all(name in properties and properties[name].on for name in STRONG)
    return CageReport(
        level="strong" if strong else "required",
        properties=tuple(properties[name] for name in sorted(properties)),
    )


def _close_around_nothing(spec: CageSpec, kept: int) -> None:
    close_cage(msgspec.structs.replace(spec, kept_descriptors=(kept,)))


def _refused(what: str) -> str:
    return (
        f"the cage for untrusted bytes cannot be closed on this machine; {what}. "
        "It needs seccomp filters, and Landlock (Linux 5.13) or the right to make mount "
        "namespaces: run on a newer kernel, or let the container have them"
    )


# The nursery's part.


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a worker inherits."""

    nursery: int
    process_folder: int
    null: int
    ruleset: landlock.Ruleset | None
    has_view: bool
    program: seccomp.Filter
    properties: tuple[Property, ...]


def _prepared(spec: CageSpec) -> _Prepared:
    try:
        return _prepare(spec.readable, spec.executable_memory, spec.group_memory_bytes)
    except OSError as error:
        where = f" at {error.filename}" if error.filename else ""
        raise CageError(_refused(f"the kernel refused ({errno_name(error)}{where})")) from error


@cache
def _prepare(readable: tuple[str, ...], code: bool, group_bytes: int | None) -> _Prepared:
    """Enter the nursery; once in a process, and what it forks finds the answer made."""
    null = open_null()
    process_folder = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    process.check_single_thread(process_folder)
    program = seccomp.build(this_architecture(), executable_memory=code)
    process.scrub_environment(process_folder)
    os.chdir("/")
    found = [Property(name="environment", on=True, why="emptied, and its first copy blanked")]
    grouped, why = memory_group.join(group_bytes)
    found.append(Property(name="memory_group", on=grouped, why=why))
    entered, identity = _enter_namespaces(readable)
    found += entered
    has_view = any(entry.name == "mount_view" and entry.on for entry in entered)
    found.append(identity or _give_up_identity(readable))
    seal_capabilities()
    drop_capabilities()
    dropped, why = capabilities_left()
    found.append(Property(name="capabilities", on=dropped, why=why))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    process.hide()
    ruleset, held = _build_ruleset(readable)
    found.append(held)
    return _Prepared(os.getpid(), process_folder, null, ruleset, has_view, program, tuple(found))


def _enter_namespaces(readable: tuple[str, ...]) -> tuple[list[Property], Property | None]:
    """Return `network`, `ipc` and `mount_view`, and `identity` where that had to come first."""
    identity = None
    if os.geteuid() == 0 and not holds(CAP_SYS_ADMIN):
        # Inside a user namespace of one's own there would be no other id to take.
        identity = _give_up_identity(readable)
    no_rights = enter_user_namespace()
    refusals = enter_namespaces() if no_rights is None else {}
    found = []
    for name in ("network", "ipc"):
        why = no_rights or refusals[name]
        found.append(Property(name=name, on=why is None, why=why or "a namespace of its own"))
    why = no_rights or refusals["mounts"]
    if why is None:
        refusal = tried(new_mounts, lambda: enter_view(readable))
        if refusal is None:
            enter_view(readable)
        else:
            why = f"the view cannot be put together here ({refusal})"
    seen = "the library folders, read-only, are the whole file system"
    found.append(Property(name="mount_view", on=why is None, why=why or seen))
    return found, identity


def _give_up_identity(readable: tuple[str, ...]) -> Property:
    if os.geteuid() != 0:
        return Property(name="identity", on=True, why=f"an ordinary user (id {os.geteuid()})")
    why = why_not_nobody(readable)
    if why is None:
        # Only while it is root may it say that nothing is to be regained.
        seal_capabilities()
        become_nobody()
        return Property(name="identity", on=True, why="root became nobody, in no group")
    return Property(name="identity", on=False, why=f"stays root, without capabilities: {why}")


def _build_ruleset(readable: tuple[str, ...]) -> tuple[landlock.Ruleset | None, Property]:
    try:
        ruleset = landlock.build(readable)
    except OSError as error:
        why = f"the kernel has none, or the container refuses it ({errno_name(error)})"
        return None, Property(name="landlock", on=False, why=why)
    return ruleset, Property(name="landlock", on=True, why=ruleset.covers())


# The worker's part.


def _close(spec: CageSpec, prepared: _Prepared) -> list[Property]:
    """Close everything, the filter of system calls last; return what holds and what does not."""
    ruleset = prepared.ruleset
    passing = [prepared.process_folder, prepared.null]
    passing += [] if ruleset is None else [ruleset.descriptor]
    parent = prepared.nursery if prepared.nursery != os.getpid() else None
    process.end_with(parent)
    close_others((*spec.kept_descriptors, *passing), prepared.null, prepared.process_folder)
    process.forget_environment()
    held = [
        Property(name="ends_with_nursery", on=True, why="the kernel ends it with its parent"),
        Property(name="descriptors", on=True, why=f"{len(spec.kept_descriptors)} kept"),
        _done(
            "first_to_go",
            lambda: process.go_first(prepared.process_folder),
            "the kernel ends it first when memory runs out",
        ),
        _done("hidden", process.hide, "not dumpable: nobody of the same user can read or trace it"),
        _done("limits", lambda: process.set_limits(spec, prepared.process_folder)),
        _done(
            "no_new_privileges",
            lambda: prctl(PR_SET_NO_NEW_PRIVS, 1),
            "nothing it could start would gain rights",
        ),
        _shut_files(prepared),
    ]
    for descriptor in set(passing) - set(spec.kept_descriptors):
        os.close(descriptor)
    program = prepared.program.for_process(os.getpid())
    filtered = f"a list of {prepared.program.calls} calls, all others refused"
    held.append(_done("system_calls", lambda: seccomp.install(program), filtered))
    return held


def _done(name: str, step: Callable[[], object], how: str = "") -> Property:
    try:
        answer = step()
    except OSError as error:
        return Property(name=name, on=False, why=f"refused here ({errno_name(error)})")
    return Property(name=name, on=True, why=how or str(answer))


def _shut_files(prepared: _Prepared) -> Property:
    """Enter Landlock; either it or the view must hold."""
    if prepared.ruleset is None:
        by = "the mount view alone" if prepared.has_view else "neither Landlock nor a mount view"
        return Property(name="files", on=prepared.has_view, why=by)
    try:
        landlock.enter(prepared.ruleset)
    except OSError as error:
        why = f"Landlock cannot be entered ({errno_name(error)})"
        return Property(name="files", on=False, why=why)
    by = "Landlock and the mount view" if prepared.has_view else "Landlock"
    return Property(name="files", on=True, why=by)

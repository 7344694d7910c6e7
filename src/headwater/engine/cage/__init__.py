"""The cage that untrusted bytes are opened in.

A worker is forked from the nursery, closes its cage, and only then takes bytes of evidence. What
decoders then do on behalf of hostile bytes ends at the cage. Its properties, by the names that
`spec.CageReport` gives them, and the reason for each:

The required cage. Without one of these, CageError is raised and nothing is opened.

`system_calls`
    A seccomp filter lets 87 system calls through (80 on aarch64), 14 of them with certain
    arguments alone, and refuses all others with EPERM. So a decoder that was taken over cannot
    make or connect a socket, start a program, make a process, signal, trace or read another
    process, mount, change its ids, load code into the kernel, or reach the parts of the kernel
    where most of its faults were found (io_uring, bpf, userfaultfd, perf, keys, splice,
    namespaces). It cannot open anything for writing, and cannot change a file that it has open
    for reading: no mode, owner, times, attributes, locks or flags (F_SETFL would take O_NOATIME
    off evidence). Calls of another architecture end the process; x32 is refused.
`files`
    Landlock, or the mount view, or both: by path, only library folders can be read, so that
    modules and shared libraries can be loaded lazily. Nothing can be written by path.
`limits`
    Address space (what the process has, plus `memory_bytes`), size of files, number of
    descriptors and threads, no core dumps (they would hold evidence), no locked memory, no
    message queues, no higher priority. None can be raised again: that takes prlimit, which is
    refused. Address space also counts what is only reserved, such as the stacks and heaps of
    threads. Pages of memory files count when they are mapped, not when they are written: at
    worst `open_files` x `file_bytes`, unless a memory group bounds them.
`descriptors`
    Only those named stay open. Folders and sockets that reach others than their peer are refused.
    0, 1 and 2 lead to the null device unless they are kept, so that what a library prints never
    lands in a file that was given one of these numbers.
`no_new_privileges`
    The condition for the two filters without rights; nothing that ran could gain rights.

What is added where the machine allows it. With the first five the level is `strong`.

`landlock`
    Decided by the kernel from the file itself, whatever the path, links or mounts: every right
    that the kernel's version knows is taken. From version 4 TCP is refused, from 5 ioctl on
    devices, from 6 signals to, and abstract sockets of, processes outside: each a second lock on
    a door that `system_calls` has shut.
`mount_view`
    The nursery's root is an empty, read-only file system with the library folders bound into it
    read-only. It hides what Landlock lets be seen, that a file exists, its size and its times, and
    removes /proc, /sys and /dev.
`network`, `ipc`
    Namespaces without interfaces and without anyone's shared memory: a second lock.
`identity`
    Root becomes nobody, in no group, in the nursery: files of root, of the examiner and of the
    case are another user's. A descriptor that was passed stays readable, since rights were checked
    when it was opened. It is done in the nursery and not in the worker so that the nursery may
    still end its workers, and the kernel deliver their end when the nursery dies. Root stays root,
    without capabilities, where the libraries cannot be read as nobody, or where the rights to
    change ids and to end another user's processes are not held; that is reported. An ordinary user
    keeps their id, also in a user namespace: their files are kept from the worker by `files`.
`capabilities`
    None are held, and where the process may say so the bounding set is empty and the secure bits
    are locked. Inside a user namespace they would be rights over the namespaces.
`environment`
    Emptied, and the copy that the kernel laid on the first stack is blanked: names of folders and
    secrets often stand there.
`hidden`
    Not dumpable: other processes of the same user cannot trace it or read its memory, and workers
    not each other.
`ends_with_nursery`
    The kernel ends a worker with the nursery, so that none is left with evidence in its memory.
`first_to_go`
    When memory runs out, the kernel ends a worker before anything else.
`memory_group`
    A control group that bounds the nursery and its workers together; rarely granted.

An ordinary user gets all of it where the system allows user namespaces. Without them `mount_view`,
`network` and `ipc` are off and `capabilities` is on, as none are held; the level is `required`.
The same holds for root in a container that has neither CAP_SYS_ADMIN nor user namespaces.

Machine code. Anonymous memory never becomes executable, so a kernel must have been compiled, for
the very types it is called with, before the cage closes: compiling inside ends the worker by
SIGSEGV. Mapping a file to execute stays allowed for lazy loading, memory files included, so this
slows injected code down and does not stop it. `executable_memory` lifts the rule.

Not promised: a fault in the kernel behind a call that is allowed; what can be learned from timing
and shared caches; the processor time that a worker uses (the supervisor watches that); that a
worker's answers are true. Without the mount view, whether a path exists can be learned. No PID
namespace is made (`namespaces` says why).

Which property holds is proved on every start: `probes` makes its attempts from inside the first
worker's cage.
"""

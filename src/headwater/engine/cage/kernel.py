"""System calls by name, where Python has no function of its own for them."""

from __future__ import annotations

import ctypes
import errno
import os

from headwater.engine.cage import syscalls

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_GET_NAME = 16
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
PR_SET_VMA = 0x53564D41

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call and return what it answers.

    Arguments are numbers and addresses, bytes (whose address is passed; the kernel must not write
    there) or None for NULL. Raises OSError with the kernel's errno, ENOSYS where this
    architecture has no such call.
    """
    number = syscalls.number(name, syscalls.this_architecture())
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    answer = int(_LIBC.syscall(ctypes.c_long(number), *(_word(value) for value in arguments)))
    if answer == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
    return answer


def prctl(option: int, *values: int) -> int:
    """Call prctl(2) with up to four values, the rest 0. Raises OSError."""
    return call("prctl", option, *values, *(0,) * (4 - len(values)))


def errno_name(error: OSError) -> str:
    """Return an error's symbol, such as `EPERM`."""
    return errno.errorcode.get(error.errno or 0, f"errno {error.errno}")


def _word(value: int | bytes | None) -> ctypes.c_void_p | ctypes.c_char_p | ctypes.c_long:
    if value is None:
        return ctypes.c_void_p(None)
    if isinstance(value, bytes):
        return ctypes.c_char_p(value)
    return ctypes.c_long(value)

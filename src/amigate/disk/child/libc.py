"""Calls of Linux that Python has no functions for."""

from __future__ import annotations

import ctypes

_LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
"""https://man7.org/linux/man-pages/man2/prctl.2.html"""
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def prctl(option: int, argument: int, further: object = 0) -> bool:
    """Return whether the kernel did it."""
    return bool(_LIBC.prctl(option, ctypes.c_ulong(argument), further, ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0)


def unshare(flags: int) -> bool:
    """Return whether the kernel did it."""
    return bool(_LIBC.unshare(flags) == 0)


def syscall(number: int, *arguments: object) -> int:
    """Return what a system call returns, -1 where the kernel refuses."""
    result: int = _LIBC.syscall(ctypes.c_long(number), *arguments)
    return result


def drop_capabilities() -> bool:
    """Return whether none is left that could be used."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of capset(2), of this process
    return bool(_LIBC.capset(header, (ctypes.c_uint32 * 6)()) == 0)

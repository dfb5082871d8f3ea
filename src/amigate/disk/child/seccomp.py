"""A filter of system calls, as an allow-list: computing, memory, and words over descriptors that are open already.

All else is answered by EPERM, which Python turns into PermissionError. The filter is a program of the classic BPF
(https://docs.kernel.org/userspace-api/seccomp_filter.html); numbers are those of the kernel's syscall tables."""

from __future__ import annotations

import ctypes
import errno
import platform
from struct import Struct

from amigate.disk.child.libc import PR_SET_SECCOMP, prctl

_FILTER_MODE = 2
_INSTRUCTION = Struct("<HBBI")
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _THIRD_ARGUMENT = 0, 4, 32
"""Offsets in struct seccomp_data; of the argument, the low half."""
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_KILL = 0x80000000
_PROT_EXEC = 4

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
"""Numbers on x86_64 and on aarch64."""
_NOT_EXECUTABLE = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Allowed for memory that does not become code."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(machine: str | None = None) -> bool:
    """Filter the calls of this process for good; return whether the kernel does. Needs PR_SET_NO_NEW_PRIVS."""
    machine = machine or platform.machine()
    return machine in _ARCHITECTURES and load(program(machine))


def load(instructions: bytes) -> bool:
    """Put a program over this process; return whether the kernel took it."""
    described = _Program(len(instructions) // _INSTRUCTION.size, instructions)
    return prctl(PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(described))


def program(machine: str) -> bytes:
    """Return the filter for a kind of machine."""
    column = list(_ARCHITECTURES).index(machine)
    calls = [numbers[column] for numbers in _CALLS.values()]
    guarded = [numbers[column] for numbers in _NOT_EXECUTABLE.values()]
    # Jumps are counted from the next instruction. Behind the comparisons stand: refuse, allow, load, jump.
    ahead = len(calls)
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *((_JUMP_EQUAL, ahead + len(guarded) - at + 1, 0, call) for at, call in enumerate(guarded)),
        *((_JUMP_EQUAL, ahead - at, 0, call) for at, call in enumerate(calls)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _THIRD_ARGUMENT),
        (_JUMP_ANY_BIT, 0, 1, _PROT_EXEC),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(_INSTRUCTION.pack(*line) for line in lines)

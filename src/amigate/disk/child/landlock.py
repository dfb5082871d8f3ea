"""Landlock: no file, no TCP port, no process outside is within reach. https://docs.kernel.org/userspace-api/landlock.html"""

from __future__ import annotations

import ctypes
import os

from amigate.disk.child.libc import syscall

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ASK_VERSION = 1
_FILES = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Rights that a version of the interface added; those that a ruleset handles and no rule grants are denied."""
_NETWORK = {4: 0b11}
"""To bind a TCP port, to connect to one."""
_SCOPES = {6: 0b11}
"""Abstract UNIX sockets of others, signals to others."""
_WORD = 8


def install() -> bool:
    """Deny all of it to this process for good; return whether the kernel does. Needs PR_SET_NO_NEW_PRIVS."""
    version = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    if version < 1:
        return False
    words = [sum(mask for since, mask in each.items() if since <= version) for each in (_FILES, _NETWORK, _SCOPES)]
    while not words[-1]:  # an older kernel knows a shorter structure
        words.pop()
    attributes = (ctypes.c_uint64 * len(words))(*words)
    ruleset = syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(_WORD * len(words)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        return syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0
    finally:
        os.close(ruleset)

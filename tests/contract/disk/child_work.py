"""What children do in tests: read an image, or whatever a hostile image might make of its reader."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import mmap
import os
import signal
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.child.confine import SOCKET
from amigate.disk.qcow2 import Qcow2
from amigate.disk.stream import stream
from amigate.disk.volumes.survey import survey
from amigate.disk.xfs import Xfs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.disk.blocks import Blocks

LIBC = ctypes.CDLL(None, use_errno=True)
MINE = os.getppid()
UNIT = 1 << 19


def tree(devices: Sequence[Blocks], _argument: object) -> bytes:
    """Return all that an XFS file system holds."""
    files = Xfs(devices[0])
    found = {
        path: [*inode, files.read(path, 1 << 20).hex() if inode.mode >> 12 == 8 else ""] for path, inode in files.walk()
    }
    return json.dumps([found, list(files.damage), files.uuid]).encode("ascii")


def ahead(devices: Sequence[Blocks], argument: list[int]) -> bytes:
    """Ask for units ahead, then read a byte of each."""
    devices[0].prefetch([Extent(index * UNIT, UNIT) for index in argument])
    return b"".join(devices[0].read(index * UNIT, 1) for index in argument)


def volumes(devices: Sequence[Blocks], _argument: object) -> bytes:
    """Return names and labels of what is on a qcow2 image, and the digest of its disk."""
    disk = Qcow2(devices[0])
    found = [[each.name, each.label] for each in survey([("disk", disk)]) if each.label]
    digest = hashlib.sha256()
    for offset, data in stream(disk, disk.written()):
        digest.update(offset.to_bytes(8, "big") + data)
    return json.dumps([found, digest.hexdigest()]).encode("ascii")


def written(devices: Sequence[Blocks], _argument: object) -> bytes:
    """Return the digest of all that is written."""
    digest = hashlib.sha256()
    for _, data in stream(devices[0], devices[0].written()):
        digest.update(data)
    return digest.digest()


def attempts(_devices: Sequence[Blocks], argument: dict[str, Any]) -> bytes:
    """Try what must not succeed; return what came of each: `done`, or why not."""
    tries: dict[str, Callable[[], object]] = {
        "read a file": lambda: os.close(os.open(argument["secret"], os.O_RDONLY)),
        "read a file by Python": lambda: open(argument["secret"], encoding="utf-8").close(),  # noqa: PTH123
        "write a file": lambda: os.close(os.open(argument["new"], os.O_WRONLY | os.O_CREAT, 0o600)),
        "list a folder": lambda: os.listdir("/etc"),  # noqa: PTH208
        "look at a file": lambda: os.stat(argument["secret"]),  # noqa: PTH116
        "remove a file": lambda: os.unlink(argument["victim"]),  # noqa: PTH108
        "change a mode": lambda: os.chmod(argument["secret"], 0o777),  # noqa: PTH101, S103
        "read its parent's environment": lambda: os.close(os.open(f"/proc/{MINE}/environ", os.O_RDONLY)),
        "make a socket": lambda: socket.socket().close(),
        "make a UNIX socket": lambda: socket.socket(socket.AF_UNIX).close(),
        "make a pipe": lambda: list(map(os.close, os.pipe())),
        "duplicate a descriptor": lambda: os.close(os.dup(0)),
        "fork": fork,
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "become a program": become_a_program,
        "start a thread": start_thread,
        "signal its parent": lambda: os.kill(MINE, 0),
        "read its parent's memory": read_memory_of_parent,
        "become root": lambda: os.setresuid(0, 0, 0),
        "unshare": lambda: check(LIBC.unshare(0x04000000) == 0),
        "load code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close(),
        "import a module": lambda: __import__("this_is_imported_late"),
        "die by itself only": lambda: check(LIBC.prctl(1, 0, 0, 0, 0) == 0),
    }
    return json.dumps({name: outcome(attempt) for name, attempt in tries.items()}).encode("ascii")


def outcome(attempt: Callable[[], object]) -> str:
    """Return how an attempt ended."""
    ctypes.set_errno(0)
    try:
        attempt()
    except OSError as error:
        return os.strerror(error.errno or 0)
    except (RuntimeError, ImportError) as error:
        return type(error).__name__
    return "done"


def check(holds: bool) -> None:  # noqa: FBT001 - what a call returned
    """Raise what a call of libc failed with."""
    if not holds:
        raise OSError(ctypes.get_errno(), "")


def fork() -> None:
    """Have another process."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def become_a_program() -> None:
    """Look for a program that there is not, as far as that."""
    LIBC.execl(b"/nonexistent", b"", None)
    check(ctypes.get_errno() == errno.ENOENT)


class _Run(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("length", ctypes.c_size_t))


def read_memory_of_parent() -> None:
    """Read where there is none: whoever may read is told just that."""
    room = ctypes.create_string_buffer(1)
    mine, other = _Run(ctypes.addressof(room), 1), _Run(0, 1)
    LIBC.process_vm_readv(MINE, ctypes.byref(mine), 1, ctypes.byref(other), 1, 0)
    check(ctypes.get_errno() == errno.EFAULT)


def start_thread() -> None:
    """Have another thread."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def here(devices: Sequence[Blocks]) -> None:
    """Tell the number of this process, by what is read."""
    devices[0].read(os.getpid() * UNIT, UNIT)


def spin(devices: Sequence[Blocks], _argument: object) -> bytes:
    """Never end."""
    here(devices)
    while True:
        pass


def sleep(devices: Sequence[Blocks], _argument: object) -> bytes:
    """Wait for ever, deaf to polite signals."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    here(devices)
    while True:
        time.sleep(1)


def allocate(_devices: Sequence[Blocks], argument: int) -> bytes:
    """Use memory."""
    return b"%d" % len(bytes(argument))


def hoard(_devices: Sequence[Blocks], argument: int) -> bytes:
    """Use memory in small pieces."""
    return b"%d" % len([bytes(4000 + index % 100) for index in range(argument // 4000)])


def recurse(_devices: Sequence[Blocks], argument: int) -> bytes:
    """Go deeper without end."""
    return recurse(_devices, argument + 1)


def crash(_devices: Sequence[Blocks], _argument: object) -> bytes:
    """Read where there is no memory."""
    return ctypes.string_at(0)


def fail(_devices: Sequence[Blocks], argument: str) -> bytes:
    """Raise something, whose text is of the image."""
    errors: dict[str, BaseException] = {
        "incomplete": IncompleteError("inode 7 is damaged: é\udcff\N{PILE OF POO}"),
        "long": IncompleteError("x" * 1_000_000),
        "unsupported": UnsupportedError("bigalloc"),
        "not found": FileNotFoundError("/etc/shadow of the image"),
        "bug": KeyError("content of the image"),
        "exit": SystemExit(0),
    }
    raise errors[argument]


def leave(_devices: Sequence[Blocks], argument: int) -> bytes:
    """End without a word."""
    os._exit(argument)


def say(_devices: Sequence[Blocks], argument: str) -> bytes:
    """Say something of its own."""
    os.write(SOCKET, bytes.fromhex(argument))
    time.sleep(60)
    return b""


def close(_devices: Sequence[Blocks], _argument: object) -> bytes:
    """Say nothing any more, and stay."""
    os.close(SOCKET)
    time.sleep(60)
    return b""


def flood(devices: Sequence[Blocks], _argument: object) -> bytes:
    """Ask, and never listen."""
    here(devices)
    request = b"r" + bytes(10) + (1 << 20).to_bytes(8, "little")
    while True:
        os.write(SOCKET, request)


def answer(_devices: Sequence[Blocks], argument: int) -> bytes:
    """Answer so many bytes."""
    return bytes(argument)


def surroundings(_devices: Sequence[Blocks], _argument: object) -> bytes:
    """Return what it was given beside its devices."""
    return json.dumps([dict(os.environ), START]).encode("ascii")


def _start() -> list[object]:
    names = os.listdir("/proc/self/fd")  # noqa: PTH208
    opened = [os.readlink(f"/proc/self/fd/{name}") for name in names if os.path.exists(f"/proc/self/fd/{name}")]  # noqa: PTH110, PTH115
    return [os.getcwd(), sorted(each.partition(":")[0] for each in opened)]  # noqa: PTH109


START = _start()
"""Folder and descriptors, before anything was given up."""

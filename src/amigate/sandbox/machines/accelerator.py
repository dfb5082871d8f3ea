"""Which accelerator runs a guest fastest here: measured, because /dev/kvm may be present and useless."""

from __future__ import annotations

import functools
import os
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from amigate.errors import SandboxError
from amigate.sandbox.images import tools

_LOOPS = 1_000_000
_TIMEOUT_S = 3.0
_LEAVES_WITH = 1


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """The way QEMU runs guest code."""

    name: str
    """`kvm` or `tcg`, as QEMU spells it."""
    reason: str
    """Why it was chosen, with the times measured."""

    @property
    def options(self) -> list[str]:
        """QEMU's arguments: with TCG one thread for each CPU and a small translation buffer (120 MB less)."""
        if self.name == "kvm":
            return ["-accel", "kvm", "-cpu", "host"]
        return ["-accel", "tcg,thread=multi,tb-size=64"]


@functools.cache
def fastest() -> Accelerator:
    """Return the fastest accelerator that works; measured once in a process, in about half a second."""
    kvm = _time("kvm", ["-accel", "kvm", "-cpu", "host"]) if os.access("/dev/kvm", os.W_OK) else None
    tcg = _time("tcg", ["-accel", "tcg"])
    if kvm is not None and (tcg is None or kvm < tcg):
        return Accelerator(name="kvm", reason=f"KVM ran the test loop in {kvm:.2f} s, TCG in {_text(tcg)}")
    if tcg is None:
        raise SandboxError(
            "QEMU runs no guest here", hint="try: qemu-system-x86_64 -accel tcg -display none, and see what it says"
        )
    return Accelerator(name="tcg", reason=f"TCG ran the test loop in {tcg:.2f} s, KVM in {_text(kvm)}")


def _text(seconds: float | None) -> str:
    return "no usable time" if seconds is None else f"{seconds:.2f} s"


def _boot_sector() -> bytes:
    """Real mode: count ecx down, then leave QEMU through its debug port."""
    loop = b"\x66\xb9" + struct.pack("<I", _LOOPS) + b"\x66\x49\x75\xfc"
    leave = b"\xb0\x00\xba\xf4\x00\xee\xf4"
    return (loop + leave).ljust(510, b"\0") + b"\x55\xaa"


def _time(name: str, accelerator: list[str]) -> float | None:
    """Seconds that the loop takes, None if it does not end well within the limit."""
    with tempfile.TemporaryDirectory() as folder:
        sector = Path(folder) / f"{name}.img"
        sector.write_bytes(_boot_sector())
        command = [
            *("qemu-system-x86_64", *accelerator, "-m", "16", "-nodefaults", "-no-user-config"),
            *("-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"),
            *("-drive", f"file={sector},format=raw,if=ide"),
        ]
        started = time.monotonic()
        try:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                env={**os.environ, "PATH": tools.search_path()},
            )
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - started if done.returncode == _LEAVES_WITH else None

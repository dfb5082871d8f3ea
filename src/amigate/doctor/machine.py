"""What this machine has for the sandbox."""

from __future__ import annotations

import importlib.util
import shutil

from amigate.doctor.finding import Finding, State, ok
from amigate.errors import SandboxError
from amigate.sandbox.images import tools
from amigate.sandbox.machines.accelerator import fastest

QEMU = "qemu-system-x86_64"


def machine(lacking: State) -> list[Finding]:
    """Return whether the sandbox would run here; `lacking` is how bad it is if not."""
    return [_python(lacking), _programs(lacking), _grub(lacking), _speed(lacking)]


def _python(lacking: State) -> Finding:
    if importlib.util.find_spec("moto") is not None:
        return ok("sandbox", "amigate[sandbox] is installed")
    step = "pip install 'amigate[sandbox]' (only the sandbox needs it)"
    return Finding(topic="sandbox", state=lacking, found="moto is not installed", next_step=step)


def _programs(lacking: State) -> Finding:
    try:
        tools.require(tools.PACKAGES)
    except SandboxError as error:
        return _lacking("programs", error, lacking)
    return ok("programs", ", ".join(tools.PACKAGES))


def _grub(lacking: State) -> Finding:
    try:
        return ok("boot loader", str(tools.grub_folder()))
    except SandboxError as error:
        return _lacking("boot loader", error, lacking)


def _speed(lacking: State) -> Finding:
    if shutil.which(QEMU, path=tools.search_path()) is None:
        step = "sudo apt-get install qemu-system-x86 (only the sandbox needs it)"
        return Finding(
            topic="accelerator", state=State.UNKNOWN, found="no QEMU to measure", next_step=step, untellable=True
        )
    try:
        found = fastest()
    except SandboxError as error:
        return _lacking("accelerator", error, lacking)
    return ok("accelerator", f"{found.name}: {found.reason}")


def _lacking(topic: str, error: SandboxError, lacking: State) -> Finding:
    return Finding(topic=topic, state=lacking, found=str(error), next_step=f"{error.hint} (only the sandbox needs it)")

"""A machine without a kernel of its own: the lean image's userland and a real sshd, in namespaces of this machine.

It stands in for QEMU where hundreds of launches are made and what happens inside the guest is not the point: the API,
the login, the collector and sudo are the real ones. It needs root."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amigate.sandbox.images import base, lean, tools
from amigate.sandbox.images.defects import DEFECTS
from amigate.sandbox.images.tree import Tree

if TYPE_CHECKING:
    from amigate.sandbox.machines.machine import Observer
    from amigate.sandbox.machines.spec import Spec

USER = "admin"
_BOOT = r"""
set -e
mount --make-rprivate /
mkdir -p up work root
mount -t overlay none -o lowerdir="$TREE",upperdir=up,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs run root/run
mkdir root/run/sshd
mount --rbind /dev root/dev
mount --bind boot_id root/proc/sys/kernel/random/boot_id
hostname "$NAME"
cd root
for kind in ecdsa ed25519; do
  [ -s etc/ssh/ssh_host_${kind}_key ] || chroot . ssh-keygen -q -t $kind -N '' -f /etc/ssh/ssh_host_${kind}_key
done
if ! grep -q "^$LOGIN:" etc/passwd; then
  chroot . useradd --create-home --shell "${LOGIN_SHELL:-/bin/bash}" --password '!' "$LOGIN"
fi
if [ -n "$KEY" ]; then
  mkdir -p "home/$LOGIN/.ssh"
  grep -qxF "$KEY" "home/$LOGIN/.ssh/authorized_keys" 2>/dev/null || echo "$KEY" >>"home/$LOGIN/.ssh/authorized_keys"
  chmod 700 "home/$LOGIN/.ssh"
  chroot . chown -R "$LOGIN:" "/home/$LOGIN/.ssh"
fi
[ -e etc/sudoers.d/90-login ] || (umask 337; echo "$LOGIN ALL=(ALL) NOPASSWD:ALL" >etc/sudoers.d/90-login)
eval "$EXTRA"
echo '-----BEGIN SSH HOST KEY KEYS-----'
cat etc/ssh/ssh_host_*_key.pub
echo '-----END SSH HOST KEY KEYS-----'
echo 'login: '
exec chroot . /usr/sbin/sshd -D -p "$PORT" -o ListenAddress="$ADDRESS"
"""
"""From nothing to a listening sshd, which is process 1."""


@cache
def tree() -> Path:
    """Return the root file system of the clean lean image, laid out once in a process."""
    folder = Path(tempfile.mkdtemp(prefix="amigate-test-tree-"))
    tools.run(["tar", "-C", str(folder), "--exclude=./dev/*", "-xpf", str(base.tar(lean.PACKAGES, lambda _: None))])
    folder.chmod(0o755)
    lean.lay(Tree(folder))
    return folder


class Container:
    """What `Machine` is, for the cloud of a sandbox.

    `extra` is shell text that spoils the next ones: it runs in their root folder, before sshd."""

    extra = ""
    defects: tuple[str, ...] = ()

    def __init__(self, spec: Spec, folder: Path, *, observer: Observer, **_: Any) -> None:
        self.spec = spec
        self._folder, self._observer = folder, observer
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        folder.mkdir()
        self._extra, self._pressed = self.extra, False
        (folder / "up").mkdir()
        for name in self.defects:
            DEFECTS[name].apply("lean", Tree(self._spoiled()))

    def _spoiled(self) -> Path:
        """Return a tree of this machine's own, for defects that change files."""
        own = self._folder / "tree"
        if not own.exists():
            subprocess.run(["cp", "-a", "--reflink=auto", str(tree()), str(own)], check=True)
        return own

    def disk(self, volume_id: str) -> Path:
        """There is none."""
        return self._folder / "none"

    def power_on(self) -> None:
        """Start the namespaces and what runs in them."""
        self._pressed = False
        (self._folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        own = self._folder / "tree"
        environment = {
            "PATH": tools.search_path(),
            "TREE": str(own if own.exists() else tree()),
            "NAME": self.spec.private_dns.partition(".")[0],
            "LOGIN": USER,
            "KEY": self.spec.public_key,
            "PORT": str(self.spec.ssh_port),
            "ADDRESS": self.spec.public_ip,
            "EXTRA": self._extra,
            "PYTHON": sys.executable,
        }
        with (self._folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", _BOOT],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        self._thread = threading.Thread(target=self._live, args=(self._process,), daemon=True)
        self._thread.start()

    def _live(self, process: subprocess.Popen[bytes]) -> None:
        self._observer.started(self)  # type: ignore[arg-type] # a stand-in
        code = process.wait()
        self._observer.ended(self, 0 if self._pressed else code)  # type: ignore[arg-type] # a stand-in

    @property
    def status(self) -> str:
        """It answers at once."""
        return "ok"

    def press_power_button(self) -> None:
        """End it, as a guest that hears its power button does."""
        self._pressed = True
        self.cut_power()

    def cut_power(self) -> None:
        """End it now."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread is not None:
            self._thread.join()

    def discard(self) -> None:
        """Remove what it had."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def console(self) -> bytes:
        """Return what it printed."""
        path = self._folder / "console"
        return path.read_bytes() if path.exists() else b""

    def complaint(self) -> str:
        """Return the end of what it printed."""
        return self.console().decode(errors="replace")[-300:]

"""A machine of one's own within milliseconds: this system under an overlay, in namespaces, with a real sshd."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.harden.ssh import Address, SshMachine, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

HASH = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
admin:x:1000:1000::/home/admin:/bin/bash
deploy:x:1020:1020::/srv/deploy:/bin/sh
"""
SHADOW = f"""\
root:{HASH}:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
sshd:!:19000::::::
admin:!{HASH}:{int(time.time()) // 86400}:0:60:7:::
deploy::19000:0:99999:7:::
"""

# Whatever the machine does, it does to an overlay and to processes of its own; /proc/sysrq-trigger is not namespaced.
INIT = """
set -eu
cd "$1"
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
if [ -e root/proc/sysrq-trigger ]; then mount --bind /dev/null root/proc/sysrq-trigger; fi
mount --rbind /dev root/dev
mount -t tmpfs tmpfs root/run
mount -t tmpfs tmpfs root/tmp
exec chroot root /bin/sh -c '
  trap "exit 0" TERM
  mkdir /run/sshd
  /usr/sbin/sshd -D -e &
  while :; do wait || :; done'
"""


class Computer:
    """A machine made of this system and of files of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.upper = home / "upper"
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port: int = server.getsockname()[1]
        for folder in ("upper", "work", "root"):
            (home / folder).mkdir()
        self.process: subprocess.Popen[str] | None = None
        self.identity = home / "id_ed25519"
        self.keygen(self.identity)
        self._furnish()

    def keygen(self, path: Path, comment: str = "operator@desk") -> str:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path], check=True)
        return path.with_suffix(".pub").read_text()

    def write(self, path: str, text: str, mode: int = 0o644, owner: int = 0) -> Path:
        file = self.upper / path.lstrip("/")
        for folder in reversed(file.relative_to(self.upper).parents):
            if not (self.upper / folder).exists():
                (self.upper / folder).mkdir()
                os.chown(self.upper / folder, owner, owner)
        file.write_text(text)
        file.chmod(mode)
        os.chown(file, owner, owner)
        return file

    def read(self, path: str) -> str | None:
        """Return what the machine changed `path` to, or made it; None when it removed it."""
        file = self.upper / path.lstrip("/")
        return file.read_text() if file.is_file() else None

    def tree(self) -> dict[str, tuple[int, int, int, str]]:
        """Return every file that the machine has of its own, under /etc, /home, /root and /srv."""
        found = {}
        for top in ("etc", "home", "root", "srv"):
            for path in sorted((self.upper / top).rglob("*")):
                if path.name == ".sudo_as_admin_successful":  # made by sudo itself
                    continue
                status = path.lstat()
                text = path.read_text() if path.is_file() and not path.is_symlink() else ""
                found[str(path)] = (status.st_mode, status.st_uid, status.st_ino, text)
        return found

    def address(self, user: str = "admin") -> Address:
        known = self.home / "known_hosts"
        return Address(
            host="127.0.0.1",
            port=self.port,
            user=user,
            identity=self.identity,
            known_hosts=known,
            accept_new=True,
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def start(self) -> None:
        (self.home / "known_hosts").touch()
        flags = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        self.process = process = subprocess.Popen(
            ["unshare", *flags, "/bin/sh", "-c", INIT, "init", self.home],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if "Server listening" in line:
                return
        process.communicate()
        raise AssertionError(f"sshd did not start: {said}")

    def _furnish(self) -> None:
        self.write("/etc/passwd", PASSWD)
        self.write("/etc/shadow", SHADOW, 0o640)
        self.write("/etc/shadow-", SHADOW, 0o600)
        self.write("/etc/group", "root:x:0:\nadmin:x:1000:\ndeploy:x:1020:\nnogroup:x:65534:\n")
        self.write("/etc/gshadow", "root:*::\nadmin:!::\ndeploy:!::\n", 0o640)
        self.write("/etc/sudoers.d/90-admin", "admin ALL=(ALL) NOPASSWD:ALL\n", 0o440)
        self.write("/etc/ssh/sshd_config", Path("/usr/share/openssh/sshd_config").read_text())
        place = f"Port {self.port}\nListenAddress 127.0.0.1\nPidFile none\nHostKey /etc/ssh/ssh_host_ed25519_key\n"
        self.write("/etc/ssh/sshd_config.d/10-place.conf", place)
        for owner, home in ((1000, "home/admin"), (1020, "srv/deploy"), (0, "root")):
            (self.upper / home).mkdir(parents=True)
            os.chown(self.upper / home, owner, owner)
        key = self.identity.with_suffix(".pub").read_text()
        self.write("/home/admin/.ssh/authorized_keys", key, 0o600, 1000)
        self.keygen(self.upper / "etc/ssh/ssh_host_ed25519_key")
        self.write("/usr/sbin/poweroff", "#!/bin/sh\nkill -TERM 1\n", 0o755)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """Make a machine that is not running yet; its user admin logs in with a key and has sudo."""
    missing = [name for name in ("unshare", "sudo", "ssh-keygen") if not shutil.which(name)]
    if os.geteuid() != 0 or missing or not Path("/usr/share/openssh/sshd_config").exists():
        pytest.skip(f"needs root and openssh-server, sudo; missing: {missing}")
    return Computer(tmp_path)


@pytest.fixture
def running(computer: Computer) -> Iterator[Computer]:
    """Switch the machine on."""
    computer.start()
    yield computer
    computer.stop()


@pytest.fixture
def machine(running: Computer) -> Iterator[SshMachine]:
    """Log in to the running machine as admin."""
    session = connect(running.address())
    yield session
    session.close()

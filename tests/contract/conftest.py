"""Real parts to compare with: servers of this machine in namespaces, and a root file system that lies at rest too."""

from __future__ import annotations

import os
import selectors
import shlex
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from amigate.evidence.collector import collect
from amigate.evidence.redaction.redactor import Redactor
from amigate.sources.directory import read_directory
from amigate.sources.login_key import LoginKey, make_login_key
from amigate.sources.ssh import log_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from amigate.evidence.model import Contact, View
    from amigate.evidence.questions import Needs
    from amigate.sources.connection import Connection

_ENTER = """
set -e
mount --make-rprivate /
mkdir -p {root}/dev {root}/proc
mount --rbind /dev {root}/dev
mount -t proc proc {root}/proc
exec chroot {root} {program}
"""
"""The mounts are seen in this namespace alone, so that the tree itself stays at rest."""


@pytest.fixture(scope="session")
def sshd() -> str:
    """Return the path of the real sshd; the tests' README and the set-up script install `openssh-server`."""
    path = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    assert path is not None, "install the package openssh-server"
    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount namespace of its own")
    return path


_BOOT = r"""
set -e
mount -t tmpfs none .
cd "$PWD"
mkdir up work root
mount -t overlay none -o lowerdir="$TREE",upperdir=up,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs run root/run
mount --rbind /dev root/dev
mount -t tmpfs shm root/dev/shm
mount -t tmpfs tmp root/tmp
chmod 1777 root/tmp root/dev/shm
cd root
mkdir run/sshd
rm -rf etc/ssh/sshd_config.d etc/ssh/ssh_host_* etc/sudoers.d
mkdir etc/sudoers.d
chroot . ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
chroot . useradd --create-home --shell "$LOGIN_SHELL" --password '*' somebody
install -d -m 700 home/somebody/.ssh
echo "$KEY" >home/somebody/.ssh/authorized_keys
chroot . chown -R somebody: /home/somebody
echo 'somebody ALL=(ALL) NOPASSWD:ALL' >etc/sudoers.d/somebody
chmod 440 etc/sudoers.d/somebody
printf 'ListenAddress 127.0.0.1\nPort %s\n%s\n' "$PORT" "$CONFIG" >etc/ssh/sshd_config
eval "$EXTRA"
exec chroot . "$SSHD" -D -e
"""
"""From a tree, which does not change, to a machine with a user and an sshd."""


@dataclass(frozen=True)
class Machine:
    """A real sshd with the files of a tree, in namespaces of its own."""

    port: int
    key: LoginKey
    root: Path
    """Its root folder, as long as it runs, for whoever looks at it or changes it from outside."""
    log: Path
    """What its sshd says on standard error."""

    def reach(self, timeout_s: float = 20) -> tuple[Contact, Connection | None]:
        """Try to log in as amigate does."""
        return log_in(
            "127.0.0.1",
            self.port,
            users=["somebody"],
            key=self.key,
            timeout_s=timeout_s,
            cancelled=threading.Event(),
        )

    def log_in(self, timeout_s: float = 20) -> Connection:
        """Log in as amigate does."""
        contact, connection = self.reach(timeout_s)
        assert connection is not None, contact.detail
        return connection


class Machines(Protocol):
    """Starts machines: `extra` is shell text that spoils one, run in its root folder before sshd.

    `tree` is whose files it has; by default this machine's own."""

    def __call__(
        self, *, extra: str = "", config: str = "", shell: str = "/bin/bash", tree: Path = Path("/")
    ) -> AbstractContextManager[Machine]: ...


@pytest.fixture(scope="session")
def login_key() -> LoginKey:
    return make_login_key()


@pytest.fixture
def machines(sshd: str, tmp_path: Path, login_key: LoginKey) -> Machines:
    """Return what starts a machine."""

    @contextmanager
    def start(
        *, extra: str = "", config: str = "", shell: str = "/bin/bash", tree: Path = Path("/")
    ) -> Iterator[Machine]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        values = {"PORT": str(port), "KEY": login_key.public_line, "CONFIG": config, "EXTRA": extra, "SSHD": sshd}
        values["TREE"] = str(tree)
        command = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", _BOOT]
        environment = {**os.environ, **values, "LOGIN_SHELL": shell}
        folder = tmp_path / str(port)
        folder.mkdir()
        log = folder / "log"
        with (
            log.open("wb") as errors,
            subprocess.Popen(command, cwd=folder, env=environment, stderr=errors) as process,
        ):
            try:
                _await_server(process, log)
                yield Machine(port=port, key=login_key, root=Path(f"/proc/{process.pid}/root{folder}/root"), log=log)
            finally:
                process.kill()

    return start


def _await_server(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until sshd says that it listens; a connection that nobody uses counts against who makes it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if process.poll() is not None:
            pytest.fail(said)
        if "Server listening on" in said:
            return
        time.sleep(0.05)
    pytest.fail("sshd did not start")


@pytest.fixture(scope="session")
def trixie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of a Debian 13, whose OpenSSH is 10.0; the image builder makes and keeps it."""
    from amigate.sandbox.images import base  # noqa: PLC0415 - only where it is needed

    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount namespace of its own")
    return _unpacked(base.tar(["openssh-server", "sudo"], print, "trixie"), tmp_path_factory.mktemp("trixie"))


def _unpacked(tar: Path, folder: Path) -> Path:
    left_out = ("./dev/*", "./boot/*", "./usr/lib/modules/*")
    subprocess.run(["tar", "-C", folder, *(f"--exclude={each}" for each in left_out), "-xpf", tar], check=True)
    folder.chmod(0o755)
    return folder


class SshdMachine:
    """Configuration files under /etc/ssh as a namespace sees them, and a shell in it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self.program = program
        (folder / "ssh").mkdir()
        for key in ("rsa", "ed25519"):
            subprocess.run(
                ["ssh-keygen", "-q", "-N", "", "-t", key, "-f", f"{folder}/ssh/ssh_host_{key}_key"], check=True
            )
        setup = f"mount --bind {folder}/ssh /etc/ssh && mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec sh"
        self._shell = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", setup], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self, command: str) -> tuple[int, str]:
        """Return exit code and standard output; runs in the one shell of the namespace."""
        return next(iter(self.run_all([command])))

    def run_all(self, commands: Iterable[str]) -> list[tuple[int, str]]:
        """Run every command, as many at a time as there are processors."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        commands = list(commands)
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for number, command in enumerate(commands):
            (work / f"{number}.sh").write_text(
                f"( {command} ) >{work}/{number}.out 2>/dev/null\necho $? >{work}/{number}.rc\n"
            )
        self._shell.stdin.write(f"ls {work}/*.sh | xargs -P 8 -n 8 sh -c 'for f do sh $f; done' _; echo done\n")
        assert self._shell.stdout.readline() == "done\n"
        return [
            (int((work / f"{number}.rc").read_text()), (work / f"{number}.out").read_text())
            for number in range(len(commands))
        ]

    def write(self, files: dict[str, str]) -> None:
        """Replace the configuration: names below /etc/ssh to text."""
        shutil.rmtree(self.folder / "ssh/sshd_config.d", ignore_errors=True)
        shutil.rmtree(self.folder / "ssh/more", ignore_errors=True)
        for name, text in files.items():
            path = self.folder / "ssh" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.files = files

    def close(self) -> None:
        """End the namespace."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.close()
        self._shell.wait(10)
        self._shell.stdout.close()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, sshd: str) -> Iterator[SshdMachine]:
    """Return a real sshd to ask about made-up configurations."""
    made = SshdMachine(tmp_path_factory.mktemp("sshd"), sshd)
    yield made
    made.close()


class NamespaceChannel:
    """A program whose root is a tree."""

    def __init__(self, root: Path, program: str) -> None:
        text = _ENTER.format(root=shlex.quote(str(root)), program=program)
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)

    def receive(self, timeout_s: float) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise TimeoutError
        return os.read(self._process.stdout.fileno(), 1 << 16)

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait(10)


@dataclass(frozen=True)
class Root:
    """A root file system that is asked in both ways."""

    folder: Path
    redactor: Redactor | None
    """Both ways keep alike under one key."""

    def write(self, path: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        """Make a file and the folders above it."""
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)
        return file

    def link(self, path: str, target: str) -> None:
        """Make a link and the folders above it."""
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(target)

    def live(self, *needs: Needs) -> View:
        """Return what the real collector sees, run in the tree."""
        view = collect(lambda program: NamespaceChannel(self.folder, program), needs, redactor=self.redactor)
        assert not view.broken, view.broken
        return view

    def at_rest(self, *needs: Needs) -> View:
        """Return what is seen of the directory."""
        return read_directory(self.folder, needs, redactor=self.redactor)

    def both(self, *needs: Needs) -> Sequence[View]:
        """Return both views: live, at rest."""
        return self.live(*needs), self.at_rest(*needs)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Return a small root file system: busybox, and accounts."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for a namespace of its own")
    busybox = shutil.which("busybox")
    assert busybox is not None, "install the package busybox-static"
    made = Root(tmp_path / "root", Redactor())
    for folder in ("bin", "tmp", "root", "run", "etc", "dev", "proc", "lib"):
        (made.folder / folder).mkdir(parents=True)
    shutil.copy2(busybox, made.folder / "bin/busybox")
    for applet in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if applet not in ("busybox", "dpkg", "rpm"):  # package managers of a kind, which no image has
            made.link(f"/bin/{applet}", "busybox")
    made.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/srv/bob:/bin/sh\n")
    made.write("/etc/shadow", "root:*:1::::::\nbob:!:1::::::\n", 0o600)
    made.write("/etc/group", "root:x:0:\nbob:x:1000:\n")
    return made


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Return a whole Debian, unpacked from the image builder's cache where that holds one."""
    from amigate.sandbox.images import base, cache, lean  # noqa: PLC0415 - only where it is needed

    path = cache.folder("base") / f"{base.SUITE}-{cache.digest([base.recipe(lean.PACKAGES)])}.tar"
    if os.geteuid() != 0 or not path.exists():
        pytest.skip("needs root, and the image builder's Debian in the cache")
    return Root(_unpacked(path, tmp_path_factory.mktemp("debian")), Redactor())

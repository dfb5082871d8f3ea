"""The bed: a real sshd at the far end of a link whose round-trip time is chosen.

With root, `ip` and a C compiler it is two network namespaces and `wan.c` between them, so that handshakes, windows and
slow start are the kernel's own. Otherwise, or with relay=True, it is a TCP relay in this process that holds every
byte back for half a round trip, and a connection for one."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import shutil
import struct
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
CLIENT, SERVER = "amigate-bench-client", "amigate-bench-server"
CLIENT_ADDRESS, SERVER_ADDRESS = "10.77.0.2", "10.77.0.1"
STARTS_S = 30.0
CONGESTION_CONTROL = "reno"
"""As images have cubic, which only the machine's own namespace may choose, and which starts as slowly as reno does."""


class Link(Protocol):
    """What lies between client and server."""

    address: str
    port: int
    prefix: Sequence[str]
    """Runs a command at the client's end."""

    def set_rtt(self, milliseconds: float) -> None:
        """Make the way as long as that."""

    def traffic(self) -> tuple[int, int]:
        """Return the bytes that have gone to the server and come from it."""


@dataclass(frozen=True)
class Bed:
    """A machine at the end of a link."""

    link: Link
    folder: Path
    key: Path
    sshd: int
    """The process id of its sshd."""

    def run(self, command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command at the client's end."""
        place = {"BENCH_ADDRESS": self.link.address, "BENCH_PORT": str(self.link.port)}
        return subprocess.run(
            [*self.link.prefix, *command],
            env={**os.environ, **place, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def cpu_s(self) -> float:
        """Return the seconds of processor that sshd and all that it has started and outlived have used."""
        fields = Path(f"/proc/{self.sshd}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def bed(folder: Path, *, relay: bool = False) -> Iterator[Bed]:
    """Set up a machine and a link to it in `folder`, and take both down again."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    namespaces = not relay and all(map(shutil.which, ("ip", "cc"))) and Path("/dev/net/tun").exists()
    with ExitStack() as stack:
        link: Link
        if namespaces:
            link = stack.enter_context(_namespaces(folder))
            server, port = ["ip", "netns", "exec", SERVER], link.port
        else:
            link = relayed = stack.enter_context(_relay())
            server, port = [], relayed.upstream
        sshd = stack.enter_context(_machine(folder, server, link.address, port, key.with_suffix(".pub")))
        made = Bed(link=link, folder=folder, key=key, sshd=sshd)
        _await(made)
        yield made


def _await(made: Bed) -> None:
    made.link.set_rtt(0)
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    login = ["ssh", *options, "-i", str(made.key), "-p", str(made.link.port), f"admin@{made.link.address}"]
    deadline = time.monotonic() + STARTS_S
    while (tried := made.run([*login, "sudo -n true"])).returncode != 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the bed's sshd takes no login: {tried.stderr[-500:]}")
        time.sleep(0.2)


@contextmanager
def _machine(folder: Path, prefix: Sequence[str], address: str, port: int, key: Path) -> Iterator[int]:
    root = folder / "machine"
    root.mkdir()
    command = [*prefix, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", str(HERE / "machine.sh")]
    values = {"KEY": key.read_text().strip(), "ADDRESS": address, "PORT": str(port)}
    with (
        (folder / "sshd.log").open("wb") as log,
        subprocess.Popen(command, cwd=root, env={**os.environ, **values}, stderr=log, stdout=log) as process,
    ):
        try:
            yield _child(process)
        finally:
            process.kill()


def _child(process: subprocess.Popen[bytes]) -> int:
    """Return the one child of unshare: the shell that becomes sshd."""
    deadline = time.monotonic() + STARTS_S
    while process.poll() is None and time.monotonic() < deadline:
        if found := Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            return int(found[0])
        time.sleep(0.01)
    raise RuntimeError("the bed's machine did not start; is this root?")


class _Wan:
    """Two namespaces and `wan.c` between them."""

    address, port = SERVER_ADDRESS, 22
    prefix: Sequence[str] = ("ip", "netns", "exec", CLIENT)

    def __init__(self, control: mmap.mmap) -> None:
        self._control = control

    def set_rtt(self, milliseconds: float) -> None:
        self._control[:8] = struct.pack("<Q", int(milliseconds * 500))

    def traffic(self) -> tuple[int, int]:
        _, _, up, _, down = struct.unpack("<5Q", self._control[:40])
        return up, down


@contextmanager
def _namespaces(folder: Path) -> Iterator[_Wan]:
    program, control = folder / "wan", folder / "control"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(HERE / "wan.c")], check=True)
    with ExitStack() as stack:
        for name in (CLIENT, SERVER):
            subprocess.run(["ip", "netns", "add", name], check=True)
            stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=False)
        delayer = stack.enter_context(
            subprocess.Popen([program, CLIENT, SERVER, control], stdout=subprocess.PIPE, bufsize=0)
        )
        stack.callback(delayer.kill)
        assert delayer.stdout is not None
        if delayer.stdout.readline() != b"ready\n":
            raise RuntimeError("the delaying link did not start")
        for name, address in ((CLIENT, CLIENT_ADDRESS), (SERVER, SERVER_ADDRESS)):
            for words in (f"addr add {address}/24 dev wan0", "link set lo up", "link set wan0 up mtu 1500"):
                subprocess.run(["ip", "-n", name, *words.split()], check=True)
            usual = f"echo {CONGESTION_CONTROL} >/proc/sys/net/ipv4/tcp_congestion_control"
            subprocess.run(["ip", "netns", "exec", name, "sh", "-c", usual], check=True)
        with control.open("r+b") as file, mmap.mmap(file.fileno(), 4096) as mapped:
            yield _Wan(mapped)


@dataclass
class _Relay:
    """Holds bytes back on their way through this process."""

    address = "127.0.0.1"
    prefix: Sequence[str] = ()
    port: int = 0
    upstream: int = 0
    delay_s: float = 0.0
    bytes_up: int = 0
    bytes_down: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def set_rtt(self, milliseconds: float) -> None:
        self.delay_s = milliseconds / 2000

    def traffic(self) -> tuple[int, int]:
        return self.bytes_up, self.bytes_down

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        await asyncio.sleep(2 * self.delay_s)  # the handshake, which the kernel has answered by itself
        try:
            far_reader, far_writer = await asyncio.open_connection(self.address, self.upstream)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pump(reader, far_writer, up=True), self._pump(far_reader, writer, up=False))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = asyncio.create_task(self._deliver(held, writer))
        data = b"x"
        while data:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            if up:
                self.bytes_up += len(data)
            else:
                self.bytes_down += len(data)
            held.put_nowait((time.monotonic() + self.delay_s, data))
        await sender

    async def _deliver(self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while (item := await held.get())[1]:
                await asyncio.sleep(max(0.0, item[0] - time.monotonic()))
                writer.write(item[1])
                await writer.drain()
        writer.close()


@contextmanager
def _relay() -> Iterator[_Relay]:
    link = _Relay()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(link.serve, link.address, 0))
    probe = loop.run_until_complete(asyncio.start_server(link.serve, link.address, 0))
    link.port, link.upstream = (each.sockets[0].getsockname()[1] for each in (server, probe))
    probe.close()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield link
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

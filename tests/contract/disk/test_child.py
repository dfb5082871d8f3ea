"""A real child, which reads what it should, and gets at nothing else whatever it tries."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.child import run
from amigate.disk.child.ended import EndedError, Ending
from amigate.disk.child.limits import Limits
from amigate.disk.child.run import Work, in_child

from .child_work import tree, volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .conftest import Bench, Opener

HERE = Path(__file__).parent
UNIT = 1 << 19
SECRETS = {"AWS_SECRET_ACCESS_KEY": "x", "AWS_PROFILE": "y", "HOME": "/root", "PYTHONPATH": "/nowhere", "TOKEN": "z"}
KEPT_APART = {
    "read a file": "Operation not permitted",
    "read a file by Python": "Operation not permitted",
    "write a file": "Operation not permitted",
    "list a folder": "Operation not permitted",
    "look at a file": "Operation not permitted",
    "remove a file": "Operation not permitted",
    "change a mode": "Operation not permitted",
    "read its parent's environment": "Operation not permitted",
    "make a socket": "Operation not permitted",
    "make a UNIX socket": "Operation not permitted",
    "make a pipe": "Operation not permitted",
    "duplicate a descriptor": "Operation not permitted",
    "fork": "Operation not permitted",
    "run a program": "Operation not permitted",
    "become a program": "Operation not permitted",
    "start a thread": "RuntimeError",
    "signal its parent": "Operation not permitted",
    "read its parent's memory": "Operation not permitted",
    "become root": "Operation not permitted",
    "unshare": "Operation not permitted",
    "load code": "Operation not permitted",
    "import a module": "ModuleNotFoundError",
    "die by itself only": "Operation not permitted",
}


class Zeros:
    """A device of 8 TiB of zeros, which notes what is read."""

    size = 1 << 43

    def __init__(self) -> None:
        self.reads: list[Extent] = []

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(Extent(offset, length))
        return bytes(length)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Zeros are near."""

    def written(self) -> Iterator[Extent]:
        yield from ()

    @property
    def reader(self) -> int:
        """The process that told its number (`child_work.here`)."""
        return self.reads[0].offset // UNIT


def work(name: str, argument: object = None) -> Work:
    return Work(name=f"child_work:{name}", argument=argument, folder=HERE)


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def children() -> set[str]:
    """Return the processes that this one has, also such as have ended and were not asked how."""
    found: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended has none
            found |= set((thread / "children").read_text(encoding="ascii").split())
    return found


@contextmanager
def ends(how: Ending, text: str) -> Iterator[None]:
    """Expect that a child ends so, soon, and leaves nothing."""
    before = children()
    started = time.monotonic()
    with pytest.raises(EndedError, match=f"^the process that reads the image {re.escape(text)}$") as caught:
        yield
    assert caught.value.how == how
    assert time.monotonic() - started < 30
    assert children() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "serves an image"]


@pytest.fixture
def image(bench: Bench) -> Path:
    """Make an XFS file system with some of everything."""
    if os.getuid() or not shutil.which("mkfs.xfs"):
        pytest.skip("needs root and xfsprogs")
    path = bench.image("xfs", 320)
    bench.run("mkfs.xfs", "-q", path)
    script = """
        mkdir "$2" && mount -t xfs -o loop "$1" "$2" && cd "$2" || exit
        for folder in $(seq 40); do
            mkdir -p "some/$folder" && for file in $(seq 30); do echo "$folder $file" >"some/$folder/a name $file"; done
        done
        mkdir big && seq -f "big/%06.0f with a long name" 4000 | xargs -d '\\n' touch
        seq 100000 >content && ln -s content link && ln content again && mkfifo pipe && cd / && umount "$2"
    """
    bench.run("unshare", "--mount", "sh", "-c", script, "sh", path, bench.folder / "mount")
    return path


def test_a_tree_is_the_same_as_in_this_process(image: Path, opened: Opener) -> None:
    raw = opened(image)
    answer = in_child(work("tree"), [raw])
    assert answer.data == tree([raw], None)
    found, damage, _ = json.loads(answer.data)
    assert len(found) > 5000
    assert not damage
    assert bytes.fromhex(found["/content"][-1]) == "".join(f"{number}\n" for number in range(1, 100_001)).encode()
    assert not answer.isolation.gaps


def test_a_device_that_is_damaged_is_the_same_damage(image: Path, opened: Opener) -> None:
    with image.open("r+b") as file:
        file.seek(0)
        file.write(b"XFSX")
    with pytest.raises(OSError, match="XFS") as caught:
        in_child(work("tree"), [opened(image)])
    assert type(caught.value) in {IncompleteError, UnsupportedError}


@pytest.fixture
def qcow2(bench: Bench) -> Path:
    """Make a qcow2 image, compressed by zstd, of a disk whose partition has a name that is not ASCII."""
    raw, image = bench.image("raw", 8), bench.folder / "qcow2"
    bench.run("sgdisk", "--new=1:2048:+4M", "--change-name=1:Größe", raw)
    with raw.open("r+b") as file:
        file.seek(2 << 20)
        file.write(b"compressible " * 100_000)
    bench.run("qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", raw, image)
    return image


def test_modules_that_only_some_images_need_are_imported_first(qcow2: Path, opened: Opener) -> None:
    raw = opened(qcow2)
    modules = ("compression.zstd", "backports.zstd")
    task = Work(name="child_work:volumes", folder=HERE, modules=modules)
    found = in_child(task, [raw]).data
    assert found == volumes([raw], None)
    assert json.loads(found)[0] == [["disk/p1", "Größe"]]
    with pytest.raises(EndedError, match=r"failed: ModuleNotFoundError of \w+ in inflate\.py$"):
        in_child(work("volumes"), [raw])


class Far(Zeros):
    """A device whose units come only when eight of them are on their way at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(8)
        self._meeting = threading.Barrier(8, timeout=20)
        self._units: dict[int, Any] = {}

    def prefetch(self, extents: Iterable[Extent]) -> None:
        for each in extents:
            self._units[each.offset // UNIT] = self._pool.submit(self._fetch)

    def read(self, offset: int, length: int) -> bytes:
        self._units[offset // UNIT].result()
        return super().read(offset, length)

    def _fetch(self) -> None:
        try:
            self._meeting.wait()
        except threading.BrokenBarrierError as error:
            raise IncompleteError("too few were asked for at the same time") from error


def test_what_is_asked_for_ahead_is_fetched_at_the_same_time() -> None:
    assert in_child(work("ahead", list(range(32))), [Far()]).data == bytes(32)


def attempts(folder: Path) -> dict[str, str]:
    """Return what is attempted on, which is there and could be had."""
    for name in ("secret", "victim"):
        (folder / name).write_text("a secret", encoding="utf-8")
        (folder / name).chmod(0o666)
    for each in (folder, *folder.parents[:-2]):
        each.chmod(0o777)
    return {name: str(folder / name) for name in ("secret", "victim", "new")}


def test_a_process_that_is_not_kept_apart_could_do_all_of_it(tmp_path: Path) -> None:
    """The attempts are real: else that they fail would prove nothing."""
    argument = json.dumps(attempts(tmp_path))
    code = f"import child_work; print(child_work.attempts([], {argument}).decode())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE)
    expected = dict.fromkeys(KEPT_APART, "done") | {"import a module": "ModuleNotFoundError"}
    if os.getuid():
        del expected["become root"], expected["unshare"]
    assert json.loads(done.stdout).items() >= expected.items()


def test_a_child_can_do_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argument = attempts(tmp_path)
    answer = in_child(work("attempts", argument), [])
    assert json.loads(answer.data) == KEPT_APART
    assert not answer.isolation.gaps
    assert Path(argument["victim"]).exists()
    assert not Path(argument["new"]).exists()


def test_a_child_is_given_nothing_but_its_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    environment, (folder, descriptors) = json.loads(in_child(work("surroundings"), []).data)
    assert environment == {"LANG": "C.UTF-8", "HOME": "/"}
    assert folder == "/"
    assert descriptors == ["/dev/null", "/dev/null", "/dev/null", "socket"]


@pytest.mark.parametrize(
    "name, size, limits, text",
    [("allocate", 4 << 30, Limits(), "1 GiB"), ("hoard", 200 << 20, Limits(memory_bytes=100 << 20), "100 MiB")],
)
def test_memory_has_a_limit(name: str, size: int, limits: Limits, text: str) -> None:
    assert in_child(work(name, 80 << 20), [], limits=limits).data
    with ends(Ending.MEMORY, f"used more than {text} of memory"):
        in_child(work(name, size), [], limits=limits)


def test_processor_time_has_a_limit() -> None:
    with ends(Ending.PROCESSOR_TIME, "used more than 1 s of processor time"):
        in_child(work("spin"), [Zeros()], limits=Limits(cpu_s=1))


@pytest.mark.parametrize("name", ["sleep", "flood"])
def test_time_has_a_limit(name: str) -> None:
    device = Zeros()
    with ends(Ending.TIME, "took longer than 3 s"):
        in_child(work(name), [device], limits=Limits(wall_s=3))
    assert is_gone(device.reader)


def test_an_answer_has_a_limit() -> None:
    limits = Limits(answer_bytes=3 << 20)
    assert in_child(work("answer", 3 << 20), [], limits=limits).data == bytes(3 << 20)
    with ends(Ending.ANSWER, "answered more than 3 MiB"):
        in_child(work("answer", (3 << 20) + 1), [], limits=limits)


def test_a_child_that_crashes_is_named() -> None:
    with ends(Ending.SIGNAL, "died of SIGSEGV"):
        in_child(work("crash"), [])


def test_endless_recursion_ends_in_words() -> None:
    with ends(Ending.FAILED, "failed: RecursionError in child_work.py"):
        in_child(work("recurse", 0), [])


@pytest.mark.parametrize("code", [0, 7])
def test_a_child_that_leaves_without_an_answer_has_none(code: int) -> None:
    with ends(Ending.EXIT, f"ended with exit code {code} before it answered"):
        in_child(work("leave", code), [])


SAID = {
    "noise": (b"\xff" * 19, "a request that there is not"),
    "a read behind the end": (
        b"r\0\0" + (1 << 43).to_bytes(8, "little") + b"\1" + bytes(7),
        "a read of what there is not",
    ),
    "an isolation of its own": (b"i" + bytes(18), "something at the wrong time"),
}


@pytest.mark.parametrize("said, what", SAID.values(), ids=SAID)
def test_a_child_that_breaks_the_protocol_is_ended(said: bytes, what: str) -> None:
    said = said.replace(b"\xff\xff\xff", b"x\0\0", 1)
    with ends(Ending.MALFORMED, f"said something malformed: {what}"):
        in_child(work("say", said.hex()), [Zeros()])


def test_a_child_that_hangs_up_and_stays_is_ended() -> None:
    with ends(Ending.MALFORMED, "said something malformed: it closed its connection"):
        in_child(work("close"), [])


@pytest.mark.parametrize(
    "name, kind, text",
    [
        ("incomplete", IncompleteError, "inode 7 is damaged: é\udcff\N{PILE OF POO}"),
        ("unsupported", UnsupportedError, "bigalloc"),
        ("long", IncompleteError, "x" * 1024),
    ],
)
def test_an_error_of_the_work_is_raised_again(name: str, kind: type[OSError], text: str) -> None:
    with pytest.raises(kind) as caught:
        in_child(work("fail", name), [])
    assert type(caught.value) is kind
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "name, error", [("not found", "FileNotFoundError"), ("bug", "KeyError"), ("exit", "SystemExit")]
)
def test_any_other_error_proves_nothing_and_tells_nothing_of_the_image(name: str, error: str) -> None:
    with ends(Ending.FAILED, f"failed: {error} in child_work.py"):
        in_child(work("fail", name), [])


def test_work_that_there_is_not_fails_in_words() -> None:
    with ends(Ending.FAILED, "failed: ModuleNotFoundError of child_play in <frozen importlib._bootstrap>"):
        in_child(Work(name="child_play:tree"), [])


def test_a_child_is_ended_when_nobody_wants_its_answer() -> None:
    device = Zeros()
    with ends(Ending.CANCELLED, "was cancelled"):
        in_child(work("sleep"), [device], cancelled=lambda: bool(device.reads))
    assert is_gone(device.reader)


def test_an_interrupt_ends_the_child_too() -> None:
    device = Zeros()

    def interrupted() -> bool:
        if device.reads:
            signal.raise_signal(signal.SIGINT)
        return False

    with pytest.raises(KeyboardInterrupt):
        in_child(work("spin"), [device], cancelled=interrupted)
    assert is_gone(device.reader)


PARENT = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from amigate.disk.child.run import Work, in_child

class Device:
    size = 1 << 43
    def read(self, offset, length):
        print(offset >> 19, flush=True)
        return bytes(length)

in_child(Work(name="child_work:spin", folder=Path({here!r})), [Device()])
"""


def test_a_child_does_not_outlive_its_parent() -> None:
    code = PARENT.format(here=str(HERE))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            assert not select.select([child], [], [], 0)[0]
            parent.kill()
            assert select.select([child], [], [], 10)[0], "the child is still there"
        finally:
            os.close(child)


class Stuck(Zeros):
    """A device whose read comes back only when somebody lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(Extent(offset, length))
        self.released.wait(60)
        return bytes(length)


def test_a_device_that_does_not_come_back_keeps_neither_child_nor_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_RETURN_S", 0.5)
    device = Stuck()

    def is_cancelled() -> bool:
        return bool(device.reads)

    started = time.monotonic()
    try:
        with pytest.raises(EndedError, match=r"was cancelled$"):
            in_child(work("sleep"), [device], cancelled=is_cancelled)
        assert time.monotonic() - started < 20
        assert is_gone(device.reader)
    finally:
        device.released.set()


def test_an_argument_that_is_not_of_json_starts_nothing() -> None:
    before = children()
    with pytest.raises(TypeError):
        in_child(work("answer", object()), [])
    assert children() == before

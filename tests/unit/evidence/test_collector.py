"""The real collector through real shells, as root, on files made for it."""

from __future__ import annotations

import os
import secrets
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import questions, script
from amigate.evidence.collector import collect
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import View

    Ask = Callable[..., View]


ReadFile = partial(questions.ReadFile, keep=Keep.WHOLE)
Glob = partial(questions.Glob, keep=Keep.WHOLE)
Run = partial(questions.Run, keep=Keep.WHOLE)


@pytest.fixture
def leftovers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Return a function that names the temporary folders that this test's collections left."""
    made: list[str] = []

    def token(size: int, real: Callable[[int], str] = secrets.token_hex) -> str:
        made.append(real(size))
        return made[-1]

    monkeypatch.setattr(secrets, "token_hex", token)

    def left() -> list[str]:
        assert made, "nothing was collected"
        folders = [f"{base}/.amigate-{nonce}" for nonce in made for base in ("/dev/shm", "/run", "/tmp", "/var/tmp")]
        return [folder for folder in folders if os.path.lexists(folder)]

    return left


def test_a_file_is_seen_with_its_metadata_and_its_bytes(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 3)
    file.chmod(0o4640)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    os.chown(file, 12, 34)
    file.chmod(0o4640)
    entry = ask(ReadFile(str(file))).entry(str(file))
    assert entry is not None
    assert (entry.kind, entry.mode, entry.uid, entry.gid) == (Kind.FILE, 0o4640, 12, 34)
    assert (entry.size, entry.mtime_s, entry.truncated) == (768, 1_600_000_000, False)
    assert entry.content == bytes(range(256)) * 3


def test_an_empty_file_has_an_empty_content(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert ask(ReadFile(f"{tmp_path}/empty")).content(f"{tmp_path}/empty") == b""


def test_only_line_feeds_at_the_end_survive(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "feeds").write_bytes(b"\n\n\n")
    assert ask(ReadFile(f"{tmp_path}/feeds")).content(f"{tmp_path}/feeds") == b"\n\n\n"


def test_a_cap_of_nothing_asks_for_the_entry_alone(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret")
    view = ask(questions.ReadFile(f"{tmp_path}/key", Keep.NOTHING))
    entry = view.entry(f"{tmp_path}/key")
    assert entry is not None
    assert entry.content is None
    with pytest.raises(InconclusiveError):
        view.content(f"{tmp_path}/key")


@pytest.mark.parametrize("extra", [0, 1, 5000])
def test_what_is_larger_than_the_cap_is_known_to_be_cut(ask: Ask, tmp_path: Path, extra: int) -> None:
    file = f"{tmp_path}/big"
    Path(file).write_bytes(b"x" * (1000 + extra))
    view = ask(ReadFile(file, cap_bytes=1000))
    assert view.entries[file].content == b"x" * 1000
    if extra:
        with pytest.raises(InconclusiveError, match="larger"):
            view.content(file)
    else:
        assert view.content(file) == b"x" * 1000


def test_a_link_is_a_link_with_the_content_that_it_leads_to(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("there")
    (tmp_path / "link").symlink_to("file")
    entry = ask(ReadFile(f"{tmp_path}/link")).entry(f"{tmp_path}/link")
    assert entry is not None
    assert (entry.kind, entry.target, entry.content) == (Kind.LINK, "file", b"there")


@pytest.mark.parametrize("target", ["nowhere", "with\nline feed\n", "loop", "-n", " "])
def test_a_link_that_leads_nowhere_is_there_and_cannot_be_read(ask: Ask, tmp_path: Path, target: str) -> None:
    (tmp_path / "loop").symlink_to(target)
    view = ask(ReadFile(f"{tmp_path}/loop"))
    entry = view.entry(f"{tmp_path}/loop")
    assert entry is not None
    assert entry.target == target
    with pytest.raises(InconclusiveError):
        view.content(f"{tmp_path}/loop")


def test_folders_pipes_and_devices_have_no_content_and_hang_nothing(ask: Ask, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    asked = [ReadFile(str(tmp_path)), ReadFile(f"{tmp_path}/pipe"), ReadFile("/dev/zero")]
    view = ask(*asked, deadline_s=10)
    assert [view.entries[q.path].kind for q in asked] == [Kind.DIRECTORY, Kind.OTHER, Kind.OTHER]
    for question in asked:
        with pytest.raises(InconclusiveError):
            view.content(question.path)


def test_what_is_not_there_is_absent(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    paths = [f"{tmp_path}/missing", f"{tmp_path}/no/such/folder", f"{tmp_path}/file/below", "/missing"]
    view = ask(*map(ReadFile, paths))
    assert [view.entry(path) for path in paths] == [None] * 4


@pytest.mark.parametrize("name", ["n" * 300, "loop/below"])
def test_what_the_kernel_cannot_tell_is_not_absent(ask: Ask, tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    view = ask(ReadFile(f"{tmp_path}/{name}"))
    with pytest.raises(InconclusiveError):
        view.entry(f"{tmp_path}/{name}")


NAMES = [
    "with space",
    "-rf",
    "line\nfeed",
    "esc\x1b[31m",
    "latin\udce9",
    "ünï",
    "$(touch pwned)",
    "`id`;&|<>",
    "it's",
    'say "so"',
    "star*",
    "what?",
    "[a]",
    "back\\slash",
    "tab\t",
    "~root",
    "#",
    "!",
    "%s%n",
]


def test_names_of_every_kind_are_read_and_found(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(name, errors="surrogateescape")
    view = ask(*(ReadFile(f"{folder}/{name}") for name in NAMES), Glob(f"{folder}/*"))
    assert [view.text(f"{folder}/{name}") for name in NAMES] == NAMES
    assert {entry.path for entry in view.glob(f"{folder}/*")} == {f"{folder}/{name}" for name in NAMES}
    assert {each.name for each in folder.iterdir()} == set(NAMES)


def test_a_name_that_a_shell_cannot_be_handed_is_unseen_not_absent(ask: Ask, tmp_path: Path) -> None:
    names = [f"{tmp_path}/feed\n", f"{tmp_path}/nul\0"]
    view = ask(*map(ReadFile, names), ReadFile("/etc/passwd"))
    assert view.content("/etc/passwd")
    for name in names:
        with pytest.raises(InconclusiveError, match="cannot be asked"):
            view.entry(name)


def test_a_pattern_matches_as_a_shell_does(ask: Ask, tmp_path: Path) -> None:
    for name in ("a.conf", "b.conf", ".hidden.conf", "c.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "d.conf").touch()
    (tmp_path / "dangling.conf").symlink_to("nowhere")
    pattern = f"{tmp_path}/*.conf"
    view = ask(Glob(pattern), Glob(f"{tmp_path}/*/d.conf"), Glob(f"{tmp_path}/.*.conf"))
    assert [entry.path.rpartition("/")[2] for entry in view.glob(pattern)] == ["a.conf", "b.conf", "dangling.conf"]
    assert [entry.path for entry in view.glob(f"{tmp_path}/*/d.conf")] == [f"{tmp_path}/sub/d.conf"]
    assert view.entry(f"{tmp_path}/not-there.conf") is None
    with pytest.raises(InconclusiveError):
        view.entry(f"{tmp_path}/c.txt")


def test_a_question_mark_is_one_byte_for_everybody(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "é.conf").touch()
    view = ask(Glob(f"{tmp_path}/?.conf"), Glob(f"{tmp_path}/??.conf"))
    assert view.glob(f"{tmp_path}/?.conf") == []
    assert [entry.path for entry in view.glob(f"{tmp_path}/??.conf")] == [f"{tmp_path}/é.conf"]


@pytest.mark.parametrize("pattern", ["[!x]*.conf", "[a-z].conf", "\\a*.conf"])
def test_a_pattern_that_shells_and_libraries_read_differently_is_unseen(ask: Ask, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "a.conf").touch()
    view = ask(Glob(f"{tmp_path}/{pattern}"), ReadFile("/etc/passwd"))
    with pytest.raises(InconclusiveError):
        view.glob(f"{tmp_path}/{pattern}")


def test_a_pattern_in_a_folder_that_is_not_there_matches_nothing(ask: Ask, tmp_path: Path) -> None:
    view = ask(Glob(f"{tmp_path}/none/*.conf"), Glob("/*/no-such-thing-*"))
    assert view.glob(f"{tmp_path}/none/*.conf") == []
    assert view.glob("/*/no-such-thing-*") == []


def test_more_matches_than_are_collected_leave_the_pattern_unseen(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "GLOB_LIMIT", 20)
    for number in range(21):
        (tmp_path / str(number)).touch()
    view = ask(Glob(f"{tmp_path}/*"), ReadFile("/etc/passwd"))
    assert view.content("/etc/passwd")
    with pytest.raises(InconclusiveError, match="more entries"):
        view.glob(f"{tmp_path}/*")


def test_a_command_answers_with_its_code_and_both_streams(ask: Ask) -> None:
    question = Run("q", "printf 'out\\0\\377'; printf err >&2; exit 3")
    answer = ask(question).answer("q")
    assert (answer.exit_code, answer.stdout, answer.stderr) == (3, b"out\0\xff", b"err")


@pytest.mark.parametrize("command", ["kill -SEGV $$", "kill -9 $$", "kill -XFSZ $$"])
def test_a_command_that_a_signal_ends_has_not_succeeded(ask: Ask, command: str) -> None:
    view = ask(Run("q", command), Run("r", "echo fine"))
    assert view.answer("r").text == "fine\n"
    try:
        assert view.answer("q").exit_code > 128
    except InconclusiveError:
        assert "9" in command


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_endless_output_costs_its_own_answer(ask: Ask, stream: str) -> None:
    view = ask(Run("endless", f"yes{stream}", timeout_s=10, cap_bytes=2000), Run("next", "echo fine"))
    assert view.answer("next").text == "fine\n"
    with pytest.raises(InconclusiveError):
        view.answer("endless")


def test_a_hanging_command_costs_its_own_answer(ask: Ask) -> None:
    view = ask(Run("hangs", "trap '' TERM INT; while :; do :; done", timeout_s=1), Run("next", "echo fine"))
    assert view.answer("next").text == "fine\n"
    with pytest.raises(InconclusiveError, match="no answer within 1 s"):
        view.answer("hangs")


def test_commands_have_no_input_and_do_not_eat_the_script(ask: Ask) -> None:
    view = ask(Run("q", "cat; head -c 10; read -r line; echo end"), Run("r", "echo fine"))
    assert view.answer("q").text == "end\n"
    assert view.answer("r").text == "fine\n"


def test_a_command_can_hold_every_character(ask: Ask) -> None:
    view = ask(Run("q", "printf '%s' \"it's $((1+1)) ü \udce9 \n\t\\\\ `echo x`\""))
    assert view.answer("q").stdout == "it's 2 ü ".encode() + b"\xe9 \n\t\\ x"


def test_nothing_is_left_behind(ask: Ask, leftovers: Callable[[], list[str]]) -> None:
    ask(ReadFile("/etc/passwd"), Run("q", "yes", cap_bytes=10, timeout_s=2), Glob("/etc/*"))
    ask(Run("q", "kill -TERM $PPID"), deadline_s=2)
    assert leftovers() == []


def test_a_channel_that_closes_halfway_leaves_nothing_behind(
    shell: str, shell_channel: Callable[..., object], leftovers: Callable[[], list[str]]
) -> None:
    class Closing:
        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

        def receive(self, timeout_s: float) -> bytes:
            self.inner.receive(timeout_s)  # type: ignore[attr-defined] # a ShellChannel
            raise ConnectionResetError

    view = collect(
        lambda command: Closing(shell_channel(["/bin/sh", "-c", command.replace("/bin/sh", shell)])),  # type: ignore[arg-type,return-value]
        [Needs(first=(ReadFile("/etc/passwd"), Run("q", "head -c 300000 /dev/zero")))],
        redactor=None,
    )
    assert "broke" in view.broken
    assert leftovers() == []


def test_what_a_login_prints_first_is_skipped(ask: Ask) -> None:
    noise = "echo welcome; printf 'E 0 1 1 1 1\\nA 0\\nEND\\nno feed at the end'; "
    view = ask(ReadFile("/etc/passwd"), before=noise)
    assert view.content("/etc/passwd")


def test_endless_noise_is_no_answer(ask: Ask) -> None:
    view = ask(ReadFile("/etc/passwd"), before="timeout 5 yes; ", deadline_s=10)
    assert "prints without end" in view.broken


def test_somebody_who_is_not_root_and_has_no_sudo_sees_nothing(ask: Ask) -> None:
    view = ask(ReadFile("/root/.ssh/authorized_keys"), prefix=["setpriv", "--reuid=65534", "--clear-groups"])
    assert "root" in view.broken
    with pytest.raises(InconclusiveError):
        view.entry("/root/.ssh/authorized_keys")


def test_a_collector_that_does_not_run_as_root_proves_nothing(ask: Ask, tmp_path: Path) -> None:
    """As when `sudo` is set up to run everything as somebody else."""
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    path = {"before": f"PATH={tmp_path}:$PATH; "}
    view = ask(ReadFile("/root/x"), prefix=["setpriv", "--reuid=65534", "--clear-groups"], **path)
    assert "does not run as root" in view.broken


def test_a_machine_on_which_nothing_can_be_written_is_unseen(ask: Ask) -> None:
    hide = "for d in /dev/shm /run /tmp /var/tmp; do mount -t tmpfs -o ro none $d; done; "
    view = ask(ReadFile("/etc/passwd"), ReadFile("/missing"), prefix=["unshare", "-m"], before=hide)
    with pytest.raises(InconclusiveError):
        view.content("/etc/passwd")
    with pytest.raises(InconclusiveError):
        view.entry("/missing")


def test_a_full_disk_does_not_shorten_what_is_seen(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 200_000)
    full = "mount -t tmpfs -o size=64k none /dev/shm; "
    view = ask(ReadFile(f"{tmp_path}/big"), prefix=["unshare", "-m"], before=full)
    with pytest.raises(InconclusiveError):
        view.content(f"{tmp_path}/big")


def test_busybox_alone_is_enough(tmp_path: Path, shell_channel: Callable[..., object]) -> None:
    """No GNU tool anywhere: the applets of one static binary under chroot."""
    for folder in ("bin", "tmp", "etc", "dev"):
        (tmp_path / folder).mkdir()
    shutil.copy("/usr/bin/busybox", tmp_path / "bin/busybox")
    for applet in ("sh", "stat", "head", "wc", "cat", "mkdir", "rm", "id", "readlink", "timeout", "env", "yes", "ls"):
        (tmp_path / "bin" / applet).symlink_to("busybox")
    (tmp_path / "etc/passwd").write_text("root::0:0::/:/bin/sh\n")
    (tmp_path / "etc/link").symlink_to("passwd")
    setup = f"mount -t tmpfs none {tmp_path}/tmp && touch {tmp_path}/dev/null && "
    setup += f"mount --bind /dev/null {tmp_path}/dev/null && exec chroot {tmp_path} "
    view = collect(
        lambda command: shell_channel(["unshare", "-m", "sh", "-c", setup + command]),  # type: ignore[arg-type,return-value]
        [
            Needs(
                first=(
                    *map(ReadFile, ("/etc/passwd", "/etc/link", "/missing", "/etc/" + "n" * 300)),
                    Glob("/etc/*"),
                    Run("endless", "yes", cap_bytes=100),
                    Run("hangs", "while :; do :; done", timeout_s=1),
                    Run("q", "echo out; echo err >&2; exit 4"),
                )
            )
        ],
        redactor=None,
    )
    assert view.broken == ""
    assert view.text("/etc/link") == "root::0:0::/:/bin/sh\n"
    assert [entry.path for entry in view.glob("/etc/*")] == ["/etc/link", "/etc/passwd"]
    assert view.entry("/missing") is None
    assert (view.answer("q").exit_code, view.answer("q").stderr) == (4, b"err\n")
    for key in ("endless", "hangs"):
        with pytest.raises(InconclusiveError):
            view.answer(key)
    with pytest.raises(InconclusiveError):
        view.entry("/etc/" + "n" * 300)

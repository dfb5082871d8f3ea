"""The real collector through real shells, as root, on files made for it."""

from __future__ import annotations

import gzip
import logging
import os
import re
import secrets
import shutil
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import questions, script
from amigate.evidence.collector import Collector, collect
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from amigate.evidence.channel import Channel
    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

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


def test_the_log_counts_questions_and_has_no_word_of_an_answer(
    ask: Ask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "file").write_text("hunter2", encoding="utf-8")
    ask(ReadFile(str(tmp_path / "file")), Run("said", "echo hunter2"))
    assert "round trip: 2 questions, 2 answered, " in caplog.text
    assert "hunter2" not in caplog.text


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


def test_a_command_writes_no_more_than_it_may_unless_it_raises_that_itself(ask: Ask, tmp_path: Path) -> None:
    write = f"head -c 1000000 /dev/zero >{tmp_path}/file"
    view = ask(Run("careless", write), Run("raising", f'ulimit -Sf "$(ulimit -Hf)"; {write}'))
    assert view.answers["careless"].exit_code != 0
    assert view.answers["raising"].exit_code == 0


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


def test_a_full_folder_is_passed_over(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 200_000)
    full = "mount -t tmpfs -o size=64k none /dev/shm; "
    view = ask(ReadFile(f"{tmp_path}/big"), prefix=["unshare", "-m"], before=full)
    assert view.content(f"{tmp_path}/big") == b"x" * 200_000


def test_a_disk_that_becomes_full_does_not_shorten_what_is_seen(ask: Ask, tmp_path: Path) -> None:
    """However little the programs there care that their output is not written down."""
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    full = "for d in /dev/shm /run /tmp /var/tmp; do mount -t tmpfs -o size=2100k none $d; done; "
    before = f"mkdir -p /mnt && cat {tmp_path}/big >/mnt/amigate-big && {full}"
    big = "/mnt/amigate-big"
    try:
        view = ask(
            ReadFile(big, cap_bytes=4_000_000),
            Run("careless", f"cat {big}; exit 0", cap_bytes=4_000_000),
            Run("afterwards", "echo fine"),
            prefix=["unshare", "-m"],
            before=before,
        )
    finally:
        Path(big).unlink()
    with pytest.raises(InconclusiveError):
        view.content(big)
    with pytest.raises(InconclusiveError, match="no folder in which"):
        view.answer("careless")
    assert view.answer("afterwards").text == "fine\n"


@pytest.fixture(scope="module")
def million() -> Iterator[list[str]]:
    """Give the prefix of commands that see /mnt with a million files in it."""
    made = (
        "mount -t tmpfs -o nr_inodes=2000000 none /mnt && cd /mnt && seq 1000000 | xargs touch && echo made && read x"
    )
    with subprocess.Popen(["unshare", "-m", "sh", "-c", made], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"made\n"
        yield ["nsenter", "--mount", f"--target={holder.pid}"]
        holder.kill()


@pytest.mark.parametrize(
    "shell",
    ["dash", *(pytest.param(each, marks=pytest.mark.slow) for each in ("bash", "busybox"))],
    indirect=True,
)
def test_a_million_files_in_a_folder_are_unseen_soon_and_cost_nothing_else(ask: Ask, million: list[str]) -> None:
    questions = [Glob("/mnt/*"), Glob("/mnt/12345*"), ReadFile("/mnt/7"), Glob("/mnt/*/x")]
    view = ask(*questions, prefix=million, deadline_s=120)
    with pytest.raises(InconclusiveError, match="more entries match than are collected"):
        view.glob("/mnt/*")
    with pytest.raises(InconclusiveError):  # neither is what might have matched absent
        view.entry("/mnt/no-such-file")
    assert len(view.glob("/mnt/12345*")) == 11
    assert view.content("/mnt/7") == b""
    assert view.glob("/mnt/*/x") == []


ANCESTORS = f"l= p=$$; while [ $p != {os.getpid()} ]; do l=\"$p $l\"; p=$(cut -d' ' -f4 /proc/$p/stat); done; "
"""Sets `l` to all shells between this process and the command that is run."""


def test_a_command_that_kills_every_shell_costs_its_own_answer(ask: Ask, leftovers: Callable[[], list[str]]) -> None:
    questions = [Run("before", "echo fine"), Run("kills", ANCESTORS + "kill -9 $l"), ReadFile("/etc/passwd")]
    view = ask(*questions, Run("after", "echo fine"))
    assert (view.answer("before").text, view.answer("after").text) == ("fine\n", "fine\n")
    assert view.content("/etc/passwd")
    with pytest.raises(InconclusiveError, match="ended before it had answered"):
        view.answer("kills")
    assert leftovers() == []


def test_a_machine_that_kills_shell_after_shell_is_given_up(ask: Ask, leftovers: Callable[[], list[str]]) -> None:
    killers = [Run(f"kills {number}", f"{ANCESTORS}kill -9 $l; : {number}") for number in range(9)]
    view = ask(ReadFile("/etc/passwd"), *killers, Run("after", "echo fine"))
    assert view.content("/etc/passwd")
    assert set(view.unseen) == {"after", *(killer.key for killer in killers)}
    for folder in leftovers():
        shutil.rmtree(folder)


def test_a_daemon_that_holds_the_output_holds_up_nothing_and_writes_into_no_other_answer(ask: Ask) -> None:
    daemon = Run("starts", "(trap '' HUP; sleep 0.2; echo late; echo late >&2; sleep 60) & echo started")
    started = time.monotonic()
    view = ask(daemon, Run("next", "sleep 0.5; echo fine"), Run("third", "cat"))
    assert time.monotonic() - started < 50
    assert view.answer("starts").text == "started\n"
    assert (view.answer("next").stdout, view.answer("next").stderr) == (b"fine\n", b"")
    assert (view.answer("third").stdout, view.answer("third").stderr) == (b"", b"")


FORGED = (
    "n=$(ls -d /dev/shm/.amigate-* | head -n 1); n=${n##*-}; "
    "f() { printf 'A 1\\nC 1 0 4 0\\nfakeEND %s\\namigate/1 %s 0\\nE 0 1 1 1 1' $n $n; }; "
)
"""Finds out the round's nonce, which is no secret from root, and writes frames with it."""


def test_output_that_imitates_frames_with_the_right_nonce_is_output(ask: Ask) -> None:
    view = ask(Run("imitates", FORGED + "f; f >&2"), ReadFile("/missing"), Run("next", "echo fine"))
    answer = view.answer("imitates")
    assert re.fullmatch(rb"A 1\nC 1 0 4 0\nfakeEND ([0-9a-f]{16})\namigate/1 \1 0\nE 0 1 1 1 1", answer.stdout)
    assert answer.stderr == answer.stdout
    assert view.entry("/missing") is None
    assert view.answer("next").text == "fine\n"


def test_frames_written_into_the_channel_itself_neither_break_nor_hang_anything(ask: Ask) -> None:
    """A machine can always lie; what it says then is its answer or none, and the rest is asked again or unseen."""
    started = time.monotonic()
    forge = Run("forges", FORGED + ANCESTORS + 'f >"/proc/${l%% *}/fd/1"')
    view = ask(ReadFile("/etc/passwd"), forge, ReadFile("/missing"), Run("next", "echo fine"), deadline_s=90)
    assert time.monotonic() - started < 60
    assert view.content("/etc/passwd")
    assert {"next", "forges"} & {*view.unseen, *view.answers} == {"next", "forges"}


def test_what_is_packed_stays_packed(ask: Ask, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    (tmp_path / "bomb.gz").write_bytes(bomb)
    view = ask(ReadFile(f"{tmp_path}/bomb.gz"), Run("packed", f"cat {tmp_path}/bomb.gz"))
    assert view.content(f"{tmp_path}/bomb.gz") == view.answer("packed").stdout == bomb


@pytest.mark.parametrize("mtime_s", [-(2**31), -1, 0, 2**32 + 5])
def test_times_before_the_epoch_and_after_32_bits_are_read(ask: Ask, tmp_path: Path, mtime_s: int) -> None:
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", (mtime_s, mtime_s))
    entry = ask(ReadFile(f"{tmp_path}/file")).entry(f"{tmp_path}/file")
    assert entry is not None
    assert entry.mtime_s == mtime_s


def test_a_name_that_ends_in_a_line_feed_is_found(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "feed\n").write_text("there")
    assert [entry.path for entry in ask(Glob(f"{tmp_path}/*")).glob(f"{tmp_path}/*")] == [f"{tmp_path}/feed\n"]


def test_more_can_be_asked_over_the_same_shell(shell: str, shell_channel: Callable[..., object]) -> None:
    opened = []

    def open_shell(command: str) -> Channel:
        opened.append(shell_channel(["/bin/sh", "-c", command.replace("/bin/sh", shell)]))
        return opened[-1]  # type: ignore[return-value] # a ShellChannel

    with Collector(open_shell, None) as collector:
        first = collector.collect([Needs(first=(ReadFile("/etc/passwd"),))])
        second = collector.ask([Run("pid", "echo $PPID"), ReadFile("/etc/passwd")])
        third = collector.ask([Run("pid", "echo $PPID"), ReadFile("/missing"), ReadFile("nul\0")])
    assert len(opened) == 1
    assert "pid" not in first.answers
    assert second.answer("pid") == third.answer("pid") == collector.view.answer("pid")
    assert third.entry("/missing") is None
    assert "cannot be asked" in third.unseen["nul\0"]
    assert first.content("/etc/passwd") == third.content("/etc/passwd")


def test_a_shell_that_died_between_two_questions_costs_none(shell_channel: Callable[..., object]) -> None:
    opened = []

    def open_shell(_: str) -> Channel:
        opened.append(shell_channel(["/bin/sh"]))
        return opened[-1]  # type: ignore[return-value] # a ShellChannel

    with Collector(open_shell, None) as collector:
        collector.ask([Run("one", "echo 1")])
        opened[0].process.kill()  # type: ignore[attr-defined] # a ShellChannel
        opened[0].process.wait()  # type: ignore[attr-defined]
        view = collector.ask([Run("two", "echo 2")])
    assert len(opened) == 2
    assert (view.answer("one").text, view.answer("two").text) == ("1\n", "2\n")


def test_a_login_with_a_broken_path_still_finds_its_tools(ask: Ask) -> None:
    view = ask(Run("q", "stat -c %s /etc"), ReadFile("/etc/passwd"), before="PATH=/nowhere; export PATH; ")
    assert view.answer("q").exit_code == 0
    assert view.content("/etc/passwd")


def test_a_machine_without_a_shell_says_so(shell_channel: Callable[..., object]) -> None:
    view = collect(
        lambda command: shell_channel(["/bin/sh", "-c", command.replace("/bin/sh", "/bin/no-such-shell")]),  # type: ignore[arg-type,return-value]
        [Needs(first=(ReadFile("/etc/passwd"),))],
        redactor=None,
    )
    assert "no /bin/sh" in view.broken


APPLETS = ("sh", "stat", "head", "wc", "cat", "mkdir", "rm", "id", "readlink", "timeout", "env", "yes", "ls", "sleep")


def busybox_alone(folder: Path, applets: Iterable[str], shell_channel: Callable[..., object], *first: Question) -> View:
    """Collect from a machine with no GNU tool anywhere: applets of one static binary under chroot."""
    for name in ("bin", "tmp", "etc", "dev"):
        (folder / name).mkdir()
    shutil.copy("/usr/bin/busybox", folder / "bin/busybox")
    for applet in applets:
        (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root::0:0::/:/bin/sh\n")
    (folder / "etc/link").symlink_to("passwd")
    setup = f"mount -t tmpfs none {folder}/tmp && touch {folder}/dev/null {folder}/dev/zero && "
    setup += "".join(f"mount --bind /dev/{name} {folder}/dev/{name} && " for name in ("null", "zero"))
    return collect(
        lambda command: shell_channel(["unshare", "-m", "sh", "-c", f"{setup}exec chroot {folder} {command}"]),  # type: ignore[arg-type,return-value]
        [Needs(first=first)],
        redactor=None,
    )


@pytest.mark.parametrize("applets", [APPLETS, [name for name in APPLETS if name != "timeout"]])
def test_busybox_alone_is_enough(tmp_path: Path, shell_channel: Callable[..., object], applets: Sequence[str]) -> None:
    view = busybox_alone(
        tmp_path,
        applets,
        shell_channel,
        *map(ReadFile, ("/etc/passwd", "/etc/link", "/missing", "/etc/" + "n" * 300)),
        Glob("/etc/*"),
        Run("endless", "yes", cap_bytes=100),
        Run("hangs", "while :; do :; done", timeout_s=1),
        Run("q", "echo out; echo err >&2; exit 4"),
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


@pytest.mark.parametrize("missing", ["stat", "head", "wc", "cat"])
def test_a_machine_that_lacks_a_tool_is_unseen(shell_channel: Callable[..., object], missing: str) -> None:
    """Rather than that lengths are promised of what never comes."""
    questions = (ReadFile("/etc/passwd"), ReadFile("/missing"), Run("q", "echo out; echo err >&2"), Glob("/etc/*"))
    hide = f"mount --bind /bin/false $(command -v {missing}); "
    view = collect(
        lambda command: shell_channel(["unshare", "-m", "/bin/sh", "-c", hide + command]),  # type: ignore[arg-type,return-value]
        [Needs(first=questions)],
        redactor=None,
    )
    assert (view.entries, view.answers, view.absent, view.globbed) == ({}, {}, frozenset(), frozenset())
    assert all("lacks" in view.unseen[question.key] for question in questions)

"""`host` over evidence: on what both know, testinfra's own answers; on the rest, that it cannot tell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import testinfra

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Answer, Entry, Kind, View
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts import accounts, os_release, packages, services
from amigate.own.evidence_host import EvidenceHost
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from pathlib import Path

PATHS = ("file", "folder", "link", "chain", "to-folder", "nowhere", "absent", "pipe", "loop", "private")
CONTENT = ["content", "content_string", "md5sum", "sha256sum"]
FILE = [
    *("exists", "is_file", "is_directory", "is_symlink", "linked_to", "uid", "gid", "user", "group"),
    *("mode", "size", "mtime", *CONTENT),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with entries of every kind."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "file").write_text("one\ntwo\n")
    (folder / "folder").mkdir(mode=0o1777)
    (folder / "link").symlink_to("file")
    (folder / "chain").symlink_to(folder / "link")
    (folder / "to-folder").symlink_to("folder")
    (folder / "nowhere").symlink_to("absent")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    (folder / "private").write_bytes(b"\xff\x00")
    (folder / "private").chmod(0o4640)
    if os.geteuid() == 0:
        os.chown(folder / "private", 1, 12345)
    os.utime(folder / "file", (1, 1_234_567_890))
    return folder


@pytest.fixture(scope="module")
def genuine() -> Any:
    """Return this machine as testinfra sees it."""
    return testinfra.get_host("local://")


def seen(*needs: Needs) -> EvidenceHost:
    """Return what a look at this machine's files tells."""
    from pathlib import Path  # noqa: PLC0415 - one use

    return EvidenceHost(read_directory(Path("/"), needs, redactor=None))


def answer(subject: Any, attribute: str) -> Any:
    """Return what it says, or that it says nothing."""
    try:
        return getattr(subject, attribute)
    except InconclusiveError:
        return InconclusiveError
    except (AssertionError, LookupError, OSError, RuntimeError, NotImplementedError, ValueError):
        return None


@pytest.mark.parametrize(
    "name,attribute",
    [
        (name, attribute)
        for name in PATHS
        for attribute in FILE
        if (name, attribute) != ("loop", "linked_to") and (name != "pipe" or attribute not in CONTENT)
    ],
)
def test_a_path_is_what_testinfra_says_it_is(tree: Path, genuine: Any, name: str, attribute: str) -> None:
    asked = [ReadFile(f"{tree}/{each}", Keep.WHOLE) for each in PATHS]
    host = seen(accounts.NEEDS, Needs(first=(*asked, ReadFile("/etc/group", Keep.GROUPS))))
    path = f"{tree}/{name}"
    expected = answer(genuine.file(path), attribute) or None  # a sum of nothing is an empty word to testinfra
    assert (answer(host.file(path), attribute) or None) == expected


@pytest.mark.parametrize("name", ["root", "daemon", "nobody", "no-such-user"])
@pytest.mark.parametrize("attribute", ["exists", "uid", "gid", "group", "groups", "home", "shell"])
def test_an_account_is_what_testinfra_says_it_is(genuine: Any, name: str, attribute: str) -> None:
    host = seen(accounts.NEEDS, Needs(first=(ReadFile("/etc/group", Keep.GROUPS),)))
    assert answer(host.user(name), attribute) == answer(genuine.user(name), attribute)


@pytest.mark.parametrize("name", ["root", "adm", "no-such-group"])
@pytest.mark.parametrize("attribute", ["exists", "gid", "members"])
def test_a_group_is_what_testinfra_says_it_is(genuine: Any, name: str, attribute: str) -> None:
    host = seen(Needs(first=(ReadFile("/etc/group", Keep.GROUPS),)))
    expected = answer(genuine.group(name), attribute) if name != "no-such-group" or attribute == "exists" else None
    assert answer(host.group(name), attribute) == expected


@pytest.mark.parametrize("name", ["bash", "coreutils", "no-such-package"])
@pytest.mark.parametrize("attribute", ["is_installed", "version", "release"])
def test_a_package_is_what_testinfra_says_it_is(genuine: Any, name: str, attribute: str) -> None:
    assert answer(seen(packages.NEEDS).package(name), attribute) == answer(genuine.package(name), attribute)


def test_a_package_of_rpm_has_version_and_release() -> None:
    said = {packages.DPKG.key: (b"", 99), packages.RPM.key: (b"installed openssh 8.7p1-38.el9\n", 0)}
    said[packages.APK.key] = (b"", 99)
    answers = {key: Answer(command="", exit_code=code, stdout=text, stderr=b"") for key, (text, code) in said.items()}
    package = EvidenceHost(View(answers=answers)).package("openssh")
    assert (package.version, package.release) == ("8.7p1", "38.el9")


@pytest.mark.parametrize("attribute", ["type", "distribution", "release", "codename"])
def test_the_system_is_what_testinfra_says_it_is(genuine: Any, attribute: str) -> None:
    assert answer(seen(os_release.NEEDS).system_info, attribute) == answer(genuine.system_info, attribute)


def test_services_are_told_by_their_links(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    (units / "multi-user.target.wants").mkdir(parents=True)
    (units / "multi-user.target.wants/ssh.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    (units / "telnet.service").symlink_to("/dev/null")
    host = EvidenceHost(read_directory(tmp_path, [services.NEEDS], redactor=None))
    assert host.service("ssh").is_enabled
    assert not host.service("ssh").is_masked
    assert host.service("telnet").is_masked
    assert not host.service("telnet.service").is_enabled
    assert answer(host.service("static"), "is_enabled") is InconclusiveError
    assert answer(host.service("ssh"), "is_running") is InconclusiveError


@pytest.mark.parametrize(
    "ask",
    [
        lambda host: host.run("true"),
        lambda host: host.check_output("id"),
        lambda host: host.socket("tcp://22").is_listening,
        lambda host: host.process.filter(comm="sshd"),
        lambda host: host.system_info.arch,
        lambda host: host.user("root").password,
        lambda host: host.file("/etc").listdir(),
    ],
)
def test_what_only_a_running_machine_can_answer_is_said_to_be_so(ask: Any) -> None:
    host = EvidenceHost(View())
    with pytest.raises(InconclusiveError, match="only a running machine can answer"):
        ask(host)
    assert len(host.backend.unanswered) == 1


def test_what_was_not_collected_is_neither_there_nor_absent() -> None:
    host = EvidenceHost(View())
    with pytest.raises(InconclusiveError, match="/etc/motd was not collected"):
        _ = host.file("/etc/motd").exists
    assert [str(error) for error in host.backend.unanswered] == ["/etc/motd was not collected"]


def test_a_text_that_was_kept_as_its_meaning_is_not_taken_for_the_files_own() -> None:
    entry = Entry(
        path="/etc/ssh/sshd_config", kind=Kind.FILE, mode=0o644, uid=0, gid=0, size=90, mtime_s=0,
        content=b"permitrootlogin no\n", kept=Keep.SSHD_CONFIG,
    )  # fmt: skip
    file = EvidenceHost(View(entries={entry.path: entry})).file(entry.path)
    assert (file.exists, file.size) == (True, 90)
    for attribute in ("content", "content_string", "sha256sum"):
        with pytest.raises(InconclusiveError, match="not in the evidence"):
            getattr(file, attribute)


def test_a_link_upwards_from_a_folder_that_may_be_a_link_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("../etc/passwd")
    host = EvidenceHost(read_directory(tmp_path, [Needs(first=(Glob("/*", Keep.NOTHING),))], redactor=None))
    assert host.file("/link").is_symlink
    assert answer(host.file("/link"), "exists") is InconclusiveError

"""What is kept of os-release, package lists, units, presets and the kernel's tables reads the same to the facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amigate.check import AnswerError
from amigate.evidence.keep import Keep
from amigate.evidence.model import View
from amigate.evidence.stanzas import DPKG, stanzas
from amigate.facts import listeners, os_release, package_files, services, sshd_at_rest
from amigate.facts.listeners import Listeners
from amigate.facts.os_release import OsRelease
from amigate.facts.sshd_sessions import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from amigate.evidence.redaction.redactor import Redactor

DPKG_STATUS = """\
Package: openssh-server
Status: install ok installed
Maintainer: hunter2
Version: 1:9.2p1-2+deb12u3
Conffiles:
 /etc/x hunter2
Description: hunter2
 Package: hunter2
Package: hunter2

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""
DPKG_KEPT = """\
Package: openssh-server
Status: install ok installed
Version: 1:9.2p1-2+deb12u3

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""
APK = "C:Q1hunter2\nP:openssh\nV:9.7_p1-r4\nT:hunter2\nF:etc\nR:hunter2\n\nP:musl\nV:1.2.5-r0\n"
UNIT = """\
[Service]
Environment=PASSWORD=hunter2
ExecStartPre=/usr/sbin/sshd -t hunter2
ExecStart=/usr/bin/env hunter2
ExecStart=-/usr/sbin/sshd -D \\
  $SSHD_OPTS -f /etc/ssh/other -o "SetEnv A=hunter2" -o "Port 22" -phunter2 -p 22 hunter2
"""
SOCKETS = """\
/proc/net/tcp:  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
/proc/net/tcp:   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 123 1 \
0000000000000000 100 0 0 10 -1
/proc/net/udp:  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref \
pointer drops
/proc/net/udp:  201: 0100007F:0143 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 \
0000000000000000 0
"""


@pytest.mark.parametrize(
    "keep,content,found",
    [
        (Keep.DPKG_STATUS, DPKG_STATUS, DPKG_KEPT),
        (Keep.APK_INSTALLED, APK, "P:openssh\nV:9.7_p1-r4\n\nP:musl\nV:1.2.5-r0\n"),
        (Keep.PRESETS, "# hunter2\nenable ssh*.service\n\ndisable  getty@.service tty1\n",
         "#\nenable ssh*.service\n\ndisable getty@.service tty1\n"),
        (Keep.OS_RELEASE, "ID=debian\n# hunter2\nVERSION_ID=\"12\"\nID_LIKE='a b'\n",
         "ID=debian\n#\nVERSION_ID=\"12\"\nID_LIKE='a b'\n"),
        (Keep.MACHINE_ID, "uninitialized\n", "uninitialized\n"),
        (Keep.MACHINE_ID, "", ""),
        (Keep.IDENTITY, "# hunter2\nGenerateName=yes\n", ""),
        (Keep.IDENTITY, "InitiatorAlias = hunter2\n\n", ""),
        (Keep.HOST_NAME, "LOCALHOST\n", "localhost\n"),
        (Keep.HOST_NAME, "(none)\n", ""),
        (Keep.SOCKETS, "/proc/12\n345\n", "/proc/12\n345\n"),
        (Keep.PROCESS_NAMES, "/proc/1/comm:systemd\n/proc/22/comm:(sd-pam)\n",
         "/proc/1/comm:systemd\n/proc/22/comm:(sd-pam)\n"),
    ],
)  # fmt: skip
def test_what_facts_read_is_kept_and_nothing_else(
    keep: Keep, content: str, found: str, kept: Callable[..., str]
) -> None:
    assert kept(content, keep) == found


@pytest.mark.parametrize(
    "keep,content",
    [
        (Keep.DPKG_STATUS, "root:hunter2:1\n"),
        (Keep.DPKG_STATUS, "Package: a\n\nhunter2: x\n"),
        (Keep.DPKG_STATUS, "Package: hunter2 hunter2\n"),
        (Keep.DPKG_STATUS, "Package: a\nStatus: hunter2\n"),
        (Keep.APK_INSTALLED, "hunter2\n"),
        (Keep.PRESETS, "enable hunter2$\n"),
        (Keep.OS_RELEASE, "ID=$(hunter2)\n"),
        (Keep.OS_RELEASE, 'ID="hunter2\n'),
        (Keep.MACHINE_ID, "hunter2\n"),
        (Keep.SOCKETS, "hunter2\n"),
        (Keep.SOCKETS, f"{SOCKETS}/proc/net/tcp: hunter2\n"),
    ],
)
def test_another_form_is_not_kept(keep: Keep, content: str, is_withheld: Callable[..., bool]) -> None:
    assert is_withheld(content, keep)


@pytest.mark.parametrize(
    "keep,content",
    [
        (Keep.OS_RELEASE, "ID=x\nSECRET=hunter2\nNAME=hunter2\nhunter2\n"),
        (Keep.PRESETS, "hunter2 x\nenable\nignore hunter2\n\f\n"),
        (Keep.SSHD_START, UNIT),
        (Keep.SSHD_START, "OPTIONS='-uhunter2 hunter2 -x=hunter2 -o hunter2'\nOTHER=hunter2\nSSHD_OPTS='hunter2\n"),
        (Keep.PROCESS_NAMES, "/proc/1/comm:hunter2 \u00e9\nhunter2\n"),
        (Keep.IDENTITY, "# hunter2\nhunter2\n"),
        (Keep.HOST_NAME, "hunter2\n"),
    ],
)
def test_of_what_is_kept_in_part_no_secret_is(keep: Keep, content: str, kept: Callable[..., str]) -> None:
    assert "hunter2" not in kept(content, keep)


def test_the_id_of_a_machine_becomes_a_digest(kept: Callable[..., str]) -> None:
    first, second = (kept(f"{digit * 32}\n", Keep.MACHINE_ID) for digit in "ab")
    assert first.startswith("(not-kept-32-")
    assert first != second
    assert first == kept("A" * 32, Keep.MACHINE_ID)


def seen(kit: Any, redactor: Redactor | None, files: Mapping[str, tuple[str, Keep]], **more: Any) -> View:
    entries = {path: kit.file(path, text.encode("utf-8", "surrogateescape")) for path, (text, _) in files.items()}
    if redactor:
        entries = {path: redactor.entry(entry, files[path][1]) for path, entry in entries.items()}
    return View(entries=entries, **more)


def told(read: Callable[[View], Any], view: View) -> Any:
    try:
        return read(view)
    except AnswerError:
        return "cannot tell"


lines_of_os_release = st.sampled_from(
    ["ID=debian", 'ID="a b"', "ID='x'", "ID=", 'VERSION_ID="12.1"', "VERSION_ID=12 x", "ID_LIKE=a", "# c", "",
     "  ID=y ", 'ID="x', "ID=$x", "NAME=x", "junk", 'ID="a\\"b"']
)  # fmt: skip


@given(st.lists(lines_of_os_release, max_size=6).map("\n".join))
@settings(max_examples=200, deadline=None)
def test_the_system_is_the_same_before_and_after(kit: Any, redactor: Redactor, text: str) -> None:
    def read(view: View) -> object:
        found = OsRelease.read(view)
        return found.id, found.version_id, found.family

    files = {os_release.PATHS[0]: (text, Keep.OS_RELEASE)}
    before, after = (told(read, seen(kit, each, files)) for each in (None, redactor))
    assert after in (before, "cannot tell")


words = st.sampled_from(
    ["-D", "-e", "$SSHD_OPTS", "${X}", "-f /etc/x", "-f/etc/x", "-fx", "-o 'Port 22'", "-oPort=22", "-o",
     "'SetEnv A=b'", "-u0", "-p 22", "-Df /a", "x", "-", "--x", "'", '"a b"', "# c", "-o Include=/x", "-C user=x"]
)  # fmt: skip
command_lines = st.lists(words, max_size=4).map(" ".join)
lines_of_units = st.one_of(
    command_lines.map("ExecStart=/usr/sbin/sshd {}".format),
    command_lines.map(" ExecStart = -/opt/sbin/sshd \\\n {}".format),
    command_lines.map("ExecStart=/bin/x {}".format),
    st.just("Environment=A=b"),
)
SETTING = re.compile("Port")
"""What is kept of -o among the words; values of SetEnv are not."""
UNIT_PATH = "/usr/lib/systemd/system/ssh.service"


@given(st.lists(lines_of_units, max_size=3).map("\n".join), command_lines, st.sampled_from(["", "'", '"']))
@settings(max_examples=300, deadline=None)
@example(unit="", options="-o -f/etc/x", quote="")  # a value that is no setting
def test_sshd_is_started_the_same_before_and_after(
    kit: Any, redactor: Redactor, unit: str, options: str, quote: str
) -> None:
    default = f"SSHD_OPTS={quote}{options}{quote}\nOPTIONS=x\n"
    files = {UNIT_PATH: (unit, Keep.SSHD_START), "/etc/default/ssh": (default, Keep.SSHD_START)}
    globs = frozenset(each.pattern for each in sshd_at_rest.QUESTIONS if hasattr(each, "pattern"))
    absent = frozenset({"/etc/sysconfig/sshd", "/etc/conf.d/sshd"})
    before, after = (
        told(sshd_at_rest.server, seen(kit, each, files, globbed=globs, absent=absent)) for each in (None, redactor)
    )
    assert without_unknown(after) == without_unknown(before)


def without_unknown(found: Any) -> Any:
    """Return a server, or that there is none to be told, without values of -o that are not kept."""
    if not isinstance(found, Server):
        return found
    pairs = zip(found.options[::2], found.options[1::2], strict=True)
    return found.program, [(flag, "" if flag == "-o" and not SETTING.match(value) else value) for flag, value in pairs]


lines_of_presets = st.sampled_from(
    ["enable a.service", "disable *", " enable  x@.service y z", "# c", "; c", "enable", "ignore x", "", "\f", "junk"]
)


@given(st.lists(lines_of_presets, max_size=5).map("\n".join))
@settings(max_examples=200, deadline=None)
def test_presets_are_the_same_before_and_after(kit: Any, redactor: Redactor, text: str) -> None:
    path = "/etc/systemd/system-preset/1.preset"
    globs = frozenset({"/etc/systemd/system-preset/*.preset", "/usr/lib/systemd/system-preset/*.preset"})
    before, after = (
        list(services._presets(seen(kit, each, {path: (text, Keep.PRESETS)}, globbed=globs)))
        for each in (None, redactor)
    )
    assert after == before


lines_of_dpkg = st.sampled_from(
    ["Package: a", "Package: b", "Status: install ok installed", "Version: 1.0-1", "Version: 1 0", "", "",
     " Package: c", "Status: x", "Package:d", "Conffiles:", "junk", " "]
)  # fmt: skip


@given(st.lists(lines_of_dpkg, max_size=9).map("\n".join))
@settings(max_examples=300, deadline=None)
def test_packages_are_the_same_before_and_after(kit: Any, redactor: Redactor, text: str) -> None:
    globs = frozenset({package_files.DPKG_UPDATES, *package_files.RPM_DATABASES})
    before, after = (
        told(
            lambda view: list(package_files.listed(view)),
            seen(
                kit, each, {package_files.DPKG_STATUS: (text, Keep.DPKG_STATUS)},
                globbed=globs, absent=frozenset(package_files.APK_INSTALLED),
            ),
        )
        for each in (None, redactor)
    )  # fmt: skip
    assert after in (before, "cannot tell")
    if all(fields.get("Package") and fields.get("Version", "") != "1 0" for fields in stanzas(text, DPKG)):
        assert after == before or "Status: x" in text


def test_listeners_are_the_same_before_and_after(kit: Any, redactor: Redactor) -> None:
    said = {
        listeners.SOCKETS: SOCKETS,
        listeners.OWNERS: "/proc/7\n123\n",
        listeners.NAMES: "/proc/7/comm:sshd\n",
    }
    before = View(answers={question.key: kit.said(text) for question, text in said.items()})
    after = View(answers={each.key: redactor.answer(before.answers[each.key], each.keep) for each in said})
    assert Listeners.read(after) == Listeners.read(before)
    assert [(each.port, each.processes) for each in Listeners.read(after).all] == [(22, ("sshd",)), (323, ())]

"""What is kept of sshd's configuration and processes reads as before, and holds no secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.evidence.keep import Keep
from amigate.evidence.model import Answer, View
from amigate.evidence.sshd_grammar import setting, written
from amigate.facts import sshd_config, sshd_sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.redaction.redactor import Redactor

    Ask = Callable[..., View]

from amigate.evidence.redaction.sshd_keywords import KEYWORDS


@pytest.mark.parametrize(
    "line,expected",
    [
        ("PasswordAuthentication no", "passwordauthentication no"),
        ("Port 22 # hunter2", "port 22"),
        ("# hunter2", "#"),
        ("AllowUsers=a b", "allowusers a b"),
        ('Banner "/etc/a b"', 'banner "/etc/a b"'),
        ("Match User a,b Address 10.0.0.0/8", "match User a,b Address 10.0.0.0/8"),
        ("AuthorizedKeysCommand /usr/bin/eic %u %f", "authorizedkeyscommand /usr/bin/eic %u %f"),
        ("ForceCommand internal-sftp", "forcecommand internal-sftp"),
        ("Subsystem sftp /usr/lib/openssh/sftp-server", "subsystem sftp /usr/lib/openssh/sftp-server"),
    ],
)
def test_a_setting_of_sshd_is_kept(line: str, expected: str, kept: Callable[..., str]) -> None:
    assert kept(line, Keep.SSHD_CONFIG) == expected


@pytest.mark.parametrize(
    "line",
    [
        "SetEnv TOKEN=hunter2",
        'SetEnv "TOKEN=a hunter2"', "ForceCommand /x hunter2", 'ForceCommand "/x hunter2"',
        "AuthorizedKeysCommand /x --token hunter2", 'Match exec "x hunter2"', "Match exec=hunter2",
        "Match user a exec = hunter2",
        "Match EXEC= hunter2", "Match exec =hunter2", "Subsystem sftp /x hunter2", "password hunter2",
        "hunter2", "=hunter2",
        '"hunter2"', "root:hunter2:19000::::::", "-----BEGIN hunter2-----",
    ],
)  # fmt: skip
@pytest.mark.parametrize("keep", [Keep.SSHD_CONFIG, Keep.SSHD_EFFECTIVE])
def test_a_secret_in_a_configuration_is_not_kept(line: str, keep: Keep, kept: Callable[..., str]) -> None:
    if keep is Keep.SSHD_EFFECTIVE and line.startswith("Match"):
        return  # `sshd -T` prints none
    assert "hunter2" not in kept(f"Port 22\n{line}\n", keep)


words = st.text(alphabet=" \t\"'\\#=ab/\u00e4\r", max_size=6)


@given(st.lists(words, max_size=4))
@settings(max_examples=500, deadline=None)
def test_a_line_is_written_so_that_sshd_reads_the_same_words(given_words: list[str]) -> None:
    assert setting(written("allowusers", given_words)) == ("allowusers", tuple(given_words))


keywords = st.sampled_from(["Port", "match", "AllowUsers", '"Banner"', "unheard"])
lines = st.tuples(keywords, st.sampled_from([" ", "=", "\t= "]), words)


@given(st.lists(lines.map("".join) | st.sampled_from(["", "#", " # x"]), max_size=6))
@settings(max_examples=400, deadline=None)
def test_every_known_setting_of_a_file_reads_as_before(kit: Any, redactor: Redactor, given_lines: list[str]) -> None:
    entry = kit.file("/c", "\n".join(given_lines).encode())
    before, after = (read(View(entries={"/c": each})) for each in (entry, redactor.entry(entry, Keep.SSHD_CONFIG)))
    assert after == before


def read(view: View) -> list[object]:
    """Return the known settings with their places."""
    lines = sshd_config.lines(view, "/c")
    return [(line.number, line.keyword, line.words, line.match) for line in lines if line.keyword in KEYWORDS]


def test_of_a_syntax_test_the_places_are_kept_and_not_the_lines(redactor: Redactor) -> None:
    said = "/etc/ssh/sshd_config: line 7: Bad configuration option: hunter2\n/etc/ssh/sshd_config: terminating, 1 bad\n"
    answer = Answer(command="", exit_code=255, stdout=b"", stderr=said.encode())
    assert redactor.answer(answer, Keep.SSHD_TEST).stderr == b"/etc/ssh/sshd_config line 7\n"
    none = replace(answer, stderr=b"sshd: no hostkeys available -- exiting.\n")
    assert redactor.answer(none, Keep.SSHD_TEST).stderr == b"no hostkeys available\n"
    folder = replace(answer, stderr=b"Missing privilege separation directory: /run/sshd\n")
    assert redactor.answer(folder, Keep.SSHD_TEST).stderr == b"Missing privilege separation directory\n"


@pytest.mark.parametrize(
    "record",
    [
        "/usr/sbin/sshd\n\1sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\0\2",
        "/usr/sbin/sshd\n\1/usr/sbin/sshd\0-D\0-f\0/etc/x\0-o\0PasswordAuthentication=yes\0-oPort=22\0-p\x0022\0\2",
        "/usr/sbin/sshd (deleted)\n\1sshd: /usr/sbin/sshd -De [listener] x\0\2",
        "/usr/sbin/sshd\n\1sshd: admin [priv]\0\2",
        "",
    ],
)
def test_the_server_that_runs_is_known_as_before(record: str, kept: Callable[..., str]) -> None:
    noise = "/bin/su\n\1su\0-c\0mysql -phunter2 sshd\0\2"
    found = kept(noise + record, Keep.SSHD_PROCESSES)
    assert sshd_sessions.server(found.encode()) == sshd_sessions.server(record.encode())
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "option", ["-o\0SetEnv=A=hunter2\0", "-oSetEnv=A=hunter2\0", "-o\0hunter2\0", "hunter2 it is\0"]
)
def test_a_secret_among_the_options_of_sshd_is_not_kept(option: str, kept: Callable[..., str]) -> None:
    found = kept(f"/usr/sbin/sshd\n\1/usr/sbin/sshd\0{option}\2", Keep.SSHD_PROCESSES)
    assert "hunter2" not in found

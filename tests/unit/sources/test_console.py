"""What the serial console says, hostile as it may be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.sources.console import BEGIN, END, console_host_keys, console_tail

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIET2aaQCviGAThmlze3iK5SvzqzXjXCAcoQBcJARqpcO root@ip-10-0-0-1"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIKnKFncegOQsYCBkUi1SmL6Og"
    "/jF0IJwHKeODYt1F5YffDT9/DEQRw0sq4Uohxlr7RAKbyQXqoEC+yQrCu4RkU= root@ip"
)
# as ssh-keygen -l printed them
ED25519_PRINT = "SHA256:jFrDg4AFhNaGHTcqXqGpdDvsFyk3FybXFirYWuj5TKI"
ECDSA_PRINT = "SHA256:iYZT0vZwDmC13XAgVRkwiav/xgCgiKUU0zJDBu10mWE"


def test_the_keys_that_cloud_init_publishes_have_the_fingerprints_of_ssh_keygen() -> None:
    console = f"[   12.3] boot\r\n{BEGIN}\r\n{ECDSA}\r\n{ED25519}\r\n{END}\r\nlogin: "
    assert console_host_keys(console) == {ED25519_PRINT, ECDSA_PRINT}


def test_lines_may_carry_the_prefix_of_a_logger() -> None:
    console = f"<14>May  1 ec2: {BEGIN}\n<14>May  1 ec2: {ED25519}\n<14>May  1 ec2: {END}\n"
    assert console_host_keys(console) == {ED25519_PRINT}


def test_the_keys_of_every_boot_count() -> None:
    assert len(console_host_keys(f"{BEGIN}{ED25519}{END} reboot {BEGIN}{ECDSA}{END}")) == 2


@pytest.mark.parametrize(
    "console",
    [
        "",
        ED25519,
        f"{BEGIN}\n{ED25519}\n",
        f"{BEGIN}\n{END}",
        f"{BEGIN}\nssh-ed25519 AAAA====\n{END}",
        f"{END}{ED25519}{BEGIN}",
    ],
)
def test_a_console_without_a_complete_block_publishes_nothing(console: str) -> None:
    assert console_host_keys(console) == set()


@pytest.mark.parametrize(
    "console",
    [
        BEGIN * 100_000,
        (BEGIN + ED25519 + END) * 20_000,
        BEGIN + "ssh-" * 200_000 + END,
        BEGIN + "ssh-rsa AAAA" * 100_000 + END,
        BEGIN + "ssh-rsa " + "A" * 500_000 + END,
        "\x1b]" * 300_000,
        "\x1b[" + "0" * 500_000,
        "\x1b" * 500_000,
    ],
)
def test_a_console_made_to_be_slow_is_read_within_a_second_or_two(console: str) -> None:
    started = time.monotonic()
    assert len(console_host_keys(console)) <= 32
    console_tail(console)
    assert time.monotonic() - started < 5


@given(st.text())
def test_no_text_breaks_the_reading_of_host_keys(text: str) -> None:
    assert not console_host_keys(text)
    console_host_keys(f"{BEGIN}{text}{ED25519}{text}{END}")


@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b\x07\r\n\t\x9b[]mK")))
def test_no_text_leaves_anything_that_a_terminal_would_act_on(text: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in console_tail(text))


def test_the_tail_is_the_last_forty_lines_without_escapes() -> None:
    console = "".join(f"\x1b[32mline {n}\x1b[0m\r\n" for n in range(100)) + "\x1b]0;title\x07end\x08\n"
    lines = console_tail(console).split("\n")
    assert lines[0] == "line 61"
    assert lines[-2:] == ["line 99", "end?"]
    assert len(lines) == 40


def test_long_lines_are_cut() -> None:
    assert len(console_tail("x" * 100_000)) == 200


@pytest.mark.parametrize(
    "line",
    [
        "Setting Bitnami application password to 'Tr0ub4dor'",
        "root:$6$salt$hash",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW",
        "export AWS_SECRET_ACCESS_KEY=x",
    ],
)
def test_a_line_that_may_hold_a_secret_is_not_shown(line: str) -> None:
    assert console_tail(f"before\n{line}\nafter") == "before\n(line withheld: it may hold a secret)\nafter"

"""The filter of system calls, run by an interpreter of its own, beside the numbers in the kernel's headers."""

from __future__ import annotations

import re
from pathlib import Path
from struct import Struct

import pytest

from amigate.disk.child import seccomp

ALLOW, EPERM, KILL = 0x7FFF0000, 0x00050001, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {"x86_64": "x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}
ALLOWED = {
    *("read", "write", "close", "munmap", "brk", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield"),
    *("mremap", "madvise", "nanosleep", "getpid", "sendto", "recvfrom", "exit", "gettimeofday", "getrusage"),
    *("sigaltstack", "gettid", "futex", "restart_syscall", "clock_gettime", "clock_getres", "clock_nanosleep"),
    *("exit_group", "getrandom", "mmap", "mprotect"),
}


def decide(program: bytes, architecture: int, number: int, third: int = 0) -> int:
    """Return what a program says to a call (https://docs.kernel.org/networking/filter.html)."""
    data = Struct("<IIQ6Q").pack(number, architecture, 0, 0, 0, third, 0, 0, 0)
    lines = list(Struct("<HBBI").iter_unpack(program))
    at = accumulator = 0
    while True:
        code, if_so, if_not, k = lines[at]
        at += 1
        if code == 0x20:
            accumulator = int.from_bytes(data[k : k + 4], "little")
        elif code == 0x15:
            at += if_so if accumulator == k else if_not
        elif code == 0x45:
            at += if_so if accumulator & k else if_not
        else:
            assert code == 0x06
            return int(k)


def numbers(machine: str) -> dict[str, int]:
    """Return the calls of a kind of machine, as the kernel's headers have them."""
    header = Path("/usr/include") / HEADERS[machine]
    if not header.exists():
        pytest.skip("linux-libc-dev is not installed")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: int(number) for name, number in found}


@pytest.mark.parametrize("machine", HEADERS)
def test_only_what_is_listed_is_allowed(machine: str) -> None:
    program, architecture = seccomp.program(machine), ARCHITECTURES[machine]
    known = numbers(machine)
    assert len(known) > 250
    assert {name for name, number in known.items() if decide(program, architecture, number) == ALLOW} == ALLOWED
    allowed = {known[name] for name in ALLOWED}
    for number in {*range(1000), *range(0x40000000, 0x40000400), 2**31, 2**32 - 1} - allowed:
        assert decide(program, architecture, number) == EPERM


@pytest.mark.parametrize("machine", HEADERS)
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
def test_memory_does_not_become_code(machine: str, name: str) -> None:
    program, architecture, number = seccomp.program(machine), ARCHITECTURES[machine], numbers(machine)[name]
    assert [decide(program, architecture, number, protection) for protection in range(8)] == [ALLOW] * 4 + [EPERM] * 4


@pytest.mark.parametrize("machine", HEADERS)
def test_calls_of_another_kind_of_machine_kill(machine: str) -> None:
    for architecture in (0x40000003, 0, *(other for name, other in ARCHITECTURES.items() if name != machine)):
        assert decide(seccomp.program(machine), architecture, 0) == KILL


def test_a_machine_whose_numbers_are_not_known_is_a_gap() -> None:
    assert not seccomp.install("riscv64")

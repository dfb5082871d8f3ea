"""Plain testinfra tests: `pytest our-checks/ --hosts=ssh://admin@198.51.100.7` runs them too."""

from __future__ import annotations

from typing import Any

import pytest

from amigate import check


@pytest.mark.parametrize("path,mode", [("/etc/passwd", 0o644), ("/etc/sudoers", 0o440)])
def test_mode(host: Any, path: str, mode: int) -> None:
    """Files of accounts are as open as they must be, and no more."""
    file = host.file(path)
    assert file.user == "root"
    assert file.mode == mode


def test_no_compiler(host: Any) -> None:
    """There is no compiler."""
    assert not host.exists("gcc")


class TestAdmin:
    """The account that logs in."""

    def test_home(self, host: Any, admin: Any) -> None:
        """Its home is its own."""
        assert host.file(admin.home).user == admin.name

    def test_shell(self, admin: Any) -> None:
        """It has a shell."""
        assert admin.shell in {"/bin/sh", "/bin/bash"}


@check("our-sudoers-parse", severity="medium")
def test_sudoers(host: Any) -> None:
    """The sudo rules can be read.

    sudo refuses everybody when one of its files is broken."""
    assert host.run("visudo -c -q").succeeded

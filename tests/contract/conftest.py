"""A real sshd to ask: the server of this machine, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def sshd() -> str:
    """Return the path of the real sshd; the tests' README and the set-up script install `openssh-server`."""
    path = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    assert path is not None, "install the package openssh-server"
    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount namespace of its own")
    return path

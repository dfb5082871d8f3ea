"""Attempts at a port that are in flight together."""

from __future__ import annotations

import socket
import time

import pytest

from amigate.sources.knock import _Door


@pytest.mark.parametrize("attempts", [2, 3])
def test_of_attempts_that_are_accepted_in_the_same_moment_one_is_kept(attempts: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        with _Door(place[0], place[1], forwarded=False, alive=False) as door:
            for _ in range(attempts):
                door._next_at = 0
                door.knock_again()
            time.sleep(0.05)
            assert door.listen() is None
            assert (len(door._connecting), len(door._connected)) == (0, 1)
            assert door.seen is None, "one that was given up says nothing of the machine"
            assert not door.alive

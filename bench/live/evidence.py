"""Collect all that the shipped checks need from the bed's machine, as `amigate validate` does; say what it is."""

from __future__ import annotations

import os
import threading
import time

import paramiko

from amigate.evidence import codec
from amigate.evidence.collector import collect
from amigate.evidence.model import Evidence, Launch, Vantage, Viewpoint
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import NEEDS
from amigate.result import Witness
from amigate.sources.login_key import LoginKey
from amigate.sources.ssh import log_in


def main() -> None:
    """Print the seconds, the rounds and the size."""
    private = paramiko.Ed25519Key(filename=os.environ["BENCH_KEY"])
    key = LoginKey(private=private, public_line="", fingerprint=private.fingerprint)
    started = time.perf_counter()
    address, port = os.environ["BENCH_ADDRESS"], int(os.environ["BENCH_PORT"])
    contact, connection = log_in(address, port, users=["admin"], key=key, timeout_s=60, cancelled=threading.Event())
    assert connection is not None, contact.detail
    view = collect(connection.execute, NEEDS, redactor=Redactor())
    took_s = time.perf_counter() - started
    connection.close()
    assert not view.broken, view.broken
    views = {Viewpoint(Launch.A, 1, Vantage.INSIDE): view}
    text = codec.dump(Evidence(witnesses=frozenset({Witness.INSTANCE}), views=views))
    print(f"LIVE {took_s:.4f}")
    counts = f"{len(view.entries)} entries, {len(view.answers)} answers, {len(view.unseen)} unseen"
    print(f"{counts}, {len(text) / 2**20:.2f} MiB of evidence as JSON")


if __name__ == "__main__":
    main()

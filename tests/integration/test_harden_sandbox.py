"""Hardening and baking a leaky image in the sandbox: a real kernel, a real sshd, over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts import accounts, sshd
from amigate.facts.accounts import Password
from amigate.facts.sshd import Sshd
from amigate.harden.apply import Applier
from amigate.harden.bake import Recipe, bake
from amigate.harden.run import apply
from amigate.harden.ssh import Address, SshMachine, connect
from amigate.harden.step import all_steps
from amigate.sandbox.images import LEAKY
from amigate.sources.aws import connect as connect_aws
from amigate.sources.ec2 import describe
from amigate.sources.launch import open_run
from amigate.sources.reach import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sandbox import Sandbox
    from amigate.sources.aws import Aws

pytestmark = pytest.mark.vm
DEFECTS = (*LEAKY, "match-password", "key-outside-home")
KEY_FILES = Needs(
    first=(
        ReadFile("/home/admin/.ssh/authorized_keys", Keep.WHOLE),
        ReadFile("/root/.ssh/authorized_keys", Keep.WHOLE),
        Glob("/etc/ssh/keys/*", Keep.WHOLE),
        ReadFile("/srv/deploy/.ssh/authorized_keys", Keep.WHOLE),
    )
)


@pytest.fixture(scope="module")
def aws(sandbox: Sandbox) -> Iterator[Aws]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        yield connect_aws(endpoint_url=sandbox.endpoint)


@pytest.fixture(scope="module")
def leaky(ami: Callable[..., str]) -> str:
    return ami(*DEFECTS)


@pytest.fixture
def session(aws: Aws, sandbox: Sandbox, leaky: str) -> Iterator[SshMachine]:
    with launched(aws, sandbox, leaky) as machine:
        yield machine


def launched(aws: Aws, sandbox: Sandbox, ami: str) -> Any:
    from contextlib import contextmanager  # noqa: PLC0415

    @contextmanager
    def launching() -> Iterator[SshMachine]:
        with open_run(aws, ssh_port=sandbox.ssh_port) as run:
            builder = run.launch(describe(aws, ami)[1].image, "builder", stop_on_shutdown=True)
            contact, connection = reach(run, builder, users=["admin"], port=sandbox.ssh_port)
            assert connection is not None, contact
            connection.close()
            address = Address(
                host=contact.address,
                port=contact.port,
                user="admin",
                key=builder.key.private,
                host_fingerprint=contact.host_key,
            )
            machine = connect(address)
            yield machine
            machine.close()

    return launching()


@pytest.mark.slow
def test_a_leaky_machine_is_mended_and_stays_usable(session: SshMachine) -> None:
    done = {applied.step.name: applied.log.changes for applied in apply(Applier(session), all_steps())}
    assert all(done[name] for name in ("keys", "sshd", "accounts")), done

    view = Applier(session).look(accounts.NEEDS, sshd.NEEDS, KEY_FILES)
    for one in Sshd.read(view).sessions:
        assert one.value("passwordauthentication") == "no", one.subject
        assert one.value("permitrootlogin") == "no", one.subject
        assert one.value("usedns") == "no", one.subject
    shadow = accounts.Accounts.read(view).shadow or ()
    assert {line.password for line in shadow} == {Password.NONE}
    assert (view.text("/home/admin/.ssh/authorized_keys") or "").count("\n") == 1
    assert session.key in (view.text("/home/admin/.ssh/authorized_keys") or "")
    assert view.entry("/root/.ssh/authorized_keys") is None
    assert view.entry("/srv/deploy/.ssh/authorized_keys") is None
    assert view.glob("/etc/ssh/keys/*") == []
    session.prove_login()

    again = [change for applied in apply(Applier(session), all_steps()) for change in applied.log.changes]
    assert again == []


def test_a_name_that_is_taken_is_refused_before_anything_is_launched(aws: Aws, leaky: str) -> None:
    from amigate.errors import UsageError  # noqa: PLC0415

    taken = aws.ec2.describe_images(ImageIds=[leaky])["Images"][0]["Name"]
    before = aws.ec2.describe_instances()["Reservations"]
    with pytest.raises(UsageError, match="is taken"):
        bake(aws, Recipe(source=leaky, name=taken, steps=all_steps(), ssh_users=["admin"]))
    assert aws.ec2.describe_instances()["Reservations"] == before

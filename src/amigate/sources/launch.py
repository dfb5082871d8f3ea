"""Everything that one run makes in an account, and its complete removal."""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from amigate.errors import AwsError, LaunchError, UsageError
from amigate.sources import tags
from amigate.sources.aws_errors import aws_errors, code_of
from amigate.sources.in_flight import InFlight
from amigate.sources.interrupts import interrupts
from amigate.sources.login_key import make_login_key
from amigate.sources.machine import Machine
from amigate.sources.network import find_network
from amigate.sources.placement import placements
from amigate.sources.reaping import reap_behind
from amigate.sources.removal import Made, Removal
from amigate.sources.request import build_request
from amigate.sources.run_instances import Launcher, is_about_type
from amigate.sources.runner import runner_network
from amigate.sources.security_group import GroupPlan, make_security_group
from amigate.sources.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef

    from amigate.profile import Egress
    from amigate.sources.aws import Aws
    from amigate.sources.keep import Keep
    from amigate.sources.login_key import LoginKey
    from amigate.sources.network import Network
    from amigate.sources.placement import Placement

LANDING_S = 120
"""Longest that the end of a run waits for launches under way; one that is not answered is looked for by its tag."""
NOTICE = "still removing what this run made in the account; please wait"


class AccountRun:
    """What one run has in the account; made by `open_run`, which removes it all."""

    def __init__(self, aws: Aws, wishes: Wishes, *, say: Callable[[str], None], pause_s: float) -> None:
        self.aws = aws
        self.run_id = secrets.token_hex(5)
        """Value of the tag `amigate:run` on everything."""
        self.say = say
        self.pause_s = pause_s
        """Between two questions to EC2 about the same thing."""
        self.expires = datetime.now(UTC) + timedelta(seconds=wishes.lifetime_s)
        """From when on all that is still there counts as left behind."""
        self.machines: list[Machine] = []
        """All that were launched."""
        self.logins: dict[str, str] = {}
        """Who could log in, by instance id."""
        self.interrupted: Callable[[], bool] = lambda: False
        """Whether the user wants an end."""
        self._wishes = wishes
        self._made = Made()
        self._network: Network | None = None
        self._places: dict[str, tuple[Placement, ...]] = {}
        self._group_id = ""
        self._lock = threading.Lock()
        self._in_flight = InFlight(self._refuse_if_over)
        self._over = self._removed = False

    def launch(
        self, image: Mapping[str, Any], label: str, *, stop_on_shutdown: bool = False, keyless: bool = False
    ) -> Machine:
        """Launch one instance of `image` (an Image of DescribeImages), with a key pair of its own unless `keyless`.

        Where there is no capacity, other types and zones are tried. Safe to call from several threads. Raises
        LaunchError, or UsageError for a subnet or a type that the user named and EC2 does not have; what was made
        until then is removed on exit."""
        with self._in_flight:
            return self._launch(image, label, stop_on_shutdown=stop_on_shutdown, keyless=keyless)

    def _launch(self, image: Mapping[str, Any], label: str, *, stop_on_shutdown: bool, keyless: bool) -> Machine:
        try:
            key = make_login_key()
            places, group_id = self._footing(image)
            if not keyless:
                self._import_key(label, key)
            launched_at = time.monotonic()
            launcher = Launcher(self.aws, self._made, pause_s=self.pause_s, interrupted=self._is_over, say=self.say)
            instance_id, place = launcher.launch(
                self._name(label),
                places,
                lambda place: build_request(
                    image["ImageId"],
                    place,
                    key_name=None if keyless else self._name(label),
                    group_id=group_id,
                    private=self._wishes.private,
                    stop_on_shutdown=stop_on_shutdown,
                    tags=self._tags(label, "instance", "volume", "network-interface"),
                ),
            )
        except AwsError as error:
            if self._wishes.instance_type and is_about_type(error):
                raise UsageError(str(error), hint="name another --instance-type") from error.__cause__
            raise LaunchError(str(error), hint=error.hint) from error.__cause__
        self.say(f"{label}: launched {instance_id} ({place})")
        machine = Machine(
            aws=self.aws,
            instance_id=instance_id,
            label=label,
            key=key,
            launched_at=launched_at,
            keyless=keyless,
            private=self._wishes.private,
            placement=str(place),
        )
        self.machines.append(machine)
        return machine

    def close(self) -> None:
        """Remove everything; a second call removes what an interrupted first did not come to.

        Raises RemovalError that names what could not be removed and the commands that do."""
        self._over = True
        self._in_flight.wait(LANDING_S)  # nothing is launched behind the back of the removal
        if self._removed:
            return
        self._removed = True
        try:
            Removal(self.aws, self.run_id, self._made, say=self.say, pause_s=self.pause_s).run()
        except KeyboardInterrupt:
            self._removed = False
            raise

    @property
    def asked(self) -> bool:
        """Whether anything was asked of EC2."""
        return self._network is not None

    @property
    def minutes_left(self) -> int:
        """Until all that the run made counts as left behind; what a shutdown timer is armed with."""
        return max(1, int((self.expires - datetime.now(UTC)).total_seconds() // 60))

    def leave(self) -> None:
        """Remove nothing: the run is over, and the caller keeps what it made until it expires."""
        self._over = self._removed = True

    def _refuse_if_over(self) -> None:
        if self._is_over():
            raise LaunchError("no launch: this run is over")

    def _is_over(self) -> bool:
        return self._over or self.interrupted()

    def _footing(self, image: Mapping[str, Any]) -> tuple[tuple[Placement, ...], str]:
        """Return where to try `image`, and the id of the security group; all launches share them."""
        with self._lock:
            if self._network is None:
                self._network = find_network(self.aws, self._wishes.subnet)
            if image["ImageId"] not in self._places:
                places = placements(self.aws, image, self._network, self._wishes.instance_type)
                self._places[image["ImageId"]] = places
            if not self._group_id:
                plan = GroupPlan(
                    name=self._name("group"),
                    tags=self._tags("group", "security-group"),
                    runner=self._wishes.runner,
                    port=self._wishes.ssh_port,
                    vpc_id=self._network.vpc_id,
                    egress=self._wishes.egress,
                )
                self._group_id = make_security_group(self.aws, plan, self._made, pause_s=self.pause_s)
            return self._places[image["ImageId"]], self._group_id

    def _import_key(self, label: str, key: LoginKey) -> None:
        name = self._name(label)
        self._made.key_names.add(name)
        try:
            with aws_errors("import a key pair"):
                self.aws.ec2.import_key_pair(
                    KeyName=name,
                    PublicKeyMaterial=key.public_line.encode("ascii"),
                    TagSpecifications=self._tags(label, "key-pair"),
                )
        except AwsError as error:
            if code_of(error) != "InvalidKeyPair.Duplicate":  # the name is ours alone: an answer was lost
                raise

    def _name(self, label: str) -> str:
        return f"amigate-{self.run_id}-{label}"

    def _tags(self, label: str, *kinds: ResourceTypeType) -> list[TagSpecificationTypeDef]:
        expires = self.expires.isoformat(timespec="seconds")
        return tags.specifications(self._name(label), self.run_id, expires, *kinds)


@contextmanager
def open_run(  # noqa: PLR0913 - one keyword per choice of the caller
    aws: Aws,
    *,
    runner_cidr: str | None = None,
    ssh_port: int = 22,
    subnet: str | None = None,
    instance_type: str | None = None,
    ssh_address: Literal["public", "private"] = "public",
    egress: Sequence[Egress] = (),
    lifetime_s: int = 7200,
    keep: Keep | None = None,
    reap: bool = True,
    pause_s: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[AccountRun]:
    """Give a run its footing in the account, and remove everything it made, however the block ends.

    In the main thread SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt once; later ones only say that the
    removal is going on. `ssh_port` is opened to `runner_cidr` (default: this machine's public address).
    With `keep`, a block that ends well leaves what it made, until it expires. Unless `reap` is False, what earlier
    runs in this account left and has expired is removed at the end. Raises UsageError for a network that is too
    wide, RemovalError that names what could not be removed."""

    def say(text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that is gone must not keep us from cleaning up
            progress(text)

    wishes = Wishes(
        runner=runner_network(runner_cidr, sandbox=aws.sandbox),
        ssh_port=ssh_port,
        subnet=subnet,
        instance_type=instance_type,
        private=ssh_address == "private",
        egress=egress,
        lifetime_s=lifetime_s,
    )
    run = AccountRun(aws, wishes, say=say, pause_s=pause_s if pause_s is not None else (0.2 if aws.sandbox else 5.0))
    with interrupts(say, NOTICE) as signals:
        run.interrupted = lambda: signals.came
        try:
            try:
                yield run
                if keep is not None and run.machines:
                    keep.leave(run)
            finally:
                signals.hold()
                run.close()
        finally:  # the one interruption may have come between the block and `hold`
            signals.hold()
            run.close()
            if reap and run.asked and not signals.came:
                reap_behind(aws, run.run_id, say)

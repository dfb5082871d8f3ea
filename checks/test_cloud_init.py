"""What first boot does: cloud-init, or a script in its place, and what their runs on the builder left."""

from amigate import check, not_applicable, warn
from amigate.check import Settings
from amigate.facts.boot_commands import BootCommands
from amigate.facts.builder_network import BuilderNetwork
from amigate.facts.cloud_config import CloudConfig
from amigate.facts.cloud_init import CloudInit, key_faults
from amigate.facts.cloud_left import CloudLeft
from amigate.facts.cloud_settings import (
    cache_faults,
    credentials,
    host_key_faults,
    password_faults,
    root_faults,
    unlocked_users,
)
from amigate.facts.key_fetch import KeyFetch

BUILDING = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html"


@check(
    "cloud-init-can-install-launch-key",
    severity="critical",
    guideline="aws-shared-ami/install-public-key-credentials",
    source=BUILDING,
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_can_install_launch_key(cloud_init: CloudInit, cloud_config: CloudConfig) -> None:
    """cloud-init is able to install the launch key.

    Told not to install keys, not to ask EC2 or not to run at all, it leaves a machine that nobody gets into. Whether
    a launch lets its key in is what the login itself shows."""
    _require(cloud_init)
    assert not [*cloud_init.switched_off, *key_faults(cloud_config)]


@check(
    "cloud-init-fallback-key-fetch-sane",
    severity="medium",
    guideline="aws-shared-ami/install-public-key-credentials",
    source=BUILDING,
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="the key is fetched by a start-up script instead of cloud-init",
)
def test_fallback_key_fetch_sane(key_fetch: KeyFetch) -> None:
    """A hand-written key fetch at boot is sound.

    Without a session token it finds nothing where IMDSv2 is required; written unchecked, an error page becomes an
    authorized key; and a key file that others may write is theirs. AWS's own sample sets mode 700 and appends at
    each boot, which are remarks."""
    if not key_fetch.scripts():
        key_fetch.searched.require_whole()
        not_applicable("no start-up script fetches the key")
    assert not key_fetch.faults()
    key_fetch.searched.require_whole()
    warn(key_fetch.remarks())


@check(
    "cloud-init-no-instance-data-left",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source="https://securitycafe.ro/2024/05/08/aws-cloudquarry-digging-for-secrets-in-public-amis/",
    evidence=["disk"],
    remedy="cloud-init",
)
def test_no_instance_data_left(cloud_left: CloudLeft) -> None:
    """No user data or instance cache of the build is left.

    User data holds what somebody wanted to tell one machine, passwords and tokens often enough. On a running instance
    these files are as they should be; `cloud-init clean` removes them, and a seed with `--seed`. Secrets in what is
    there are judged by the rules about secrets."""
    assert not cloud_left.instance_data
    cloud_left.require_whole()


@check(
    "cloud-init-regenerates-host-keys",
    severity="high",
    guideline="lesson/cve-host-keys-kept",
    source="https://github.com/canonical/cloud-init/issues/3209",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_regenerates_host_keys(cloud_init: CloudInit, cloud_config: CloudConfig) -> None:
    """cloud-init makes new host keys at first boot.

    Told to keep host keys (`ssh_deletekeys`, as older Fedora and Red Hat had it) it gives every machine those of the
    first one that an image was made of; told to make none, it leaves that to whoever comes first."""
    _require(cloud_init)
    assert not host_key_faults(cloud_config)


@check(
    "cloud-init-password-login-not-enabled",
    severity="critical",
    guideline="lesson/include-order-wins",
    source="https://github.com/canonical/cloud-init/issues/5934",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_password_login_not_enabled(cloud_init: CloudInit, cloud_config: CloudConfig, cloud_left: CloudLeft) -> None:
    """cloud-init does not switch password logins on.

    `ssh_pwauth` writes sshd_config.d/50-cloud-init.conf at boot, and that is read before sshd_config itself: whatever
    the image's sshd was told, it takes passwords then. A drop-in that the builder's cloud-init wrote does the same."""
    _require(cloud_init)
    assert not [*password_faults(cloud_config), *cloud_left.drop_in]


@check(
    "cloud-init-config-without-credentials",
    severity="critical",
    guideline="lesson/password-in-cloud-cfg",
    source="https://github.com/wazuh/wazuh-virtual-machines/issues/148",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_config_without_credentials(cloud_init: CloudInit, cloud_config: CloudConfig, cloud_left: CloudLeft) -> None:
    """cloud-init configuration holds no password or key.

    Nothing of it shows in shadow at rest: every launch gets the password, or lets the key in, at first boot. What a
    later file takes the place of is in the image all the same. User data of a seed counts as well."""
    _require(cloud_init)
    assert not [*credentials(cloud_config), *cloud_left.seeded]
    cloud_left.require_user_data_read()


@check(
    "cloud-init-root-login-disabled",
    severity="high",
    guideline="lesson/root-left-open",
    source="https://github.com/canonical/cloud-init",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_root_login_disabled(cloud_init: CloudInit, cloud_config: CloudConfig) -> None:
    """cloud-init keeps root's key login disabled.

    Root gets the launch key as well, behind a command that says whom to log in as; without that, everything that is
    done with the key is done as root and nobody's name stands beside it."""
    _require(cloud_init)
    assert not root_faults(cloud_config)


@check(
    "cloud-init-default-user-password-locked",
    severity="high",
    guideline="lesson/password-in-cloud-cfg",
    source="https://github.com/wazuh/wazuh-virtual-machines/issues/148",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_default_user_password_locked(cloud_init: CloudInit, cloud_config: CloudConfig) -> None:
    """cloud-init locks the default user's password.

    `lock_passwd: false` leaves the account open for a password, which user data, or a line of the configuration, then
    gives it. It holds for every account that cloud-init makes."""
    _require(cloud_init)
    assert not unlocked_users(cloud_config)


@check(
    "cloud-init-cache-not-kept",
    severity="medium",
    guideline="lesson/kept-instance-cache",
    source="https://docs.cloud-init.io/en/latest/explanation/first_boot.html",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
)
def test_cache_not_kept(cloud_init: CloudInit, cloud_config: CloudConfig, cloud_left: CloudLeft) -> None:
    """cloud-init will see the next boot as a new instance.

    Told that its cache is cleaned by hand, it trusts the instance that it remembers and asks for no other: the launch
    key is not installed, and the builder's stays."""
    _require(cloud_init)
    assert not [*cache_faults(cloud_config), *cloud_left.cached]
    cloud_left.require_whole()


@check(
    "cloud-init-no-builder-network-config",
    severity="low",
    guideline="cis-like/image-residue",
    source="https://github.com/libguestfs/guestfs-tools",
    evidence=["disk"],
    remedy="cloud-init",
)
def test_no_builder_network_config(builder_network: BuilderNetwork) -> None:
    """No network configuration names the builder's card.

    A setting for a card that no other machine has leaves a launch without a network, and a fixed address is another
    machine's. Addresses of the machine itself, and of its link alone, are no matter."""
    assert not builder_network.all


@check(
    "cloud-init-logs-removed",
    severity="medium",
    guideline="cis-like/image-cleanup",
    source="https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-best-practices.html",
    evidence=["disk"],
    remedy="cloud-init",
)
def test_logs_removed(cloud_left: CloudLeft) -> None:
    """cloud-init logs of the build are gone.

    They hold what user data printed, passwords that were made up, and the builder's addresses and keys.
    `cloud-init clean --logs` removes them; files without content are none."""
    assert not cloud_left.logs
    cloud_left.require_logs_seen()


@check(
    "cloud-init-boot-commands-reviewed",
    severity="medium",
    guideline="marketplace/no-data-export",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["disk"],
    remedy="cloud-init",
    applies_when="cloud-init is installed",
    reviewed=(),
)
def test_boot_commands_reviewed(cloud_init: CloudInit, boot_commands: BootCommands, rule_settings: Settings) -> None:
    """Boot commands baked into cloud-init are reviewed.

    They run as root on every machine made of the image, and no file shows what they will have done. Each is a remark
    until the profile names its digest as `reviewed`; one that tells somebody outside of the instance is a violation."""
    _require(cloud_init)
    assert not boot_commands.sending(rule_settings["reviewed"])
    warn(boot_commands.others(rule_settings["reviewed"]))


def _require(cloud_init: CloudInit) -> None:
    if not cloud_init.is_installed:
        not_applicable("cloud-init is not installed")

"""What installs the launch key at boot: cloud-init, or a script in its place."""

from amigate import check, not_applicable, warn
from amigate.facts.cloud_config import CloudConfig
from amigate.facts.cloud_init import CloudInit, key_faults
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
    if not cloud_init.is_installed:
        not_applicable("cloud-init is not installed")
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

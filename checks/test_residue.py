"""What the machine that the image was made on has left in it."""

from amigate import check, warn
from amigate.check import Settings
from amigate.facts.residue import Residue
from amigate.facts.secrets import Secrets

SYSPREP = "https://github.com/libguestfs/guestfs-tools"
IMAGE_BUILDER = "https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-best-practices.html"
MARKETPLACE_PARTNERS = "https://github.com/digitalocean/marketplace-partners"


@check(
    "residue-machine-id-reset",
    severity="high",
    guideline="cis-like/image-residue",
    source=SYSPREP,
    evidence=["disk"],
    remedy="residue",
    applies_when="systemd is the init system",
)
def test_machine_id_reset(residue: Residue) -> None:
    """machine-id is reset.

    Every machine made from the image would have the same id, by which leases, journals and licences tell machines
    apart. Leave /etc/machine-id empty, or `uninitialized` where first boot is to be told; without the file, the id
    cannot be made on a root that is read-only at boot, which is a remark. D-Bus has a copy, or a link."""
    assert not residue.machine_ids()
    warn(residue.missing_machine_id())


@check(
    "residue-random-seed-removed",
    severity="medium",
    guideline="cis-like/image-cleanup",
    source=IMAGE_BUILDER,
    evidence=["disk"],
    remedy="residue",
)
def test_random_seed_removed(residue: Residue) -> None:
    """No random seed is shared by all launches.

    The seed that a machine keeps from boot to boot would be known to everybody who has the image. Absent and empty are
    both right; systemd-boot's seed counts where the EFI system partition is mounted."""
    assert not residue.traces("seeds")


@check(
    "residue-logs-cleared",
    severity="medium",
    guideline="cis-like/image-cleanup",
    source=MARKETPLACE_PARTNERS,
    evidence=["disk"],
    remedy="residue",
    at_most_kib=1024,
)
def test_logs_cleared(residue: Residue, rule_settings: Settings) -> None:
    """Logs of the build are cleared.

    They tell of hosts, accounts and addresses, and now and then of passwords that were typed as names. Logs of the
    system, of logins and of audit, journals, and whatever was rotated must be empty or gone; everything below /var/log
    together may have `at_most_kib`."""
    assert not residue.traces("logs")
    assert not residue.log_size(rule_settings["at_most_kib"])


@check(
    "residue-temp-directories-empty",
    severity="low",
    guideline="cis-like/image-cleanup",
    source=IMAGE_BUILDER,
    evidence=["disk"],
    remedy="residue",
)
def test_temp_directories_empty(residue: Residue) -> None:
    """Temporary folders are empty.

    Builders put scripts, archives and answers there. Folders that hold nothing, such as those of systemd's private
    ones, are no violation. The rules about secrets look at whatever is found, too."""
    assert not residue.traces("temporary")


@check(
    "residue-no-builder-host-identity",
    severity="low",
    guideline="cis-like/image-residue",
    source=SYSPREP,
    evidence=["disk"],
    remedy="residue",
)
def test_no_builder_host_identity(residue: Residue) -> None:
    """Host name, resolver and leases of the build host are gone.

    They tell of the network that the image was made in, and a rule for the build host's network card can keep a new
    machine off the network. A resolv.conf that is a link is written at boot; names that a distribution gives, such as
    `localhost`, are nobody's."""
    assert not residue.traces("host")


@check(
    "residue-spools-empty",
    severity="medium",
    guideline="aws-shared-ami/receiver-checks",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/usingsharedamis-confirm.html",
    evidence=["instance", "disk"],
    remedy="residue",
    allowed=[],
)
def test_spools_empty(residue: Residue, rule_settings: Settings) -> None:
    """cron, at and mail spools are empty.

    A user's crontab or job runs on every machine made from the image, and mail tells of the build. `allowed` names the
    files, by their paths, that are meant to be there. A crontab of comments alone is empty."""
    assert not [each for each in residue.traces("spools") if each.path not in rule_settings["allowed"]]


@check(
    "residue-no-subscriptions",
    severity="high",
    guideline="cis-like/image-residue",
    source=SYSPREP,
    evidence=["disk"],
    remedy="residue",
)
def test_no_subscriptions(residue: Residue) -> None:
    """No subscription or entitlement of the builder is left.

    Certificates of Red Hat's subscriptions, tokens of Ubuntu Pro and credentials of SUSE's Customer Center would be
    used by everybody, at the builder's expense. Client certificates that come with a cloud's own packages (RHUI) lie
    elsewhere and are no violation."""
    assert not residue.traces("subscriptions")


@check(
    "residue-no-installer-files",
    severity="high",
    guideline="cis-like/image-residue",
    source=SYSPREP,
    evidence=["disk"],
    remedy="residue",
)
def test_no_installer_files(residue: Residue) -> None:
    """No installer file is left.

    Files of kickstart, autoinstall, AutoYaST and preseed hold password hashes and the network of the build; debconf
    keeps the passwords that it was told in a database of its own."""
    assert not residue.traces("installer")


@check(
    "residue-no-build-tools",
    severity="medium",
    guideline="lesson/checker-leaves-traces",
    source=IMAGE_BUILDER,
    evidence=["disk"],
    remedy="residue",
)
def test_no_build_tools(residue: Residue) -> None:
    """No build or test tool is left.

    What Packer, Ansible, Image Builder, Vagrant, goss and the like leave tells how the image was made, and may hold
    its variables; Vagrant's account can be used by everybody. That holds for this gate's own folders as well."""
    assert not residue.builders()


@check(
    "residue-no-package-history",
    severity="low",
    guideline="cis-like/image-cleanup",
    source=IMAGE_BUILDER,
    evidence=["disk"],
    remedy="residue",
    at_most_kib=1024,
)
def test_no_package_history(residue: Residue, rule_settings: Settings) -> None:
    """Package caches and histories are cleared.

    Histories tell who installed what and when, with whole command lines. `at_most_kib` limits what package managers
    keep of what they have fetched. The databases of installed packages have to stay."""
    assert not residue.traces("package-history")
    assert not residue.cache_size(rule_settings["at_most_kib"])


@check(
    "residue-no-agent-state",
    severity="medium",
    guideline="cis-like/image-cleanup",
    source=IMAGE_BUILDER,
    evidence=["disk"],
    remedy="residue",
)
def test_no_agent_state(residue: Residue) -> None:
    """No agent keeps state of the build.

    An agent that finds the build host's state takes itself for the build host, or goes on in the middle of its logs.
    Empty files are no violation; the id of an instance as a name is one."""
    assert not residue.traces("agents")


@check(
    "residue-no-editor-backups",
    severity="medium",
    guideline="cis-like/image-residue",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/creating-an-ami-instance-store.html",
    evidence=["disk"],
    remedy="residue",
)
def test_no_editor_backups(secrets: Secrets) -> None:
    """No editor backup or swap file is left.

    It holds what was in a file before, such as a password that was taken out, and web servers hand it out as text.
    Files as their packages brought them are no violation, nor are those below /usr and /var where nobody edits."""
    assert not secrets.editor_backups()
    secrets.require_whole()

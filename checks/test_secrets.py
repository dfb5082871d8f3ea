"""What must not be in an image: histories, credentials, keys to sign with."""

from amigate import check, warn
from amigate.check import Settings
from amigate.facts.histories import Histories
from amigate.facts.memory import Memory
from amigate.facts.secrets import Secrets

BUILDING = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html"
CLOUDQUARRY = "https://securitycafe.ro/2024/05/08/aws-cloudquarry-digging-for-secrets-in-public-amis/"
MARKETPLACE = "https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html"


@check(
    "secret-no-histories",
    severity="high",
    guideline="aws-shared-ami/remove-sensitive-data",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="secrets",
)
def test_no_histories(histories: Histories) -> None:
    """No shell or tool history is in the image.

    A history holds what was typed to build the image: hosts, accounts, passwords on command lines. Bash writes its
    file when it ends, so clean last: `unset HISTFILE`, remove the files, power off."""
    assert not histories.filled()


@check(
    "secret-no-aws-credentials",
    severity="critical",
    guideline="aws-shared-ami/remove-sensitive-data",
    source=BUILDING,
    evidence=["disk"],
    remedy="secrets",
)
def test_no_aws_credentials(secrets: Secrets) -> None:
    """No AWS credential is in the image.

    Keys in public images are found and abused within minutes. Removing one is not enough: whoever had the image may
    have it, so make it inactive too. Settings of tools without a key in them are remarks."""
    assert not secrets.aws_credentials()
    secrets.require_whole()
    warn(secrets.aws_settings())


@check(
    "secret-no-signing-material",
    severity="high",
    guideline="aws-shared-ami/remove-sensitive-data",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/creating-an-ami-instance-store.html",
    evidence=["disk"],
    remedy="secrets",
)
def test_no_signing_material(secrets: Secrets) -> None:
    """No signing key or key store is in the image.

    AWS's own bundling leaves out files by such names. Here a file counts where its content does not say that it is
    public, as certificates, public keys and keyrings do, and where no package brought it."""
    assert not secrets.signing_material()
    secrets.require_whole()


@check(
    "secret-no-vcs-credentials",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="secrets",
    allowed=[],
)
def test_no_vcs_credentials(secrets: Secrets, rule_settings: Settings) -> None:
    """No repository credential or private checkout is in the image.

    Tokens and passwords open the builder's repositories, and a checkout has all of a repository's history. Every
    checkout counts but those whose remote `allowed` names, as the finding writes it. History is not searched."""
    assert not [*secrets.of_kind("vcs"), *secrets.checkouts(rule_settings["allowed"])]
    secrets.require_whole()


@check(
    "secret-no-application-config-secrets",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="secrets",
)
def test_no_application_config_secrets(secrets: Secrets) -> None:
    """No application configuration carries a secret.

    Everybody who has the image can read it. A file by such a name is looked at for a value behind the name of a
    secret; variables, words that stand for a value, and files as their packages brought them do not count."""
    assert not secrets.of_kind("app-config")
    secrets.require_whole()


@check(
    "secret-no-registry-credentials",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="secrets",
)
def test_no_registry_credentials(secrets: Secrets) -> None:
    """No registry or package credential is in the image.

    Whoever has it can read, and often write, what the builder's other machines install. The name of a helper that
    keeps credentials elsewhere is none."""
    assert not secrets.of_kind("registry")
    secrets.require_whole()


@check(
    "secret-no-other-cloud-credentials",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="secrets",
)
def test_no_other_cloud_credentials(secrets: Secrets) -> None:
    """No credential of another cloud is in the image.

    What command lines and libraries of Google's, Microsoft's, Oracle's and other clouds keep in homes works for
    everybody who has the image."""
    assert not secrets.of_kind("cloud")
    secrets.require_whole()


@check(
    "secret-no-agent-registrations",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="secrets",
)
def test_no_agent_registrations(secrets: Secrets) -> None:
    """No CI runner or agent registration is in the image.

    All machines made from the image would be one to the server: they would take each other's jobs, and whoever has the
    image can take them too. An agent that is installed and has no identity is no violation."""
    assert not secrets.of_kind("agent")
    secrets.require_whole()


@check(
    "secret-no-config-management-identity",
    severity="high",
    guideline="cis-like/image-residue",
    source="https://github.com/libguestfs/guestfs-tools",
    evidence=["disk"],
    remedy="secrets",
)
def test_no_config_management_identity(secrets: Secrets) -> None:
    """No configuration management identity is in the image.

    With the key of a node, everybody can ask the builder's server for what it gives that node, passwords included."""
    assert not secrets.of_kind("config-management")
    secrets.require_whole()


@check(
    "secret-no-database-passwords",
    severity="high",
    guideline="marketplace/no-hard-coded-secrets",
    source=MARKETPLACE,
    evidence=["disk"],
    remedy="secrets",
)
def test_no_database_passwords(secrets: Secrets) -> None:
    """No database password is in the image.

    It would be the same on every machine made from it. A file without a password, as Debian's debian.cnf for logins
    by the socket, is no violation; a password that first boot makes is another rule's."""
    assert not secrets.of_kind("database")
    secrets.require_whole()


@check(
    "secret-none-in-units-or-cmdline",
    severity="high",
    guideline="marketplace/no-hard-coded-secrets",
    source=MARKETPLACE,
    evidence=["disk"],
    remedy="secrets",
)
def test_none_in_units_or_cmdline(secrets: Secrets) -> None:
    """No unit, environment, cron entry or kernel line carries a secret.

    Such files are readable by every account. Looked at are values behind names of secrets, options of commands and
    addresses with a password, in units and the files that they take their environment from, wherever these lie."""
    assert not secrets.of_kind("started")
    secrets.require_whole()


@check(
    "secret-none-in-logs",
    severity="high",
    guideline="lesson/keys-printed-in-logs",
    source="https://github.com/digitalocean/marketplace-partners/issues/60",
    evidence=["disk"],
    remedy="secrets",
)
def test_none_in_logs(secrets: Secrets) -> None:
    """No log carries a secret.

    Tools print what they were given, keys too. Packed logs are unpacked and journals are read, whatever machine they
    are of; one that cannot be leaves this open."""
    assert not secrets.in_logs()
    secrets.require_logs_read()
    secrets.require_whole()


@check(
    "secret-high-entropy-reviewed",
    severity="low",
    guideline="lesson/entropy-noise",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="secrets",
)
def test_high_entropy_reviewed(secrets: Secrets) -> None:
    """High-entropy strings are listed for review.

    Values that look random are remarks, a few of each file and a hundred in all, as most of them are no secret: one
    study of public images saw two million of them, and 121 keys that worked."""
    secrets.require_whole()
    warn(secrets.of_kind("entropy"))


@check(
    "secret-none-in-swap-or-dumps",
    severity="high",
    guideline="lesson/memory-in-image",
    source="https://learn.microsoft.com/en-us/azure/virtual-machines/linux/create-upload-generic",
    evidence=["disk"],
    remedy="secrets",
)
def test_none_in_swap_or_dumps(memory: Memory) -> None:
    """No swap, hibernation image or core dump is in the image.

    Memory holds every password and key that was in use. Swap that is zeros behind its header is no violation; better
    is none at all, as a file for swap can be made at boot."""
    assert not memory.findings()
    memory.require_whole()

"""What must not be in an image: histories, credentials, keys to sign with."""

from amigate import check, warn
from amigate.facts.histories import Histories
from amigate.facts.secrets import Secrets

BUILDING = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html"


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

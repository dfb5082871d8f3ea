"""Every fact that a check can ask for by name: adding one is a file and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.questions import Needs
from amigate.facts import (
    account_copies,
    accounts,
    authorized_keys,
    back_channels,
    boot_commands,
    builder_keys,
    builder_network,
    cloud_config,
    cloud_init,
    cloud_left,
    connections,
    consoles,
    disks,
    encrypted_folders,
    encryption_keys,
    failed_units,
    histories,
    host_firewall,
    host_keys,
    host_trust,
    identities,
    image_age,
    image_ancestry,
    image_form,
    image_scans,
    image_words,
    integrity,
    internal_endpoints,
    kernels,
    key_fetch,
    key_sources,
    legacy_services,
    listeners,
    log_forwarding,
    login_defs,
    login_ends,
    memory,
    os_release,
    outside,
    own_traces,
    packages,
    pam,
    pending_updates,
    provisioning,
    reboot,
    remote_identities,
    repositories,
    residue,
    root_grants,
    scheduled_jobs,
    secrets,
    services,
    session_port,
    sharing_terms,
    ssh_files,
    ssh_servers,
    sshd,
    sshd_syntax,
    stored_host_keys,
    stored_keys,
    sudoers,
    trust_anchors,
)
from amigate.facts.ami import Ami
from amigate.facts.twins import Twins

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Evidence, View


@dataclass(frozen=True)
class ViewFact:
    """A fact about one view of the image: its name, how to read it and what must be collected for it."""

    name: str
    read: Callable[[View], object]
    needs: Needs


@dataclass(frozen=True)
class OutsideFact:
    """A fact about a launch as it is seen from outside."""

    name: str
    read: Callable[[View], object]


@dataclass(frozen=True)
class ImageFact:
    """A fact about the image as a whole, read from all of the evidence."""

    name: str
    read: Callable[[Evidence], object]


BASIC = (
    ViewFact("provisioning", provisioning.Provisioning.read, provisioning.NEEDS),
    ViewFact("packages", packages.Packages.read, packages.NEEDS),
    ViewFact("accounts", accounts.Accounts.read, accounts.NEEDS),
    ViewFact("sshd", sshd.Sshd.read, sshd.NEEDS),
    ViewFact("sshd_syntax", sshd_syntax.SshdSyntax.read, sshd_syntax.NEEDS),
    ViewFact("authorized_keys", authorized_keys.AuthorizedKeys.read, authorized_keys.NEEDS),
    ViewFact("host_keys", host_keys.HostKeys.read, host_keys.NEEDS),
    ViewFact("os_release", os_release.OsRelease.read, os_release.NEEDS),
    ViewFact("sudoers", sudoers.Sudoers.read, sudoers.NEEDS),
    ViewFact("cloud_config", cloud_config.CloudConfig.read, cloud_config.NEEDS),
    ViewFact("services", services.Services.read, services.NEEDS),
    ViewFact("listeners", listeners.Listeners.read, listeners.NEEDS),
    ViewFact("session_port", session_port.SessionPort.read, session_port.NEEDS),
    ViewFact("histories", histories.Histories.read, histories.NEEDS),
    ViewFact("secrets", secrets.Secrets.read, secrets.NEEDS),
    ViewFact("stored_host_keys", stored_host_keys.StoredHostKeys.read, stored_host_keys.NEEDS),
    ViewFact("ssh_servers", ssh_servers.SshServers.read, ssh_servers.NEEDS),
    ViewFact("cloud_init", cloud_init.CloudInit.read, cloud_init.NEEDS),
    ViewFact("key_fetch", key_fetch.KeyFetch.read, key_fetch.NEEDS),
    ViewFact("disks", disks.Disks.read, disks.NEEDS),
    ViewFact("stored_keys", stored_keys.StoredKeys.read, stored_keys.NEEDS),
)
"""Facts for which every run collects, so that saved evidence can be judged under other profiles."""

FURTHER = (
    ViewFact("residue", residue.Residue.read, residue.NEEDS),
    ViewFact("key_sources", key_sources.KeySources.read, key_sources.NEEDS),
    ViewFact("host_trust", host_trust.HostTrust.read, host_trust.NEEDS),
    ViewFact("ssh_files", ssh_files.SshFiles.read, ssh_files.NEEDS),
    ViewFact("cloud_left", cloud_left.CloudLeft.read, cloud_left.NEEDS),
    ViewFact("boot_commands", boot_commands.BootCommands.read, boot_commands.NEEDS),
    ViewFact("builder_network", builder_network.BuilderNetwork.read, builder_network.NEEDS),
    ViewFact("pam", pam.Pam.read, pam.NEEDS),
    ViewFact("consoles", consoles.Consoles.read, consoles.NEEDS),
    ViewFact("account_copies", account_copies.AccountCopies.read, account_copies.NEEDS),
    ViewFact("login_defs", login_defs.LoginDefs.read, login_defs.NEEDS),
    ViewFact("login_ends", login_ends.LoginEnds.read, login_ends.NEEDS),
    ViewFact("remote_identities", remote_identities.RemoteIdentities.read, remote_identities.NEEDS),
    ViewFact("root_grants", root_grants.RootGrants.read, root_grants.NEEDS),
    ViewFact("builder_keys", builder_keys.BuilderKeys.read, builder_keys.NEEDS),
    ViewFact("memory", memory.Memory.read, memory.NEEDS),
    ViewFact("failed_units", failed_units.FailedUnits.read, failed_units.NEEDS),
    ViewFact("legacy_services", legacy_services.LegacyServices.read, legacy_services.NEEDS),
    ViewFact("encrypted_folders", encrypted_folders.EncryptedFolders.read, encrypted_folders.NEEDS),
    ViewFact("own_traces", own_traces.OwnTraces.read, own_traces.NEEDS),
    ViewFact("log_forwarding", log_forwarding.LogForwarding.read, log_forwarding.NEEDS),
    ViewFact("scheduled_jobs", scheduled_jobs.ScheduledJobs.read, scheduled_jobs.NEEDS),
    ViewFact("back_channels", back_channels.BackChannels.read, back_channels.NEEDS),
    ViewFact("internal_endpoints", internal_endpoints.InternalEndpoints.read, internal_endpoints.NEEDS),
    ViewFact("trust_anchors", trust_anchors.TrustAnchors.read, trust_anchors.NEEDS),
    ViewFact("integrity", integrity.Integrity.read, integrity.NEEDS),
    ViewFact("repositories", repositories.Repositories.read, repositories.NEEDS),
    ViewFact("kernels", kernels.Kernels.read, kernels.NEEDS),
    ViewFact("host_firewall", host_firewall.HostFirewall.read, host_firewall.NEEDS),
    ViewFact("connections", connections.Connections.read, connections.NEEDS),
    ViewFact("pending_updates", pending_updates.PendingUpdates.read, pending_updates.NEEDS),
    ViewFact("root_refusals", outside.becoming_root, Needs()),
)
"""Facts for which a running machine is asked only where a rule of the profile asks for them."""

VIEW_FACTS = (*BASIC, *FURTHER)
OUTSIDE_FACTS = (
    OutsideFact("contact", outside.contact),
    OutsideFact("launch_user", outside.launch_user),
    OutsideFact("standing", outside.standing),
    OutsideFact("console", outside.Console.read),
    OutsideFact("offers", outside.Offers.read),
)
IMAGE_FACTS = (
    ImageFact("logins", outside.logins),
    ImageFact("made_day", login_ends.made_day),
    ImageFact("ami", Ami.read),
    ImageFact("image_form", image_form.ImageForm.read),
    ImageFact("image_age", image_age.ImageAge.read),
    ImageFact("image_ancestry", image_ancestry.ImageAncestry.read),
    ImageFact("image_words", image_words.ImageWords.read),
    ImageFact("image_scans", image_scans.ImageScans.read),
    ImageFact("encryption_keys", encryption_keys.EncryptionKeys.read),
    ImageFact("sharing_terms", sharing_terms.SharingTerms.read),
    ImageFact("twins", Twins.read),
    ImageFact("reboot", reboot.Reboot.read),
)
NEEDS = (*(fact.needs for fact in BASIC), identities.NEEDS, reboot.NEEDS)
"""What is collected from every machine; what is asked first is answered first.

A large answer comes early: it fills packets that small ones would leave empty."""
ALL = (*NEEDS, *(fact.needs for fact in FURTHER))
"""What is collected of a file system at rest, where it costs little."""


def after_reboot(before: View) -> tuple[Needs, ...]:
    """Return what is collected from a machine that was rebooted, by what was seen `before`."""
    return (reboot.after_reboot(before),)

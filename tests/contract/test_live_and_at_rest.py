"""Same question, live and at rest, same answer: the real collector in a tree, and the tree as a directory."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import socket
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import AnswerError, InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts import (
    accounts,
    authorized_keys,
    back_channels,
    cloud_config,
    histories,
    identities,
    log_forwarding,
    os_release,
    packages,
    scheduled_jobs,
    secrets,
    services,
    ssh_servers,
    sshd,
    sudoers,
)
from amigate.facts.accounts import Accounts
from amigate.facts.authorized_keys import AuthorizedKeys
from amigate.facts.back_channels import BackChannels
from amigate.facts.cloud_config import CloudConfig
from amigate.facts.histories import Histories
from amigate.facts.identities import HOST_NAME, KNOWN, asked_for, declared, digest, identity
from amigate.facts.log_forwarding import LogForwarding
from amigate.facts.os_release import OsRelease
from amigate.facts.packages import Packages
from amigate.facts.scheduled_jobs import ScheduledJobs
from amigate.facts.secrets import Secrets
from amigate.facts.services import Services
from amigate.facts.ssh_servers import SshServers
from amigate.facts.sshd import Sshd
from amigate.facts.sshd_keywords import EVALUATED
from amigate.facts.sudoers import Sudoers

if TYPE_CHECKING:
    from amigate.evidence.model import View

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBtJ0zXrBrrJZJXu1gwK4mBVXrYhVmEJJDCRVTkQJjlK\n"


def answer(read: Any, view: View) -> Any:
    """Return the fact, or what kind of answer there is instead."""
    try:
        return read(view)
    except AnswerError as error:
        return type(error)


def read_identities(view: View) -> dict[str, Any]:
    """Return each identity that a file system has at rest too."""
    return {path: answer(lambda seen, path=path: identity(seen, path), view) for path in KNOWN if path != HOST_NAME}


def read_back_channels(view: View) -> Any:
    """Return where they are; a search at rest tells lines too."""
    found = BackChannels.read(view)
    return [sorted((each.path, each.subject) for each in part) for part in (found.active, found.idle)]


FACTS = {
    "accounts": (Accounts.read, accounts.NEEDS),
    "cloud_config": (CloudConfig.read, cloud_config.NEEDS),
    "histories": (Histories.read, histories.NEEDS),
    "back_channels": (read_back_channels, back_channels.NEEDS),
    "log_forwarding": (LogForwarding.read, log_forwarding.NEEDS),
    "scheduled_jobs": (ScheduledJobs.read, scheduled_jobs.NEEDS),
    "identities": (read_identities, identities.NEEDS),
    "os_release": (OsRelease.read, os_release.NEEDS),
    "packages": (Packages.read, packages.NEEDS),
    "services": (Services.read, services.NEEDS),
    "ssh_servers": (SshServers.read, ssh_servers.NEEDS),
    "sudoers": (Sudoers.read, sudoers.NEEDS),
}


def assert_alike(root: Any, fact: str) -> Any:
    """Return the fact, which both ways of looking agree on."""
    read, needs = FACTS[fact]
    live, at_rest = (answer(read, view) for view in root.both(needs))
    assert live == at_rest
    return live


def test_every_kind_of_entry_is_seen_alike(root: Any) -> None:
    folder = root.folder / "x"
    root.write("/x/file", b"\0\xff\n", 0o4640)
    root.write("/x/empty")
    root.write("/x/long", "x" * 100)
    root.write("/x/.hidden", "h")
    root.write(b"/x/\xff\n name".decode("utf-8", "surrogateescape"), "odd")
    root.write("/x/sub/deep", "deep")
    os.chown(folder / "file", 12, 34)
    os.utime(folder / "file", (1, 1_600_000_000))
    root.link("/x/relative", "sub/../file")
    root.link("/x/absolute", "/x/sub")
    root.link("/x/outside", "../../../../../../../../x/file")
    root.link("/x/dangling", "/nowhere")
    root.link("/x/loop", "loop")
    root.link("/x/to-device", "/dev/null")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "s"))
    paths = ["/x", "/x/absolute/deep", "/x/absolute/none", "/x/file/below", "/x/dangling/below", "/x/none", "/y/z"]
    questions = [
        Glob("/x/*", Keep.WHOLE, cap_bytes=50),
        Glob("/x/*/d??p", Keep.WHOLE),
        Glob("/x/.h*", Keep.WHOLE),
        Glob("/none/*", Keep.WHOLE),
        Glob("/x/absolute/deep", Keep.WHOLE),
    ]
    live, at_rest = replace(root, redactor=None).both(
        Needs(
            first=(*(ReadFile(path, Keep.WHOLE) for path in paths), ReadFile("/x/loop/below", Keep.WHOLE), *questions)
        )
    )
    assert len(live.entries) == 17
    assert live.entries == at_rest.entries
    assert (
        live.absent == at_rest.absent == {"/x/absolute/none", "/x/file/below", "/x/dangling/below", "/x/none", "/y/z"}
    )
    assert live.globbed == at_rest.globbed
    assert live.unseen.keys() == at_rest.unseen.keys() == {"/x/loop/below"}


@pytest.mark.parametrize("seed", range(12))
def test_made_up_trees_of_links_are_seen_alike(root: Any, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same trees on every run
    names = ["a", "b", "c", ".d", "e f"]

    def path(most: int, *, special: bool) -> str:
        parts = [*names, "..", "."] if special else names
        return "/".join(chance.choice(parts) for _ in range(chance.randint(1, most)))

    for number in range(30):
        at = root.folder / "x" / path(3, special=False)
        try:
            at.parent.mkdir(parents=True, exist_ok=True)
            if number % 3:
                at.symlink_to(chance.choice(["", "", "/", "/x/", "../../../"]) + path(3, special=True))
            else:
                at.write_text(f"{number}")
        except OSError:
            continue  # something else is there
    questions = [ReadFile(f"/x/{path(4, special=False)}", Keep.WHOLE) for _ in range(60)]
    globs = [
        Glob("/x/*", Keep.WHOLE),
        Glob("/x/*/*", Keep.WHOLE),
        Glob("/x/?/b/*", Keep.WHOLE),
        Glob("/x/.d/*", Keep.WHOLE),
        Glob("/x/*/c", Keep.WHOLE),
        Glob("/x/a/b/c", Keep.WHOLE),
    ]
    live, at_rest = replace(root, redactor=None).both(Needs(first=(*dict.fromkeys(questions), *globs)))
    assert len(live.entries) > 5
    mounted = ("/dev", "/proc", "/tmp", "/run")  # which a link to the root leads to
    assert {path: entry for path, entry in live.entries.items() if not path.endswith(mounted)} == {
        path: entry for path, entry in at_rest.entries.items() if not path.endswith(mounted)
    }
    assert live.entries.keys() == at_rest.entries.keys()
    assert live.absent == at_rest.absent
    assert live.globbed == at_rest.globbed
    assert live.unseen.keys() == at_rest.unseen.keys()


@pytest.mark.parametrize(
    "mtime_ns", [-(2**31) * 10**9, -1_500_000_000, -1, 0, 2**31 * 10**9, (2**32 + 5) * 10**9 + 999_999_999]
)
def test_times_of_every_kind_are_seen_alike(root: Any, mtime_ns: int) -> None:
    os.utime(root.write("/x"), ns=(mtime_ns, mtime_ns))
    live, at_rest = root.both(Needs(first=(ReadFile("/x", Keep.NOTHING),)))
    assert live.entries["/x"].mtime_s == at_rest.entries["/x"].mtime_s == mtime_ns // 10**9


def test_accounts(root: Any) -> None:
    assert [account.name for account in assert_alike(root, "accounts").all] == ["root", "bob"]
    (root.folder / "etc/passwd").unlink()
    assert_alike(root, "accounts")


def test_os_release(root: Any) -> None:
    root.write("/usr/lib/os-release", 'ID=debian\nVERSION_ID="12"\n')
    root.link("/etc/os-release", "../usr/lib/os-release")
    assert assert_alike(root, "os_release").version_id == "12"
    root.link("/etc/os-release", "../nowhere")
    assert_alike(root, "os_release")


def test_histories(root: Any) -> None:
    root.write("/root/.bash_history", "secret\nmore\n")
    root.write("/srv/bob/.python_history", "no line feed")
    root.write("/srv/bob/.lesshst")
    root.write("/home/gone/.zsh_history", "x\n" * 3)
    root.write("/srv/bob/.local/share/fish/fish_history", "x\n")
    root.write("/root/.big_history", b"\n" * (1024 * 1024 + 1))
    root.write("/root/.histories/file", "a folder is none")
    root.write("/srv/kept", "x\n")
    root.link("/root/.psql_history", "/dev/null")
    root.link("/root/.mysql_history", "/srv/elsewhere")
    root.link("/srv/elsewhere", "kept")
    os.mkfifo(root.folder / "root/.pipe_history")
    found = {each.path: (each.size_bytes, each.lines) for each in assert_alike(root, "histories").all}
    assert found == {
        "/home/gone/.zsh_history": (6, 3),
        "/root/.bash_history": (12, 2),
        "/root/.big_history": (1024 * 1024 + 1, None),
        "/root/.mysql_history": (2, 1),
        "/srv/bob/.lesshst": (0, None),
        "/srv/bob/.local/share/fish/fish_history": (2, 1),
        "/srv/bob/.python_history": (12, 0),
    }


def test_histories_are_never_taken(root: Any) -> None:
    root.write("/root/.bash_history", "mysql -p hunter2\n")
    for view in root.both(histories.NEEDS):
        assert view.entries["/root/.bash_history"].content is None
        assert b"hunter2" not in b"".join(each.stdout + each.stderr for each in view.answers.values())


def test_services(root: Any) -> None:
    units = "/usr/lib/systemd/system"
    root.link("/etc/systemd/system/multi-user.target.wants/ssh.service", f"{units}/ssh.service")
    root.link("/etc/systemd/system/sshd.service", f"{units}/ssh.service")
    root.link("/etc/systemd/system/getty.target.wants/getty@tty1.service", f"{units}/getty@.service")
    root.link("/etc/systemd/system/sockets.target.wants/telnet.socket", f"{units}/telnet.socket")
    root.link("/etc/systemd/system/telnet.socket", "/dev/null")
    root.link(f"{units}/sysinit.target.wants/vendor.service", "../vendor.service")
    root.link(f"{units}/sysinit.target.wants/taken.service", "../taken.service")
    root.link("/etc/systemd/system/sysinit.target.wants/taken.service", "/dev/null")
    root.link("/lib/systemd/system/basic.target.wants/old.service", "../old.service")
    root.link("/etc/runlevels/default/sshd", "/etc/init.d/sshd")
    root.link("/etc/rc3.d/S01cron", "../init.d/cron")
    root.write("/usr/lib/systemd/system-preset/90-default.preset", "enable ssh.service\ndisable *\n")
    root.write("/etc/systemd/system-preset/10-own.preset", "disable ssh.service\n")
    root.write("/etc/machine-id", "uninitialized\n")
    fact = assert_alike(root, "services")
    assert [each.name for each in fact.enabled] == [
        "cron",
        "getty@tty1.service",
        "old.service",
        "ssh.service",
        "sshd",
        "vendor.service",
    ]
    assert [each.name for each in fact.named("sshd.service", "getty@.service")] == ["getty@tty1.service", "ssh.service"]
    assert (fact.preset("ssh.service"), fact.presets_at_boot) == (False, True)
    assert set(fact.masked) == {"telnet.socket"}


def test_log_forwarding(root: Any) -> None:
    root.write("/etc/rsyslog.conf", "*.* @@logs.example.com\n$IncludeConfig /opt/x/*.cfg\n")
    root.write("/opt/x/a.cfg", "\n*.* @127.0.0.1\n& @b.example.com\n")
    root.write("/etc/audit/audisp-remote.conf", "remote_server = c.example.com\n")
    found = assert_alike(root, "log_forwarding").found
    assert [(each.subject, each.path, each.line) for each in found] == [
        ("logs.example.com", "/etc/rsyslog.conf", 1),
        ("c.example.com", "/etc/audit/audisp-remote.conf", 1),
        ("b.example.com", "/opt/x/a.cfg", 3),
    ]


@pytest.mark.parametrize("manager", ["dpkg", "apk", "none"])
def test_scheduled_jobs(root: Any, manager: str) -> None:
    """Of a unit that a package brought, one that was changed, and what nobody brought; names are as odd as can be."""
    names = ("/usr/lib/systemd/system/a.timer", "/etc/cron.d/it's b", "/etc/periodic/daily/c")
    for name in names:
        root.write(name, f"{name}\n")
    if manager == "dpkg":
        digests = [hashlib.md5(f"{name}\n".encode(), usedforsecurity=False).hexdigest() for name in names]
        root.write("/var/lib/dpkg/info/x.md5sums", f"{digests[0]}  {names[0][5:]}\n{digests[2]}  {names[2][1:]}\n")
        stanza = f"Package: x\nStatus: install ok installed\nConffiles:\n {names[1]} {digests[1]} obsolete\n"
        root.write("/var/lib/dpkg/status", stanza)
    elif manager == "apk":
        lines = ["P:x", "V:1-r0"]
        for name in names:
            digest = base64.b64encode(hashlib.sha1(f"{name}\n".encode(), usedforsecurity=False).digest()).decode()
            folder, _, base = name[1:].rpartition("/")
            lines += [f"F:{folder}", f"R:{base}", "a:0:0:755", f"Z:Q1{digest}"]
        root.write("/lib/apk/db/installed", "\n".join([*lines, "", ""]))
    root.write(names[2], "changed\n")
    root.write("/etc/cron.d/d", "new\n")
    root.write("/srv/bob/.config/systemd/user/e.timer", "new\n")
    root.write("/var/spool/cron/crontabs/root", "new\n")
    jobs = assert_alike(root, "scheduled_jobs")
    assert set(jobs.paths) == {
        *(*names, "/etc/cron.d/d", "/srv/bob/.config/systemd/user/e.timer", "/var/spool/cron/crontabs/root")
    }
    assert jobs.brought == (set() if manager == "none" else set(names[:2]))


def test_no_scheduled_jobs(root: Any) -> None:
    assert assert_alike(root, "scheduled_jobs").paths == ()


def test_back_channels(root: Any) -> None:
    root.write("/usr/local/bin/frpc", "x")
    root.write("/usr/sbin/tailscaled", "x")
    root.link("/etc/systemd/system/multi-user.target.wants/tailscaled.service", "/x/tailscaled.service")
    root.write("/etc/systemd/system/t.service", "[Service]\n# ssh -R\nExecStart=/bin/ssh -NTR 22:localhost:22 a@b\n")
    root.write("/etc/systemd/system/u.service", "[Service]\nExecStart=/usr/bin/autossh -M 0 a@b\n")
    root.link("/etc/systemd/system/multi-user.target.wants/u.service", "/etc/systemd/system/u.service")
    root.write("/etc/rc.local", "#!/bin/sh\n#autossh x\nssh a@b uptime\n")
    active, idle = assert_alike(root, "back_channels")
    wants = "/etc/systemd/system/multi-user.target.wants/tailscaled.service"
    assert active == [(wants, "tailscaled.service"), ("/etc/systemd/system/u.service", "")]
    assert idle == [("/etc/systemd/system/t.service", ""), ("/usr/local/bin/frpc", "")]


def test_identities(root: Any) -> None:
    root.write("/etc/machine-id", "3f0c2f1e5d6b4a79813e2c4d5f6a7b8c\n", 0o444)
    root.link("/var/lib/dbus/machine-id", "/etc/machine-id")
    root.write("/var/lib/systemd/random-seed", b"\0#\xff\n \n" * 85, 0o600)
    root.write("/var/lib/random-seed")
    root.write("/etc/iscsi/initiatorname.iscsi", "## DO NOT EDIT\nInitiatorName=iqn.1993-08.org.debian:01:ab\n", 0o600)
    root.write("/etc/nvme/hostid", "x" * 70_000)
    root.link("/var/lib/NetworkManager/secret_key", "/nowhere")
    found = assert_alike(root, "identities")
    assert found["/var/lib/dbus/machine-id"] == found["/etc/machine-id"] != ""
    told = {path for path, value in found.items() if value and isinstance(value, str)}
    assert told == {
        *("/etc/machine-id", "/var/lib/dbus/machine-id"),
        *("/var/lib/systemd/random-seed", "/etc/iscsi/initiatorname.iscsi"),
    }
    unsure = {path for path, value in found.items() if value is InconclusiveError}
    assert unsure == {"/etc/nvme/hostid", "/var/lib/NetworkManager/secret_key"}
    root.write("/etc/machine-id", "uninitialized\n")
    assert assert_alike(root, "identities")["/etc/machine-id"] == ""


def test_a_host_name_is_a_running_machines(root: Any) -> None:
    live, at_rest = root.both(identities.NEEDS)
    assert root.redactor.mac(socket.gethostname().lower().encode()) in identity(live, HOST_NAME)
    assert at_rest.is_at_rest(HOST_NAME)


def test_files_that_a_profile_names(root: Any) -> None:
    root.write("/etc/app/a b.key", b"\0one")
    root.write("/etc/app/empty.key")
    root.link("/etc/app/link.key", "a b.key")
    root.write("/etc/app/large.key", b"x" * 300_000)
    named = ["/etc/app/*.key", "/etc/app/a b.key", "/proc/sys/kernel/ostype", "/etc/none", "/etc/app/*.none"]
    live, at_rest = root.both(Needs(first=tuple(map(asked_for, named))))

    def told(view: View, pattern: str) -> list[tuple[str, Any]]:
        return [(entry.path, answer(lambda _, entry=entry: digest(entry), view)) for entry in declared(view, pattern)]

    for pattern in (each for each in named if not each.startswith("/proc/")):
        assert told(live, pattern) == told(at_rest, pattern)
    key = root.redactor.mac(b"\0one")
    assert told(live, "/etc/app/*.key") == [
        ("/etc/app/a b.key", key),
        ("/etc/app/empty.key", ""),
        ("/etc/app/large.key", InconclusiveError),
        ("/etc/app/link.key", key),
    ]
    assert told(live, "/etc/none") == told(live, "/etc/app/*.none") == []
    assert told(live, "/proc/sys/kernel/ostype") == [("/proc/sys/kernel/ostype", root.redactor.mac(b"Linux\n"))]


def test_sudoers(root: Any) -> None:
    root.write("/etc/sudoers", "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n#include more\n", 0o440)
    root.write("/etc/sudoers.d/90-cloud-init-users", "bob ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    root.write("/etc/sudoers.d/skipped.bak", "eve ALL=(ALL) NOPASSWD:ALL\n")
    root.write("/etc/sudoers.d/skipped~", "eve ALL=(ALL) NOPASSWD:ALL\n")
    root.write("/etc/more", "@include /srv/last\n")
    root.write("/srv/last", "%wheel ALL=(ALL) NOPASSWD:ALL\n")
    fact = assert_alike(root, "sudoers")
    assert [rule.path for rule in fact.rules] == ["/etc/sudoers", "/etc/sudoers.d/90-cloud-init-users", "/srv/last"]
    (root.folder / "etc/sudoers").unlink()
    assert_alike(root, "sudoers")


def test_cloud_config(root: Any) -> None:
    root.write("/etc/cloud/cloud.cfg", "ssh_pwauth: true\nsystem_info:\n  default_user:\n    name: bob\n")
    root.write(
        "/etc/cloud/cloud.cfg.d/10-a.cfg", "ssh_pwauth: false\nsystem_info: {default_user: {lock_passwd: false}}\n"
    )
    root.write("/etc/cloud/cloud.cfg.d/20-b.cfg", "disable_root: true\n")
    root.write("/etc/cloud/cloud.cfg.d/README", "not: read\n")
    fact = assert_alike(root, "cloud_config")
    assert fact.value("ssh_pwauth") is False
    assert fact.origin(("ssh_pwauth",)) == ("/etc/cloud/cloud.cfg.d/10-a.cfg", 1)
    assert fact.value("system_info", "default_user") == {"name": "bob", "lock_passwd": False}
    root.write("/etc/cloud/cloud.cfg.d/99-bad.cfg", "a: !!python/object:os.system {}\n")
    assert_alike(root, "cloud_config")


def test_other_ssh_servers(root: Any) -> None:
    root.write("/usr/sbin/dropbear")
    root.link("/usr/bin/tinysshd", "/opt/tinysshd")
    root.write("/etc/systemd/system/ssh-back.service", "[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/back\n")
    root.write("/usr/share/initramfs-tools/hooks/dropbear")
    assert sorted(each.path for each in assert_alike(root, "ssh_servers").others) == [
        "/etc/systemd/system/ssh-back.service",
        "/usr/bin/tinysshd",
        "/usr/sbin/dropbear",
        "/usr/share/initramfs-tools/hooks/dropbear",
    ]


def test_private_keys_in_homes_are_seen_alike(root: Any) -> None:
    for kind, home in (("ed25519", "root/.ssh"), ("rsa", "srv/bob/.ssh"), ("ecdsa", "home/gone")):
        (root.folder / home).mkdir(parents=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "hunter2", "-f", str(root.folder / home / "a key")], check=True
        )
    root.write("/root/notes", "-----BEGIN RSA PRIVATE KEY-----\nis how a key begins\n")
    root.write("/root/.ssh/authorized_keys", f"{KEY}-----BEGIN OPENSSH PRIVATE KEY-----\n")
    views = root.both(secrets.NEEDS, sshd.NEEDS, authorized_keys.NEEDS)
    assert all(view.text("/root/.ssh/authorized_keys") is not None for view in views)
    live, at_rest = map(Secrets.read, views)
    live.require_whole()
    assert {(each.path, each.fingerprint) for each in live.private_keys()} == {
        (each.path, each.fingerprint) for each in at_rest.private_keys()
    }
    assert len(live.private_keys()) == 3
    assert all("behind a passphrase" in each.detail for each in [*live.private_keys(), *at_rest.private_keys()])


def test_packages_of_nobody(root: Any) -> None:
    assert assert_alike(root, "packages") is InconclusiveError


APK_DATABASE = """\
C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:musl
V:1.2.5-r0
A:x86_64
S:383304
I:622592
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Somebody <somebody@example.org>
t:1709219146
c:9a6b5e2b1b2e4d5c6f7a8b9c0d1e2f3a4b5c6d7e
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1aV8wPmLqd0oJbVbF3bLHpgrQFyk=

C:Q1x=
P:py3-2-to-3
V:3.0_rc1_git20240101-r12
A:noarch
D:python3~3.11
F:usr
M:0:0:1777

C:Q1y=
P:.run-deps
V:20240229.123456

"""
"""https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2; the last as `apk add --virtual` makes it."""


@pytest.mark.parametrize("folder", ["/lib/apk/db", "/usr/lib/apk/db"])
def test_packages_of_apk(root: Any, folder: str) -> None:
    """apk itself is stood in for by what `apk info -v` prints of its database."""
    root.write(f"{folder}/installed", APK_DATABASE)
    script = f"#!/bin/sh\nawk -F: '/^P:/ {{ name = $2 }} /^V:/ {{ print name \"-\" $2 }}' {folder}/installed\n"
    root.write("/sbin/apk", script, 0o755)
    assert assert_alike(root, "packages").installed == {
        ".run-deps": ("20240229.123456",),
        "musl": ("1.2.5-r0",),
        "py3-2-to-3": ("3.0_rc1_git20240101-r12",),
    }
    root.write("/sbin/apk", "#!/bin/sh\nexit 1\n", 0o755)
    with pytest.raises(InconclusiveError):
        Packages.read(root.live(packages.NEEDS))


@pytest.mark.parametrize("fact", FACTS)
def test_a_whole_debian(debian: Any, fact: str) -> None:
    assert_alike(debian, fact)


def test_the_sshd_of_a_whole_debian(debian: Any) -> None:
    for kind in ("rsa", "ecdsa", "ed25519"):
        key = debian.folder / f"etc/ssh/ssh_host_{kind}_key"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", kind, "-f", str(key)], check=True)
    (debian.folder / "run/sshd").mkdir(exist_ok=True)
    debian.write(
        "/etc/ssh/sshd_config.d/50-match.conf", "Match Group games Address 10.0.0.0/8\nPasswordAuthentication yes\n"
    )
    debian.write("/etc/keys/root", KEY)
    debian.write("/etc/ssh/sshd_config.d/60-keys.conf", "AuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u\n")
    needs = (sshd.NEEDS, authorized_keys.NEEDS)
    live, at_rest = (Sshd.read(view) for view in debian.both(*needs))
    assert (live.lines, live.superusers) == (at_rest.lines, at_rest.superusers)
    assert [(each.user, each.subject) for each in live.sessions] == [
        (each.user, each.subject) for each in at_rest.sessions
    ]
    for running, evaluated in zip(live.sessions, at_rest.sessions, strict=True):
        assert evaluated.settings == {name: tuple(running.settings.get(name, ())) for name in EVALUATED}
    assert live.sessions_where("passwordauthentication", is_not="no") == at_rest.sessions_where(
        "passwordauthentication", is_not="no"
    )
    keys, keys_at_rest = (AuthorizedKeys.read(view) for view in debian.both(*needs))
    assert keys == keys_at_rest
    assert [key.path for key in keys.all] == ["/etc/keys/root"]


def test_what_only_a_running_machine_has_is_unseen(root: Any) -> None:
    root.write("/proc/net/tcp", "left here")
    view = root.at_rest(
        Needs(
            first=(ReadFile("/proc/net/tcp", Keep.WHOLE), Glob("/sys/*", Keep.WHOLE), ReadFile("/bin/sh", Keep.NOTHING))
        )
    )
    assert view.is_at_rest("/proc/net/tcp")
    assert view.is_at_rest("/sys/*")
    assert view.entries["/bin/sh"].kind is Kind.LINK

"""Each rule that the disk can answer, judged by the real judge over trees: sound, spoilt, and hostile ones."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from amigate.evidence import codec, search
from amigate.evidence.model import View
from amigate.evidence.redaction.keys import fingerprint
from amigate.judge import catalogue
from amigate.judge.places import Place, places
from amigate.judge.process import Judge
from amigate.plan import Plan
from amigate.profile import load
from amigate.result import Status, Witness

from .trees import (
    KEY,
    OWN_KEY,
    PUBLIC,
    WANTS,
    Case,
    Tree,
    all_of,
    check,
    evidence_of,
    judge,
    look,
    named,
    sound,
    writes,
)

if TYPE_CHECKING:
    from pathlib import Path

HOST = "key-no-host-keys-at-rest"
AUTHORIZED = "key-no-authorized-keys-at-rest"
PRIVATE = "key-no-user-private-keys"
HISTORIES = "secret-no-histories"
AWS = "secret-no-aws-credentials"
SIGNING = "secret-no-signing-material"
PATHS = "ssh-host-key-paths-per-boot"
SERVERS = "ssh-no-other-servers"
INSTALL = "cloud-init-can-install-launch-key"
FETCH = "cloud-init-fallback-key-fetch-sane"
ENABLED = "package-cloud-init-enabled"
ROOT = "ssh-no-root-password-login"
DNS = "ssh-no-dns-checks"
PUBKEY = "ssh-public-key-login-enabled"
ROOT_PASSWORD = "account-root-has-no-usable-password"
SEARCHED = (HOST, AUTHORIZED, PRIVATE, AWS, SIGNING)
PASS, FAIL, UNSURE, NONE, WARN = (
    Status.PASS,
    Status.FAIL,
    Status.INCONCLUSIVE,
    Status.NOT_APPLICABLE,
    Status.WARN,
)

AWS_ID, AWS_SECRET = "AKIAQ3EGP2XK7JYV5L2M", "hS9x2Yv+Kq0LpW7tRb3NcE/fZ1mGdU5oJ8aVyTwX"
AWS_KEY = f"aws_access_key_id = {AWS_ID}\naws_secret_access_key = {AWS_SECRET}\n"
EXAMPLE = "aws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
DIGEST = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
"""SHA-1 of nothing."""
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SAMPLE = """#!/bin/bash
if [ ! -d /root/.ssh ] ; then
  mkdir -p /root/.ssh
  chmod 700 /root/.ssh
fi
TOKEN=`curl -X PUT "http://169.254.169.254/latest/api/token" -H "X-aws-ec2-metadata-token-ttl-seconds: 21600"`
URL=http://169.254.169.254/latest/meta-data/public-keys/0/openssh-key
curl -f -H "X-aws-ec2-metadata-token: $TOKEN" $URL > /tmp/my-key
if [ $? -eq 0 ] ; then
  cat /tmp/my-key >> /root/.ssh/authorized_keys
  chmod 700 /root/.ssh/authorized_keys
  rm /tmp/my-key
fi
"""
"""AWS's own, from the guide, but for one long line."""
SOUND_FETCH = """#!/bin/sh
umask 077
url=http://169.254.169.254/latest
token=$(curl -fX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $url/api/token) || exit 1
key=$(curl -fH "X-aws-ec2-metadata-token: $token" $url/meta-data/public-keys/0/openssh-key) || exit 1
grep -qxF "$key" /root/.ssh/authorized_keys || echo "$key" >>/root/.ssh/authorized_keys
"""


RULES = tuple(rule for rule in load("aws-shared").rules if Witness.DISK in catalogue.checks()[rule].evidence)
OF_BYTES = ("disk-every-volume-inspected", "disk-no-recoverable-secrets")
"""What a directory has nothing to say to."""
SOUND = dict.fromkeys(RULES, PASS) | dict.fromkeys((FETCH, *OF_BYTES), NONE)


def no_cloud_init(tree: Tree) -> None:
    for path in ("/usr/bin/cloud-init", "/etc/cloud", "/etc/systemd"):
        tree.remove(path)


def unreadable_folder(tree: Tree) -> None:
    """Put a file in the place of a folder's folder, in a tree as deep as none is."""
    here = tree.root / "srv"
    for _ in range(search.MOST_DEPTH + 2):
        here /= "d"
    here.mkdir(parents=True)


def key_behind_a_hole(tree: Tree) -> None:
    file = tree.write("/var/log/lastlog")
    os.truncate(file, 1 << 40)
    with file.open("ab") as end:
        end.write(KEY.encode())


def newc(name: str, content: bytes) -> bytes:
    """Return an entry of an archive."""
    numbers = [0, 0o100600, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    made = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
    made += b"\0" * (-len(made) % 4) + content
    return made + b"\0" * (-len(made) % 4)


SSHD_CONFIG = "/etc/ssh/sshd_config"
CLEAN_CONFIG = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
KEYRING = b"\x99\x00\x02\x04\x00" + b"\xb4\x01x" + b"\x89\x00\x01\x04"
TRUST_STORE = (
    b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1" + b"\0\0\0\2\0\1a" + bytes(8) + b"\0\5X.509" + b"\0\0\0\1x" + bytes(20)
)
NO_SSHD = {ROOT: NONE, DNS: NONE, PUBKEY: NONE, PATHS: NONE}

CASES = {
    "a sound tree": Case(lambda tree: None),
    "what was left of host keys": Case(
        all_of(
            writes("/etc/ssh/ssh_host_ed25519_key", KEY, 0o600),
            writes("/etc/ssh/ssh_host_ed25519_key.pub", PUBLIC),
            writes("/var/backups/etc/ssh_host_rsa_key.bak", "not even a key"),
            writes("/etc/dropbear/dropbear_rsa_host_key", b"\0\0\0\7ssh-rsa"),
            writes("/etc/ssh/ssh_host_key", "SSH 1"),
        ),
        {HOST: FAIL},
        [
            (HOST, "/etc/ssh/ssh_host_ed25519_key", 1),
            (HOST, "/etc/ssh/ssh_host_ed25519_key.pub", None),
            (HOST, "/var/backups/etc/ssh_host_rsa_key.bak", None),
            (HOST, "/etc/dropbear/dropbear_rsa_host_key", None),
            (HOST, "/etc/ssh/ssh_host_key", None),
        ],
    ),
    "host keys that are empty": Case(writes("/etc/ssh/ssh_host_ed25519_key", "")),
    "a host key that sshd is told of": Case(
        all_of(
            writes(SSHD_CONFIG, f"{CLEAN_CONFIG}HostKey /srv/keys/host\nHostCertificate /srv/keys/certificate\n"),
            writes("/srv/keys/host", KEY),
            lambda tree: tree.link("/srv/keys/certificate", "real"),
            writes("/srv/keys/real", PUBLIC),
        ),
        {HOST: FAIL, PATHS: FAIL, PRIVATE: FAIL},
        [
            (HOST, "/srv/keys/host", None),
            (HOST, "/srv/keys/certificate", None),
            (PATHS, SSHD_CONFIG, 3),
            (PATHS, SSHD_CONFIG, 4),
        ],
    ),
    "a host key that sshd is to take from where others read": Case(
        all_of(
            writes(SSHD_CONFIG, f"{CLEAN_CONFIG}HostKey /etc/shadow\nHostKey /srv/loop\n"),
            lambda tree: tree.link("/srv/loop", "loop"),
        ),
        {HOST: FAIL, PATHS: FAIL},
        [(HOST, "/etc/shadow", None)],
    ),
    "a host key behind links without end": Case(
        all_of(writes(SSHD_CONFIG, f"{CLEAN_CONFIG}HostKey /srv/loop\n"), lambda tree: tree.link("/srv/loop", "loop")),
        {HOST: UNSURE, PATHS: FAIL},
    ),
    "host keys elsewhere that are not there yet": Case(
        writes(SSHD_CONFIG, f"{CLEAN_CONFIG}HostKey /srv/keys/host\n"), {PATHS: FAIL}
    ),
    "host keys named as usual": Case(
        writes(SSHD_CONFIG, f"{CLEAN_CONFIG}HostKey /etc/ssh/ssh_host_ed25519_key\nHostCertificate none\n")
    ),
    "authorized keys in every place": Case(
        all_of(
            writes(SSHD_CONFIG, f"{CLEAN_CONFIG}AuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u\n"),
            writes("/root/.ssh/authorized_keys", f"# left\n{PUBLIC} packer\n"),
            writes("/srv/bob/.ssh/authorized_keys2", f"no-pty,command=\"echo 'Please'\" {PUBLIC}\n"),
            writes("/etc/keys/bob", f"{PUBLIC}\n"),
            writes("/etc/ssh/keys/all", f"{PUBLIC}\n"),
            writes("/home/gone/.ssh/authorized_keys", f"{PUBLIC}\n"),
        ),
        {AUTHORIZED: FAIL, SIGNING: FAIL},
        [
            (AUTHORIZED, "/root/.ssh/authorized_keys", 2),
            (AUTHORIZED, "/srv/bob/.ssh/authorized_keys2", 1),
            (AUTHORIZED, "/etc/keys/bob", 1),
            (AUTHORIZED, "/etc/ssh/keys/all", 1),
            (AUTHORIZED, "/home/gone/.ssh/authorized_keys", None),
            (SIGNING, "/home/gone/.ssh/authorized_keys", None),
        ],
    ),
    "key files without keys": Case(
        all_of(
            writes("/root/.ssh/authorized_keys", ""), writes("/srv/bob/.ssh/authorized_keys", "# none\n\n  # at all\n")
        )
    ),
    "a list of revoked keys": Case(
        all_of(
            writes(SSHD_CONFIG, f"{CLEAN_CONFIG}RevokedKeys /etc/ssh/revoked_keys\n"),
            writes("/etc/ssh/revoked_keys", f"{PUBLIC}\n"),
        )
    ),
    "a key file that a Match block names": Case(
        all_of(
            writes(SSHD_CONFIG, f"{CLEAN_CONFIG}Match exec /bin/true\nAuthorizedKeysFile /etc/hidden\n"),
            writes("/etc/hidden", f"{PUBLIC}\n"),
        ),
        {AUTHORIZED: FAIL, ROOT: UNSURE, DNS: UNSURE, PUBKEY: UNSURE, PATHS: UNSURE},
        [(AUTHORIZED, "/etc/hidden", 1)],
    ),
    "a key file whose name cannot be told": Case(
        writes(SSHD_CONFIG, f"{CLEAN_CONFIG}AuthorizedKeysFile ../keys\n"), {AUTHORIZED: UNSURE}
    ),
    "private keys wherever they are": Case(
        all_of(
            writes("/srv/bob/.ssh/id_ed25519", KEY, 0o600),
            writes("/opt/app/settings.json", f'{{"a": 1,\n "key": "{KEY.strip()}"}}'.replace("\n-", "\\n-")),
            writes("/var/lib/unknown", b"\0" * 5_000_000 + KEY.encode() + b"\0" * 100),
            writes("/tmp/\n\x1b[31mname", KEY),
        ),
        {PRIVATE: FAIL},
        [
            (PRIVATE, "/srv/bob/.ssh/id_ed25519", 1),
            (PRIVATE, "/opt/app/settings.json", 2),
            (PRIVATE, "/var/lib/unknown", 1),
            (PRIVATE, "/tmp/\n\x1b[31mname", 1),
        ],
    ),
    "words, certificates and public keys": Case(
        all_of(
            writes("/srv/bob/.ssh/id_ed25519.pub", PUBLIC),
            writes("/etc/ssl/certs/ca.pem", CERTIFICATE * 3),
            writes("/usr/share/doc/readme", "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n"),
        )
    ),
    "keys that packages brought": Case(
        all_of(
            lambda tree: tree.packaged("/usr/share/fixtures/test.pem", KEY),
            lambda tree: tree.packaged("/usr/share/fixtures/store.p12", "PKCS"),
            lambda tree: tree.packaged("/usr/share/fixtures/aws", AWS_KEY),
        )
    ),
    "a package's file that somebody has changed": Case(
        all_of(
            lambda tree: tree.packaged("/usr/share/fixtures/test.txt", "a text"),
            writes("/usr/share/fixtures/test.txt", KEY),
        ),
        {PRIVATE: FAIL},
        [(PRIVATE, "/usr/share/fixtures/test.txt", 1)],
    ),
    "a conffile that is as it was": Case(
        all_of(
            writes("/etc/fixtures.conf", KEY),
            writes(
                "/var/lib/dpkg/status",
                "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\nConffiles:\n"
                f" /etc/fixtures.conf {hashlib.md5(KEY.encode(), usedforsecurity=False).hexdigest()}\n\n",
            ),
        )
    ),
    "a key in a program of nobody's": Case(writes("/usr/local/bin/tool", b"\x7fELF\n" + KEY.encode()), {PRIVATE: WARN}),
    "a key that lies bare": Case(
        writes("/srv/bob/key.bin", OWN_KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        {PRIVATE: FAIL},
    ),
    "histories": Case(
        all_of(
            writes("/root/.bash_history", "mysql -p hunter2\n"),
            writes("/srv/bob/.python_history", "x\n"),
            writes("/srv/bob/.local/share/fish/fish_history", "x\n"),
        ),
        {HISTORIES: FAIL, SIGNING: FAIL},
        [
            (HISTORIES, "/root/.bash_history", None),
            (HISTORIES, "/srv/bob/.python_history", None),
            (HISTORIES, "/srv/bob/.local/share/fish/fish_history", None),
            (SIGNING, "/root/.bash_history", None),
        ],
    ),
    "histories that are empty or lead nowhere": Case(
        all_of(writes("/root/.bash_history", ""), lambda tree: tree.link("/srv/bob/.bash_history", "/dev/null"))
    ),
    "access keys of AWS": Case(
        all_of(
            writes("/root/.aws/credentials", f"[default]\n{AWS_KEY}"),
            writes("/opt/deploy.sh", f"#!/bin/sh\nexport AWS_SECRET_ACCESS_KEY={AWS_SECRET}\n"),
            writes("/srv/bob/.aws/sso/cache/abc.json", "{}"),
            writes("/etc/passwd-s3fs", "bucket:key:secret"),
        ),
        {AWS: FAIL},
        [
            (AWS, "/root/.aws/credentials", 2),
            (AWS, "/opt/deploy.sh", 2),
            (AWS, "/srv/bob/.aws/sso/cache/abc.json", None),
            (AWS, "/etc/passwd-s3fs", None),
        ],
    ),
    "settings of AWS without a key": Case(
        writes("/root/.aws/config", "[default]\nregion = eu-west-1\n"), {AWS: WARN}, [(AWS, "/root/.aws/config", None)]
    ),
    "a credentials file without a key": Case(writes("/root/.aws/credentials", "[default]\n# none\n"), {AWS: WARN}),
    "examples of AWS": Case(all_of(writes("/usr/share/doc/aws.txt", EXAMPLE), writes("/opt/x", f"{AWS_ID}\n{DIGEST}"))),
    "what AWS's own bundling leaves out": Case(
        all_of(
            writes("/root/.config.swp", b"b0VIM 8.2"),
            writes("/opt/signing.jks", b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1"),
            writes("/srv/bob/secret.gpg", b"\x8c\x0d\x04"),
            writes("/srv/bob/client.p12", b"0"),
            writes("/root/cert-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567.pem", CERTIFICATE),
        ),
        {SIGNING: FAIL},
        [
            (SIGNING, "/root/.config.swp", None),
            (SIGNING, "/opt/signing.jks", None),
            (SIGNING, "/srv/bob/secret.gpg", None),
            (SIGNING, "/srv/bob/client.p12", None),
            (SIGNING, "/root/cert-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567.pem", None),
        ],
    ),
    "what is public by its content": Case(
        all_of(
            writes("/usr/share/keyrings/debian.gpg", KEYRING),
            writes("/opt/trust.jks", TRUST_STORE),
            writes("/root/id_rsa.pub", PUBLIC),
            writes("/opt/empty.p12", b""),
        )
    ),
    "another server": Case(
        all_of(
            writes("/usr/sbin/dropbear", b"\x7fELF"),
            writes(
                "/etc/systemd/system/back.service", "[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/back_config\n"
            ),
            writes("/usr/share/initramfs-tools/hooks/dropbear", "#!/bin/sh\n"),
        ),
        {SERVERS: FAIL},
        [
            (SERVERS, "/usr/sbin/dropbear", None),
            (SERVERS, "/etc/systemd/system/back.service", None),
            (SERVERS, "/usr/share/initramfs-tools/hooks/dropbear", None),
        ],
    ),
    "the system's own units": Case(
        all_of(
            writes("/usr/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n"),
            writes("/usr/lib/systemd/system/ssh@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i $SSHD_OPTS\n"),
        )
    ),
    "no sshd at all": Case(lambda tree: tree.remove("/usr/sbin/sshd"), NO_SSHD),
    "cloud-init is told not to": Case(
        all_of(
            writes("/etc/cloud/cloud.cfg.d/99.cfg", "allow_public_ssh_keys: false\ndatasource_list: [NoCloud]\n"),
            writes("/etc/cloud/cloud-init.disabled", ""),
            writes("/etc/cloud/ds-identify.cfg", "policy: disabled\n"),
            writes("/etc/default/grub.d/50.cfg", '# x\nGRUB_CMDLINE_LINUX="quiet cloud-init=disabled"\n'),
        ),
        {INSTALL: FAIL, ENABLED: FAIL},
        [
            (INSTALL, "/etc/cloud/cloud.cfg.d/99.cfg", 1),
            (INSTALL, "/etc/cloud/cloud.cfg.d/99.cfg", 2),
            (INSTALL, "/etc/cloud/cloud-init.disabled", None),
            (INSTALL, "/etc/cloud/ds-identify.cfg", 1),
            (INSTALL, "/etc/default/grub.d/50.cfg", 2),
        ],
    ),
    "cloud-init's module for keys does not run": Case(
        writes("/etc/cloud/cloud.cfg.d/99.cfg", "cloud_init_modules: [migrator, [users-groups, always]]\n"),
        {INSTALL: FAIL},
    ),
    "cloud-init's configuration cannot be read": Case(
        writes("/etc/cloud/cloud.cfg.d/99.cfg", "a: !!python/object:os.system {}\n"), {INSTALL: UNSURE}
    ),
    "nothing is said of datasources": Case(writes("/etc/cloud/cloud.cfg", "")),
    "no stage of cloud-init starts": Case(lambda tree: tree.remove(WANTS), {ENABLED: FAIL}),
    "a stage of cloud-init is masked": Case(
        lambda tree: tree.link("/etc/systemd/system/cloud-final.service", "/dev/null"),
        {ENABLED: FAIL},
        [(ENABLED, "/etc/systemd/system/cloud-final.service", None)],
    ),
    "no cloud-init": Case(no_cloud_init, {INSTALL: NONE, ENABLED: FAIL}),
    "tiny-cloud": Case(
        all_of(no_cloud_init, lambda tree: tree.link("/etc/runlevels/default/tiny-cloud", "/etc/init.d/tiny-cloud")),
        {INSTALL: NONE},
    ),
    "a script of one's own": Case(
        all_of(no_cloud_init, writes("/etc/rc.local", SOUND_FETCH, 0o755)), {INSTALL: NONE, FETCH: PASS}
    ),
    "AWS's own sample": Case(
        all_of(no_cloud_init, writes("/etc/rc.local", SAMPLE, 0o755)),
        {INSTALL: NONE, FETCH: WARN},
        [(FETCH, "/etc/rc.local", 7)],
    ),
    "a careless script": Case(
        all_of(
            no_cloud_init,
            writes(
                "/usr/local/bin/fetch",
                "#!/bin/sh\ncurl http://169.254.169.254/latest/meta-data/public-keys/0/openssh-key"
                " >> /root/.ssh/authorized_keys\nchmod 644 /root/.ssh/authorized_keys\n",
            ),
        ),
        {INSTALL: NONE, FETCH: FAIL},
        [(FETCH, "/usr/local/bin/fetch", 2)],
    ),
    "a tree that is deeper than is looked": Case(unreadable_folder, dict.fromkeys(SEARCHED, UNSURE) | {FETCH: UNSURE}),
    "a key, in a tree that is deeper than is looked": Case(
        all_of(unreadable_folder, writes("/opt/k", KEY)),
        dict.fromkeys(SEARCHED, UNSURE) | {FETCH: UNSURE, PRIVATE: FAIL},
    ),
    "an initramfs that is not read": Case(
        writes("/boot/initrd.img-6.1", b"\x02\x21\x4c\x18"), dict.fromkeys(SEARCHED, UNSURE) | {FETCH: UNSURE}
    ),
    "an initramfs with a host key": Case(
        writes("/boot/initrd.img-6.1", newc("etc/dropbear/dropbear_x_host_key", b"key") + newc("TRAILER!!!", b"")),
        {HOST: FAIL},
        [(HOST, "/boot/initrd.img-6.1", None)],
    ),
    "links, pipes and devices": Case(
        all_of(
            lambda tree: tree.link("/opt/id_rsa.pem", "/etc/shadow"),
            lambda tree: tree.link("/opt/loop", "loop"),
            lambda tree: tree.link("/opt/up", "/"),
            lambda tree: os.mkfifo(tree.root / "opt/pipe.pem"),
            lambda tree: tree.link("/opt/out", "../../../../../../../etc"),
        )
    ),
    "a file of a hole, with a key at its end": Case(
        key_behind_a_hole,
        {PRIVATE: FAIL},
    ),
}
TRAPS = {
    "what was left of host keys": (12,),
    "a host key that sshd is told of": (11,),
    "authorized keys in every place": (15, 17, 20),
    "key files without keys": (19,),
    "histories": (64, 65),
    "another server": (24,),
    "no sshd at all": (39,),
    "tiny-cloud": (54,),
}
"""Cases that are traps, by number (docs/corpus.md)."""


@pytest.mark.parametrize("name", named(CASES, TRAPS))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path, RULES, SOUND)


def test_the_judges_own_process_answers_alike(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    tree.write("/root/.ssh/id_rsa", KEY)
    evidence = evidence_of(look(tmp_path))
    place = Place(Witness.DISK)
    checks = catalogue.checks()
    assert all(places(checks[rule], [Witness.DISK], Plan()) == (place,) for rule in RULES)
    with Judge(dict.fromkeys(RULES, (place,))) as child:
        decisions = child.judge(evidence)
    assert {rule: decisions[rule, place][0] for rule in RULES} == judge(look(tmp_path), RULES)


def test_a_login_makes_a_remark_of_a_missing_cloud_init(tmp_path: Path) -> None:
    no_cloud_init(sound(tmp_path))
    assert judge(look(tmp_path), RULES, login=True)[ENABLED].status is WARN


def test_nothing_of_a_secret_is_kept(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    tree.write("/root/.ssh/id_ed25519", KEY)
    tree.write("/root/.aws/credentials", AWS_KEY)
    tree.write("/opt/x.p12", "hunter2")
    tree.write("/etc/ssh/ssh_host_ed25519_key", KEY)
    tree.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX="password=hunter2"\n')
    text = codec.dump(evidence_of(look(tmp_path)))
    plain = text + repr(look(tmp_path)) + repr(judge(look(tmp_path), RULES))
    for secret in (KEY.split("\n")[2], AWS_SECRET, AWS_ID, "hunter2"):
        assert secret not in plain
        assert base64.b64encode(secret.encode()).decode()[:-4] not in plain


def test_what_was_found_tells_the_key(tmp_path: Path) -> None:
    sound(tmp_path).write("/root/.ssh/id_ed25519", KEY)
    (finding,) = judge(look(tmp_path), RULES)[PRIVATE].findings
    assert finding.fingerprint == fingerprint(base64.b64decode(PUBLIC.split()[1]))
    assert finding.detail == "a private key (OPENSSH, ssh-ed25519) without a passphrase"


def test_older_detectors_prove_nothing(tmp_path: Path) -> None:
    sound(tmp_path)
    view = look(tmp_path)
    old = {key: replace(each, detectors=0) for key, each in view.searches.items()}
    found = judge(replace(view, searches=old), RULES)
    assert {found[rule].status for rule in SEARCHED} == {UNSURE}
    assert "content not kept" in found[PRIVATE].message


def test_older_detectors_findings_count(tmp_path: Path) -> None:
    sound(tmp_path).write("/root/.ssh/id_ed25519", KEY)
    view = look(tmp_path)
    old = {key: replace(each, detectors=0) for key, each in view.searches.items()}
    assert judge(replace(view, searches=old), RULES)[PRIVATE].status is FAIL


def test_no_search_decides_nothing(tmp_path: Path) -> None:
    sound(tmp_path)
    found = judge(replace(look(tmp_path), searches={}), RULES)
    assert {found[rule].status for rule in SEARCHED} == {UNSURE}


def test_nothing_seen_decides_nothing() -> None:
    assert {each.status for each in judge(View(broken="nothing could be read"), RULES).values()} == {UNSURE}


@pytest.mark.parametrize(
    "limit,value", [("MOST_ENTRIES", 20), ("MOST_BYTES", 200), ("LONGEST_S", -1.0), ("MOST_FOUND", 1)]
)
def test_a_search_that_was_cut_off_decides_nothing_but_what_it_found(
    limit: str, value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = sound(tmp_path)
    for number in range(5):
        tree.write(f"/usr/share/{number}.swp", "b0VIM")
    monkeypatch.setattr(search, limit, value)
    found = judge(look(tmp_path), RULES)
    assert {found[rule].status for rule in (HOST, PRIVATE, AWS)} == {UNSURE}


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_looked_at(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    for folder in range(20):
        (tmp_path / f"srv/{folder}").mkdir()
        for number in range(5000):
            (tmp_path / f"srv/{folder}/{number}").symlink_to("/x")
    tree.write("/srv/19/zzz", KEY)
    view = look(tmp_path)
    assert view.searches["search of /"].entries > 100_000
    assert judge(view, RULES)[PRIVATE].status is FAIL


def test_a_file_of_many_keys_is_told_by_the_first(tmp_path: Path) -> None:
    sound(tmp_path).write("/opt/many", f"{KEY}\n" * 500)
    assert len(judge(look(tmp_path), RULES)[PRIVATE].findings) == search.MOST_FOUND_IN_A_FILE

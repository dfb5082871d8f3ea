"""Each rule about keys and secrets that a search of all files answers, judged over trees: sound, spoilt and hostile."""

from __future__ import annotations

import base64
import gzip
import lzma
import struct
import time
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.detect.tokens import _BASE62
from amigate.evidence import codec
from amigate.evidence.inspection import InspectedVolume, Inspection
from amigate.evidence.model import View
from amigate.evidence.search import MOST_RANDOM
from amigate.facts import builder_keys, residue, secrets, sshd
from amigate.facts import catalogue as facts
from amigate.facts.memory import Memory
from amigate.facts.secrets import Secrets
from amigate.judge import catalogue
from amigate.result import Status

from .trees import KEY, PUBLIC, Case, Tree, all_of, check, evidence_of, judge, look, named, sound, writes

if TYPE_CHECKING:
    from pathlib import Path

TLS = "key-no-shared-tls-keys"
VPN = "key-no-vpn-keys"
CLUSTER = "key-no-cluster-dns-gpg-secrets"
CLIENT = "key-ssh-client-files-reveal-nothing"
BUILDER = "key-no-builder-signature-keys"
VCS = "secret-no-vcs-credentials"
APP = "secret-no-application-config-secrets"
REGISTRY = "secret-no-registry-credentials"
CLOUD = "secret-no-other-cloud-credentials"
AGENT = "secret-no-agent-registrations"
MANAGEMENT = "secret-no-config-management-identity"
DATABASE = "secret-no-database-passwords"
STARTED = "secret-none-in-units-or-cmdline"
LOGS = "secret-none-in-logs"
ENTROPY = "secret-high-entropy-reviewed"
MEMORY = "secret-none-in-swap-or-dumps"
RULES = (
    TLS, VPN, CLUSTER, CLIENT, BUILDER, VCS, APP, REGISTRY, CLOUD, AGENT, MANAGEMENT, DATABASE, STARTED, LOGS, ENTROPY,
    MEMORY,
)  # fmt: skip
SEARCHED = tuple(rule for rule in RULES if rule not in {CLIENT, BUILDER})
PASS, FAIL, UNSURE, WARN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.WARN
SOUND = dict.fromkeys(RULES, PASS)
VALUE = "hunter2-Zq"
RANDOM = "q7Rk2Vn8Xw4Ld9Tb6Hc3Jm5Pf1Ys0GzQaEuKi"
VAGRANT = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/QKow1F+wvG9hXGoqiysfJOn5Y vagrant insecure public key\n"
)


def checked(prefix: str, length: int) -> str:
    """Return a token of GitHub's form: characters, and their checksum."""
    body = (RANDOM * 2)[: length - 6]
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return f"{prefix}{body}{digits.rjust(6, '0')}"


GITHUB = checked("ghp_", 36)
NPM = checked("npm_", 36)
WIREGUARD = base64.b64encode(bytes(range(32))).decode()
BASIC = base64.b64encode(f"bob:{VALUE}".encode()).decode()


def each_fails(rule: str, files: dict[str, tuple[str, int | None]]) -> Case:
    """Return the case of files, each of which violates `rule` at a line."""
    return Case(
        all_of(*(writes(path, content) for path, (content, _) in files.items())),
        {rule: FAIL},
        [(rule, path, line) for path, (_, line) in files.items()],
    )


def journal(*fields: tuple[bytes, int], compact: bool = False) -> bytes:
    """Return a journal of systemd's with these fields, each with its flags."""
    begin = 72 if compact else 64
    objects = b""
    last = 0
    for payload, flags in fields:
        last = 256 + len(objects)
        size = begin + len(payload)
        objects += struct.pack("<BB6xQ", 1, flags, size) + bytes(begin - 16) + payload + bytes(-size % 8)
    head = b"LPKSHHRH" + struct.pack("<II", 0, 16 if compact else 0) + bytes(72)
    head += struct.pack("<QQ", 256, len(objects)) + bytes(32) + struct.pack("<QQ", last, len(fields))
    return head.ljust(256, b"\0") + objects


STOCK = {
    "/etc/default/grub": 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX="console=ttyS0"\n# GRUB_PASSWORD=x123\n',
    "/etc/default/useradd": "SHELL=/bin/sh\n",
    "/etc/sysconfig/app": 'OPTIONS="-oCiphers=aes"\nPASSWORD=\nTOKEN=""\n',
    "/usr/lib/systemd/system/ask.service": (
        "[Service]\nExecStart=systemd-tty-ask-password-agent --watch --console\n"
        "LoadCredential=passwd.hashed-password.root\nImportCredential=network.wireguard.*\n"
        "Environment=PASSWORD_FILE=/run/secrets/x TOKEN=${TOKEN} API_KEY=$KEY\n"
        "ExecStartPre=/usr/bin/x --password-file /etc/x --token=%i --secret $SECRET\n"
    ),
    "/etc/mysql/debian.cnf": "[client]\nhost = localhost\nuser = root\npassword =\nsocket = /run/mysqld.sock\n",
    "/root/.docker/config.json": '{"credsStore": "ecr-login", "auths": {"registry": {}}}',
    "/root/.npmrc": "//npm.example.com/:_authToken=${NPM_TOKEN}\n",
    "/opt/app/.env": "DB_PASSWORD=\nSECRET_KEY=changeme\nAPI_TOKEN=${TOKEN}\n# PASSWORD=hunter2\nTOKEN_TTL=3600\n",
    "/opt/app/settings.py": (
        "SECRET_KEY = os.environ['SECRET_KEY']\nPASSWORD_HASHERS = ['a']\nPASSWORD_RESET_TIMEOUT = 259200\n"
        "CSRF_COOKIE_NAME = 'csrftoken'\nEMAIL_HOST_PASSWORD = ''\n"
    ),
    "/etc/datadog-agent/datadog.yaml": "# api_key: abc\napi_key:\n",
    "/etc/gitlab-runner/config.toml": "concurrent = 1\n",
    "/etc/apt/sources.list": "deb https://archive.example.com/debian bookworm main\n",
    "/etc/yum.repos.d/a.repo": "[a]\nbaseurl=https://mirror.example.org/$releasever/\ngpgkey=file:///etc/pki/x\n",
    "/etc/ipsec.secrets": "# this file holds shared secrets\ninclude /var/lib/strongswan/ipsec.secrets.inc\n",
    "/etc/redis/redis.conf": "# requirepass foobared\nport 6379\n",
    "/root/.netrc": "machine example.org login bob\n",
    "/root/.kube/config": "apiVersion: v1\nclusters: []\nusers:\n- name: a\n  user:\n    token: ''\n",
    "/root/.gnupg/pubring.kbx": "",
    "/var/log/dpkg.log": "2024-01-01 status installed passwd:amd64 1:4.13\nsee http://example.org:80/x@y\n",
    "/var/log/auth.log": "sshd[1]: Failed password for root from 10.0.0.1\nsudo: bob : COMMAND=/bin/passwd --help\n",
    "/usr/share/doc/x/README": f"curl https://user:password@example.org\nkey = {RANDOM}\n",
    "/etc/hashes": f"sha256: {'0123456789abcdef' * 4}\nid = {'a' * 40}\n",
    "/swapfile": "",
}


def stock(tree: Tree) -> None:
    """Write what a stock image has in the places that are looked at."""
    for path, content in STOCK.items():
        tree.write(path, content)
    tree.write("/swapfile", bytes(4086) + b"SWAPSPACE2" + bytes(100_000))
    tree.write("/var/crash/kexec_cmd", "/sbin/kexec\n")
    tree.write("/var/log/old.gz", gzip.compress(b"nothing at all\n"))
    tree.write("/usr/lib/modules/x.ko", b"\x7fELF\2\1\1" + bytes(9) + b"\1\0")
    tree.write("/etc/machine.key.pub", PUBLIC)


CASES = {
    "a sound tree": Case(lambda tree: None),
    "a stock image": Case(stock),
    "keys of servers": each_fails(
        TLS,
        {
            "/etc/ssl/private/site.key": (KEY, 1),
            "/etc/pki/tls/private/site.key": (KEY, 1),
            "/etc/nginx/ssl/site.pem": (KEY, 1),
            "/var/lib/postgresql/15/main/server.key": (KEY, 1),
            "/etc/letsencrypt/live/x/privkey.pem": (KEY, 1),
        },
    ),
    "keys that an installation made": Case(
        all_of(
            writes("/etc/ssl/private/ssl-cert-snakeoil.key", KEY), writes("/etc/pki/tls/private/localhost.key", KEY)
        ),
        {TLS: WARN},
        [(TLS, "/etc/ssl/private/ssl-cert-snakeoil.key", 1)],
    ),
    "a key elsewhere is another rule's": Case(writes("/opt/x", KEY)),
    "keys of VPNs": each_fails(
        VPN,
        {
            "/etc/wireguard/wg0.conf": (f"[Interface]\nPrivateKey = {WIREGUARD}\n", 2),
            "/etc/systemd/network/wg.netdev": (f"[WireGuard]\nPrivateKey={WIREGUARD}\n", 2),
            "/etc/openvpn/ta.key": ("#\n-----BEGIN OpenVPN Static key V1-----\n0123456789abcdef0123456789abcdef\n", 2),
            "/etc/openvpn/client/auth.txt": ("bob\nhunter2-Zq\n", 1),
            "/etc/openvpn/client.key": (KEY, 1),
            "/etc/ipsec.secrets": ('# x\n: PSK "hunter2-Zq"\n', 2),
            "/etc/swanctl/private/x.pem": (KEY, 1),
            "/var/lib/tailscale/tailscaled.state": ('{"_machinekey": "privkey:ab", "Key": 1}', None),
            "/var/lib/zerotier-one/identity.secret": ("a:0:b:c", None),
            "/etc/netbird/config.json": ('{\n"PrivateKey": "Zq7Rk2Vn8X"}', 2),
            "/root/.cloudflared/1.json": ('{"AccountTag":"a","TunnelSecret":"b"}', None),
            "/etc/NetworkManager/system-connections/a.nmconnection": ("[wifi-security]\npsk=hunter2-Zq\n", 2),
        },
    ),
    "secrets of clusters, DNS and OpenPGP": each_fails(
        CLUSTER,
        {
            "/root/.kube/config": (f"users:\n- name: a\n  user:\n    client-key-data: {RANDOM}\n", 4),
            "/etc/kubernetes/admin.conf": (f"users:\n- user:\n    token: {RANDOM}\n", 3),
            "/etc/kubernetes/pki/ca.key": (KEY, 1),
            "/var/lib/rancher/k3s/server/token": ("K10abc::server:def", None),
            "/etc/bind/rndc.key": (f'key "rndc-key" {{\n\tsecret "{WIREGUARD}";\n}};\n', 2),
            "/etc/bind/Kexample.+013+1.private": ("Private-key-format: v1.3\n", None),
            "/root/.gnupg/private-keys-v1.d/A.key": ("(21:protected-private-key", None),
            "/home/gone/.gnupg/secring.gpg": ("\x95\x01", None),
            "/etc/consul.d/a.hcl": (f'encrypt = "{WIREGUARD}"\n', 1),
            "/etc/ceph/ceph.client.admin.keyring": (f"[client.admin]\n\tkey = {WIREGUARD}\n", 2),
        },
    ),
    "files of SSH clients": Case(
        all_of(
            writes("/root/.ssh/known_hosts", f"build.corp {PUBLIC}\n"),
            writes("/srv/bob/.ssh/config", "# x\nHost jump\n"),
            writes("/etc/ssh/ssh_known_hosts", f"git.corp {PUBLIC}\n"),
            writes("/etc/ssh/ssh_config", "Host *\n  SendEnv LANG\n"),
            writes("/home/gone/.ssh/known_hosts", "\n# none\n"),
        ),
        {CLIENT: WARN},
        [
            (CLIENT, "/root/.ssh/known_hosts", 1),
            (CLIENT, "/srv/bob/.ssh/config", 2),
            (CLIENT, "/etc/ssh/ssh_known_hosts", 1),
        ],
    ),
    "a file of known hosts without end": Case(
        writes("/root/.ssh/known_hosts", "# x\n" * 200_000), {CLIENT: UNSURE}
    ),
    "keys of builders": Case(
        all_of(
            writes("/root/.ssh/authorized_keys", f"# x\n{PUBLIC} packer_5f3c9a10-1111-2222-3333-444455556666\n"),
            writes("/srv/bob/.ssh/authorized_keys", VAGRANT),
        ),
        {BUILDER: FAIL},
        [(BUILDER, "/root/.ssh/authorized_keys", 2), (BUILDER, "/srv/bob/.ssh/authorized_keys", 1)],
        traps=[15],
    ),
    "a key of somebody else's": Case(writes("/root/.ssh/authorized_keys", f"{PUBLIC} bob@corp\n")),
    "fifty megabytes of authorized keys": Case(
        writes("/root/.ssh/authorized_keys", b"# nothing but this\n" * 2_700_000), {BUILDER: UNSURE}
    ),
    "credentials for repositories": each_fails(
        VCS,
        {
            "/root/.git-credentials": (f"\nhttps://bob:{VALUE}@git.corp\n", 2),
            "/srv/bob/.netrc": (f"machine git.corp\nlogin bob\npassword {VALUE}\n", 3),
            "/root/.config/gh/hosts.yml": (f"github.com:\n  oauth_token: {VALUE}\n", 2),
            "/opt/deploy.sh": (f"#!/bin/sh\ncurl -H x:{GITHUB}\n", 2),
            "/opt/app/.git/config": (
                f'[core]\n\tbare = false\n[remote "origin"]\n\turl = https://bob:{VALUE}@git.corp/app.git\n', 4
            ),
            "/root/.gitconfig": (f"[http]\n\textraheader = AUTHORIZATION: basic {BASIC}\n", 2),
            "/srv/bob/.hgrc": (f"[auth]\na.password = {VALUE}\n", 2),
        },
    ),
    "checkouts": Case(
        all_of(
            writes("/opt/app/.git/config", '[core]\n[remote "origin"]\n\turl = git@git.corp:team/app.git\n'),
            writes("/srv/repo.git/config", "[core]\n\tbare = true\n"),
            writes("/opt/svn/.svn/wc.db", "SQLite"),
        ),
        {VCS: FAIL},
        [(VCS, "/opt/app/.git/config", 3), (VCS, "/srv/repo.git/config", None), (VCS, "/opt/svn/.svn/wc.db", None)],
    ),
    "what only looks like a token": Case(
        writes("/opt/x", f"ghp_{'a' * 36}\n{GITHUB[:-1]}{'a' if GITHUB[-1] != 'a' else 'b'}\nx{GITHUB}\n")
    ),
    "a token that a package brought": Case(lambda tree: tree.packaged("/usr/share/x", GITHUB)),
    "credentials for registries": each_fails(
        REGISTRY,
        {
            "/root/.docker/config.json": ('{"auths": {"r": {"auth": "Ym9iOmg="}}}', None),
            "/root/.config/containers/auth.json": ('{"auths": {"r": {"identitytoken": "x1y2z3"}}}', None),
            "/var/lib/kubelet/config.json": ('{broken "auth": "Ym9iOmh1bnRlcg=="', 1),
            "/root/.npmrc": (f"a=b\n//npm.example.com/:_authToken={VALUE}\n", 2),
            "/opt/npm": (f"\n{NPM}\n", 2),
            "/srv/bob/.pypirc": (f"[pypi]\npassword = {VALUE}\n", 2),
            "/etc/pip.conf": (f"[global]\nindex-url = https://bob:{VALUE}@pypi.corp/simple\n", 2),
            "/root/.m2/settings.xml": (f"<a>\n<password>{VALUE}</password>\n", 2),
            "/root/.gem/credentials": (f"---\n:rubygems_api_key: {VALUE}\n", 2),
            "/root/.cargo/credentials.toml": (f'[registry]\ntoken = "{VALUE}"\n', 2),
            "/root/.composer/auth.json": (f'{{"github-oauth":\n{{"github.com": "{VALUE}"}}}}', 2),
            "/etc/apt/auth.conf.d/90.conf": (f"\nmachine a login b password {VALUE}\n", 2),
            "/etc/apt/sources.list.d/a.list": (f"\ndeb https://bob:{VALUE}@apt.corp/ a b\n", 2),
            "/etc/yum.repos.d/a.repo": (f"[a]\npassword={VALUE}\n", 2),
        },
    ),
    "credentials of other clouds": each_fails(
        CLOUD,
        {
            "/root/.config/gcloud/credentials.db": ("SQLite", None),
            "/root/.config/gcloud/application_default_credentials.json": (f'{{\n"refresh_token": "{VALUE}"}}', 2),
            "/opt/sa.json": (f'{{"type": "service_account",\n"private_key_id": "{"0a1b2c3d4e5f60718293" * 2}"}}', 2),
            "/root/.azure/accessTokens.json": (f'[{{\n"refreshToken": "{VALUE}"}}]', 2),
            "/root/.config/doctl/config.yaml": (f"a: b\naccess-token: {VALUE}\n", 2),
            "/root/.config/hcloud/cli.toml": (f'[[contexts]]\ntoken = "{VALUE}"\n', 2),
            "/root/.oci/config": (f"[DEFAULT]\npass_phrase={VALUE}\n", 2),
            "/etc/openstack/clouds.yaml": (f"clouds:\n  a:\n    auth:\n      password: {VALUE}\n", 4),
            "/srv/bob/demo-openrc.sh": (f"#\nexport OS_PASSWORD={VALUE}\n", 2),
            "/root/.vault-token": ("s.abc", None),
        },
    ),
    "registrations of agents": each_fails(
        AGENT,
        {
            "/opt/actions-runner/.credentials": ('{"scheme": "OAuth"}', None),
            "/opt/actions-runner/.credentials_rsaparams": ("{}", None),
            "/opt/actions-runner/.runner": ('{"agentId": 7}', None),
            "/etc/gitlab-runner/config.toml": (f'[[runners]]\n  token = "{VALUE}"\n', 2),
            "/etc/buildkite-agent/buildkite-agent.cfg": (f'#\ntoken="{VALUE}"\n', 2),
            "/var/lib/jenkins/secrets/master.key": ("0a1b", None),
            "/etc/datadog-agent/datadog.yaml": (f"#\napi_key: {VALUE}\n", 2),
            "/etc/newrelic-infra.yml": (f"#\nlicense_key: {VALUE}\n", 2),
            "/var/ossec/etc/client.keys": ("001 host any 0a1b", None),
            "/opt/CrowdStrike/falconstore": ("\x01aid", None),
            "/var/lib/amazon/ssm/registration": ('{"ManagedInstanceID": "mi-1"}', None),
        },
    ),
    "an agent's registration as SSM keeps it": Case(
        writes("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", "x"), {AGENT: FAIL}, traps=[25]
    ),
    "identities of configuration management": each_fails(
        MANAGEMENT,
        {
            "/etc/puppetlabs/puppet/ssl/private_keys/a.pem": (KEY, None),
            "/etc/chef/client.pem": (KEY, None),
            "/etc/chef/validation.pem": (KEY, None),
            "/etc/salt/pki/minion/minion.pem": (KEY, None),
            "/etc/salt/minion_id": ("build7", None),
            "/root/.vault_pass.txt": (VALUE, None),
            "/var/cfengine/ppkeys/localhost.priv": ("-----BEGIN RSA", None),
            "/opt/keys.txt": (f"\nAGE-SECRET-KEY-1{'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L' * 2}"[:75] + "\n", 2),
        },
    ),
    "passwords of databases": each_fails(
        DATABASE,
        {
            "/root/.my.cnf": (f"[client]\npassword={VALUE}\n", 2),
            "/etc/mysql/debian.cnf": (f"[client]\npassword = {VALUE}\n", 2),
            "/etc/my.cnf.d/client.cnf": (f'[client]\npassword="{VALUE}"\n', 2),
            "/srv/bob/.pgpass": (f"#\nlocalhost:5432:*:bob:{VALUE}\n", 2),
            "/etc/redis/redis.conf": (f"#\nrequirepass {VALUE}\n", 2),
            "/etc/mongodb-keyfile": (RANDOM, None),
            "/var/lib/rabbitmq/.erlang.cookie": (RANDOM, None),
        },
    ),
    "secrets of applications": each_fails(
        APP,
        {
            "/opt/app/.env": (f"DEBUG=false\nDB_PASSWORD={VALUE}\n", 2),
            "/opt/app/.env.production": (f"A=b\nDATABASE_URL=postgres://bob:{VALUE}@db/app\n", 2),
            "/var/www/html/wp-config.php": (f"<?php\ndefine('DB_PASSWORD', '{VALUE}');\n", 2),
            "/opt/app/settings.py": (f"DEBUG = False\nSECRET_KEY = '{VALUE}'\n", 2),
            "/opt/app/secrets.yml": (f"production:\n  secret_key_base: {VALUE}\n", 2),
            "/opt/app/application.properties": (f"a=b\nspring.datasource.password={VALUE}\n", 2),
            "/opt/app/appsettings.json": (f'{{\n"ConnectionString": "Server=a;Password={VALUE};"}}', 2),
            "/opt/app/web.config": (f'<a>\n<add key="ApiToken" value="{VALUE}" />\n', 2),
            "/srv/tf/terraform.tfstate": (f'{{\n"master_password": "{VALUE}"}}', 2),
            "/srv/tf/x.tfvars": (f'a = 1\ndb_password = "{VALUE}"\n', 2),
            "/etc/postfix/sasl_passwd": (f"#\n[smtp.corp]:587 bob:{VALUE}\n", 2),
            "/opt/hook.sh": (f"\ncurl https://hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/{RANDOM[:24]}\n", 2),
        },
    ),
    "settings of an application in UTF-16": Case(
        writes("/opt/app/.env", f"A=b\r\nDB_PASSWORD={VALUE}\r\n".encode("utf-16")),
        {APP: FAIL},
        [(APP, "/opt/app/.env", 2)],
    ),
    "settings of an application in no encoding": Case(
        writes("/opt/app/.env", b"\xff\xfe\xfa\x00\xd8\nA=\xe9\xff\nDB_PASSWORD=\xe9hunter2\n"), {}
    ),
    "settings of an application in Latin-1": Case(
        writes("/opt/app/.env", b"A=\xe9\nDB_PASSWORD=\xe9hunter2\n"), {APP: FAIL}, [(APP, "/opt/app/.env", 2)]
    ),
    "settings that a package brought": Case(lambda tree: tree.packaged("/usr/local/x/.env", f"PASSWORD={VALUE}\n")),
    "secrets of what is started": each_fails(
        STARTED,
        {
            "/etc/systemd/system/app.service": (f"[Service]\nEnvironment=DB_PASSWORD={VALUE}\n", 2),
            "/etc/systemd/system/b.service": (f"[Service]\nExecStart=/usr/bin/x --token {VALUE} -v\n", 2),
            "/etc/environment": (f"A=b\nAPI_KEY={VALUE}\n", 2),
            "/etc/profile.d/app.sh": (f"#\nexport APP_SECRET='{VALUE}'\n", 2),
            "/etc/default/app": (f"#\nURL=https://bob:{VALUE}@db.corp/\n", 2),
            "/etc/sysconfig/app": (f"#\nTOKEN={VALUE}\n", 2),
            "/etc/cron.d/app": (f"#\n* * * * * root /x --password={VALUE}\n", 2),
            "/var/spool/cron/crontabs/root": (f"#\n* * * * * curl -u a https://bob:{VALUE}@a.corp\n", 2),
            "/boot/loader/entries/a.conf": (f"title a\noptions ro app.token={VALUE}\n", 2),
            "/boot/grub/grub.cfg": (f"#\nlinux /vmlinuz ro app.password={VALUE}\n", 2),
        },
    ),
    "a file that a unit takes its environment from": Case(
        all_of(
            writes("/etc/systemd/system/app.service", "[Service]\nEnvironmentFile=-/opt/app/environment\n"),
            writes("/opt/app/environment", f"# x\nDB_PASSWORD={VALUE}\n"),
            writes("/etc/systemd/system/b.service", "[Service]\nEnvironmentFile=/nowhere\nEnvironmentFile=-/etc\n"),
        ),
        {STARTED: FAIL} ,
        [(STARTED, "/opt/app/environment", 2)],
    ),
    "secrets in logs": each_fails(
        LOGS,
        {
            "/var/log/cloud-init-output.log": (f"a\n+ git clone https://bob:{VALUE}@git.corp/a\n", 2),
            "/var/log/app/app.log": (f"a\nGET / Authorization: Basic {BASIC}\n", 2),
            "/var/log/key.log": (f"a\n{KEY}", 2),
            "/var/log/build.log": (f"a\n$ deploy --password {VALUE}\n", 2),
        },
    ),
    "a token in a log": Case(
        writes("/var/log/x.log", f"\n{GITHUB}\n"), {LOGS: FAIL, VCS: FAIL}, [(LOGS, "/var/log/x.log", 2)], traps=[63]
    ),
    "secrets in packed logs": Case(
        all_of(
            writes("/var/log/a.log.1.gz", gzip.compress(f"x\nhttps://bob:{VALUE}@git.corp/a\n".encode())),
            writes("/var/log/b.log.xz", lzma.compress(KEY.encode())),
        ),
        {LOGS: FAIL},
        [(LOGS, "/var/log/a.log.1.gz", None), (LOGS, "/var/log/b.log.xz", None)],
    ),
    "secrets in journals": Case(
        all_of(
            writes("/var/log/journal/a/system.journal", journal((b"A=b", 0), (f"MESSAGE={KEY}".encode(), 0))),
            writes(
                "/var/log/journal/b/system.journal",
                journal((lzma.compress(f"MESSAGE=x --password {VALUE}".encode()), 1), compact=True),
            ),
        ),
        {LOGS: FAIL},
        [(LOGS, "/var/log/journal/a/system.journal", None), (LOGS, "/var/log/journal/b/system.journal", None)],
    ),
    "a journal without secrets": Case(writes("/var/log/journal/a/system.journal", journal((b"MESSAGE=x", 0)))),
    "logs that cannot be read": Case(writes("/var/log/a.gz", gzip.compress(bytes(1000))[:-20]), {LOGS: UNSURE}),
    "a log that is packed otherwise": Case(writes("/var/log/a.lz4", b"\x04\x22\x4d\x18abc"), {LOGS: UNSURE}),
    "a journal that is packed otherwise": Case(
        writes("/var/log/journal/a/system.journal", journal((b"\x01\x02", 2))), {LOGS: UNSURE}
    ),
    "a journal that is damaged": Case(
        writes("/var/log/journal/a/system.journal", journal((b"MESSAGE=x", 0))[:-8]), {LOGS: UNSURE}
    ),
    "a journal without anything": Case(writes("/var/log/journal/a/system.journal", b"LPKSHHRH"), {LOGS: UNSURE}),
    "values that look random": Case(
        all_of(
            writes("/opt/app/x.conf", f"a = {RANDOM}\nb = {RANDOM[::-1]}\nc = {RANDOM}\nd = {RANDOM}\n"),
            writes("/usr/share/x.conf", f"a = {RANDOM}\n"),
        ),
        {ENTROPY: WARN},
        [(ENTROPY, "/opt/app/x.conf", 1), (ENTROPY, "/opt/app/x.conf", 2)],
    ),
    "what was in memory": Case(
        all_of(
            writes("/swapfile", bytes(4086) + b"SWAPSPACE2" + bytes(9000) + b"x"),
            writes("/hiberfile", bytes(4086) + b"S1SUSPEND\0" + bytes(9000)),
            writes("/srv/bob/core.123", b"\x7fELF\2\1\1" + bytes(9) + b"\4\0" + bytes(50)),
            writes("/var/crash/app.crash", "ProblemType: Crash\n"),
            writes("/var/lib/systemd/coredump/core.x.zst", b"\x28\xb5\x2f\xfd"),
        ),
        {MEMORY: FAIL},
        [
            (MEMORY, path, None)
            for path in (
                "/swapfile", "/hiberfile", "/srv/bob/core.123", "/var/crash/app.crash",
                "/var/lib/systemd/coredump/core.x.zst",
            )
        ],
    ),
    "a history of a million lines": Case(writes("/root/.bash_history", b"mysql -p hunter2\n" * 1_000_000)),
    "a tree that is deeper than is looked": Case(
        lambda tree: (tree.root / ("srv/" + "d/" * 300)).mkdir(parents=True), dict.fromkeys(SEARCHED, UNSURE)
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_facts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what these rules need and nothing else, which takes half the time."""
    monkeypatch.setattr(facts, "NEEDS", (sshd.NEEDS, secrets.NEEDS, residue.NEEDS, builder_keys.NEEDS))


@pytest.mark.parametrize("name", named(CASES))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path, RULES, SOUND)


def test_all_rules_of_the_topics_are_judged() -> None:
    assert set(RULES) <= set(catalogue.checks())


def test_nothing_of_any_secret_is_kept(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    for case in CASES.values():
        if FAIL in case.expected.values():
            case.spoil(tree)
    view = look(tmp_path)
    plain = codec.dump(evidence_of(view)) + repr(view) + repr(judge(view, RULES))
    for secret in (VALUE, GITHUB, NPM, RANDOM, WIREGUARD, BASIC, KEY.split("\n")[2]):
        assert secret not in plain
        assert base64.b64encode(secret.encode()).decode()[:-4] not in plain


def test_nothing_seen_decides_nothing() -> None:
    assert {each.status for each in judge(View(broken="nothing could be read"), RULES).values()} == {UNSURE}


def test_a_profile_may_allow_a_checkout(tmp_path: Path) -> None:
    sound(tmp_path).write("/opt/a/.git/config", "[core]\n[x]\n\turl = https://t0ken@git.corp/a.git?x#y\n")
    found = Secrets.read(look(tmp_path))
    assert [each.detail for each in found.checkouts()] == ["a checkout of https://git.corp/a.git"]
    assert not found.checkouts(["https://git.corp/a.git"])


def test_random_values_do_not_drown_a_report(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    for number in range(60):
        tree.write(f"/opt/{number}", f"a = {RANDOM}\nb = {RANDOM}\nc = {RANDOM}\nd = {RANDOM}\n")
    assert len(judge(look(tmp_path), [ENTROPY])[ENTROPY].findings) == MOST_RANDOM


@pytest.mark.parametrize(
    "kind,unclean,found", [("swap", 0, 0), ("swap", 8192, 1), ("swsuspend", None, 1), ("ext4", 8192, 0)]
)
def test_volumes_for_swap_count(kind: str, unclean: int | None, found: int, tmp_path: Path) -> None:
    sound(tmp_path)
    volume = InspectedVolume(name="vda2", kind=kind, state="exempt", free_bytes=16384, unclean_bytes=unclean)
    held = Memory.read(replace(look(tmp_path), inspection=Inspection(volumes=(volume,))))
    assert len(held.findings()) == found
    held.require_whole()


def test_swap_that_was_not_counted_decides_nothing(tmp_path: Path) -> None:
    sound(tmp_path)
    volume = InspectedVolume(name="vda2", kind="swap", state="exempt")
    view = replace(look(tmp_path), inspection=Inspection(volumes=(volume,)))
    assert judge(view, [MEMORY])[MEMORY].status is UNSURE


@pytest.mark.parametrize(
    "content", [b"a" * 500_000, b"pass" * 120_000, b"://" * 150_000, b"a:" * 200_000, b"-a" * 200_000]
)
def test_hostile_settings_take_no_longer_than_others(content: bytes, tmp_path: Path) -> None:
    tree = sound(tmp_path)
    tree.write("/opt/app/.env", content)
    tree.write("/etc/default/x", content)
    tree.write("/var/log/x", content)
    began = time.process_time()
    look(tmp_path)
    assert time.process_time() - began < 10

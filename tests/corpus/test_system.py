"""What runs by itself, calls out, is trusted and installed: each rule that the disk can answer, over trees."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from amigate.result import Status

from .trees import Case, Tree, all_of, check, named, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOGS = "network-no-remote-logging"
JOBS = "network-scheduled-jobs-accounted-for"
CHANNEL = "network-no-vendor-back-channel"
ENDPOINTS = "network-no-internal-endpoints"
ANCHORS = "network-no-added-trust-anchors"
BINARIES = "network-no-tampered-binaries"
REPOS = "network-package-repos-signed"
SUPPORTED = "package-os-still-supported"
LEGACY = "package-no-legacy-services"
ENCRYPTED = "disk-no-encrypted-filesystems"
READ_ONLY = "disk-inspected-read-only"
RULES = (LOGS, JOBS, CHANNEL, ENDPOINTS, ANCHORS, BINARIES, REPOS, SUPPORTED, LEGACY, ENCRYPTED, READ_ONLY)
PASS, FAIL, UNSURE, NONE, WARN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE, Status.WARN
SOUND = dict.fromkeys(RULES, PASS) | {ENCRYPTED: NONE, READ_ONLY: NONE}

OS_RELEASE = 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
RSYSLOG = """module(load="imuxsock") # provides support for local system logging
#module(load="imudp")
#*.* @@logs.example.com:514
# action(type="omfwd" target="logs.example.com")
$IncludeConfig /etc/rsyslog.d/*.conf
*.*;auth,authpriv.none\t\t-/var/log/syslog
user.emerg :omusrmsg:*
*.* @127.0.0.1:514
"""
CRON = "SHELL=/bin/sh\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n"
TIMER = "[Timer]\nOnCalendar=daily\n"
CHRONY = """pool 2.debian.pool.ntp.org iburst
server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4
server time.example.com minpoll 4
"""
HOSTS = """127.0.0.1 localhost
127.0.1.1 debian
::1 localhost ip6-localhost
ff02::1 ip6-allnodes
169.254.169.254 metadata
"""
SOURCES = """Types: deb
URIs: https://archive.example.com/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/d.gpg
"""


def certificate(name: str) -> bytes:
    """Return the certificate of an authority, in PEM."""
    key, now = ed25519.Ed25519PrivateKey.generate(), datetime(2026, 1, 1, tzinfo=UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 7, now, now + timedelta(days=9))
    return builder.sign(key, None).public_bytes(Encoding.PEM)


STOCK_CA, OTHER_CA = certificate("Stock Root"), certificate("Builder Root")


def keystore(*names: bytes) -> bytes:
    """Return a key store of Java with trusted certificates."""
    entries = b""
    for pem in names:
        der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        entries += (2).to_bytes(4, "big") + b"\0\1a" + bytes(8) + b"\0\5X.509" + len(der).to_bytes(4, "big") + der
    return b"\xfe\xed\xfe\xed\0\0\0\2" + len(names).to_bytes(4, "big") + entries + bytes(20)


def stock(tree: Tree) -> None:
    """Add what a distribution brings."""
    tree.write("/etc/os-release", OS_RELEASE)
    tree.write("/etc/rsyslog.conf", RSYSLOG)
    tree.write("/etc/rsyslog.d/20-sound.conf", "if $programname == 'x' then /var/log/x\n& stop\n")
    tree.packaged("/usr/lib/systemd/system/apt-daily.timer", TIMER)
    tree.link("/etc/systemd/system/timers.target.wants/apt-daily.timer", "/usr/lib/systemd/system/apt-daily.timer")
    tree.link("/etc/systemd/system/other-name.timer", "/usr/lib/systemd/system/apt-daily.timer")
    tree.packaged("/etc/cron.d/e2scrub_all", "30 3 * * 0 root /sbin/e2scrub_all\n")
    tree.write("/etc/cron.d/.placeholder", "x")
    tree.write("/var/spool/cron/crontabs/root", "")
    tree.packaged("/usr/bin/sudo", "the program sudo", "sudo")
    (tree.root / "usr/bin/sudo").chmod(0o4755)
    tree.packaged("/usr/lib/x/libx.so", "a library", "libx")
    tree.write("/etc/hosts", HOSTS)
    tree.write("/etc/chrony/chrony.conf", CHRONY)
    tree.write("/etc/apt/sources.list.d/debian.sources", SOURCES)
    tree.write("/etc/apt/apt.conf.d/01auto", 'APT::Periodic::Enable "1";\n// APT::Get::AllowUnauthenticated "true";\n')
    tree.write("/etc/environment", 'PATH="/usr/bin"\n#http_proxy=http://proxy.example.com:3128\nno_proxy="localhost"\n')
    tree.packaged("/usr/share/ca-certificates/mozilla/Stock.crt", STOCK_CA.decode(), "ca-certificates")
    tree.write("/etc/ssl/certs/ca-certificates.crt", STOCK_CA)


def conffile(path: str, content: str) -> Callable[[Tree], object]:
    """Return what adds a configuration file that dpkg knows by its status."""

    def spoil(tree: Tree) -> None:
        digest = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        tree.write(path, content)
        status = tree.root / "var/lib/dpkg/status"
        stanza = f"Package: cron\nStatus: install ok installed\nVersion: 3.0\nConffiles:\n {path} {digest}\n\n"
        status.write_text(status.read_text() + stanza)

    return spoil


def appended(path: str, text: str) -> Callable[[Tree], object]:
    def spoil(tree: Tree) -> None:
        with (tree.root / path.lstrip("/")).open("a") as file:
            file.write(text)

    return spoil


def mode(path: str, bits: int) -> Callable[[Tree], object]:
    return lambda tree: (tree.root / path.lstrip("/")).chmod(bits)


def links(path: str, target: str) -> Callable[[Tree], object]:
    return lambda tree: tree.link(path, target)


def removes(path: str) -> Callable[[Tree], object]:
    return lambda tree: tree.remove(path)


def apk(path: str, content: bytes) -> Callable[[Tree], object]:
    """Return what adds a file that apk knows, in the place of dpkg."""

    def spoil(tree: Tree) -> None:
        tree.write(path, content)
        digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
        folder, _, name = path.lstrip("/").rpartition("/")
        tree.write("/lib/apk/db/installed", f"P:x\nV:1-r0\nF:{folder}\nR:{name}\na:0:0:755\nZ:Q1{digest}\n\n")
        tree.remove("/var/lib/dpkg")
        for path_gone in ("/usr/lib/systemd/system/apt-daily.timer", "/etc/cron.d/e2scrub_all"):
            tree.remove(path_gone)

    return spoil


def unit(name: str, command: str, *, enabled: bool = True) -> Callable[[Tree], object]:
    def spoil(tree: Tree) -> None:
        tree.write(f"/etc/systemd/system/{name}", f"[Service]\nExecStart={command}\n")
        if enabled:
            tree.link(f"/etc/systemd/system/multi-user.target.wants/{name}", f"/etc/systemd/system/{name}")

    return spoil


DNF = "[main]\ngpgcheck=1\n"
REPO = "[x]\nname=X\nbaseurl=http://mirror.example.com/x\nenabled=1\n"
RPM = writes("/var/lib/rpm/rpmdb.sqlite", "SQLite format 3")

CASES = {
    "a stock image": Case(lambda _: None),
    # where logs go
    "rsyslog sends by TCP": Case(
        writes("/etc/rsyslog.d/99-x.conf", "# first\n*.* @@(o)logs.example.com:6514\n"),
        {LOGS: FAIL},
        [(LOGS, "/etc/rsyslog.d/99-x.conf", 2)],
    ),
    "rsyslog sends by UDP after a filter": Case(
        writes("/etc/rsyslog.d/99-x.conf", ':msg, contains, "x" /var/log/x\n& @[2001:db8::1]:514\n'),
        {LOGS: FAIL},
        [(LOGS, "/etc/rsyslog.d/99-x.conf", 2)],
    ),
    "rsyslog sends by an action over lines": Case(
        writes(
            "/etc/rsyslog.d/99-x.conf", 'if $x then {\naction(\n  type="omfwd"\n  target="10.1.2.3" port="514")\n}\n'
        ),
        {LOGS: FAIL},
        [(LOGS, "/etc/rsyslog.d/99-x.conf", 2)],
    ),
    "rsyslog sends by RELP to nobody named": Case(
        writes("/etc/rsyslog.d/99-x.conf", 'action(type="omrelp")\n'), {LOGS: FAIL}
    ),
    "rsyslog includes a file elsewhere that sends": Case(
        all_of(
            appended("/etc/rsyslog.conf", 'include(file="/opt/x/*.cfg" mode="optional")\n'),
            writes("/opt/x/a.cfg", "*.* :omrelp:logs.example.com:2514\n"),
        ),
        {LOGS: FAIL},
        [(LOGS, "/opt/x/a.cfg", 1)],
    ),
    "rsyslog includes what has a name in no known form": Case(
        appended("/etc/rsyslog.conf", "$IncludeConfig /etc/x[12].conf\n"), {LOGS: UNSURE}
    ),
    "an action of rsyslog to the machine itself": Case(
        writes("/etc/rsyslog.d/99-x.conf", 'action(type="omfwd" target="localhost" port="5140")\n')
    ),
    "syslog-ng sends": Case(
        writes(
            "/etc/syslog-ng/syslog-ng.conf",
            '@version: 3.38\n@include "scl.conf"\nsource s { network(ip("0.0.0.0") port(514)); };\n'
            'destination d { network(\n  "logs.example.com" port(514)); };\n',
        ),
        {LOGS: FAIL},
        [(LOGS, "/etc/syslog-ng/syslog-ng.conf", 4)],
    ),
    "syslog-ng as it comes": Case(
        writes(
            "/etc/syslog-ng/syslog-ng.conf",
            "@version: 3.38\nsource s_src { system(); internal(); };\n"
            '#destination d_net { tcp("127.0.0.1" port(1000)); };\n'
            'destination d_syslog { file("/var/log/syslog"); };\ndestination d_x { tcp("127.0.0.1" port(1000)); };\n',
        )
    ),
    "systemd uploads its journal": Case(
        writes("/etc/systemd/journal-upload.conf", "[Upload]\n# URL=\nURL=https://logs.example.com:19532\n"),
        {LOGS: FAIL},
        [(LOGS, "/etc/systemd/journal-upload.conf", 3)],
    ),
    "auditd's plugin as it comes": Case(writes("/etc/audit/audisp-remote.conf", "remote_server = \nport = 60\n")),
    "auditd sends": Case(writes("/etc/audit/audisp-remote.conf", "remote_server = a.example.com\n"), {LOGS: FAIL}),
    "busybox' syslogd sends": Case(writes("/etc/conf.d/syslog", 'SYSLOGD_OPTS="-t -R 10.0.0.9:514"\n'), {LOGS: FAIL}),
    "fluent-bit sends": Case(
        writes("/etc/fluent-bit/fluent-bit.conf", "[OUTPUT]\n    Name  forward\n    Host  10.2.3.4\n    Port  24224\n"),
        {LOGS: FAIL},
        [(LOGS, "/etc/fluent-bit/fluent-bit.conf", 3)],
    ),
    "fluent-bit as it comes": Case(
        writes(
            "/etc/fluent-bit/fluent-bit.conf",
            "[SERVICE]\n    HTTP_Server  Off\n    HTTP_Listen  0.0.0.0\n[OUTPUT]\n    Name stdout\n",
        )
    ),
    "vector sends, by a list": Case(
        writes(
            "/etc/vector/vector.yaml",
            "sinks:\n  x:\n    type: elasticsearch\n    endpoints:\n      - https://u:p@es.example.com:9200\n",
        ),
        {LOGS: FAIL},
        [(LOGS, "/etc/vector/vector.yaml", 5)],
    ),
    "filebeat as it comes": Case(
        writes(
            "/etc/filebeat/filebeat.yml",
            'output.elasticsearch:\n  hosts: ["localhost:9200"]\n  #hosts: ["x.example.com"]\n',
        )
    ),
    "filebeat sends to a variable": Case(
        writes("/etc/filebeat/filebeat.yml", 'output.logstash:\n  hosts: ["${LOGSTASH}"]\n'), {LOGS: FAIL}
    ),
    "CloudWatch's agent for its own account": Case(
        writes(
            "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json", '{"agent": {"region": "eu-west-1"}}'
        )
    ),
    "CloudWatch's agent for another account": Case(
        writes(
            "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json",
            '{"agent": {"credentials": {\n"role_arn": "arn:aws:iam::123456789012:role/x"}}}',
        ),
        {LOGS: FAIL},
        [(LOGS, "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json", 2)],
    ),
    "Datadog's agent with a key": Case(
        writes("/etc/datadog-agent/datadog.yaml", "# x\napi_key: 0123456789abcdef\n"), {LOGS: FAIL}
    ),
    "no syslog at all": Case(all_of(removes("/etc/rsyslog.conf"), removes("/etc/rsyslog.d")), traps=[58]),
    # what runs by the clock
    "a crontab of root's": Case(
        writes("/var/spool/cron/crontabs/root", "* * * * * /root/x\n"),
        {JOBS: FAIL},
        [(JOBS, "/var/spool/cron/crontabs/root", None)],
    ),
    "a table that no package brought": Case(
        writes("/etc/cron.d/x", "* * * * * root x\n"), {JOBS: FAIL}, [(JOBS, "/etc/cron.d/x", None)]
    ),
    "the system's crontab as it came": Case(conffile("/etc/crontab", CRON)),
    "the system's crontab with a line more": Case(
        all_of(conffile("/etc/crontab", CRON), appended("/etc/crontab", "* * * * * root x\n")),
        {JOBS: FAIL},
        [(JOBS, "/etc/crontab", None)],
    ),
    "a job of at": Case(writes("/var/spool/cron/atjobs/a00001", "#!/bin/sh\n"), {JOBS: FAIL}),
    "a timer of the administrator": Case(
        writes("/etc/systemd/system/x.timer", TIMER), {JOBS: FAIL}, [(JOBS, "/etc/systemd/system/x.timer", None)]
    ),
    "a timer behind a link": Case(links("/etc/systemd/system/x.timer", "/srv/x.timer"), {JOBS: FAIL}),
    "a timer of a user": Case(writes("/srv/bob/.config/systemd/user/x.timer", TIMER), {JOBS: FAIL}),
    "a timer among the distribution's": Case(writes("/usr/lib/systemd/system/x.timer", TIMER), {JOBS: FAIL}),
    "a timer among the distribution's, of some rpm or not": Case(
        all_of(writes("/usr/lib/systemd/system/x.timer", TIMER), RPM),
        {JOBS: UNSURE, BINARIES: UNSURE},
    ),
    "a crontab beside packages of rpm": Case(
        all_of(writes("/var/spool/cron/root", "* * * * * x\n"), RPM), {JOBS: FAIL, BINARIES: UNSURE}
    ),
    "a script that apk brought": Case(
        apk("/etc/periodic/daily/x", b"#!/bin/sh\n"), {BINARIES: UNSURE, ANCHORS: UNSURE}
    ),
    # ways in by calling out
    "a tunnel in a unit that is enabled": Case(
        unit("support.service", "/usr/bin/ssh -N -R 2222:localhost:22 vendor@support.example.com"),
        {CHANNEL: FAIL},
        [(CHANNEL, "/etc/systemd/system/support.service", 2)],
        traps=[25],
    ),
    "a tunnel in a unit that is not enabled": Case(
        unit("support.service", "/usr/bin/autossh -M 0 x", enabled=False), {CHANNEL: WARN}
    ),
    "a tunnel in rc.local": Case(
        writes("/etc/rc.local", "#!/bin/sh\nssh -fNR 2222:localhost:22 a@b.example.com\n"),
        {CHANNEL: FAIL},
        [(CHANNEL, "/etc/rc.local", 2)],
    ),
    "a tunnel in a comment": Case(
        writes("/etc/rc.local", "#!/bin/sh\n# ssh -R 2222:localhost:22 a@b\nssh a@b uptime\n")
    ),
    "Tailscale, enabled": Case(
        all_of(writes("/usr/sbin/tailscaled", b"\x7fELF"), unit("tailscaled.service", "/usr/sbin/tailscaled")),
        {CHANNEL: FAIL},
        traps=[25],
    ),
    "Tailscale, installed alone": Case(
        writes("/usr/sbin/tailscaled", b"\x7fELF"), {CHANNEL: WARN}, [(CHANNEL, "/usr/sbin/tailscaled", None)]
    ),
    # the builder's network
    "a proxy of the environment": Case(
        appended("/etc/environment", "https_proxy=http://proxy.example.com:3128\n"),
        {ENDPOINTS: FAIL},
        [(ENDPOINTS, "/etc/environment", 4)],
    ),
    "a proxy of apt": Case(
        writes("/etc/apt/apt.conf.d/99proxy", 'Acquire::http::Proxy "http://10.0.0.1:3142";\n'), {ENDPOINTS: FAIL}
    ),
    "a proxy of apt, in braces": Case(
        writes("/etc/apt/apt.conf.d/99proxy", 'Acquire {\n  http { Proxy "http://x.example.com:3142"; }\n}\n'),
        {ENDPOINTS: FAIL},
        [(ENDPOINTS, "/etc/apt/apt.conf.d/99proxy", 2)],
    ),
    "apt goes without a proxy": Case(writes("/etc/apt/apt.conf.d/99", 'Acquire::http::Proxy "DIRECT";\n')),
    "SUSE's settings of a proxy as they come": Case(
        writes("/etc/sysconfig/proxy", 'PROXY_ENABLED="no"\nHTTP_PROXY=""\nNO_PROXY="localhost, 127.0.0.1"\n')
    ),
    "a private mirror": Case(
        writes("/etc/apt/sources.list", "# first\ndeb [signed-by=/x.gpg] http://mirror.corp/debian trixie main\n"),
        {ENDPOINTS: FAIL},
        [(ENDPOINTS, "/etc/apt/sources.list", 2)],
    ),
    "a private registry": Case(
        writes("/root/.config/pip/pip.conf", "[global]\nindex-url = https://user:word@192.168.1.4/simple\n"),
        {ENDPOINTS: FAIL},
    ),
    "a host with a private address": Case(
        appended("/etc/hosts", "10.1.2.3 build.example.com\n"), {ENDPOINTS: FAIL}, [(ENDPOINTS, "/etc/hosts", 6)]
    ),
    "an NTP server of the builder's": Case(
        writes("/etc/systemd/timesyncd.conf", "[Time]\nNTP=time.internal 10.0.0.2\n"), {ENDPOINTS: FAIL}
    ),
    # whom it trusts
    "an anchor of the administrator": Case(
        writes("/usr/local/share/ca-certificates/x.crt", OTHER_CA),
        {ANCHORS: FAIL},
        [(ANCHORS, "/usr/local/share/ca-certificates/x.crt", 1)],
    ),
    "an anchor where Red Hat has them, beside rpm's": Case(
        all_of(writes("/etc/pki/ca-trust/source/anchors/x.pem", OTHER_CA), RPM),
        {ANCHORS: FAIL, JOBS: PASS, BINARIES: UNSURE},
    ),
    "a certificate more in the bundle": Case(
        writes("/etc/ssl/certs/ca-certificates.crt", STOCK_CA + OTHER_CA), {ANCHORS: FAIL}
    ),
    "a certificate that was put among the distribution's": Case(
        all_of(
            writes("/usr/share/ca-certificates/x/Other.crt", OTHER_CA),
            writes("/etc/ssl/certs/ca-certificates.crt", STOCK_CA + OTHER_CA),
        ),
        {ANCHORS: UNSURE},
    ),
    "Java's store as it comes": Case(writes("/etc/ssl/certs/java/cacerts", keystore(STOCK_CA))),
    "a certificate more in Java's store": Case(
        writes("/etc/ssl/certs/java/cacerts", keystore(STOCK_CA, OTHER_CA)), {ANCHORS: FAIL}
    ),
    "a store of NSS": Case(writes("/root/.pki/nssdb/cert9.db", b"SQLite format 3\0"), {ANCHORS: UNSURE}),
    # programs
    "a library that is loaded into everything": Case(
        writes("/etc/ld.so.preload", "/usr/lib/x.so\n"), {BINARIES: FAIL}, [(BINARIES, "/etc/ld.so.preload", None)]
    ),
    "a program that was replaced": Case(
        writes("/usr/lib/x/libx.so", "another library"), {BINARIES: FAIL}, [(BINARIES, "/usr/lib/x/libx.so", None)]
    ),
    "a shell that is setuid": Case(
        all_of(lambda tree: tree.packaged("/usr/bin/dash", "the shell", "dash"), mode("/usr/bin/dash", 0o4755)),
        {BINARIES: FAIL},
        [(BINARIES, "/usr/bin/dash", None)],
    ),
    "a setuid program of nobody's": Case(
        writes("/opt/x/su", "x", 0o4755), {BINARIES: FAIL}, [(BINARIES, "/opt/x/su", None)]
    ),
    "a setuid program, replaced": Case(
        all_of(writes("/usr/bin/sudo", "another"), mode("/usr/bin/sudo", 0o4755)), {BINARIES: FAIL}
    ),
    # repositories
    "apt trusts a repository": Case(
        writes("/etc/apt/sources.list.d/x.list", "# deb\ndeb [arch=amd64 trusted=yes] https://x.example.com/ ./\n"),
        {REPOS: FAIL},
        [(REPOS, "/etc/apt/sources.list.d/x.list", 2)],
    ),
    "apt trusts a repository, in a stanza": Case(
        writes(
            "/etc/apt/sources.list.d/x.sources", f"{SOURCES}\nTypes: deb\nURIs: https://x.example.com/\nTrusted: yes\n"
        ),
        {REPOS: FAIL},
        [(REPOS, "/etc/apt/sources.list.d/x.sources", 9)],
    ),
    "a stanza that is switched off": Case(
        writes(
            "/etc/apt/sources.list.d/x.sources", "Enabled: no\nTypes: deb\nURIs: https://x.example.com/\nTrusted: yes\n"
        )
    ),
    "apt takes what is not signed": Case(
        writes("/etc/apt/apt.conf", 'APT {\n  Get { AllowUnauthenticated "true"; };\n};\n'),
        {REPOS: FAIL},
        [(REPOS, "/etc/apt/apt.conf", 2)],
    ),
    "dnf checks by its main settings": Case(
        all_of(writes("/etc/dnf/dnf.conf", DNF), writes("/etc/yum.repos.d/x.repo", REPO))
    ),
    "dnf checks nothing unless told to": Case(writes("/etc/yum.repos.d/x.repo", REPO), {REPOS: FAIL}),
    "a repository of dnf that is not checked": Case(
        all_of(writes("/etc/dnf/dnf.conf", DNF), writes("/etc/yum.repos.d/x.repo", f"{REPO}gpgcheck=0\n")),
        {REPOS: FAIL},
        [(REPOS, "/etc/yum.repos.d/x.repo", 5)],
    ),
    "a repository of dnf that is not enabled": Case(
        writes("/etc/yum.repos.d/x.repo", "[x]\nenabled = False\ngpgcheck = 0\n")
    ),
    "a switch of dnf in no known form": Case(
        writes("/etc/yum.repos.d/x.repo", "[x]\nenabled=1\ngpgcheck=perhaps\n"), {REPOS: UNSURE}
    ),
    "zypper checks unless told not to": Case(writes("/etc/zypp/repos.d/x.repo", REPO)),
    "zypper is told not to": Case(
        writes("/etc/zypp/zypp.conf", "[main]\n# gpgcheck = on\ngpgcheck = off\n"), {REPOS: FAIL}
    ),
    # the system
    "a system without support": Case(
        writes("/etc/os-release", 'ID=debian\nVERSION_ID="9"\n'),
        {SUPPORTED: FAIL},
        [(SUPPORTED, "/etc/os-release", None)],
    ),
    "a system that nobody knows": Case(writes("/etc/os-release", "ID=mine\nVERSION_ID=1\n"), {SUPPORTED: UNSURE}),
    "a system of no version": Case(writes("/etc/os-release", "ID=debian\n"), {SUPPORTED: UNSURE}),
    "no word on the system": Case(removes("/etc/os-release"), {SUPPORTED: UNSURE}, traps=[58]),
    "a minor version of a system": Case(writes("/etc/os-release", 'ID="rocky"\nVERSION_ID="9.4"\n')),
    "a server of telnet": Case(
        writes("/usr/sbin/telnetd", b"\x7fELF"), {LEGACY: FAIL}, [(LEGACY, "/usr/sbin/telnetd", None)]
    ),
    "inetd, where /usr is not merged": Case(writes("/sbin/inetd", b"\x7fELF"), {LEGACY: FAIL}),
    # bad input
    "dpkg's status is half written": Case(
        writes("/var/lib/dpkg/status", "Package: openssh-ser\nStat\n\nVersion"), {BINARIES: UNSURE}
    ),
    "a bundle and a store that are neither": Case(
        all_of(
            writes("/etc/ssl/certs/ca-certificates.crt", b"\x30\x82"),
            writes("/etc/ssl/certs/java/cacerts", b"\xfe\xed\xfe\xed\0\0\0\2\xff"),
        )
    ),
    "settings that are no text": Case(
        all_of(
            *(
                writes(path, b"\xff\xfe\0\n[\n")
                for path in ("/etc/rsyslog.d/x.conf", "/etc/apt/apt.conf.d/x", "/etc/hosts")
            )
        )
    ),
}


@pytest.mark.parametrize("name", named(CASES))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    check(replace(case, spoil=all_of(stock, case.spoil)), tmp_path, RULES, SOUND)

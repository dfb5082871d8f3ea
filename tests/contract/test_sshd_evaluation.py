"""sshd's files are evaluated as the real sshd does, on hundreds of made-up configurations."""

from __future__ import annotations

import random
import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import sshd_grammar
from amigate.evidence.keep import Keep
from amigate.evidence.model import Answer
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import sshd_at_rest, sshd_config, sshd_effective
from amigate.facts.sshd import NEEDS
from amigate.facts.sshd_answers import _settings
from amigate.facts.sshd_keywords import EVALUATED
from amigate.facts.sshd_sessions import Criterion
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.evidence.model import View

REDACTOR = Redactor()
USERS = ["root", "daemon", "games", "nobody", "stranger"]
ADDRESSES = ["10.0.0.1", "10.200.1.2", "192.168.1.1", "203.0.113.5", "203.0.113.6", "2001:db8:1::1", "127.0.0.1"]
HOSTS = ["client.example.com", "host.trusted.org", "evil.net"]
VALUES = {
    "PasswordAuthentication": ["yes", "no", "YES", '"no"', "No"],
    "KbdInteractiveAuthentication": ["yes", "no"],
    "ChallengeResponseAuthentication": ["yes", "no"],
    "PermitRootLogin": [
        "yes",
        "no",
        "prohibit-password",
        "without-password",
        "forced-commands-only",
        "Prohibit-Password",
    ],
    "PubkeyAuthentication": ["yes", "no"],
    "PermitEmptyPasswords": ["yes", "no"],
    "AuthenticationMethods": ["any", "publickey", "publickey,password publickey,keyboard-interactive"],
    "AuthorizedKeysFile": [".ssh/authorized_keys", "/etc/keys/%u .ssh/a", "none", '"/etc/with blank/%u"'],
    "AuthorizedKeysCommand": ["/usr/bin/keys %u", "none"],
    "AuthorizedKeysCommandUser": ["nobody", "root"],
    "TrustedUserCAKeys": ["/etc/ssh/ca.pub", "none", "'/etc/ssh/ca b.pub'"],
    "AuthorizedPrincipalsFile": ["/etc/ssh/principals", "none"],
    "AllowUsers": ["root", "root daemon", "games@10.0.0.0/8", "*"],
    "DenyUsers": ["nobody", "games daemon"],
    "AllowGroups": ["root daemon", "wheel"],
    "ClientAliveInterval": ["300", "5m", "1h30m", "0"],
    "MaxAuthTries": ["3", "10"],
    "MaxSessions": ["0", "4"],
    "X11Forwarding": ["yes", "no"],
    "AllowTcpForwarding": ["yes", "no", "local", "remote", "all"],
    "AllowStreamLocalForwarding": ["yes", "no", "local"],
    "GatewayPorts": ["yes", "no", "clientspecified"],
    "PermitTunnel": ["yes", "no", "ethernet"],
    "DisableForwarding": ["yes", "no"],
    "HostbasedAuthentication": ["yes", "no"],
    "IgnoreRhosts": ["yes", "no", "shosts-only"],
    "ForceCommand": ["/bin/true", "none", "internal-sftp -l INFO"],
    "ChrootDirectory": ["/srv/%u", "none"],
    "Banner": ["/etc/issue.net", "none"],
    "PermitTTY": ["yes", "no"],
    "LogLevel": ["VERBOSE", "INFO"],
    "AcceptEnv": ["LANG LC_*", "FOO"],
}
GLOBAL = {
    "UseDNS": ["yes", "no"],
    "UsePAM": ["yes", "no"],
    "StrictModes": ["yes", "no"],
    "PermitUserEnvironment": ["yes", "no", "LANG,LC_*"],
    "LoginGraceTime": ["30", "2m", "0"],
    "Port": ["22", "2222"],
    "HostKey": ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key"],
    "IgnoreUserKnownHosts": ["yes", "no"],
    "PrintMotd": ["yes", "no"],
    "Subsystem": ["sftp /usr/lib/openssh/sftp-server"],
    "Ciphers": ["aes256-ctr"],
    "RSAAuthentication": ["yes"],
}
REFUSED = [
    '"PermitTTY"=yes',
    '"AcceptEnv" = X',
    "\f",
    " \f",
    "AuthenticationMethods any,none",
    "NoSuchKeyword yes",
    "PermitRootLogin maybe",
    "PasswordAuthentication",
    "PermitTTY yes no",
    "Port x",
]
CONDITIONS = {
    "User": ["root", "games", "g*", "*", "!root", "*,!root", "daemon,games", "?oot", "stranger"],
    "Group": ["games", "root,daemon", "*", "*,!games", "nogroup", "!root"],
    "Address": [
        "10.0.0.0/8",
        "203.0.113.5",
        "203.0.113.4/31",
        "192.168.*",
        "*",
        "*,!10.0.0.0/8",
        "::/0",
        "2001:db8::/32",
    ],
    "Host": ["*.example.com", "host.trusted.org,evil.*", "!*.net,*", "Host.Trusted.Org"],
    "LocalPort": ["22", "2222"],
    "LocalAddress": ["192.0.2.10", "10.0.0.0/8", "!192.0.2.10,*"],
}
REFUSED_CONDITIONS = [
    "exec /bin/true",
    "LocalPort 22,2222",
    "Address 10.0.0.1/8",
    "all User root",
    "User",
    "Nonsense x",
]


IN_SUM = (
    "no hostkeys available|cannot be satisfied by enabled authentication methods|set without AuthorizedKeysCommandUser"
    '|"any" must appear alone'
)

"""Why sshd refuses settings each of which it takes; nobody logs in then, and nothing is wrong about their values."""


class Writer:
    """Makes configurations up."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same configurations on every run

    def line(self, keyword: str, value: str) -> str:
        """Write a setting in one of the ways that sshd reads."""
        keyword = self.chance.choice([keyword, keyword, keyword.lower(), keyword.upper(), f'"{keyword}"'])
        between = self.chance.choice(
            [" ", "\t", "  "] if keyword.startswith('"') else [" ", " ", "\t", "=", " = ", "  "]
        )
        command = keyword.strip('"').lower() in ("forcecommand", "authorizedkeyscommand")
        end = "" if command else self.chance.choice(["", "", "", " ", "\t", " # a comment", " #"])
        start = self.chance.choice(["", "", "    ", "\t"])
        return f"{start}{keyword}{between}{value}{end}"

    def settings(self, *, in_match: bool) -> list[str]:
        """Write some settings, blank lines and comments."""
        known = VALUES if in_match else {**VALUES, **GLOBAL}
        keywords = self.chance.choices(list(known), k=self.chance.randrange(6))
        keywords += [each for each in ("PasswordAuthentication", "PermitRootLogin") if self.chance.random() < 0.3]
        lines = [self.line(keyword, self.chance.choice(known[keyword])) for keyword in keywords]
        if self.chance.random() < 0.2:
            lines.append(self.chance.choice(["", "#PasswordAuthentication yes", "  # Match all", "PermitTTY yes\f"]))
        if self.chance.random() < 0.02:
            lines.append(self.chance.choice(REFUSED))
        self.chance.shuffle(lines)
        return [line for n, line in enumerate(lines) if "ubsystem" not in line or n == 0]

    def match(self) -> str:
        """Write a Match line."""
        if self.chance.random() < 0.1:
            return "Match all"
        if self.chance.random() < 0.03:
            return f"Match {self.chance.choice(REFUSED_CONDITIONS)}"
        kinds = self.chance.sample(list(CONDITIONS), self.chance.choice([1, 1, 1, 2, 3]))
        between = self.chance.choice([" ", " ", "="])
        asked = [f"{kind}{between}{self.chance.choice(CONDITIONS[kind])}" for kind in kinds]
        return self.chance.choice(["Match", "match", "MATCH"]) + " " + " ".join(asked)

    def block(self) -> list[str]:
        return [self.match(), *self.settings(in_match=True)]

    def files(self) -> dict[str, str]:
        """Write a main file, what it includes, and what that includes."""
        files = {}
        main = self.settings(in_match=False)
        if self.chance.random() < 0.6:
            for name in self.chance.sample(["00-a", "50-b", "99-z"], self.chance.choice([1, 2])):
                inner = self.settings(in_match=False)
                inner += self.block() if self.chance.random() < 0.4 else []
                files[f"sshd_config.d/{name}.conf"] = self.text(inner)
            folder = self.chance.choice(["sshd_config.d", "/etc/ssh/sshd_config.d", '"/etc/ssh/sshd_config.d"'])
            include = f"Include {folder}/*.conf".replace('"/*.conf', '/*.conf"')
            main.insert(self.chance.choice([0, 0, len(main)]), include)
        for _ in range(self.chance.choice([0, 1, 1, 2, 3])):
            main += self.block()
            if self.chance.random() < 0.3:
                inner = self.settings(in_match=True) + (self.block() if self.chance.random() < 0.5 else [])
                files["more/in.conf"] = self.text([*inner, "Include more/deeper-?.conf"])
                files["more/deeper-1.conf"] = self.text(self.settings(in_match=True))
                main.append("Include more/in.conf more/none.conf")
        return {"sshd_config": self.text(main), **files}

    def text(self, lines: list[str]) -> str:
        """Join lines with line feeds, or as an editor of another system would."""
        return "".join(line + self.chance.choice(["\n", "\n", "\n", "\n", "\r\n"]) for line in lines)

    def options(self) -> list[str]:
        """Write settings of the command line."""
        names = self.chance.sample(["PasswordAuthentication", "PermitRootLogin", "X11Forwarding"], 2)
        return [word for name in names for word in ("-o", f"{name}={self.chance.choice(VALUES[name])}")]

    def session(self) -> Criterion:
        choice = self.chance.choice
        return Criterion(
            user=choice(USERS),
            addr=choice(ADDRESSES),
            host=choice(HOSTS),
            laddr=choice(["192.0.2.10", "10.9.9.9"]),
            lport=choice(["22", "2222"]),
        )


def at_rest(machine: Any, folder: Path) -> View:
    """Return what is seen of a root file system with those configuration files and this machine's accounts."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "usr/sbin").mkdir(parents=True)
    (folder / "usr/sbin/sshd").touch()
    (folder / "etc").mkdir()
    (folder / "lib").symlink_to("usr/lib")
    shutil.copytree(machine.folder / "ssh", folder / "etc/ssh")
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", folder / "etc")
    (folder / "etc/os-release").write_text("ID=rocky\nVERSION_ID=9.4\n")
    return read_directory(folder, [NEEDS], redactor=REDACTOR)


def redacted(out: str) -> str:
    """Return what is kept of what sshd says: no arguments of commands."""
    said = Answer(command="", exit_code=0, stdout=out.encode(), stderr=b"")
    return REDACTOR.answer(said, Keep.SSHD_EFFECTIVE).text


@pytest.mark.parametrize("seed", range(25))
def test_every_value_is_what_sshd_says(machine: Any, tmp_path: Path, seed: int) -> None:
    writer = Writer(seed)
    told = 0
    for _ in range(12):
        machine.write(writer.files())
        sessions = [writer.session() for _ in range(3)]
        options = writer.options() if seed % 3 == 0 else []
        ask = shlex.join([machine.program, "-T", *options])
        answers = machine.run_all(f"{ask} -C {session.spec}" for session in sessions)
        view = at_rest(machine, tmp_path / "root")
        server = sshd_effective.Server(version=sshd_at_rest.version(view), groups=sshd_at_rest.groups(view))
        assert server.version == (8, 7)
        for session, (code, out) in zip(sessions, answers, strict=True):
            try:
                lines = [*sshd_config.told(options), *sshd_config.lines(view)]
                ours = sshd_effective.effective(lines, session, server)
            except InconclusiveError:
                assert code != 0, (machine.files, session)  # what sshd refuses, and nothing else
                continue
            if code != 0:
                why = machine.run(f"{ask} -C {session.spec} 2>&1")[1]
                assert re.search(IN_SUM, why), (machine.files, session, why)
                continue
            theirs = _settings(redacted(out))
            assert ours == {name: tuple(theirs.get(name, ())) for name in EVALUATED}, (machine.files, session)
            told += 1
    assert told >= 18, "most configurations are sound"


def test_the_version_decides_what_an_older_sshd_made_of_its_two_keywords() -> None:
    def values(text: str, version: tuple[int, int] | None) -> tuple[str, ...] | None:
        lines = [
            sshd_config.Line(path="/x", number=n, keyword=keyword, words=words)
            for n, keyword, words in sshd_grammar.settings(text)
        ]
        found = sshd_effective.effective(lines, Criterion(), sshd_effective.Server(version=version, groups={}))
        return found.get("kbdinteractiveauthentication")

    only_new = "KbdInteractiveAuthentication no"
    assert values(only_new, (8, 7)) == ("no",)
    assert values(only_new, (7, 4)) == ("yes",)
    assert values(only_new, None) is None
    assert values("ChallengeResponseAuthentication no", None) == ("no",)
    assert values("", None) == ("yes",)


def test_an_sshd_at_rest_is_looked_for_where_a_running_one_would_be(machine: Any, tmp_path: Path) -> None:
    machine.write({"sshd_config": "Include /srv/more/*.conf\n"})
    view = at_rest(machine, tmp_path / "root")
    assert "/srv/more/*.conf" in view.globbed
    assert sshd_at_rest.program(view) == "/usr/sbin/sshd"

"""What the detectors find in an image: private keys, credentials of AWS, and what its makers left.

At rest every file was searched. A running machine is asked for private keys in homes alone, by their headers."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.detect.checkouts import PREFIX
from amigate.detect.hits import Sort
from amigate.detect.logs import PLACES
from amigate.detect.names import is_host_key
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Question, Run, Search
from amigate.facts import accounts
from amigate.facts.accounts import Accounts
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from amigate.evidence.model import Found, Searched, View

SEARCH = Search()
HOME_KEYS = "private keys in homes"
"""The question by which a running machine is asked."""
_HOMES = ("/root", "/home", "/etc/skel")
_SYSTEM = ("/bin", "/boot", "/dev", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/run")
"""Where no person's home is, whatever passwd says."""
_ABSENT = 99
_MOST_PATHS = 200
IN_LOGS = (
    Sort.PRIVATE_KEY, Sort.AWS_KEY, Sort.VCS, Sort.REGISTRY, Sort.CLOUD, Sort.AGENT, Sort.CONFIG_MANAGEMENT,
    Sort.DATABASE, Sort.APP_CONFIG, Sort.VPN, Sort.CLUSTER, Sort.LOGGED,
)  # fmt: skip
"""What is a secret in a log, too."""
_TLS = re.compile(
    r"(?:\[[^]]*\])?/(?:etc/(?:ssl|pki/(?:tls|nginx|dovecot|cyrus\S*|httpd)|letsencrypt|nginx|apache2|httpd|lighttpd|haproxy|caddy"
    r"|traefik|postfix|dovecot|exim4?|cockpit|cups|stunnel|vsftpd|proftpd|mysql|mariadb|my\.cnf\.d|postgresql|redis|mongodb?"
    r"|rabbitmq|elasticsearch|kibana|grafana|tomcat\d*|openldap|ldap|freeradius|raddb|prosody|ejabberd|docker|gitlab|acme\S*)/.*"
    r"|var/lib/(?:mysql|mariadb|postgresql|pgsql|caddy|acme|letsencrypt|dehydrated|docker/swarm)/.*|root/\.acme\.sh/.*"
    r"|opt/bitnami/.*|usr/local/(?:etc|nginx|apache2?)/.*|srv/.*/(?:ssl|tls|certs?)/.*)",
    re.DOTALL,
)
"""Where servers have their keys."""
_MADE_AT_INSTALLATION = re.compile(
    r"/etc/ssl/private/ssl-cert-snakeoil\.key|/etc/pki/tls/private/localhost\.key|/etc/cockpit/ws-certs\.d/0-self-signed\S*"
    r"|/etc/pki/dovecot/private/dovecot\.pem|/etc/dovecot/private/dovecot\.\S+|/etc/cups/ssl/[^/]+\.key"
    r"|/var/lib/mysql/(?:ca|server|client|private)-?key\.pem|/etc/postfix/ssl/postfix\.key"
)
_VPN = re.compile(
    r"(?:\[[^]]*\])?/(?:etc/(?:wireguard|openvpn|ipsec\.d|swanctl|strongswan|libreswan|tinc|nebula|cloudflared|netbird|nebula|ppp)"
    r"|var/lib/(?:tailscale|zerotier-one|netbird|openvpn\S*|ipsec)|usr/local/etc/(?:openvpn|swanctl|wireguard)"
    r"|(?:root|home/[^/]+)/\.cloudflared)/.*",
    re.DOTALL,
)
_CLUSTER = re.compile(
    r"(?:\[[^]]*\])?/(?:etc/(?:kubernetes|rancher|etcd|ssl/etcd|bind|named|consul\.d|nomad\.d|vault\.d|pki/etcd)"
    r"|var/lib/(?:kubelet|rancher|etcd|k0s|docker/swarm|microk8s)|var/snap/microk8s|(?:root|home/[^/]+)/\.(?:kube|minikube))/.*",
    re.DOTALL,
)
_OPENPGP = re.compile(r"\((?:PGP|OpenPGP|GnuPG)")
_LOCKED = {"yes": " behind a passphrase", "no": " without a passphrase"}
_KEY_CAP_BYTES = 32 * 1024


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What was found; `gaps` says what was not looked at."""

    found: tuple[Found, ...]
    searched: Searched | None = None
    """None of a running machine."""
    live_keys: tuple[Finding, ...] = ()
    """The private keys that a running machine has in homes."""
    gaps: tuple[str, ...] = ()

    @classmethod
    def read(cls, view: View) -> Secrets:
        """Take the search of a file system at rest; of a running machine, the keys in homes."""
        if view.is_at_rest(CLOCK.key):
            searched = view.search(SEARCH.key)
            return cls(found=searched.found, searched=searched)
        return cls(found=(), live_keys=tuple(_live_keys(view)), gaps=tuple(_unread(view)))

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at."""
        if self.searched is not None:
            self.searched.require_whole()
        if self.gaps:
            raise InconclusiveError(self.gaps[0])

    def private_keys(self) -> list[Finding]:
        """Find the private keys that are no host keys, no package's and in no program."""
        keys = [each for each in self._of(Sort.PRIVATE_KEY) if not is_host_key(each.path) and not each.in_program]
        return [*map(finding, keys), *self.live_keys]

    def keys_in_programs(self) -> list[Finding]:
        """Find the private keys in programs and libraries of no known package: some test themselves with one."""
        return [finding(each) for each in self._of(Sort.PRIVATE_KEY) if each.in_program]

    def aws_credentials(self) -> list[Finding]:
        """Find access keys, and files in which tools keep them."""
        return [finding(each) for each in self._of(Sort.AWS_KEY, Sort.AWS_FILE)]

    def aws_settings(self) -> list[Finding]:
        """Find the settings of tools that may keep credentials, and hold none that is known."""
        keys = {each.path for each in self._of(Sort.AWS_KEY, Sort.AWS_FILE)}
        return [finding(each) for each in self._of(Sort.AWS_CONFIG) if each.path not in keys]

    def signing_material(self) -> list[Finding]:
        """Find what AWS's own bundling leaves out, and key stores."""
        return [finding(each) for each in self._of(Sort.LEFTOVER)]

    def of_kind(self, *sorts: str) -> list[Finding]:
        """Find what the detectors call by one of `sorts` (`detect.hits.Sort`)."""
        return [finding(each) for each in self._of(*map(Sort, sorts))]

    def checkouts(self, allowed: Collection[str] = ()) -> list[Finding]:
        """Find the working copies of repositories whose remote is not among `allowed`."""
        known = {f"{PREFIX}{remote}" for remote in allowed}
        return [finding(each) for each in self._of(Sort.CHECKOUT) if each.detail not in known]

    def in_logs(self) -> list[Finding]:
        """Find every secret, of whatever kind, that lies in a log."""
        return [finding(each) for each in self._of(*IN_LOGS) if PLACES.fullmatch(each.path)]

    def require_logs_read(self) -> None:
        """Raise InconclusiveError where a log could not be unpacked."""
        for each in self._of(Sort.UNREAD_LOG):
            raise InconclusiveError(f"{each.path}: {each.detail}")

    def tls_keys(self, *, made_at_installation: bool) -> list[Finding]:
        """Find the private keys of servers by where they lie: those that installations make, or the others."""
        return [
            finding(each)
            for each in self._of(Sort.PRIVATE_KEY)
            if _TLS.fullmatch(each.path) and bool(_MADE_AT_INSTALLATION.fullmatch(each.path)) is made_at_installation
        ]

    def vpn_keys(self) -> list[Finding]:
        """Find keys and passwords of VPNs, and the private keys that lie in their folders."""
        return [*self.of_kind(Sort.VPN), *self._keys_in(_VPN)]

    def cluster_secrets(self) -> list[Finding]:
        """Find secrets of clusters, DNS and OpenPGP, and the private keys that lie in their folders."""
        openpgp = [finding(each) for each in self._of(Sort.PRIVATE_KEY) if _OPENPGP.search(each.detail)]
        return list(dict.fromkeys([*self.of_kind(Sort.CLUSTER), *self._keys_in(_CLUSTER), *openpgp]))

    def _keys_in(self, places: re.Pattern[str]) -> list[Finding]:
        return [finding(each) for each in self._of(Sort.PRIVATE_KEY) if places.fullmatch(each.path)]

    def editor_backups(self) -> list[Finding]:
        """Find what editors left beside files that were changed."""
        return [finding(each) for each in self._of(Sort.EDITOR_BACKUP)]

    def _of(self, *sorts: Sort) -> Iterator[Found]:
        """Yield what was found and is not as a package brought it."""
        return (each for each in self.found if each.sort in sorts and not each.package)


def finding(found: Found) -> Finding:
    """Return what was found as a finding."""
    return Finding(path=found.path, line=found.line, detail=found.detail, fingerprint=found.fingerprint)


def _question(view: View) -> Run:
    """Ask for the files in homes that hold the header of a private key; their content stays where it is."""
    homes = [
        home
        for account in Accounts.read(view).login_users
        if (home := "/" + posixpath.normpath(account.home).lstrip("/")) != "/"
        and not any(home == each or home.startswith(f"{each}/") for each in _SYSTEM)
    ]
    known = dict.fromkeys([*_HOMES, *(each for each in homes if not each.startswith("/home/"))])
    command = (
        f"command -v find >/dev/null && command -v grep >/dev/null || exit {_ABSENT}; "
        f"find {' '.join(map(shlex.quote, known))} -xdev -type f -size -128k -exec "
        "grep -l -e '-----BEGIN [A-Z0-9 ]*PRIVATE KEY' -e '^PuTTY-User-Key-File-' {} + 2>/dev/null "
        f"| head -n {_MOST_PATHS + 1}; exit 0"
    )
    return Run(HOME_KEYS, command, Keep.PATHS)


def _paths(view: View) -> list[str]:
    answer = view.answer(HOME_KEYS)
    if answer.exit_code == _ABSENT:
        raise InconclusiveError("the machine has no `find` or no `grep` to look for private keys with")
    return answer.text.split("\n")[:-1]


def _key_in(path: str) -> Run:
    """Ask what key a file holds; as an answer, so that it stays apart from what other facts read of the file."""
    text = f"head -c {_KEY_CAP_BYTES + 1} <{shlex.quote(path)}"
    return Run(f"private key in {path}", text, Keep.PRIVATE_KEY, cap_bytes=_KEY_CAP_BYTES)


def _live_keys(view: View) -> Iterator[Finding]:
    for path in _paths(view)[:_MOST_PATHS]:
        answer = view.answers.get(_key_in(path).key)
        if answer is not None and answer.summary:
            locked = _LOCKED.get(answer.summary.get("encrypted", ""))
            detail = f"a private key{locked}" if locked else answer.summary["header"]
            yield Finding(path=path, detail=detail, fingerprint=answer.summary.get("fingerprint", ""))


def _unread(view: View) -> Iterator[str]:
    paths = _paths(view)
    if len(paths) > _MOST_PATHS:
        yield "more files in homes hold the header of a private key than are looked at"
    for path in paths[:_MOST_PATHS]:
        answer = view.answers.get(_key_in(path).key)
        if answer is None or answer.exit_code != 0 or answer.truncated:
            yield f"{path}: it has the header of a private key, and could not be read in full"


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield SEARCH
        return
    yield _question(view)
    if HOME_KEYS in view.answers:
        yield from map(_key_in, _paths(view)[:_MOST_PATHS])


NEEDS = Needs(first=(*accounts.NEEDS.first, CLOCK), then=_then)

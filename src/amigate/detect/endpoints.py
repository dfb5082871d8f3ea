"""Endpoints of whoever built an image, which nobody else reaches: proxies, and hosts on private addresses or names.

Private: RFC 1918, RFC 4193, RFC 6598; names without a dot, or below a domain that no public name has (RFC 6762,
RFC 8375, .internal, reserved by ICANN for private use)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
_DOMAINS = (
    ".internal",
    ".local",
    ".lan",
    ".corp",
    ".home",
    ".intranet",
    ".private",
    ".home.arpa",
    ".intern",
    ".localnet",
)
_OF_THE_CLOUD = frozenset({"instance-data.ec2.internal", "metadata.google.internal", "ip6-localhost", "localhost"})
_HOST = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_$](?:[\w.$-]{0,252})"
_URL = re.compile(rf"\b[a-z][a-z0-9+.-]{{1,20}}://(?:[^\s/@\"']{{1,200}}@)?(?P<host>{_HOST})", re.IGNORECASE)
_PROXY = re.compile(
    r"(?:^|[\s\"'{:])(?:(?:\w*?_?(?:https?|ftp|all)_proxy|Acquire::\w+::Proxy(?:::[\w.-]+)?)[\"']?(?:\s*[=:]\s*|\s+)"
    r"|proxy[\"']?(?:\s*[=:]\s*|\s+(?=\")))"
    r"[\"']?(?!(?:none|false|no|off|direct|_none_|libproxy)\b)(?P<value>[\w.\[][^\s\"';]*)",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\s*(?:(?:server|pool|peer)\s+(?P<one>\S+)|(?:Fallback)?NTP\s*=(?P<several>.*))", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(?:#|;|//|!|<!--).*")
_PROXIES = re.compile(
    r"/etc/(?:environment|profile|bash\.bashrc|bashrc|wgetrc|curlrc|environment\.d/[^/]+|profile\.d/[^/]+|sysconfig/proxy"
    r"|apt/apt\.conf|apt/apt\.conf\.d/[^/]+|dnf/dnf\.conf|yum\.conf|yum\.repos\.d/[^/]+|default/docker"
    r"|docker/daemon\.json|systemd/system\.conf(?:\.d/[^/]+)?|systemd/system/[^/]+\.d/[^/]+|pip\.conf|npmrc|gitconfig)"
    r"|/(?:root|home/[^/]+)/\.(?:bashrc|profile|bash_profile|curlrc|wgetrc|npmrc|gitconfig|docker/config\.json"
    r"|pip/pip\.conf|config/pip/pip\.conf|m2/settings\.xml)"
)
_REGISTRIES = re.compile(
    r"/etc/(?:apt/sources\.list(?:\.d/[^/]+)?|yum\.repos\.d/[^/]+|zypp/repos\.d/[^/]+|apk/repositories|pip\.conf|npmrc"
    r"|gemrc|maven/settings\.xml|docker/daemon\.json|containers/registries\.conf(?:\.d/[^/]+)?)"
    r"|/(?:root|home/[^/]+)/\.(?:npmrc|yarnrc(?:\.yml)?|gemrc|pip/pip\.conf|config/pip/pip\.conf|m2/settings\.xml"
    r"|gradle/init\.gradle|cargo/config(?:\.toml)?|bundle/config)"
)
_CLOCKS = re.compile(
    r"/etc/(?:chrony\.conf|chrony/chrony\.conf|chrony(?:/conf)?\.d/[^/]+|chrony/(?:conf|sources)\.d/[^/]+|ntp\.conf"
    r"|ntpsec/ntp\.conf|systemd/timesyncd\.conf(?:\.d/[^/]+)?)"
)
_HOSTS = re.compile(r"/etc/hosts")
_MOST_BYTES = 256 * 1024


def is_place(path: str) -> bool:
    """Whether endpoints are configured in the file at `path`."""
    return any(form.fullmatch(path) for form in (_PROXIES, _REGISTRIES, _CLOCKS, _HOSTS))


def endpoints(path: str, content: bytes) -> Iterator[Hit]:
    """Yield each line that names a proxy, or a host that only its builder reaches; nothing of the name."""
    if len(content) > _MOST_BYTES or not is_place(path):
        return
    at = 0
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        said = None if _COMMENT.fullmatch(line) else _said(path, line)
        if said:
            yield Hit(sort=Sort.ENDPOINT, offset=at, detail=said)
        at += len(line.encode("utf-8", "surrogateescape")) + 1


def _said(path: str, line: str) -> str:
    if _PROXIES.fullmatch(path) and _PROXY.search(line):
        return "a proxy is set"
    if _REGISTRIES.fullmatch(path) and any(is_internal(match["host"]) for match in _URL.finditer(line)):
        return "a package repository or registry on an internal host"
    if _CLOCKS.fullmatch(path) and (clock := _CLOCK.match(line)) and any(map(is_internal, _servers(clock))):
        return "an NTP server on an internal host"
    if _HOSTS.fullmatch(path) and _is_private(line.split(maxsplit=1)[0] if line.split() else ""):
        return "a host is named with a private address"
    return ""


def _servers(clock: re.Match[str]) -> list[str]:
    return [clock["one"]] if clock["one"] else clock["several"].split()


def is_internal(host: str) -> bool:
    """Whether a host is one that only a private network knows; a name with a variable in it is not told."""
    name = host.strip("[]").lower().rstrip(".")
    if not name or "$" in name or name in _OF_THE_CLOUD or _is_address(name):
        return _is_private(name)
    return "." not in name or name.endswith(_DOMAINS)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_private(name: str) -> bool:
    return _is_address(name) and any(ipaddress.ip_address(name) in network for network in _PRIVATE)

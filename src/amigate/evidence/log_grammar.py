"""Where logs are sent, by the settings of what sends them.

rsyslog: https://www.rsyslog.com/doc/configuration/actions.html; syslog-ng:
https://syslog-ng.github.io/admin-guide/070_Destinations/README; agents have INI, YAML, TOML, JSON and formats of their
own, of which the settings that name a host are alike."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTOLD = "?"
"""A host that cannot be told: a variable, or left to a default."""
_HOST = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[\w.-]{0,252})"
_COMMENT = re.compile(r"[ \t]*(?:#|//).*")
_INI_COMMENT = re.compile(r"[ \t]*(?:#|;|//).*")

_SELECTED = re.compile(
    rf"(?:^|[\s&])@@?(?:\([^)\n]{{0,80}}\))?(?P<host>(?!(?:version|include|define|module|requires)\b)(?:{_HOST}))"
)
_NAMED_OUTPUT = re.compile(rf":om(?:relp|gssapi|snmp):(?P<host>{_HOST})")
_ACTION = re.compile(r"\baction\s*\((?P<body>(?:[^()\"]|\"(?:\\.|[^\"\\])*\"){0,4000})\)", re.IGNORECASE)
_TYPE = re.compile(
    r"\btype\s*=\s*\"om(fwd|relp|elasticsearch|http|kafka|rabbitmq|mongodb|hiredis|gssapi|snmp|azure\w*)\"",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\b(?:target|server|serverurl|broker|host|transport\.url)\s*=\s*(?P<value>\[[^\]]*\]|\"[^\"]*\")", re.IGNORECASE
)
_DRIVER = re.compile(
    r"\b(?:tcp6?|udp6?|network|syslog|http|elasticsearch[\w-]*|kafka[\w-]*|mongodb|redis|loggly|splunk[\w-]*|graylog\d?"
    r"|opentelemetry|loki|amqp|stomp|riemann)\s*\(\s*(?P<body>\"[^\"]*\"|[^)]{0,400}?\b(?:url|host|hosts|servers"
    r"|bootstrap-servers|uri|server)\s*\(\s*\"[^\"]*\")",
    re.IGNORECASE,
)
_BUSYBOX = re.compile(rf"^\s*SYSLOGD_OPTS=.*?-\w*R\s*(?P<host>{_HOST})", re.MULTILINE)
_INCLUDE = re.compile(
    r"^\s*(?:\$IncludeConfig\s+(\S+)|include\s*\(\s*file\s*=\s*\"([^\"]+)\"|@include\s+\"([^\"]+)\")", re.IGNORECASE
)

_URL = re.compile(rf"\b[a-z][a-z0-9+.-]{{1,20}}://(?:[^\s/@\"']{{1,200}}@)?(?P<host>{_HOST}|\$)", re.IGNORECASE)
_SETTING = re.compile(
    r"\s*(?:-\s+)?[\"']?(?P<name>\w*(?:hosts?|servers?|urls?|endpoints?|address|uri|brokers?|remote_server)"
    r"|ForwardToSocket)[\"']?(?:\s*(?:=>|[:=])\s*|\s+(?![:=]))(?P<value>\S.*)",
    re.IGNORECASE,
)
_ITEM = re.compile(rf"\s*-\s+[\"']?(?P<host>{_HOST}):[0-9]{{1,5}}[\"']?\s*,?\s*")
_ACCOUNT = re.compile(
    r"\s*[\"']?(?P<name>role_arn|shared_credential_profile|shared_credential_file|aws_access_key_id|api_key|license_key"
    r"|logs_config\.api_key)[\"']?\s*[:=]\s*[\"']?[^\s\"'#]"
)
_WORD = re.compile(rf"(?P<host>{_HOST})(?::[0-9]{{1,5}})?")
_NO_HOST = frozenset({"true", "false", "yes", "no", "none", "null", "on", "off", "auto", "default"})


@dataclass(frozen=True)
class Target:
    """Something that is sent to."""

    line: int
    host: str
    """A name or an address, UNTOLD, or of another account what says so, such as `role_arn`."""
    is_account: bool = False


def is_local(host: str) -> bool:
    """Whether a host is the machine itself, or its link-local services."""
    name = host.strip("[]").lower()
    if name in {"localhost", "localhost.localdomain", "ip6-localhost"}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified or address.is_link_local


def forwarding(text: str) -> Iterator[Target]:
    """Yield what rsyslog, syslog-ng or busybox' syslogd sends to."""
    plain = _without(text, _COMMENT)
    for form in (_SELECTED, _NAMED_OUTPUT, _BUSYBOX):
        for line, each in enumerate(plain.split("\n"), 1):
            yield from (Target(line, match["host"]) for match in form.finditer(each))
    for match in _ACTION.finditer(plain):
        if _TYPE.search(match["body"]):
            found = _TARGET.search(match["body"])
            yield from _told(plain, match.start(), _hosts(found["value"]) if found else [UNTOLD])
    for match in _DRIVER.finditer(plain):
        quoted = re.findall(r"\"([^\"]*)\"", match["body"])
        yield from _told(plain, match.start(), _hosts(quoted[-1]) if quoted else [UNTOLD])


def includes(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and pattern of each file that another one includes."""
    for line, each in enumerate(_without(text, _COMMENT).split("\n"), 1):
        if (match := _INCLUDE.match(each)) is not None:
            yield line, next(filter(None, match.groups()))


def agent_targets(text: str) -> Iterator[Target]:
    """Yield what an agent's settings name as hosts, and that they have another account's role or key."""
    for line, each in enumerate(_without(text, _INI_COMMENT).split("\n"), 1):
        if (account := _ACCOUNT.match(each)) is not None:
            yield Target(line, account["name"], is_account=True)
            continue
        setting, item = _SETTING.match(each), _ITEM.fullmatch(each)
        hosts = [item["host"]] if item else _hosts(setting["value"]) if setting else _of_urls(each)
        yield from (Target(line, host) for host in dict.fromkeys(hosts))


def _hosts(value: str) -> list[str]:
    """Return the hosts that a value names, in URLs or on their own."""
    if found := _of_urls(value):
        return found
    words = [word for word in re.split(r"[\s,\[\]\"'{}]+", re.sub(r"\s#.*", "", value)) if word]
    hosts = [match["host"] if (match := _WORD.fullmatch(word)) else UNTOLD for word in words if not _is_no_host(word)]
    return list(dict.fromkeys(hosts))


def _is_no_host(word: str) -> bool:
    return word.lower() in _NO_HOST or word.startswith(("/", ":")) or word.isdecimal()


def _of_urls(text: str) -> list[str]:
    return [UNTOLD if match["host"] == "$" else match["host"] for match in _URL.finditer(text)]


def _told(text: str, at: int, hosts: list[str]) -> Iterator[Target]:
    yield from (Target(text.count("\n", 0, at) + 1, host) for host in hosts)


def _without(text: str, comment: re.Pattern[str]) -> str:
    """Return the text with empty lines for those that are comments."""
    return "\n".join("" if comment.fullmatch(line) else line for line in text.split("\n"))

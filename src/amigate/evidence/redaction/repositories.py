"""Settings of package repositories: whether what they hold is checked to be signed, and nothing else.

https://dnf.readthedocs.io/en/latest/conf_ref.html, https://manpages.debian.org/sources.list.5,
https://manpages.debian.org/apt-secure.8"""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, decoded, encoded
from amigate.evidence.stanzas import DPKG, stanzas

_SECTION = re.compile(r"\[([\w.:@+ /$-]{1,200})\]\s*(?:[#;].*)?", re.ASCII)
_SWITCH = re.compile(
    r"\s*(enabled|gpgcheck|pkg_gpgcheck|repo_gpgcheck)\s*[=:]\s*(\S{0,20})\s*(?:[#;].*)?", re.IGNORECASE
)
_SWITCHES = {"1": "1", "yes": "1", "true": "1", "on": "1", "0": "0", "no": "0", "false": "0", "off": "0"}
_ONE_LINE = re.compile(r"\s*deb(?:-src)?\s+\[(?P<options>[^\]]*)\]")
_BYPASS = re.compile(r"\b(trusted|allow-insecure|allow-weak)\s*=\s*(yes|true|1|on|with|enable)\b", re.IGNORECASE)
_APT_CONF = re.compile(
    r"\b(AllowUnauthenticated|AllowInsecureRepositories|AllowWeakRepositories|AllowDowngradeToInsecureRepositories)"
    r"\s*\"?\s*(?:yes|true|1|on|with|enable)\b",
    re.IGNORECASE,
)
_FIELDS = ("Trusted", "Allow-Insecure", "Allow-Weak")
_TRUE = re.compile(r"yes|true|1|on|with|enable", re.IGNORECASE)


def rpm_repositories(content: bytes, mac: Mac) -> Kept:
    """Keep sections, and whether they are enabled and checked, of the files of dnf, yum and zypper; by line."""
    del mac
    return Kept(content=encoded("\n".join(map(_ini, decoded(content).split("\n")))))


def apt_sources(content: bytes, mac: Mac) -> Kept:
    """Keep what switches checks off in sources.list(5) of one line each, or of stanzas; by line."""
    del mac
    text = decoded(content)
    lines = [_one_line(line) for line in text.split("\n")]
    for number, name in _of_stanzas(text):
        lines[number] = name
    return Kept(content=encoded("\n".join(lines)))


def apt_conf(content: bytes, mac: Mac) -> Kept:
    """Keep what switches checks off in apt.conf(5), by line."""
    del mac
    lines = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), decoded(content), flags=re.DOTALL).split(
        "\n"
    )
    plain = [re.sub(r"^\s*#.*|//.*", "", line) for line in lines]
    return Kept(content=encoded("\n".join(match[1] if (match := _APT_CONF.search(line)) else "" for line in plain)))


def _ini(line: str) -> str:
    if (section := _SECTION.fullmatch(line)) is not None:
        return f"[{section[1]}]"
    if line.startswith("["):
        return "[?]"
    switch = _SWITCH.fullmatch(line)
    return f"{switch[1].lower()}={_SWITCHES.get(switch[2].lower(), '?')}" if switch else ""


def _one_line(line: str) -> str:
    found = _ONE_LINE.match(line)
    bypass = _BYPASS.search(found["options"]) if found else None
    return bypass[1].lower() if bypass else ""


def _of_stanzas(text: str) -> list[tuple[int, str]]:
    """Return line, from 0, and name of each field that switches a check off in a stanza that is enabled."""
    found: list[tuple[int, str]] = []
    at = 0
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = next(stanzas(stanza, DPKG.strip()), {})
        known = {name.lower(): value for name, value in fields.items()}
        if "types" in known and known.get("enabled", "yes").lower() not in {"no", "false", "0", "off", "without"}:
            for offset, line in enumerate(stanza.split("\n")):
                name, _, value = line.partition(":")
                if name.title() in _FIELDS and _TRUE.fullmatch(value.strip()):
                    found.append((at + offset, name.lower()))
        at += stanza.count("\n") + 2
    return found

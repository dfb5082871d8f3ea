"""cloud-init's configuration: known keys, and the settings that rules judge; every other value is a placeholder.

The document is read as facts read it and written anew in YAML's flow style, each value on the line it had, so that
findings name the right one. Comments are gone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from amigate.check import InconclusiveError
from amigate.evidence.redaction import sudoers
from amigate.evidence.redaction.accounts import password
from amigate.evidence.redaction.cloud_keys import KEYS, MODULES
from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded, placeholder, review_digest
from amigate.evidence.redaction.keys import options
from amigate.evidence.yaml_tree import document

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = "## template:"
"""How a template begins, in capitals or not: its values are those of no machine."""

_MOST_BYTES = 64 * 1024
"""More than any configuration has; YAML takes its time."""
_SWITCH = re.compile(r"true|false|yes|no|on|off|unchanged|[01]", re.IGNORECASE)
_NAME = re.compile(r"[\w.$@+-]{1,64}", re.ASCII)
_NAMES = re.compile(r"[\w.$@+, -]{0,1024}", re.ASCII)
_PATH = re.compile(r"/[\w./-]{1,255}", re.ASCII)
_SOURCE = re.compile(r"[A-Za-z0-9]{1,40}")
_KEY_TYPE = re.compile(r"(?:rsa|dsa|ecdsa|ed25519)(?:-sk)?")
_MODULE = re.compile("|".join(map(re.escape, MODULES)))
_FREQUENCY = "always|once|once-per-instance|per-always|per-once|per-instance"

_SETTINGS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        (
            "allow_public_ssh_keys", "disable_root", "manage_etc_hosts", "manual_cache_clean", "no_ssh_fingerprints",
            "preserve_hostname", "ssh_deletekeys", "ssh_pwauth", "ssh_quiet_keygen",
        ),
        _SWITCH,
    ),
    **dict.fromkeys(
        ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules"),
        re.compile(f"{_MODULE.pattern}|{_FREQUENCY}"),
    ),
    "datasource_list": _SOURCE,
    "ssh_genkeytypes": _KEY_TYPE,
    "users": _NAME,
    "user": _NAME,
}  # fmt: skip
"""What stands at the top and is judged."""
_OF_USER: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        (
            "create_groups", "lock-passwd", "lock_passwd", "no_create_home", "no_user_group", "ssh_redirect_user",
            "system",
        ),
        _SWITCH,
    ),
    "name": _NAME,
    "groups": _NAMES,
    "primary_group": _NAME,
    "shell": _PATH,
}  # fmt: skip
"""What is judged of an account."""
_PASSWORDS = {"passwd", "hashed_passwd"}
REVIEWED = ("bootcmd", "runcmd", "write_files", "power_state", "phone_home")
"""Sections that a person has to have looked at; each gets a digest."""
_FOLDER = ("system_info", "paths", "cloud_dir")
_ACCOUNTS = {("users",), ("user",), ("system_info", "default_user")}
"""Where accounts are described; those of lists stand in the list."""
_NULL, _BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_STRING = "tag:yaml.org,2002:str"


def config(content: bytes, mac: Mac) -> Kept:
    """Keep keys and judged settings; raises UnknownFormError for what is no YAML that facts would read."""
    text = decoded(content)
    if text.lstrip().lower().startswith(TEMPLATE):
        return Kept(content=encoded(f"{TEMPLATE}\n"))
    if len(content) > _MOST_BYTES:
        raise UnknownFormError
    try:
        node, value, _ = document(text, "")
        if node is None:
            return Kept(content=b"")
        writer = _Writer(mac, _shared(node))
        writer.write(node, ())
        sections = {name: value[name] for name in REVIEWED if name in value} if isinstance(value, dict) else {}
        digests = {digest_name(name): review_digest(encoded(repr(each))) for name, each in sections.items()}
    except (InconclusiveError, RecursionError):
        raise UnknownFormError from None
    return Kept(content=encoded("".join(writer.parts) + "\n"), summary=digests)


def digest_name(section: str) -> str:
    """Return under which name the digest of a section is among what is known of a file."""
    return f"digest of {section}"


def _shared(root: yaml.Node) -> set[int]:
    """Return the nodes that more than one place refers to, by identity."""
    seen: set[int] = set()
    shared: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            shared.add(id(node))
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return shared


@dataclass
class _Writer:
    """A document in the making; YAML that reads as the one it was made from."""

    mac: Mac
    shared: set[int]
    parts: list[str] = field(default_factory=list)
    line: int = 0
    anchors: dict[int, str] = field(default_factory=dict)

    def write(self, node: yaml.Node, at: tuple[str, ...] | None) -> None:
        """Write what is kept of `node`, which stands below the keys `at`; None where several places refer to it."""
        if id(node) in self.anchors:
            self.parts.append(f"*{self.anchors[id(node)]} ")
            return
        self._advance(node.start_mark.line)
        if id(node) in self.shared:
            self.anchors[id(node)] = f"a{len(self.anchors)}"
            self.parts.append(f"&{self.anchors[id(node)]} ")
            at = None
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, at)
        elif isinstance(node, yaml.SequenceNode):
            self.parts.append("[")
            for value in node.value:
                self.write(value, at)
                self.parts.append(", ")
            self.parts.append("]")
        elif isinstance(node, yaml.ScalarNode):
            self.parts.append(_scalar(node, at, self.mac))

    def _mapping(self, node: yaml.MappingNode, at: tuple[str, ...] | None) -> None:
        self.parts.append("{")
        for key, value in node.value:
            name = key.value if key.tag == _STRING and key.value in KEYS else placeholder(key.value, self.mac)
            self.parts.append(f"{json.dumps(name)}: ")
            self.write(value, None if at is None else (*at, name))
            self.parts.append(", ")
        self.parts.append("}")

    def _advance(self, line: int) -> None:
        """Go on to the line that a value had."""
        if line < self.line:
            raise UnknownFormError
        self.parts.append("\n" * (line - self.line))
        self.line = line


def _scalar(node: yaml.ScalarNode, at: tuple[str, ...] | None, mac: Mac) -> str:
    text: str = node.value
    if node.tag == _NULL:
        return "null"
    if node.tag == _BOOL:
        return text
    if node.tag == _STRING:
        return json.dumps(_string(text, at, mac) if text else "")
    form = _form(at)
    return text if form is _SWITCH and _SWITCH.fullmatch(text) else json.dumps(placeholder(text, mac))


def _string(text: str, at: tuple[str, ...] | None, mac: Mac) -> str:
    """Return what is kept of a text."""
    if at and at[-1] in _PASSWORDS:
        return password(text, mac)
    if at == ("disable_root_opts",):
        return options(text, mac)
    if at and at[:-1] in _ACCOUNTS and at[-1] == "sudo":
        return sudoers.rule(text, mac)
    if at == ("network", "config") and text == "disabled":
        return text
    form = _form(at)
    return text if form is not None and form.fullmatch(text) else placeholder(text, mac)


def _form(at: tuple[str, ...] | None) -> re.Pattern[str] | None:
    if not at:
        return None
    if at[:-1] in _ACCOUNTS:
        return _OF_USER.get(at[-1])
    if at == _FOLDER:
        return _PATH
    return _SETTINGS.get(at[0]) if len(at) == 1 else None

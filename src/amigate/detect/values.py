"""Values of settings in text of any kind: what is assigned to a name that means a secret, and whether that is one.

One grammar serves ini, YAML, JSON, TOML, properties, shells, PHP and Python, as what is looked for is an assignment in
each: a broken file has no less of a secret in it. No value leaves this file."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = (
    r"[\w.-]{0,60}?(?:pass(?:wor[dt]|wd|phrase|code|(?![a-z]))|pwd|secret|token|api[_.-]?key|apikey|access[_.-]?key"
    r"|auth[_.-]?key|private[_.-]?key|encryption[_.-]?key|master[_.-]?key|licen[cs]e[_.-]?key"
    r"|psk|dsn|connection[_.-]?string)[\w.-]{0,40}"
)
"""What a setting is called that holds a secret."""
_ABOUT = re.compile(
    r"(?:file|path|dir|directory|url|uri|endpoint|host|name|user|username|type|length|len|size|min|max|days?|age|ttl"
    r"|expir\w*|timeout|lifetime|policy|rules?|regex|pattern|prompt|command|cmd|helper|backend|provider|header|field|param"
    r"|enabled?|disabled?|required|allowed|algorithm|scheme|format|encoding|encryption|hash\w*|salt|scope|issuer|audience"
    r"|agent|authentication|auth|login|change\w*|reset|expiry|ref|arn|version|strength|retries|attempts|count|store|mode"
    r"|hint|label|title|text|message|bucket|region|keys?id|id|fingerprint|public|validator|validation|generator|service"
    r"|hasher|hashers|validators|engine|class|module|plugin|handler|method|source|env|var|variable|key[_.-]?name|cookie)s?",
    re.IGNORECASE,
)
"""Last words of names that speak of a secret without holding it."""
_LAST_WORD = re.compile(r"[_.\-]?([A-Za-z]+)\d*$|([A-Z][a-z]+)$")
_VALUE = (
    rb"(?:\"(?P<double>[^\"\r\n]{1,2000})\"|'(?P<single>[^'\r\n]{1,2000})'"
    rb"|(?P<bare>[^\s\"'#;,<>(){}\[\]][^\s\"';,<>(){}]{0,2000}))"
)
_QUOTED = rb"(?:\"(?P<double>[^\"\r\n]{1,2000})\"|'(?P<single>[^'\r\n]{1,2000})')(?P<bare>)"
_BETWEEN = rb"[\"'\]]{0,2}[ \t]{0,40}(?::=|=>|=|:|,(?=[ \t]*[\"']))[ \t]{0,40}"
_PLACEHOLDER = re.compile(
    r"(?i)\$[a-z_]\w*(?:[./\[].*)?|\$+|[\$%@]\(.*|.*\$\{.*|.*\{\{.*|.*%\(.*|%\w|%\w*%|<.*>|\[.*\]|@\w+@"
    r"|!(?:vault|ref|sub|env|env_var|secret|include|getatt|join|importvalue)\b.*|!+|~|-+|[x0*#._-]+"
    r"|.*(?:change[_-]?(?:me|this|it)|example|placeholder|replace[_-]?(?:me|this|with)|your[_-]|my[_-]?(?:pass|secret|token)"
    r"|redacted|dummy|sample|insert[_-]|to[_-]?be[_-]?(?:set|filled)|fixme|todo|not[_-]?kept).*"
    r"|(?:none|null|nil|undefined|unset|true|false|yes|no|on|off|default|auto|optional|required|prompt|ask|empty|string|value"
    r"|md5|sha\d*|bcrypt|scram-sha-256|plain|text|enabled?|disabled?)"
    r"|/(?:etc|run|var|usr|opt|home|root|srv|mnt|tmp|data|dev|proc|sys|bin|app|secrets?|vault|config|path|certs?|keys?)(?:/.*)?"
    r"|\.{1,2}/.*|~/.*|[a-z][a-z+.-]*://(?![^/]*:[^/]*@).*|env[:(.].*|file[:(].*|vault:.*|arn:.*|ssm:.*|enc\[.*"
    r"|os\.(?:environ|getenv).*|getenv.*|process\.env.*|lookup\(.*|secretsmanager.*"
    r"|(?:self|config|settings|args|request|kwargs)\..*"
)
"""Values that stand for one which is not there: variables, words, examples, places."""
_NUMBER = re.compile(r"[\d.]+")
_PURE = re.compile(r"(?i).*(?:pass(?:word|wd|phrase)?|pwd|secret|token|psk)\d*")
_SCHEME = re.compile(rb"[a-zA-Z][a-zA-Z0-9+.-]{1,20}\Z")
_LONGEST_SCHEME = 21
_AUTHORITY = re.compile(rb"://[^\s/:@\"'<>\\]{0,200}:(?P<password>[^\s/@\"'<>\\]{1,500})@[A-Za-z0-9\[]")
_OPTION = re.compile(
    rb"-(?<![^\s\"'=\[,]-)-?(?:[A-Za-z][\w-]{0,40}?)?(?:pass(?:word|wd|phrase)?|secret|token|api-?key|access-?key)"
    rb"(?:=|[ \t]{1,20})(?!-)" + _VALUE
)
_BASIC = re.compile(
    rb"(?i)authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic\s+(?P<basic>[A-Za-z0-9+/]{8,400}={0,2})"
    rb"|(?:bearer|token)\s+(?P<bearer>[\w.~+/-]{20,2000}=*))"
)
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_COMMENT = re.compile(rb"[ \t]*(?:#|;|//(?![\w.-]+/)|--[ \t]|REM\b)")
_MOST = 200_000
"""Assignments of one text that are looked at; a configuration has fewer."""


def plain(content: bytes) -> bytes:
    """Return text in an encoding of ASCII's; what begins as UTF-16 or UTF-32 is written anew in UTF-8."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace").encode("utf-8", "replace")
    return content


def assigned(content: bytes, names: str = NAMES, *, quoted: bool = False) -> Iterator[int]:
    """Yield where secrets are assigned to what `names` (a regular expression) means, outside of comments.

    With `quoted`, only what stands in quotes is a value, as in a program's text."""
    form = re.compile(
        rb"(?i)(?<![\w.-])(?P<name>" + names.encode("ascii") + rb")" + _BETWEEN + (_QUOTED if quoted else _VALUE)
    )
    for count, match in enumerate(form.finditer(content)):
        if count > _MOST:
            return
        name = match["name"].decode("latin-1")
        if (
            (names is not NAMES or holds_secret(name))
            and is_secret(_value(match), name)
            and not _is_comment(content, match.start())
        ):
            yield match.start()


def options(content: bytes) -> Iterator[int]:
    """Yield where an option of a command line is given a secret."""
    for match in _OPTION.finditer(content):
        if is_secret(_value(match)) and not _is_comment(content, match.start()):
            yield match.start()


def urls(content: bytes) -> Iterator[int]:
    """Yield where a URL holds a password or a token."""
    at = content.find(b"://")
    while at >= 0:
        match = _AUTHORITY.match(content, at)
        if match is not None and is_secret(match["password"].decode("latin-1")) and not _is_comment(content, at):
            scheme = _SCHEME.search(content[max(0, at - _LONGEST_SCHEME) : at])
            if scheme is not None:
                yield at - len(scheme[0])
        at = content.find(b"://", at + 3)


def authorizations(content: bytes) -> Iterator[int]:
    """Yield where HTTP's header holds a password or a token."""
    for match in _BASIC.finditer(content):
        if match["bearer"] is not None or _is_basic(match["basic"]):
            yield match.start()


def words(content: bytes, form: str) -> Iterator[int]:
    """Yield where `form`, a regular expression with a group `value`, has a secret in it, outside of comments."""
    for match in re.finditer(form.encode("ascii"), content):
        if is_secret(match["value"].decode("latin-1")) and not _is_comment(content, match.start()):
            yield match.start()


def holds_secret(name: str) -> bool:
    """Whether a setting of this name, in which a word for a secret stands, holds one rather than speaks of one."""
    bare = name.rstrip("._-")
    match = _LAST_WORD.search(bare)
    word = (match[1] or match[2]) if match else bare
    camel = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", word)
    return not _ABOUT.fullmatch(word) and not (len(camel) > 1 and _ABOUT.fullmatch(camel[-1]))


def is_secret(value: str, name: str = "") -> bool:
    """Whether a value is one, and stands for none."""
    text = value.strip().strip("\"'\\").strip()
    if len(text) < 3 or _PLACEHOLDER.fullmatch(text):  # noqa: PLR2004 - no password has two characters
        return False
    return not _NUMBER.fullmatch(text) or not name or _PURE.fullmatch(name) is not None


def _value(match: re.Match[bytes]) -> str:
    return (match["double"] or match["single"] or match["bare"] or b"").decode("latin-1")


def _is_basic(text: bytes | None) -> bool:
    try:
        said = base64.b64decode(text or b"", validate=True)
    except binascii.Error:
        return False
    user, colon, password = said.partition(b":")
    return bool(colon and password) and user.isascii() and is_secret(password.decode("latin-1"))


def _is_comment(content: bytes, at: int) -> bool:
    return _COMMENT.match(content, content.rfind(b"\n", 0, at) + 1, at + 1) is not None

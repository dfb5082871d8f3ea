"""cloud-init's configuration as it stands in the image, merged as cloud-init does, with the origin of each value.

What later files say wins; mappings are merged key by key, lists are replaced.
https://cloudinit.readthedocs.io/en/latest/explanation/configuration.html"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.evidence.redaction.cloud_keys import KEYS
from amigate.evidence.redaction.kept import is_placeholder
from amigate.evidence.yaml_tree import Keys, load
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from amigate.evidence.model import View

MAIN = "/etc/cloud/cloud.cfg"
FOLDER = "/etc/cloud/cloud.cfg.d"
_MORE = Glob(f"{FOLDER}/*.cfg", Keep.CLOUD_CONFIG)
_HIDDEN = Glob(f"{FOLDER}/.*.cfg", Keep.CLOUD_CONFIG)
"""os.listdir hides nothing."""
NEEDS = Needs(first=(ReadFile(MAIN, Keep.CLOUD_CONFIG), _MORE, _HIDDEN))
_MERGERS = ("merge_how", "merge_type")
"""By which a file says that it wants to be merged in another way."""


@dataclass(frozen=True, kw_only=True)
class CloudConfig:
    """The merged configuration. Values can be passwords, so they are not shown and belong into no finding.

    For a key or a value that is not kept stands a placeholder (docs/evidence.md): `walk` and `where` tell that it is
    there, `value` says that it is not known."""

    files: tuple[str, ...]
    """Those read, the one that wins first; empty where the image configures nothing."""
    merged: Mapping[str, Any] = field(repr=False)
    sources: Mapping[Keys, str]
    """The file that each value comes from; what it holds comes from the same file."""
    lines: Mapping[str, Mapping[Keys, int]] = field(repr=False)
    """The line of each value, by file."""
    documents: Mapping[str, Any] = field(repr=False)
    """What each file says by itself, whichever wins."""

    @classmethod
    def read(cls, view: View) -> CloudConfig:
        """Read all files; raises InconclusiveError when one was not seen, or cannot be read safely."""
        merged: dict[str, Any] = {}
        sources: dict[Keys, str] = {}
        lines: dict[str, dict[Keys, int]] = {}
        documents: dict[str, Any] = {}
        main = view.text(MAIN)
        for path in [*_parts(view), *([] if main is None else [MAIN])]:
            documents[path], lines[path] = load_file(view.text(path) or "", path)
            merged = _merged(merged, documents[path], (), sources, path)
        return cls(files=tuple(lines), merged=merged, sources=sources, lines=lines, documents=documents)

    def origin(self, keys: Keys) -> tuple[str, int | None]:
        """Return the file that a value comes from, empty where nothing says it, and the line."""
        for length in range(len(keys), 0, -1):
            if (path := self.sources.get(keys[:length])) is not None:
                return path, self.lines[path].get(keys)
        return "", None

    def value(self, *keys: str | int) -> Any:
        """Return the value that `keys` lead to, None where there is none.

        Raises InconclusiveError for a value that is not kept, and where a key that is not kept might be the one."""
        value: Any = self.merged
        for key in keys:
            match value, key:
                case dict(), str():
                    if key not in value and key not in KEYS and any(map(is_placeholder, value)):
                        raise InconclusiveError(f"{key}: not every key of cloud-init's configuration is kept")
                    value = value.get(key)
                case list(), int() if 0 <= key < len(value):
                    value = value[key]
                case _:
                    return None
        if is_placeholder(value):
            raise InconclusiveError(f"{'.'.join(map(str, keys))}: the value is not kept")
        return value

    def walk(self) -> Iterator[tuple[Keys, Any]]:
        """Yield every value with the keys that lead to it, a mapping before what it holds."""
        yield from _walk(self.merged, ())

    def finding(self, keys: Keys, detail: str) -> Finding:
        """Return the finding that the value at `keys` is what `detail` says; the value itself is not shown."""
        path, line = self.origin(keys)
        return Finding(subject=".".join(map(str, keys)), path=path, line=line, detail=detail)

    def finding_in(self, path: str, keys: Keys, detail: str) -> Finding:
        """Return the same of the value that one file has at `keys`, whether it wins or not."""
        return Finding(subject=".".join(map(str, keys)), path=path, line=self.lines[path].get(keys), detail=detail)

    def where(self, sought: Callable[[Keys, Any], bool], detail: str) -> list[Finding]:
        """Find the values that `sought` says yes to."""
        return [self.finding(keys, detail) for keys, value in self.walk() if sought(keys, value)]


def _parts(view: View) -> list[str]:
    """Return the files of the folder, the one that wins first."""
    found = [*view.glob(_MORE.key), *view.glob(_HIDDEN.key)]
    names = [entry.path for entry in found if entry.kind in (Kind.FILE, Kind.LINK)]
    return sorted(names, key=posixpath.basename, reverse=True)


def load_file(text: str, path: str) -> tuple[dict[str, Any], dict[Keys, int]]:
    """Return what a file says, and the line of each value; raises InconclusiveError where that cannot be told."""
    if text.lstrip().lower().startswith("## template:"):
        raise InconclusiveError(f"{path} is a template, whose values only a running machine has")
    value, lines = load(text, path)
    if value is None:
        return {}, {}
    if not isinstance(value, dict):
        raise InconclusiveError(f"{path} holds no mapping")
    if "conf_d" in value or any(key in value for key in _MERGERS):
        raise InconclusiveError(f"{path} says itself how it is merged, which is not followed here")
    return value, lines


def _merged(
    known: dict[str, Any], more: dict[str, Any], at: Keys, sources: dict[Keys, str], path: str
) -> dict[str, Any]:
    """Add what is not known yet; mappings on both sides are merged, all else stays as it is."""
    merged = dict(known)
    for key, value in more.items():
        keys = (*at, str(key))
        if key not in known:
            merged[key] = value
            sources[keys] = path
        elif isinstance(known[key], dict) and isinstance(value, dict):
            merged[key] = _merged(known[key], value, keys, sources, path)
    return merged


def _walk(value: Any, at: Keys) -> Iterator[tuple[Keys, Any]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, each in items:
        yield (*at, key), each
        yield from _walk(each, (*at, key))

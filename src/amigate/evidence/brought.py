"""Which files are as packages brought them: asked of a running machine, and of a file system at rest.

The raw answer has two kinds of lines, `has DIGEST PATH` and `ships DIGEST PATH`, and only paths of which both say the
same are kept of it. A digest is MD5 (dpkg), SHA-256 (rpm), or apk's `Q1` and SHA-1 in base64."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Run
from amigate.evidence.shipped import MERGED, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.evidence.file_system import FileSystem

MOST_PATHS = 500
"""That are asked for at once; what is asked fits in a command line."""
_LINE = re.compile(r"(has|ships) (\S{10,100}) (/.{1,4095})")
_CAP_BYTES = 64 * 1024
"""Of a file that is compared at rest."""

# Digests of the wanted files, then what each manager's lists have; a list names a file by its path without the slash,
# and some without /usr.
_COMMAND = r"""set -- {paths}
w=$(printf '%s\n' "$@" | sed 's|^/||; s|^usr/||')
for s in md5sum sha256sum sha1sum; do
  if command -v $s >/dev/null; then $s -- "$@" 2>/dev/null | sed 's/^\([0-9a-f]*\) [ *]/has \1 /'; fi
done
if [ -d /var/lib/dpkg/info ]; then
  cat /var/lib/dpkg/info/*.md5sums | grep -F -e "$w" | sed 's|^\([0-9a-f]*\)  |ships \1 /|'
  grep '^ /' /var/lib/dpkg/status | grep -F -e "$w" | sed 's| obsolete$||; s|^ \(/.*\) \([0-9a-f]*\)$|ships \2 \1|'
fi
for d in /lib/apk/db/installed /usr/lib/apk/db/installed; do
  if [ -f $d ]; then
    awk '{{v = substr($0, 3)}} /^F:/ {{d = v}} /^R:/ {{f = d "/" v}} /^Z:/ {{print "ships " v " /" f}}' $d |
      grep -F -e "$w"
  fi
done
m=$(IFS=:; for d in $PATH; do if [ -x "$d/rpm" ]; then echo "$d/rpm"; break; fi; done)
if [ -n "$m" ]; then
  "$m" -qf --qf '[ships %{{FILEDIGESTS}} %{{FILENAMES}}\n]' -- "$@" 2>/dev/null | grep -F -e "$w"
fi
exit 0"""


@dataclass(frozen=True)
class Brought(Run):
    """Asks which of `paths` are as a package brought them."""

    paths: tuple[str, ...] = ()


def brought(paths: Sequence[str]) -> Brought:
    """Return the question for `paths`, of which no more than MOST_PATHS are asked for."""
    wanted = tuple(sorted(set(paths)))[:MOST_PATHS]
    known = hashlib.sha256("\0".join(wanted).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    command = _COMMAND.format(paths=" ".join(map(shlex.quote, wanted)))
    return Brought(
        f"files as packages brought them {known}", command, Keep.BROUGHT, cap_bytes=2 * 1024 * 1024, paths=wanted
    )


def at_rest(files: FileSystem, paths: Sequence[str]) -> str:
    """Return the raw answer for a file system at rest; rpm's database is not read there."""
    lines = [f"ships {digest} {path}" for path, digest in listed(files, paths)]
    for path in paths:
        with suppress(OSError):
            content = files.read(path, _CAP_BYTES + 1)
            if len(content) <= _CAP_BYTES:
                lines += [f"has {digest} {path}" for digest in _digests(content)]
    return "".join(f"{line}\n" for line in lines if "\n" not in line)


def _digests(content: bytes) -> Iterator[str]:
    for name in ("md5", "sha1"):
        yield hashlib.new(name, content, usedforsecurity=False).hexdigest()


def same(text: str) -> list[str]:
    """Return the paths of which a raw answer says that they are as a package brought them, sorted."""
    has: dict[str, set[str]] = {}
    ships: dict[str, set[str]] = {}
    for line in text.split("\n"):
        if (match := _LINE.fullmatch(line)) is not None:
            (has if match[1] == "has" else ships).setdefault(match[3], set()).add(_hexadecimal(match[2]))
    known = {MERGED.sub("", path, count=1): digests for path, digests in ships.items()}
    return sorted(path for path, digests in has.items() if digests & known.get(MERGED.sub("", path, count=1), set()))


def _hexadecimal(digest: str) -> str:
    """Return a digest in hexadecimal; apk's is `Q1` and base64."""
    if digest.startswith("Q1"):
        with suppress(ValueError):
            return base64.b64decode(digest[2:], validate=True).hex()
    return digest.lower()

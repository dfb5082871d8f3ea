"""Changing the machine for real, and putting a failed step's changes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.errors import ConnectionFailedError, HardenError
from amigate.evidence.model import Kind
from amigate.evidence.script import quote
from amigate.harden.builder import Builder, Log
from amigate.harden.machine import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Entry
    from amigate.harden.machine import Machine

# $1 path, $2 size, $3 mode, $4 owner. A file is written under another name in its own folder and renamed once it is
# complete; a connection that breaks leaves fewer bytes than were announced, and then nothing is renamed.
_WRITE = r"""
set -eu
p=$1 size=$2 mode=$3 owner=$4
if [ -L "$p" ] && [ "$(stat -c %u "$p")" = 0 ]; then p=$(readlink -f "$p"); fi
if [ -f "$p" ] && [ ! -L "$p" ]; then
  mode=${mode:-$(stat -c %a "$p")}
  owner=${owner:-$(stat -c %u:%g "$p")}
fi
umask 077
t=$(mktemp "${p%/*}/.amigate.XXXXXX")
trap 'rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$t"
if [ "$(wc -c <"$t")" -ne "$size" ]; then echo 'the content did not arrive in full' >&2; exit 1; fi
chown "${owner:-0:0}" "$t"
chmod "${mode:-644}" "$t"
labelled() { command -v selinuxenabled >/dev/null 2>&1 && selinuxenabled; }
if [ -e "$p" ] && labelled; then chcon --reference="$p" "$t"; fi
mv -f "$t" "$p"
if labelled && command -v restorecon >/dev/null 2>&1; then restorecon "$p"; fi
"""


class Applier(Builder):
    """Changes the machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._undo: list[Callable[[], None]] = []
        self._repeat: list[tuple[str, str]] = []

    def verify(self, check: Callable[[], None]) -> None:
        """Call `check`."""
        check()

    def prove_login(self) -> None:
        """Log in on a second connection, if anything was changed; raises HardenError where that fails."""
        if not self.log.changes:
            return
        try:
            self.machine.prove_login()
        except ConnectionFailedError as error:
            raise HardenError(f"a new login failed after the change: {error}") from error

    def roll_back(self) -> None:
        """Put back the files, last change first, then repeat the commands that ask for it.

        Raises HardenError naming what could not be put back; the rest is."""
        failed = []
        self.forget()
        actions = [*reversed(self._undo), *(lambda r=r: self._do(*r) for r in self._repeat)]
        self._undo, self._repeat = [], []
        for action in actions:
            try:
                action()
            except HardenError as error:
                failed.append(str(error))
        if failed:
            raise HardenError(f"not everything could be put back: {'; '.join(failed)}")

    def keep(self) -> Log:
        """End a step: what it did can no longer be rolled back."""
        self._undo, self._repeat = [], []
        return super().keep()

    def _write(
        self, path: str, content: str, mode: int | None, owner: tuple[int, int] | None, old: Entry | None
    ) -> None:
        self._undo.append(lambda: self._restore(path, old))
        self._put(path, content.encode("utf-8", "surrogateescape"), mode, owner)

    def _remove(self, path: str, old: Entry) -> None:
        self._undo.append(lambda: self._restore(path, old))
        self._do(f"removing {path}", f"rm -f -- {_quoted(path)}")

    def _run(self, title: str, script: str, *, repeat: bool) -> None:
        if repeat:
            self._repeat.append((title, script))
        self._do(title, script)

    def _restore(self, path: str, old: Entry | None) -> None:
        self.forget()
        if _same(self.entry(path), old):
            return
        if old is None:
            self._do(f"removing {path}", f"rm -f -- {_quoted(path)}")
        elif old.kind is Kind.LINK and old.uid != 0:
            self._do(f"putting back {path}", f"ln -sfn -- {_quoted(old.target)} {_quoted(path)}")
        elif old.kind is Kind.LINK:  # it was followed; what it leads to keeps mode and owner
            self._put(path, old.content or b"", None, None)
        else:
            self._put(path, old.content or b"", old.mode, (old.uid, old.gid))

    def _put(self, path: str, data: bytes, mode: int | None, owner: tuple[int, int] | None) -> None:
        words = (
            _quoted(path),
            str(len(data)),
            "''" if mode is None else f"{mode:o}",
            "''" if owner is None else f"{owner[0]}:{owner[1]}",
        )
        expect(self.machine.execute(f"set -- {' '.join(words)}\n{_WRITE}", data), f"writing {path}")

    def _do(self, title: str, script: str) -> None:
        expect(self.machine.execute(script), title)


def _quoted(path: str) -> str:
    try:
        return quote(path)
    except ValueError as error:
        raise HardenError("a path on the machine cannot be named in a shell") from error


def _same(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return one is other
    facts = ((e.kind, e.mode, e.uid, e.gid, e.target, e.content) for e in (one, other))
    return next(facts) == next(facts)

"""The collector: one self-contained POSIX sh script per round of questions.

It needs a POSIX shell with `head`, `wc`, `cat` and `stat` (dash, busybox ash, bash; no python, gzip or mktemp), and
streams back frames: a header line with lengths, then exactly that many bytes. Grammar, one line each:

    amigate/1 NONCE UID             the collector runs, as this user
    E ID PATH META TARGET CONTENT   an entry: lengths of what follows; META is `stat`'s words, CONTENT -1 for none
    A ID                            the path is absent: whoever looked could look, and the kernel says so
    U ID WORD                       it could not be seen: WORD says why
    G ID COUNT                      all matches of a pattern have been sent
    C ID EXIT STDOUT STDERR         a command's answer: exit code, lengths of what follows
    END NONCE                       the round is complete
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, assert_never

from amigate.evidence.questions import Glob, Question, ReadFile, Run, Search

if TYPE_CHECKING:
    from collections.abc import Sequence

GLOB_LIMIT = 5000
"""Most matches of one pattern that are sent."""

GLOB_MEMORY_KIB = 128 * 1024
"""Most memory that the shell may take to expand one pattern: a million names fit, and no machine is brought down."""

FOLDERS = ("/dev/shm", "/run", "/tmp", "/var/tmp")  # noqa: S108 - in each a folder of our own, or none
"""Where answers are written down before they are sent."""

ROOM_BYTES = 2 * 1024 * 1024
"""What a folder must have room for, to be chosen for the answers; a tmpfs comes first, so that no disk is written."""

_MARKS = {
    "GLOB_MEMORY": str(GLOB_MEMORY_KIB),
    "ROOM": str(ROOM_BYTES),
    "FOLDERS": " ".join(FOLDERS),
    "MANY": "20",  # matches; more of them do not wait
    "LARGE": "4096",  # bytes; a larger answer does not wait
}

SHELL = (
    "/bin/sh -c 'PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin; export PATH; "
    'if [ "$(id -u)" = 0 ]; then exec /bin/sh; fi; sudo -n /bin/sh || echo amigate-no-root\' || echo amigate-no-shell'
)
"""The command line that opens a root shell reading its script from standard input; nothing shows in argv.

The login shell may be any, csh and fish among them."""

NO_ROOT = b"amigate-no-root"
NO_SHELL = b"amigate-no-shell"

# e ID CAP PATH: an entry. A path is absent only if its nearest existing ancestor could be searched and `stat` says
# that it is not there, rather than that it could not tell (a FUSE mount, an input/output error).
# g ID CAP PATTERN: a pattern, expanded by the shell; m ID CAP FOLDER MATCH...: what came of that.
# c ID SECONDS CAP BLOCKS TEXT: a command, which can raise how much it may write. Each has files of its own, which a
# daemon that it leaves behind may go on writing to; where the folder is full afterwards, they may be short.
# z FILE...: send what waits in $b, then the files. Frames wait there where they may, as each write is a packet.
_FUNCTIONS = r"""
umask 077
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin${PATH:+:$PATH}
export LC_ALL PATH
t= b= why=no-room
trap 'rm -rf "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
for d in @FOLDERS@; do
  d=$d/.amigate-@NONCE@
  if ! mkdir -m 700 "$d" 2>/dev/null; then continue; fi
  t=$d
  if head -c @ROOM@ /dev/zero 2>/dev/null >"$t/c"; then
    w=$(wc -c <"$t/c")
    if [ "$((w))" = @ROOM@ ]; then why=; : >"$t/c"; break; fi
  fi
  rm -rf "$t"
done
w=$(printf 'two\nlines\n' | head -c 5 | cat | wc -c)
if [ "$((w))" != 5 ] || ! stat -c %f / >/dev/null 2>&1; then why=no-tools; fi
limit= gone=/
if timeout -s KILL 5 /bin/sh -c : 2>/dev/null; then limit=y; fi
z() {
  if [ -s "$b" ]; then cat "$b" "$@" >&3; : >"$b"; elif [ $# -gt 0 ]; then cat "$@" >&3; fi
}
e() {
  if [ ! -e "$3" ] && [ ! -L "$3" ]; then
    case "$3" in "$gone" | "$gone"/*) echo "A $1"; return ;; esac
    a=$3 f=$3
    while [ -n "$a" ] && [ ! -e "$a" ] && [ ! -L "$a" ]; do f=$a a=${a%/*}; done
    if [ -d "$a/" ] && [ ! -x "$a/" ]; then echo "U $1 unsearchable"; return; fi
    case $(stat "$f" 2>&1 >/dev/null) in
      *': No such file or directory' | *': Not a directory') gone=$f; echo "A $1" ;;
      *) echo "U $1 unsearchable" ;;
    esac
    return
  fi
  if ! m=$(stat -c '%f %u %g %s %Y' "$3" 2>/dev/null); then echo "U $1 no-stat"; return; fi
  l=
  if [ -L "$3" ]; then l=$(readlink "$3"; echo .); l=${l%??}; fi
  n=-1
  if [ "$2" -gt 0 ] && [ -f "$3" ]; then
    if head -c $(($2 + 1)) <"$3" >"$t/c" 2>/dev/null; then n=$(($(wc -c <"$t/c"))); fi
  fi
  printf '%s %s %s %s %s %s\n%s%s%s' E "$1" ${#3} ${#m} ${#l} $n "$3" "$m" "$l"
  if [ $n -gt 0 ]; then z "$t/c"; fi
  : >"$t/c"
}
g() {
  d=${3%%[*?]*}
  d=${d%/*}
  ( ulimit -v @GLOB_MEMORY@; IFS=; m "$1" "$2" "${d:-/}" $3 ) || echo "U $1 too-many"
}
m() {
  i=$1 k=$2 d=$3
  shift 3
  if [ -d "$d" ] && { [ ! -r "$d" ] || [ ! -x "$d" ]; }; then echo "U $i unreadable"; return; fi
  if [ $# -gt @GLOB_LIMIT@ ]; then echo "U $i too-many"; return; fi
  for p do
    if [ -e "$p" ] || [ -L "$p" ]; then e "$i" "$k" "$p"; fi
  done
  echo "G $i $#"
  if [ $# -gt @MANY@ ]; then z; fi
}
r() {
  ulimit -Sf "$2"
  if [ -n "$limit" ]; then exec timeout -s KILL "$1" /bin/sh -c "$3"; fi
  exec /bin/sh -c "$3"
}
c() {
  i=$1 k=$3 p=$t/o$1 q=$t/e$1 y=1
  z
  if [ -n "$limit" ]; then
    ( r "$2" "$4" "$5" ) >"$p" 2>"$q" 3>&- </dev/null
    r=$?
  else
    ( r "$2" "$4" "$5" ) >"$p" 2>"$q" 3>&- </dev/null &
    x=$!
    ( sleep "$2"; kill -9 $x ) >/dev/null 2>&1 3>&- </dev/null &
    w=$!
    wait $x
    r=$?
    kill $w 2>/dev/null
  fi
  if ! echo room 2>/dev/null >"$t/r"; then echo "U $i no-room"; : >"$p" >"$q"; return; fi
  o=0 f=0
  if [ -s "$p" ]; then o=$(($(wc -c <"$p"))); fi
  if [ -s "$q" ]; then f=$(($(wc -c <"$q"))); fi
  if [ $o -gt "$k" ]; then o=$((k + 1)); fi
  if [ $f -gt "$k" ]; then f=$((k + 1)); fi
  echo "C $i $r $o $f"
  if [ $((o + f)) -gt @LARGE@ ]; then z; y=3; fi
  if [ $o -gt 0 ]; then head -c $o "$p" >&$y; fi
  if [ $f -gt 0 ]; then head -c $f "$q" >&$y; fi
  : >"$p" >"$q"
}
printf '\namigate/1 @NONCE@ %s\n' "$(id -u)"
exec 3>&1
"""


def script(questions: Sequence[Question], nonce: str, *, killed: Sequence[str] = (), together: bool = False) -> str:
    """Return the script that answers `questions`, numbered from 0; ASCII only, whatever the paths hold.

    `killed` are the nonces of earlier rounds whose shell may not have cleaned up after itself. `together`: answers
    may wait for others, so what is missing when the shell ends or hangs does not say which question did it. Raises
    ValueError for a question that sh cannot be asked."""
    marks = _MARKS | {"NONCE": nonce, "GLOB_LIMIT": str(GLOB_LIMIT)}
    functions = re.sub(r"@([A-Z_]+)@", lambda mark: marks[mark[1]], _FUNCTIONS)
    left = " ".join(f"{folder}/.amigate-{each}" for each in killed for folder in FOLDERS)
    body = "\n".join(_line(number, question) for number, question in enumerate(questions))
    none = "\n".join(f'echo "U {number} $why"' for number in range(len(questions)))
    # The braces make the shell read it all before it runs any of it, and a subshell keeps a round's traps its own.
    return f"""\
({f"rm -rf {left}" if left else ""}{functions}
if [ -z "$why" ]; then
{'b=$t/b; exec >>"$b"' if together else ""}
{body}
else
{none}
fi
echo "END {nonce}"
z
)
"""


def quote(text: str) -> str:
    """Quote for sh; bytes outside printable ASCII are written as octal escapes for printf.

    Raises ValueError for what sh cannot be handed: a NUL, or a line feed at the end."""
    raw = text.encode("utf-8", "surrogateescape")
    if b"\0" in raw or raw.endswith(b"\n"):
        raise ValueError("not expressible in sh")
    if all(0x20 <= byte < 0x7F for byte in raw):  # noqa: PLR2004 - printable ASCII
        return shlex.quote(text)
    octal = "".join(f"\\{byte:03o}" for byte in raw)
    return f"\"$(printf '{octal}')\""


def _line(number: int, question: Question) -> str:
    match question:
        case ReadFile(path):
            return f"e {number} {question.wanted_bytes} {quote(path)}"
        case Glob(pattern):
            return f"g {number} {question.wanted_bytes} {quote(_expandable(pattern))}"
        case Run():
            blocks = question.cap_bytes // 512 + 2
            return f"c {number} {question.timeout_s} {question.cap_bytes} {blocks} {quote(question.command)}"
        case Search():
            raise ValueError("files are searched at rest, and nowhere else")
        case _:
            assert_never(question)


def _expandable(pattern: str) -> str:
    """Return the pattern, which the shell expands without splitting it; only its wildcards mean anything.

    Brackets and backslashes are refused: sh, glob(3) and we would have to read them alike to the last corner, or a
    file that one of us does not match counts as absent.
    """
    if re.search(r"[\[\\]", pattern):
        raise ValueError("only * and ? are wildcards")
    return pattern

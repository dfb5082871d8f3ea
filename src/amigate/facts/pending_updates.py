"""The security updates that a running machine has not installed, by its own package manager and fresh lists.

Lists and caches go to a folder of their own, so nothing of the machine changes. A manager that could not refresh its
lists knows of no update: whatever it says then is not believed (docs/evidence.md has what is kept)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View

_FAILURES = {
    3: "its lists could not be refreshed",
    4: "it does not say what it would install",
    5: "its repositories do not tell security updates from others",
    98: "the machine has no room for its lists",
    99: "no package manager is known here that could be asked",
}
# apt-get ends well where it could not fetch: its warnings tell. What is held is pending all the same. dnf and yum end
# with 100 where there are updates, and with 0 where they passed over a repository; so does apk without repositories.
# Lists and caches are larger than the files that a question may write, so that limit is raised.
UPDATES = Run(
    "pending security updates",
    r"""ulimit -Sf "$(ulimit -Hf)"
t=$(mktemp -d) || exit 98
trap 'rm -rf "$t"' EXIT
l=
if command -v timeout >/dev/null; then l='timeout -k 5 90'; fi
if command -v apt-get >/dev/null; then
  mkdir -p "$t/lists/partial" "$t/cache/archives/partial" || exit 98
  set -- -o "Dir::State::Lists=$t/lists" -o "Dir::Cache=$t/cache" -o Acquire::Retries=0 -o Acquire::http::Timeout=20 \
    -o Acquire::https::Timeout=20 -o APT::Sandbox::User=root -o APT::Ignore-Hold=true -o Debug::NoLocking=1
  $l apt-get "$@" -q update >"$t/said" 2>&1 || exit 3
  if grep -qE '^(W|E|Ign)' "$t/said"; then exit 3; fi
  apt-get "$@" indextargets --format '$(RELEASE) $(SITE)' | grep -qi security || exit 5
  apt-get "$@" -s dist-upgrade >"$t/list" 2>/dev/null || exit 4
  sed -n 's/^Inst \([^ ]*\) [^(]*(\([^ ]*\) \([^)]*\).*/\3 \1 \2/p' "$t/list" |
    awk 'tolower($0) ~ /security/ {print "pending", $(NF - 1), $NF}'
  echo 'asked apt'
elif command -v dnf >/dev/null; then
  set -- -q -y --setopt="cachedir=$t" --setopt=timeout=20 --setopt=retries=1 --setopt='*.skip_if_unavailable=0'
  if grep -q '^PLATFORM_ID="platform:al2023"' /etc/os-release; then set -- "$@" --releasever=latest; fi
  $l dnf "$@" check-update >"$t/said" 2>&1
  r=$?
  if grep -qiE '^(ignoring repo|failed to |errors? )' "$t/said"; then exit 3; fi
  if [ $r = 100 ]; then
    dnf "$@" updateinfo list --all 2>/dev/null | grep -q . || exit 5
    dnf "$@" updateinfo list --security >"$t/list" 2>/dev/null || exit 4
    awk 'NF >= 3 {print "pending", $3}' "$t/list" | sort -u
  elif [ $r != 0 ]; then exit 3; fi
  echo 'asked dnf'
elif command -v yum >/dev/null; then
  set -- -q -y --setopt="cachedir=$t" --setopt=timeout=20 --setopt='*.skip_if_unavailable=0'
  $l yum "$@" --security check-update >"$t/list" 2>&1
  r=$?
  if grep -qE 'failure: |\[Errno ' "$t/list"; then exit 3; fi
  if [ $r = 100 ]; then
    echo 'pending updates'
    sed -n 's/^\([^ ]*\)\.[a-z0-9_]*  *\([^ ]*\)  *[^ ]*$/pending \1 \2/p' "$t/list"
  elif [ $r != 0 ]; then exit 3; fi
  echo 'asked yum'
elif command -v zypper >/dev/null; then
  $l zypper -n --cache-dir "$t" refresh >/dev/null 2>&1 || exit 3
  zypper -n --cache-dir "$t" --no-refresh list-patches -g security >"$t/list" 2>/dev/null || exit 4
  awk -F'|' '$3 ~ /security/ {gsub(/ /, "", $2); print "pending", $2}' "$t/list"
  echo 'asked zypper'
elif command -v apk >/dev/null; then
  $l apk --no-cache search -q -x apk-tools 2>/dev/null | grep -q . || exit 3
  $l apk --no-cache version -l '<' >"$t/list" 2>"$t/said" || exit 3
  if grep -qE 'WARNING|ERROR' "$t/said" "$t/list"; then exit 3; fi
  sed -n 's/^\([^ ]*\)  *<  *\([^ ]*\)$/pending \1 \2/p' "$t/list"
  echo 'asked apk'
else exit 99; fi""",
    Keep.PACKAGES,
    timeout_s=150,
)
NEEDS = Needs(first=(UPDATES,))
_MOST = 100


@dataclass(frozen=True, kw_only=True)
class PendingUpdates:
    """What the manager would install."""

    manager: str
    packages: tuple[tuple[str, str], ...]
    """Name and version of each; apk does not tell which are for security, so there it is all of them."""

    @classmethod
    def read(cls, view: View) -> PendingUpdates:
        """Take the manager's answer; raises InconclusiveError where it could not refresh, or was not asked."""
        answer = view.answer(UPDATES.key)
        if answer.exit_code != 0:
            why = _FAILURES.get(answer.exit_code, "it broke off")
            raise InconclusiveError(f"the package manager was asked in vain: {why}")
        lines = [line.split(" ") for line in answer.text.split("\n") if line]
        managers = [words[1] for words in lines if words[0] == "asked"]
        if len(managers) != 1 or not all(words[0] in {"asked", "pending"} for words in lines):
            raise InconclusiveError("the package manager answered in a form that is not known here")
        pending = {(words[1], words[2] if len(words) > 2 else "") for words in lines if words[0] == "pending"}  # noqa: PLR2004 - a version
        return cls(manager=managers[0], packages=tuple(sorted(pending)))

    def findings(self) -> list[Finding]:
        """Find the first hundred of them."""
        return [
            Finding(subject=name, detail=f"a security update is pending{f': {version}' if version else ''}")
            for name, version in self.packages[:_MOST]
        ]

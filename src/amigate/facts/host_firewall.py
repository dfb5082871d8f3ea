"""Whether a running machine filters what comes in, and what its kernel is set to, by their own effective state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.evidence.model import View

# Of rules, those that take part in what comes in: dropping, or jumping to where something may be dropped.
FIREWALL = Run(
    "host firewall",
    r"""if command -v firewall-cmd >/dev/null; then
  echo "firewalld $(firewall-cmd --state 2>/dev/null | head -n 1 | tr -cd 'a-z -' | head -c 40)"
fi
if command -v nft >/dev/null; then
  if l=$(nft list ruleset 2>/dev/null); then
    echo "nft $(echo "$l" | awk '/^[[:space:]]*chain/ {i = 0} /hook input/ {i = 1}
      i && /policy drop|[^a-z](drop|reject|jump|goto)([^a-z]|$)/ {n++} END {print n + 0}')"
  else echo 'nft error'; fi
fi
for t in iptables ip6tables; do
  if command -v $t >/dev/null; then
    if l=$($t -S INPUT 2>/dev/null); then
      echo "$t $(echo "$l" | grep -cE -e '^-P INPUT DROP|^-A INPUT .*-j')"
    else echo "$t error"; fi
  fi
done""",
    Keep.PACKAGES,
)
SYSCTLS: Mapping[str, tuple[int, ...]] = {
    "fs.protected_hardlinks": (1,),
    "fs.protected_symlinks": (1,),
    "kernel.dmesg_restrict": (1,),
    "kernel.kptr_restrict": (1, 2),
    "kernel.randomize_va_space": (2,),
    "kernel.yama.ptrace_scope": (1, 2, 3),
    "net.ipv4.conf.all.accept_redirects": (0,),
    "net.ipv4.conf.all.accept_source_route": (0,),
    "net.ipv4.conf.all.rp_filter": (1, 2),
    "net.ipv4.conf.all.secure_redirects": (0,),
    "net.ipv4.conf.all.send_redirects": (0,),
    "net.ipv4.icmp_echo_ignore_broadcasts": (1,),
    "net.ipv4.ip_forward": (0,),
    "net.ipv4.tcp_syncookies": (1,),
    "net.ipv6.conf.all.accept_redirects": (0,),
    "net.ipv6.conf.all.accept_source_route": (0, -1),
}
"""What is asked for, with the values that harden: https://github.com/dev-sec/linux-baseline."""
_OPTIONAL = "net.ipv6."
"""Not there where IPv6 is switched off."""
VALUES = Run(
    "values of sysctl",
    "cd /proc/sys || exit 1; for n in "
    + " ".join(SYSCTLS)
    + '; do p=$(echo $n | tr . /); if [ -r $p ]; then echo "sysctl $n $(cat $p)"; else echo "absent $n"; fi; done',
    Keep.PACKAGES,
)
NEEDS = Needs(first=(FIREWALL, VALUES))


@dataclass(frozen=True, kw_only=True)
class HostFirewall:
    """What filters and settings say of themselves."""

    states: Mapping[str, str]
    """Of firewalld its state; of nft, iptables and ip6tables how many rules take part in what comes in, or `error`."""
    values: Mapping[str, str]
    """Of sysctl; what the kernel does not have is not in it."""

    @classmethod
    def read(cls, view: View) -> HostFirewall:
        """Take the machine's answers; raises InconclusiveError where it was not asked, as at rest."""
        firewall, values = view.answer(FIREWALL.key), view.answer(VALUES.key)
        if firewall.exit_code != 0 or values.exit_code != 0:
            raise InconclusiveError("the machine does not tell its firewall and its settings")
        states = dict(line.split(" ", 1) for line in firewall.text.split("\n") if " " in line)
        lines = [line.split(" ") for line in values.text.split("\n")]
        return cls(states=states, values={words[1]: words[2] for words in lines if words[0] == "sysctl"})

    def firewall_faults(self) -> list[Finding]:
        """Find that nothing filters what comes in; raises InconclusiveError where a filter did not tell."""
        if self.states.get("firewalld") == "running" or any(_count(each) > 0 for each in self.states.values()):
            return []
        broken = [name for name, state in self.states.items() if state == "error"]
        if broken:
            raise InconclusiveError(f"{broken[0]} does not tell its rules")
        return [
            Finding(subject="host firewall", detail="no rule of firewalld, nftables or iptables filters what comes in")
        ]

    def sysctl_faults(self, wanted: object) -> list[Finding]:
        """Find the settings that have none of the values `wanted` of them.

        Raises InconclusiveError for what cannot be told, and where nothing was found besides."""
        if not isinstance(wanted, dict) or not wanted.keys() <= SYSCTLS.keys():
            raise InconclusiveError(f"the setting sysctl names what is not asked for: it may have {', '.join(SYSCTLS)}")
        found = [
            Finding(subject=name, detail=f"it is {self.values[name]}, and should be {' or '.join(map(str, allowed))}")
            for name, allowed in ((name, _listed(value)) for name, value in wanted.items())
            if name in self.values and self.values[name] not in map(str, allowed)
        ]
        missing = [name for name in wanted if name not in self.values and not name.startswith(_OPTIONAL)]
        if missing and not found:
            raise InconclusiveError(f"{missing[0]} could not be read")
        return found


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0

"""Who may become root, who is trusted and where accounts come from: the same answer live and at rest."""

from __future__ import annotations

from typing import Any

from amigate.check import AnswerError, InconclusiveError
from amigate.facts import host_trust, remote_identities, root_grants
from amigate.facts.host_trust import HostTrust
from amigate.facts.remote_identities import RemoteIdentities
from amigate.facts.root_grants import RootGrants

SUDOERS = "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"


def both(root: Any, fact: Any, needs: Any) -> Any:
    """Return the fact as it is read of a running machine, which is as it is read at rest."""

    def answer(view: Any) -> Any:
        try:
            return fact.read(view)
        except AnswerError as error:
            return type(error)

    live, at_rest = map(answer, root.both(needs))
    assert live == at_rest
    return live


def test_root_grants(root: Any) -> None:
    root.write("/etc/sudoers", SUDOERS, 0o440)
    root.write("/etc/sudoers.d/eve", "eve ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    root.write("/etc/doas.conf", "permit nopass eve cmd /bin/sh args -c\ndeny \\\n  bob\n")
    root.write("/etc/doas.d/x.conf", "permit :wheel\n")
    found = both(root, RootGrants, root_grants.NEEDS)
    assert [(each.path, each.line, each.rule.who) for each in found.doas] == [
        ("/etc/doas.conf", 1, "eve"),
        ("/etc/doas.conf", 2, "bob"),
        ("/etc/doas.d/x.conf", 1, ":wheel"),
    ]
    assert [(each.path, each.line) for each in found.to_others_than({"root"}, without_password={"root"})] == [
        ("/etc/sudoers.d/eve", 1),
        ("/etc/doas.conf", 1),
        ("/etc/doas.d/x.conf", 1),
    ]
    root.write("/etc/sudoers.d/loop", "@include /etc/sudoers\n")
    assert both(root, RootGrants, root_grants.NEEDS) is InconclusiveError


def test_host_trust(root: Any) -> None:
    root.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1:1::/home/bob/:/bin/sh\ngone:x:2:2::/gone:/bin/sh\n")
    root.write("/etc/hosts.equiv", "")
    root.write("/srv/trusted", "+\n")
    root.link("/home/bob/.shosts", "../../srv/trusted")
    root.link("/root/.rhosts", "/dev/null")
    assert [each.path for each in both(root, HostTrust, host_trust.NEEDS).files] == ["/home/bob/.shosts"]
    root.link("/etc/ssh/shosts.equiv", "shosts.equiv")
    assert both(root, HostTrust, host_trust.NEEDS) is InconclusiveError


def test_where_accounts_come_from(root: Any) -> None:
    root.write("/etc/nsswitch.conf", "# x\npasswd:  files sss [NOTFOUND=return] winbind\nhosts: files dns\n")
    root.write("/etc/sssd/conf.d/a.conf", "[domain/a]\n id_provider = ad\n", 0o600)
    found = both(root, RemoteIdentities, remote_identities.NEEDS)
    assert [(each.path, each.line) for each in found.sources] == [
        ("/etc/nsswitch.conf", 2),
        ("/etc/sssd/conf.d/a.conf", 2),
    ]

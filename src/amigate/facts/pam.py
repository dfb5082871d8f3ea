"""Whether PAM's stacks ask who somebody is, as they lie in an image at rest.

https://man7.org/linux/man-pages/man5/pam.d.5.html. Files of packages and of authselect are not compared byte by byte:
pam-auth-update and authselect write them anew on each machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.pam_grammar import Statement, statements
from amigate.evidence.questions import Glob, Needs
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_FOLDERS = (*(Glob(f"{folder}/*", Keep.PAM) for folder in ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")),)
"""The first that has a file of a name counts."""
_NO_SERVICE = re.compile(r".*(?:~|\.(?:bak|old|orig|pam-old|rpmnew|rpmsave|rpmorig|dpkg-[a-z]+))")
"""No program is called so."""
_GREETERS = re.compile(r"(?:gdm|lightdm|sddm|xdm|greetd)\b.*")
"""Display managers, whose greeter is itself a session without a user."""
_ENDS_WELL = re.compile(r"sufficient|binding|\[(?:.* )?(?:success|default)=(?:done|[1-9]\d*)(?: .*)?\]")
_ENDS = re.compile(r"sufficient|binding|\[(?:.* )?(?:success|default)=done(?: .*)?\]")
_PERMIT, _SUCCEED_IF, _EXEC = "pam_permit.so", "pam_succeed_if.so", "pam_exec.so"
_ASKS_NOTHING = {
    _PERMIT, "pam_env.so", "pam_faildelay.so", "pam_group.so", "pam_issue.so", "pam_keyinit.so", "pam_nologin.so",
    "pam_securetty.so", "pam_warn.so",
}  # fmt: skip
_PLACES = re.compile(r"(?:/usr)?/lib(?:32|64|x32)?(?:/[a-z0-9_]+-linux-[a-z0-9]+)?/security/[\w-]+\.so")
_KNOWN = frozenset(
    """
    access cap cap_rootok chroot cockpit_cert cracklib debug deny duo echo ecryptfs env exec faildelay faillock fprintd
    ftp gdm gnome_keyring google_authenticator group issue keyinit kwallet5 krb5 lastlog lastlog2 ldap limits
    listfile localuser loginuid lsass mail mkhomedir mount motd namespace nologin oath oslogin_login oddjob_mkhomedir
    passwdqc permit pkcs11 postgresok pwhistory pwquality rhosts rootok rps securetty selinux selinux_permit sepermit
    setquota shells slurm smbpass ssh_agent_auth ssh_add sss sss_gss stress succeed_if systemd systemd_home
    systemd_home_user systemd_loadkey tally tally2 time timestamp tty_audit u2f umask unix unix2 userdb usertype
    vbox warn wheel winbind xauth yubico zfs_key
    """.split()  # noqa: SIM905 - one name a line would be a hundred lines
)
"""Modules of Linux-PAM and of distributions' packages, without `pam_` and `.so`."""


@dataclass(frozen=True, kw_only=True)
class Pam:
    """What weakens the stacks by which somebody is asked who they are."""

    faults: tuple[Finding, ...]
    nullok: tuple[Finding, ...]
    """Where an empty password is taken, as Debian, Ubuntu and Red Hat ship it."""
    unknown: tuple[Finding, ...]
    """Modules that are not known here."""

    @classmethod
    def read(cls, view: View) -> Pam:
        """Read every file.

        Raises NotApplicableError where there is no PAM, InconclusiveError where one was not seen or has a line in no
        known form: PAM then refuses the whole service, or passes over it."""
        files = _files(view)
        if not files:
            raise NotApplicableError("there is no PAM")
        faults: list[Finding] = []
        nullok: list[Finding] = []
        unknown: list[Finding] = []
        for name, path in files.items():
            lines = list(_auth(view, path))
            faults += _of_file(name, path, [said for _, said in lines])
            for number, said in lines:
                if said.is_include:
                    continue
                if fault := _fault(said):
                    faults.append(Finding(subject=name, path=path, line=number, detail=fault))
                elif _name(said) not in _KNOWN:
                    detail = "a module that is not known here"
                    unknown.append(Finding(subject=name, path=path, line=number, detail=detail))
                if said.nullok:
                    nullok.append(Finding(subject=name, path=path, line=number, detail="an empty password is taken"))
        return cls(faults=tuple(faults), nullok=tuple(nullok), unknown=tuple(unknown))


def _files(view: View) -> dict[str, str]:
    """Return the file of each service."""
    found: dict[str, str] = {}
    for glob in _FOLDERS:
        for entry in view.glob(glob.key):
            name = entry.path.rpartition("/")[2]
            if entry.kind is not Kind.DIRECTORY and entry.target != "/dev/null" and not _NO_SERVICE.fullmatch(name):
                found.setdefault(name, entry.path)
    return found


def _auth(view: View, path: str) -> Iterator[tuple[int, Statement]]:
    for number, said in statements(view.text(path) or ""):
        if said is None:
            raise InconclusiveError(f"{path}:{number} is in no form of PAM's files that is known here")
        if said.type in ("auth", ""):
            yield number, said


def _of_file(name: str, path: str, lines: list[Statement]) -> list[Finding]:
    modules = {said.module for said in lines}
    asks_nobody = _PERMIT in modules and modules <= _ASKS_NOTHING and not _GREETERS.fullmatch(name)
    return [Finding(subject=name, path=path, detail="nobody is asked who they are")] if asks_nobody else []


def _fault(said: Statement) -> str:
    base = said.module.rpartition("/")[2]
    if "/" in said.module and not _PLACES.fullmatch(said.module):
        return "a module from outside of PAM's folders"
    if base == _EXEC:
        return "a command is run when somebody logs in, and is told the password"
    if base == _PERMIT and _ENDS_WELL.fullmatch(said.control):
        return "whoever comes is let in"
    if base == _SUCCEED_IF and _ENDS.fullmatch(said.control):
        return "who is of some kind is let in without being asked"
    return ""


def _name(said: Statement) -> str:
    return said.module.rpartition("/")[2].removeprefix("pam_").removesuffix(".so")


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from _FOLDERS


NEEDS = Needs(first=(CLOCK,), then=_then)
"""Only a file system at rest is asked."""

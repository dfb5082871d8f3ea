"""The step `sshd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.errors import HardenError
from amigate.facts.sshd import NEEDS, Sshd
from amigate.harden import sshd_server, template
from amigate.harden.key_sources import close_key_sources
from amigate.harden.sshd_edit import Edit
from amigate.harden.step import step

if TYPE_CHECKING:
    from amigate.facts.sshd_config import Line
    from amigate.harden.builder import Builder

KEYS_ONLY_FOR_ROOT = ("no", "prohibit-password", "without-password", "forced-commands-only")

WANTED = {
    "permitrootlogin": KEYS_ONLY_FOR_ROOT,
    "passwordauthentication": ("no",),
    "kbdinteractiveauthentication": ("no",),
    "challengeresponseauthentication": ("no",),
    "skeyauthentication": ("no",),
    "permitemptypasswords": ("no",),
    "pubkeyauthentication": ("yes",),
    "hostbasedauthentication": ("no",),
    "usedns": ("no",),
}
"""Keyword to the values that do, whoever logs in from wherever."""


@step(
    "sshd",
    meets=[
        "ssh-no-root-password-login",
        "ssh-no-password-login",
        "ssh-no-keyboard-interactive-login",
        "ssh-offers-no-password-method",
        "ssh-no-empty-passwords",
        "ssh-match-blocks-evaluated",
        "ssh-config-parses",
        "ssh-no-dns-checks",
        "ssh-public-key-login-enabled",
        "ssh-no-unknown-key-sources",
        "boot-without-key-no-password-path",
    ],
)
def sshd(builder: Builder) -> None:
    """sshd takes keys and nothing else, from everybody and everywhere.

    The first value that sshd reads wins and a Match block beats them all, so a line too many anywhere undoes a
    setting; what counts is what sshd answers when it is asked about a session."""
    lines = sshd_server.config_lines(builder.look(sshd_server.CONFIG))
    if not lines:
        builder.note("sshd is not installed")
        return
    close_key_sources(builder)
    lines = sshd_server.config_lines(builder.look(sshd_server.CONFIG))
    edit = Edit.of(builder, lines)
    root_login = "prohibit-password" if builder.machine.user == "root" else "no"
    edit.put_first(template.render("sshd.conf.j2", root_login=root_login))
    edit.drop(_overrules, only_earlier=True)
    edit.drop(_wants_more_than_a_key)
    changed = [builder.write(path, text, mode=mode) for path, text, mode in edit.files()]
    if any(changed):
        builder.verify(lambda: sshd_server.test(builder))
        sshd_server.reload(builder)
    builder.verify(lambda: _verify(builder))
    builder.prove_login()


def _overrules(line: Line) -> bool:
    """Whether a line sets what the step sets, and otherwise."""
    return line.keyword in WANTED and " ".join(line.words).lower() not in WANTED[line.keyword]


def _wants_more_than_a_key(line: Line) -> bool:
    return line.keyword == "authenticationmethods" and not {"any", "publickey"} & {word.lower() for word in line.words}


def _verify(builder: Builder) -> None:
    """Ask sshd about every session that its configuration tells apart; raises HardenError for what is still open."""
    server = _ask(builder)
    if server is None:
        return
    for session in server.sessions:
        for keyword, accepted in WANTED.items():
            value = session.value(keyword)
            if value and value not in accepted:
                where = server.finding(session, keyword).where
                raise HardenError(
                    f"sshd still answers {keyword} {value} for {where}",
                    hint="an option on sshd's command line, or a Match with exec, may be the reason",
                )


def _ask(builder: Builder) -> Sshd | None:
    """Return what sshd answers, None where there is none."""
    try:
        return Sshd.read(builder.look(NEEDS))
    except NotApplicableError:
        return None
    except InconclusiveError as error:
        raise HardenError(f"the configuration of sshd cannot be told: {error}") from error

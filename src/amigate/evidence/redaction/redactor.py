"""The redactor of a run: what it returns is all that any view, judge or file ever holds."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.redaction import (
    accounts,
    answers,
    cloud_config,
    cloud_switches,
    counts,
    doas,
    identities,
    keys,
    login_defs,
    logs,
    name_services,
    os_release,
    packages,
    pam,
    private_keys,
    repositories,
    sockets,
    sshd,
    sudoers,
    units,
)
from amigate.evidence.redaction.kept import Kept, UnknownFormError, review_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from amigate.evidence.model import Answer, Entry
    from amigate.evidence.redaction.kept import Mac

UNKNOWN_FORM = "content not kept: it is not of the form that was asked for"
CUT = "content not kept: there is more of it than is collected"
TWO_FORMS = "content not kept: it was asked for in two forms"
NOT_ASKED = "content not kept: it was not asked for"


def _nothing(content: bytes, mac: Mac) -> Kept:
    del content, mac
    return Kept(withheld=NOT_ASKED)


def _size(content: bytes, mac: Mac) -> Kept:
    del mac
    lines = content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    return Kept(
        summary={"bytes": str(len(content)), "lines": str(lines)}, withheld="content not kept: only its size is"
    )


def _digest(content: bytes, mac: Mac) -> Kept:
    return Kept(
        summary={"bytes": str(len(content)), "digest": mac(content)}, withheld="content not kept: only a digest is"
    )


def _reviewed(content: bytes, mac: Mac) -> Kept:
    del mac
    return Kept(summary={"digest": review_digest(content)}, withheld="content not kept: only a digest is")


FORMS: Mapping[Keep, Callable[[bytes, Mac], Kept]] = {
    Keep.WHOLE: _nothing,
    Keep.NOTHING: _nothing,
    Keep.SIZE: _size,
    Keep.DIGEST: _digest,
    Keep.REVIEWED: _reviewed,
    Keep.PRIVATE_KEY: private_keys.private_key,
    Keep.PASSWD: accounts.passwd,
    Keep.SHADOW: accounts.shadow,
    Keep.GROUPS: accounts.groups,
    Keep.AUTHORIZED_KEYS: keys.authorized_keys,
    Keep.PUBLIC_KEY: keys.public_key,
    Keep.SSHD_CONFIG: sshd.config,
    Keep.SSHD_EFFECTIVE: sshd.effective,
    Keep.SSHD_TEST: sshd.syntax_test,
    Keep.SSHD_PROCESSES: sshd.processes,
    Keep.PATHS: answers.paths,
    Keep.NUMBERS: answers.numbers,
    Keep.UUID: answers.uuid,
    Keep.PACKAGES: answers.packages,
    Keep.UNITS: answers.units,
    Keep.ANSWER: _nothing,  # no file is kept so
    Keep.CLOUD_INIT_STATUS: answers.cloud_init_status,
    Keep.CLOUD_CONFIG: cloud_config.config,
    Keep.CLOUD_SWITCHES: cloud_switches.cloud_switches,
    Keep.SUDOERS: sudoers.policy,
    Keep.DOAS: doas.policy,
    Keep.LOGIN_DEFS: login_defs.login_defs,
    Keep.NAME_SERVICES: name_services.name_services,
    Keep.SSHD_START: units.sshd_start,
    Keep.AUTOLOGIN: units.consoles,
    Keep.PAM: pam.stacks,
    Keep.PRESETS: units.presets,
    Keep.OS_RELEASE: os_release.os_release,
    Keep.MACHINE_ID: os_release.machine_id,
    Keep.IDENTITY: identities.identity,
    Keep.HOST_NAME: identities.host_name,
    Keep.DPKG_STATUS: packages.dpkg_status,
    Keep.APK_INSTALLED: packages.apk_installed,
    Keep.SOCKETS: sockets.sockets,
    Keep.SETTINGS: counts.settings,
    Keep.HOSTS: counts.hosts,
    Keep.STATIC_NAME: counts.static_name,
    Keep.CARDS: counts.cards,
    Keep.STORED_ANSWERS: counts.stored_answers,
    Keep.PROCESS_NAMES: sockets.process_names,
    Keep.BROUGHT: packages.brought,
    Keep.LOG_FORWARDING: logs.forwarding,
    Keep.AGENT_TARGETS: logs.agent_targets,
    Keep.TRUST_ANCHORS: answers.trust_anchors,
    Keep.RPM_REPOSITORIES: repositories.rpm_repositories,
    Keep.APT_SOURCES: repositories.apt_sources,
    Keep.APT_CONF: repositories.apt_conf,
}


class Redactor:
    """Redacts what one run collects. Its key is random, known to nobody, and gone with it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def mac(self, data: bytes) -> str:
        """Return HMAC-SHA-256 of `data` under the run's key, 128 bits in hexadecimal."""
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()[:32]

    def entry(self, entry: Entry, keep: Keep) -> Entry:
        """Return `entry` with what may be kept of its content."""
        if entry.content is None:
            return replace(entry, kept=keep)
        kept = self._kept(entry.content, keep, cut=entry.truncated)
        return replace(entry, kept=keep, content=kept.content, summary=kept.summary, withheld=kept.withheld)

    def answer(self, answer: Answer, keep: Keep) -> Answer:
        """Return `answer` with what may be kept of both streams; standard error is kept of `sshd -t` alone."""
        if keep is Keep.ANSWER and not answer.truncated:
            return replace(answer, kept=keep)
        kept = self._kept(answer.stdout, keep, cut=answer.truncated)
        stderr = (
            sshd.syntax_test(answer.stderr, self.mac).content
            if keep is Keep.SSHD_TEST and not answer.truncated
            else b""
        )
        return replace(
            answer,
            kept=keep,
            stdout=kept.content or b"",
            stderr=stderr or b"",
            summary=kept.summary,
            withheld=kept.withheld,
        )

    def _kept(self, content: bytes, keep: Keep, *, cut: bool) -> Kept:
        """Keep nothing of what was cut off: half a line is of no form."""
        if cut:
            return Kept(withheld=CUT)
        try:
            return FORMS[keep](content, self.mac)
        except UnknownFormError:
            return Kept(withheld=UNKNOWN_FORM)


def see(entry: Entry, entries: dict[str, Entry]) -> None:
    """Note an entry. Asked twice, the answer with content stays; one that was asked in two forms is kept in none.

    An image can make its sshd include its passwd, and what is left of one form is not to be judged by another."""
    known = entries.get(entry.path)
    if known is None or known.kept is Keep.NOTHING or (known.content is None and known.kept is None):
        entries[entry.path] = entry
    elif known.kept is not entry.kept and entry.kept is not Keep.NOTHING:
        entries[entry.path] = replace(known, content=None, summary={}, withheld=TWO_FORMS)

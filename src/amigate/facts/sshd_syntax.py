"""Whether sshd takes its configuration, by its own test, and whether what it includes is there."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import AnswerError, InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Question, Run
from amigate.evidence.redaction.sshd import NO_FOLDER, NO_HOST_KEYS, PLACE
from amigate.facts import sshd, sshd_config
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View


@dataclass(frozen=True, kw_only=True)
class SshdSyntax:
    """The verdict of `sshd -t`, and every Include that names one file which is not there."""

    faults: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> SshdSyntax:
        """Read what sshd said.

        Raises NotApplicableError where there is no SSH server, InconclusiveError where it could not be asked, as of a
        disk at rest on which nothing is seen to be missing."""
        question, main = _asked(view, sshd.required_program(view))
        if view.is_at_rest(question.key) and (missing := _missing_includes(view, main)):
            return cls(faults=tuple(missing))
        answer = view.answer(question.key)
        said = answer.stderr.decode("utf-8", "replace") + answer.text
        if answer.exit_code == 0:
            return cls(faults=tuple(_missing_includes(view, main)))
        if NO_HOST_KEYS in said:
            raise InconclusiveError("sshd has no host key here, so it does not say whether the rest is sound")
        if NO_FOLDER in said:
            raise InconclusiveError("sshd has no folder for its privilege separation here, so it tests nothing")
        places = {(found["path"], int(found["line"])): None for found in PLACE.finditer(said)}
        found = [
            Finding(path=path, line=line, detail="sshd does not understand this line") for path, line in places
        ] or [Finding(subject="sshd", detail=f"`sshd -t` exits {answer.exit_code} with this configuration")]
        return cls(faults=tuple(found))


def _asked(view: View, program: str) -> tuple[Run, str]:
    """Return the question for the sshd that is there, and its main file."""
    running = sshd.running_server(view)
    command = shlex.join([program, "-t", *running.options])
    # sshd refuses to test anything while its empty folder is missing, as it is until systemd starts it: then make
    # that folder for the moment, on the tmpfs that /run is, and nowhere else.
    text = (
        f"d=; case $(stat -f -c %T /run 2>/dev/null) in tmpfs) "
        f"[ -e /run/sshd ] || {{ mkdir -m 755 /run/sshd && d=1; }};; esac; "
        f'{command}; r=$?; [ -z "$d" ] || rmdir /run/sshd; exit $r'
    )
    return Run(f"test of sshd: {command}", text, Keep.SSHD_TEST), sshd.main_file(running)


def _missing_includes(view: View, main: str) -> list[Finding]:
    """Find the Includes that name a single file, without wildcards, which is not there: sshd passes them over."""
    found = []
    for line in sshd_config.lines(view, main):
        for word in line.words if line.keyword == "include" else ():
            pattern = sshd_config.pattern(word)
            if not re.search(r"[*?]", pattern) and not view.glob(pattern):
                detail = f"includes {pattern}, which is not there"
                found.append(Finding(path=line.path, line=line.number, detail=detail))
    return found


def _then(view: View) -> list[Question]:
    try:
        return [_asked(view, sshd.required_program(view))[0]]
    except AnswerError:
        return []  # the fact will say so when a check asks it


NEEDS = Needs(first=(sshd.PROGRAM, sshd.PROCESSES), then=_then)

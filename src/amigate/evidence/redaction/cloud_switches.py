"""What switches cloud-init and consoles: words of the kernel's command line, and ds-identify.cfg.

https://docs.cloud-init.io/en/latest/howto/disable_cloud_init.html,
https://docs.cloud-init.io/en/latest/howto/identify_datasource.html (ds-identify)."""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, decoded, encoded

WORD = re.compile(r"(?<![\w.-])cloud-init=(?P<value>enabled|disabled)(?![\w.-])")
CONSOLE = re.compile(
    r"(?<![\w.-])(?P<name>(?:rd)?init|rd\.break|rd\.shell|systemd\.debug[-_]shell|SYSTEMD_SULOGIN_FORCE)"
    r"(?:=(?P<value>[\w./-]{1,200}))?(?![\w.=/-])"
)
"""What opens a shell on the console at boot, or says that none is opened."""
POLICY = re.compile(r"\s*(?P<name>policy|datasource):\s*(?P<value>[A-Za-z,=]{1,100})\s*")


def cloud_switches(content: bytes, mac: Mac) -> Kept:
    """Keep, line by line, those words and settings; everything else is an empty line, or a `#` where it was one."""
    del mac
    return Kept(content=encoded("\n".join(map(_line, decoded(content).split("\n")))))


def _line(line: str) -> str:
    if line.lstrip().startswith("#"):
        return "#"
    if (policy := POLICY.fullmatch(line)) is not None:
        return f"{policy['name']}: {policy['value']}"
    return " ".join(match[0] for form in (WORD, CONSOLE) for match in form.finditer(line))

"""The pages in docs/rules: the text of `amigate checks show`, one page for each topic."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

from amigate.explained import explain
from amigate.judge import catalogue
from amigate.topics import topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.explained import Explained

_MADE = "<!-- Made by tools/generate.py from checks/ and profiles/. -->\n"


def pages() -> dict[str, str]:
    """Return each page by its file's name."""
    rules = [explain(check) for check in catalogue.checks().values()]
    by_topic = {topic: [rule for rule in rules if rule.topic == topic] for topic in topics()}
    found = {f"{topic}.md": _page(topic, some) for topic, some in by_topic.items() if some}
    return {"README.md": _index(by_topic), **found}


def _index(by_topic: dict[str, list[Explained]]) -> str:
    count = sum(map(len, by_topic.values()))
    lines = [
        f"{_MADE}\n# Rules\n",
        f"The {count} rules by topic; `amigate checks show RULE` has the same text.\n",
    ]
    for topic, rules in by_topic.items():
        if rules:
            lines += [f"## [{topic}]({topic}.md)\n", "| rule | severity | |", "|---|---|---|"]
            lines += [
                f"| [{rule.check.id}]({topic}.md#{rule.check.id}) | {rule.check.severity} | {_cell(rule.check.title)} |"
                for rule in rules
            ]
            lines.append("")
    return "\n".join(lines)


def _page(topic: str, rules: Sequence[Explained]) -> str:
    return f"{_MADE}\n# Rules: {topic}\n\n" + "\n".join(map(_section, rules))


def _section(rule: Explained) -> str:
    check = rule.check
    parts = [
        f"## {check.id}",
        _text(check.rationale, check.title),
        _text(f"How it is decided: {rule.decided}") if rule.decided else "",
        _table(rule),
        _example("Before", rule.before),
        _example("After", rule.after),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rule: Explained) -> str:
    check = rule.check
    settings = ", ".join(f"`{name}`: `{json.dumps(value)}`" for name, value in check.settings.items())
    rows = {
        "severity": str(check.severity),
        "profiles": ", ".join(rule.asked_by) or "none",
        "witnesses": ", ".join(check.evidence),
        "applies when": check.applies_when,
        "settings": settings,
        "hardening step": f"`{rule.step.name}`" if rule.step else "",
        "guideline": check.guideline,
        "source": f"<{check.source}>" if check.source else "",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows.items() if value)])


def _example(name: str, text: str) -> str:
    return f"{name}:\n\n```text\n{text}\n```" if text else ""


def _text(text: str, title: str = "") -> str:
    """Return a paragraph in which nothing is Markdown but what stands in backquotes; `title` is bold."""
    parts = re.split(r"(`[^`]*`)", text)
    safe = "".join(part if part.startswith("`") else re.sub(r"[*_<]", r"\\\g<0>", part) for part in parts)
    bold = f"**{title}.** " if title else ""
    return textwrap.fill(bold + safe, 120, break_long_words=False, break_on_hyphens=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

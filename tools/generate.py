"""Write what is made from other files: the rules of the shipped profiles, docs/rules and docs/reference.

`.venv/bin/python tools/generate.py` writes, `--check` names what is stale and exits with 1. The profiles have the rules
that tests/unit/checks/catalogue.yaml gives them and that there are checks for; a rule keeps what a profile says of it.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import reference
import yaml
from rule_pages import pages

from amigate.judge import catalogue

ROOT = Path(__file__).parents[1]
PROFILES = ("aws-shared", "public", "org", "marketplace", "consumer", "hardened")
_RULE = re.compile(r"^  (?P<rule>[a-z0-9-]+):.*\n(?:    .*\n)*", re.MULTILINE)


def main() -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and say what is stale")
    check = parser.parse_args().check
    is_fresh = True
    for made in (profiles, rule_pages, reference.pages):  # pages say what the profiles ask
        texts = made()
        stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        left = [path for path in (ROOT / "docs/rules").glob("*.md") if made is rule_pages and path not in texts]
        for path in (*stale, *left):
            print(f"{path.relative_to(ROOT)}: {'stale' if check else 'written' if path in stale else 'removed'}")
        if not check:
            write({path: texts[path] for path in stale}, left)
        is_fresh = is_fresh and not stale and not left
    return int(check and not is_fresh)


def write(texts: dict[Path, str], left: list[Path]) -> None:
    """Bring files up to date."""
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in left:
        path.unlink()


def profiles() -> dict[Path, str]:
    """Return the text that each shipped profile ought to have."""
    entries = yaml.safe_load((ROOT / "tests/unit/checks/catalogue.yaml").read_text(encoding="utf-8"))
    paths = [ROOT / "profiles" / f"{name}.yaml" for name in PROFILES]
    return {path: profile(path.read_text(encoding="utf-8"), path.stem, entries) for path in paths}


def rule_pages() -> dict[Path, str]:
    """Return the text that each page in docs/rules ought to have."""
    return {ROOT / "docs/rules" / name: text for name, text in pages().items()}


def profile(text: str, name: str, entries: list[dict[str, Any]]) -> str:
    """Return a profile with the rules that it is to have, which are the last thing in its file."""
    head, _, rules = text.partition("\nrules:\n")
    said = {found["rule"]: found[0] for found in _RULE.finditer(rules)}
    asked = [entry for entry in entries if name in entry["profiles"] and entry["id"] in catalogue.checks()]
    return f"{head}\nrules:\n" + "".join(said.get(entry["id"], _line(entry, name)) for entry in asked)


def _line(entry: dict[str, Any], name: str) -> str:
    severity = entry.get("severity_in", {}).get(name)
    return f"  {entry['id']}: {{severity: {severity}}}\n" if severity else f"  {entry['id']}:\n"


if __name__ == "__main__":
    sys.exit(main())

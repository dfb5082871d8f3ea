"""Which paths a pattern matches, as a shell in the C locale has it."""

from __future__ import annotations

import glob
import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.evidence.globs import covers

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.text(st.sampled_from("ab.[]\\?*\n\udcffé"), min_size=1, max_size=6)
PATTERNS = st.text(st.sampled_from("ab.*?[]\\\n\udcffé"), min_size=1, max_size=6)


@pytest.mark.parametrize(
    "pattern, path, expected",
    [
        ("/home/*/.ssh/*", "/home/bob/.ssh/id", True),
        ("/home/*/.ssh/*", "/home/bob/.ssh/.hidden", False),
        ("/home/*/.ssh/.*", "/home/bob/.ssh/.hidden", True),
        ("/home/*", "/home/bob/x", False),
        ("/home/?ob", "/home/.ob", False),
        ("/etc/ssh/*_key", "/etc/ssh/a_key_key", True),
        ("/etc/ssh/*_key*.pub", "/etc/ssh/a_key_key.pub.pub", True),
        ("/etc/a[b]", "/etc/a[b]", True),
        ("/etc/a[b]", "/etc/ab", False),
        ("/etc/a?", "/etc/aé", False),
        ("/etc/a??", "/etc/aé", True),
        ("/etc/a*", "/etc/a\nb", True),
        ("/etc/a", "/etc/a\n", False),
        ("/etc/A", "/etc/a", False),
    ],
)
def test_a_pattern_matches_names_and_stops_at_a_slash(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001
    assert covers(pattern, path) is expected


@given(NAMES, PATTERNS)
def test_a_name_is_matched_as_glob_does(name: str, pattern: str) -> None:
    """Ranges are no wildcards here, and a byte is a character."""
    wanted, given = (os.fsencode(text).decode("latin-1") for text in (pattern, name))
    is_visible = pattern.startswith(".") or not name.startswith(".")
    assert covers(f"/x/{pattern}", f"/x/{name}") is (is_visible and fnmatchcase(given, wanted.replace("[", "[[]")))


def test_files_are_matched_as_the_file_system_is_globbed(tmp_path: Path) -> None:
    names = ["a", ".a", "ab", "a.b", "a*b", "a?b", "\\a", "aXbXc"]
    for name in names:
        (tmp_path / name).touch()
    for pattern in ("*", ".*", "?", "??", "a*b", "a*b*c", "*a", "\\*", "a*"):
        found = set(glob.glob(str(tmp_path / pattern)))  # noqa: PTH207 - Path.glob finds hidden names too
        assert {path for name in names if covers(str(tmp_path / pattern), path := str(tmp_path / name))} == found


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    """A hostile name would otherwise be tried in every way it can be cut."""
    assert not covers("/x/" + "a*" * 60 + "b", "/x/" + "a" * 4000)

"""Where keys of a TOML document stand."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.toml_places import place


@pytest.mark.parametrize(
    "text,path,expected",
    [
        ("a = 1\nb = 2\n", ("b",), (2, 1)),
        ("  b = 2", ("b",), (1, 3)),
        ("# b = 0\n\nb = 2", ("b",), (3, 1)),
        ('a = """\nb = 1\n"""\nb = 2', ("b",), (4, 1)),
        ("a = [\n  'b = 1',\n  'c',\n]\nb = 2", ("b",), (5, 1)),
        ("a = '''\n[t]\n'''\n[t]\nb = 2", ("t", "b"), (5, 1)),
        ("[t]\na = 1\n[u]\nb = 1\n[t.v]\nb = 2", ("t", "v", "b"), (6, 1)),
        ("[tool.other]\nb = 1\n[tool.amigate]\nb = 2", ("tool", "amigate", "b"), (4, 1)),
        ("[tool.other]\nb = 1\n[tool.amigate]\nb = 2", ("tool", "amigate"), (3, 7)),
        ("[tool.amigate.b]\nc = 2", ("tool", "amigate", "b"), (1, 15)),
        ("[tool.amigate.b.c]\nd = 2", ("tool", "amigate", "b"), (1, 15)),
        ("[[tool.amigate]]\nb = 2", ("tool", "amigate"), (1, 8)),
        ("tool.amigate.b = 2", ("tool", "amigate", "b"), (1, 14)),
        ("[tool]\namigate = {a = 1, b = 2}", ("tool", "amigate", "b"), (2, 19)),
        ("[tool]\namigate.b = 2", ("tool", "amigate", "b"), (2, 9)),
        ('"b" = 2', ("b",), (1, 1)),
        ('a = 1\n  "\\u0062" = 2', ("b",), (2, 3)),
        ("ab = 1\nb-c = 2\nb = 3", ("b",), (3, 1)),
        ("a = 1", ("b",), (1, 1)),
    ],
)
def test_the_place_is_that_of_the_key(text: str, path: tuple[str, ...], expected: tuple[int, int]) -> None:
    assert place(text, path) == expected


KEYS = st.text("ab-_", min_size=1, max_size=3)
VALUES = st.sampled_from(['"""\nb = 1\n[a]\n"""', "[\n1,\n# a = 2\n]", "1", "'a = 1'", "{a = 1, b = 2}"])


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_the_values_say_the_key_is_found_where_it_was_written(
    values: dict[str, str], data: st.DataObject
) -> None:
    statements = [f"{key} = {value}" for key, value in values.items()]
    text = "\n".join(statements)
    assert tomllib.loads(text).keys() == values.keys()
    key = data.draw(st.sampled_from(sorted(values)))
    before = "\n".join(statements[: list(values).index(key)])
    assert place(text, (key,)) == (before.count("\n") + 2 if before else 1, 1)

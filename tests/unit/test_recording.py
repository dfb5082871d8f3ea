"""The recording in the README: what a terminal showed, as an SVG that needs nothing but itself."""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
import recording

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def shown(svg: str) -> list[str]:
    """Return the lines of the strip."""
    group = next(each for each in _root(svg).iter(f"{SVG}g") if each.get("class") == "strip")
    lines: dict[str, str] = {}
    for text in group:
        lines[text.attrib["y"]] = lines.get(text.attrib["y"], "") + (text.text or "")
    return list(lines.values())


def _root(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def test_a_terminal_is_recorded_with_its_colours(tmp_path: Path) -> None:
    command = """sh -c 'test -t 1 && printf "\\033[1;31mFAIL\\033[0m  <&>\\n"; exit 1'"""
    lines = recording.screen(recording.record([command], tmp_path))
    assert [span for _, spans in lines for span in spans] == [
        recording.Span(style="1", text=f"$ {command}"),
        recording.Span(style="1;31", text="FAIL"),
        recording.Span(style="", text="  <&>"),
    ]
    svg = recording.svg(lines)
    assert shown(svg) == [f"$ {command}", "FAIL  <&>"]
    assert ' class="b s31">FAIL<' in svg


def test_a_long_line_is_wrapped_as_a_terminal_wraps_it() -> None:
    text = "a" * recording.COLUMNS + "b"
    lines = recording.screen([(0.0, f"{text}\r\n\r\n")])
    assert ["".join(span.text for span in spans) for _, spans in lines] == [text[:-1], "b", ""]


def test_waiting_is_cut_short_and_much_at_once_gives_time_to_read() -> None:
    many = "line\n" * recording.BURST_LINES
    steps = recording.film(recording.screen([(0.0, "$ x\n"), (90.0, many), (90.01, "end\n"), (91.0, "$ y\n")]))
    shown_lines = [number for _, number in steps]
    assert shown_lines == [0, 1, recording.BURST_LINES + 2, recording.BURST_LINES + 3, recording.BURST_LINES + 3]
    waits = [after - before for (before, _), (after, _) in itertools.pairwise(steps)]
    assert waits == pytest.approx([0.0, recording.LONGEST_WAIT_S, recording.READING_S, recording.END_S])


def test_the_recording_is_whole_and_loads_nothing() -> None:
    text = (ROOT / "docs" / "recording.svg").read_text(encoding="utf-8")
    lines = shown(text)
    assert [line for line in lines if line.startswith("$ ")] == [f"$ {command}" for command in recording.COMMANDS]
    assert sum(line.startswith("VERDICT ") for line in lines) == len(recording.COMMANDS)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text
    assert "docs/recording.svg" in (ROOT / "README.md").read_text(encoding="utf-8")

"""Record two runs in a terminal as docs/recording.svg: python tools/recording.py [FILE].

The SVG is a film strip: all lines that the terminal showed, scrolled behind a window by CSS, with a cover that hides
what is not printed yet. Waiting is shortened, nothing else is changed; what a run says of its own seconds stays."""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from amigate.sandbox import images

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[1]
COLUMNS, ROWS = 110, 34
CELL, LINE, PAD, BAR = 7.8, 17, 14, 30
"""Pixels: width of a character, height of a line, margin, height of the title bar."""
AT_ONCE_S, SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.05, 0.3, 1.2
"""Lines that come so close together come at once; waiting for others is kept between these."""
BURST_LINES, READING_S, END_S = 12, 5.0, 8.0
"""After so many lines at once one reads for so long, and at the end for that long."""

PALETTE = {"1": "#f0f6fc", "31": "#ff7b72", "32": "#3fb950", "33": "#d29922", "35": "#d2a8ff"}
GROUND, BARS, TEXT, FAINT = "#0d1117", "#161b22", "#c9d1d9", "#8b949e"
COMMANDS = ("amigate validate clean.qcow2", "amigate validate leaky.qcow2")
TITLE = "amigate validate, of a clean image and of a leaky one"

Chunk = tuple[float, str]
"""Seconds since the begin, and what was printed then."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Text of one style: SGR parameters, such as `1;31`."""

    style: str
    text: str


def record(commands: Sequence[str], folder: Path) -> list[Chunk]:
    """Run commands one after the other, each in a terminal of its own, and return what was shown.

    Raises CalledProcessError for one whose exit code is none of a verdict."""
    began = time.monotonic()
    chunks: list[Chunk] = []
    for command in commands:
        chunks.append((time.monotonic() - began, f"\x1b[1m$ {command}\x1b[0m\r\n"))
        code = _run(command, folder, lambda text: chunks.append((time.monotonic() - began, text)))
        if code > 1:
            raise subprocess.CalledProcessError(code, command)
    return chunks


def _run(command: str, folder: Path, take: Callable[[str], None]) -> int:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    arguments = shlex.split(command)
    with subprocess.Popen(arguments, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as run:
        os.close(theirs)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while data := _read(ours):
            take(text := decode(data))
            sys.stderr.write(text)
    os.close(ours)
    return run.returncode


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says so where the last process has closed its side
        return b""


def screen(chunks: list[Chunk]) -> list[tuple[float, list[Span]]]:
    """Return each line as the terminal wraps it, with when it was complete."""
    lines: list[tuple[float, list[Span]]] = []
    text, style, ends = "", "", []
    for when, printed in chunks:
        text += printed
        ends += [when] * printed.count("\n")
    for when, line in zip(ends, text.split("\n"), strict=False):
        spans: list[Span] = []
        width = 0
        for code, piece in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", line.rstrip("\r")):
            style = style if piece else code.removeprefix("0")
            for character in piece:
                if width == COLUMNS:
                    lines.append((when, spans))
                    spans, width = [], 0
                if not spans or spans[-1].style != style:
                    spans.append(Span(style=style, text=""))
                spans[-1] = Span(style=style, text=spans[-1].text + character)
                width += 1
        lines.append((when, spans))
    return lines


def film(lines: list[tuple[float, list[Span]]]) -> list[tuple[float, int]]:
    """Return when how many lines are shown, with waiting cut short and time to read where much came at once."""
    shown: list[tuple[float, int]] = [(0.0, 0)]
    clock = before = 0.0
    for number, (when, _) in enumerate(lines, 1):
        if when - before > AT_ONCE_S:
            burst = number - 1 - shown[-1][1]
            shown.append((clock, number - 1))
            clock += READING_S if burst >= BURST_LINES else min(max(when - before, SHORTEST_WAIT_S), LONGEST_WAIT_S)
            before = when
    return [*shown, (clock, len(lines)), (clock + END_S, len(lines))]


def svg(lines: list[tuple[float, list[Span]]]) -> str:
    """Return the film as an SVG; where nothing moves, its last screen."""
    steps = film(lines)
    length_s = steps[-1][0]
    width, height = round(COLUMNS * CELL + 2 * PAD), BAR + ROWS * LINE + 2 * PAD
    last = max(0, len(lines) - ROWS)

    def frames(name: str, rows: list[int]) -> str:
        inside = "".join(
            f"{100 * when / length_s:.3f}%{{transform:translateY({row * LINE}px)}}"
            for (when, _), row in zip(steps, rows, strict=True)
        )
        return f"@keyframes {name}{{{inside}}}"

    strip = "".join(_line(number, spans) for number, (_, spans) in enumerate(lines, 1) if spans)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
  width="{width}" height="{height}" role="img" aria-labelledby="title">
<title id="title">{escape(TITLE)}</title>
<style>
text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:{TEXT};white-space:pre}}
{"".join(f".s{style}{{fill:{color}}}" for style, color in PALETTE.items())}
.s1,.b{{font-weight:bold}}
.strip{{transform:translateY({-last * LINE}px);animation:strip {length_s:.1f}s step-end infinite}}
.cover{{transform:translateY({ROWS * LINE}px);animation:cover {length_s:.1f}s step-end infinite}}
{frames("strip", [-max(0, shown - ROWS) for _, shown in steps])}
{frames("cover", [min(ROWS, shown) for _, shown in steps])}
@media (prefers-reduced-motion: reduce){{.strip,.cover{{animation:none}}}}
</style>
<clipPath id="window"><rect y="{BAR + PAD - 1}" width="{width}" height="{ROWS * LINE + 1}"/></clipPath>
<rect width="{width}" height="{height}" rx="8" fill="{GROUND}"/>
<path d="M0 {BAR}V8a8 8 0 0 1 8-8H{width - 8}a8 8 0 0 1 8 8V{BAR}z" fill="{BARS}"/>
<g><circle cx="18" cy="15" r="5.5" fill="#ff5f57"/><circle cx="36" cy="15" r="5.5" fill="#febc2e"/>\
<circle cx="54" cy="15" r="5.5" fill="#28c840"/></g>
<text x="{width / 2:.0f}" y="19.5" text-anchor="middle" style="fill:{FAINT}">{escape(TITLE)}</text>
<g clip-path="url(#window)"><g transform="translate({PAD} {BAR + PAD})">
<g class="strip">
{strip}</g>
<g class="cover"><rect x="{-PAD}" y="0" width="{width}" height="{ROWS * LINE + PAD}" fill="{GROUND}"/></g>
</g></g>
</svg>
"""


def _line(number: int, spans: list[Span]) -> str:
    """Return one line; the length that is said of each text keeps the columns, whatever the font."""
    texts, column = [], 0
    for span in spans:
        if span.text.strip():
            style = " ".join(f"s{part}" if part != "1" else "b" for part in span.style.split(";") if part)
            kind = f' class="{"s1" if style == "b" else style}"' if style else ""
            length = f'textLength="{len(span.text) * CELL:.1f}" lengthAdjust="spacingAndGlyphs"'
            place = f'x="{column * CELL:.1f}" y="{number * LINE - 4}"'
            texts.append(f"<text {place} {length}{kind}>{escape(span.text)}</text>")
        column += len(span.text)
    return "".join(texts) + "\n"


def recorded() -> list[Chunk]:
    """Record how images are judged; they are built first, where the cache lacks them."""
    leaky, clean = images.build("lean", defects=images.LEAKY), images.build("lean")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "leaky.qcow2").symlink_to(leaky)
        Path(folder, "clean.qcow2").symlink_to(clean)
        return record(COMMANDS, Path(folder))


def main() -> None:
    """Record, and write the SVG; with a file as argument, what was recorded is taken from it, or else kept in it."""
    if len(sys.argv) > 1 and (kept := Path(sys.argv[1])).exists():
        chunks = [(when, text) for when, text in json.loads(kept.read_text(encoding="utf-8"))]
    else:
        chunks = recorded()
        if len(sys.argv) > 1:
            kept.write_text(json.dumps(chunks), encoding="utf-8")
    (ROOT / "docs" / "recording.svg").write_text(svg(screen(chunks)), encoding="utf-8")


if __name__ == "__main__":
    main()

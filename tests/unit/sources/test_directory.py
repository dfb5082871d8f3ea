"""A hostile tree at rest: nothing leads out of it, nothing but files is opened, and what is not seen is not absent."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import at_rest
from amigate.evidence.keep import Keep
from amigate.evidence.line_count import count_lines
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run
from amigate.sources.directory import Directory, read_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.evidence.model import View

SECRET = b"of the machine that looks"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a tree beside which a secret lies."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def ask(root: Path) -> Callable[..., View]:
    return lambda *questions: read_directory(root, [Needs(first=questions)], redactor=None)


@pytest.mark.parametrize(
    "target",
    [
        "../secret",
        "../../../../../../../../../../etc/hostname",
        "{secret}",
        "/../{secret}",
        "folder/../../secret",
        "./../secret",
    ],
)
def test_no_link_leads_out_of_the_root(root: Path, ask: Callable[..., View], target: str) -> None:
    (root / "folder").mkdir()
    (root / "link").symlink_to(target.format(secret=root.parent / "secret"))
    view = ask(ReadFile("/link", Keep.WHOLE), Glob("/l*", Keep.WHOLE), ReadFile("/link/below", Keep.WHOLE))
    assert view.entries["/link"].kind is Kind.LINK
    assert view.entries["/link"].content is None
    assert "/link/below" in view.absent


def test_a_folder_that_is_a_link_is_one_of_the_image(root: Path, ask: Callable[..., View]) -> None:
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("of the image")
    (root / "out").symlink_to("/")
    (root / "in").symlink_to("/etc")
    view = ask(
        ReadFile("/out/out/out/etc/passwd", Keep.WHOLE),
        ReadFile("/in/passwd", Keep.WHOLE),
        Glob("/in/p*", Keep.WHOLE),
        Glob("/out/*/passwd", Keep.WHOLE),
    )
    assert view.content("/out/out/out/etc/passwd") == b"of the image"
    assert view.content("/in/passwd") == b"of the image"
    assert {entry.path for entry in view.glob("/out/*/passwd")} == {"/out/etc/passwd", "/out/in/passwd"}


def test_a_path_with_dots_stays_inside(root: Path, ask: Callable[..., View]) -> None:
    (root / "folder").mkdir()
    (root / "file").write_text("inside")
    view = ask(ReadFile("/folder/../../../file", Keep.WHOLE), ReadFile("/../secret", Keep.WHOLE))
    assert view.entries["/folder/../../../file"].content == b"inside"
    assert "/../secret" in view.absent


def test_nothing_but_files_is_opened(root: Path, ask: Callable[..., View], monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "s"))
    if os.geteuid() == 0:
        os.mknod(root / "device", 0o600 | stat.S_IFCHR, os.makedev(10, 130))  # a watchdog: opening it has effects
    (root / "to-pipe").symlink_to("pipe")
    (root / "file").write_text("x")
    opened: list[str] = []
    real = os.open

    def watched(path: str, flags: int, *args: int, **more: int) -> int:
        opened.append(path) if not flags & (os.O_PATH | os.O_DIRECTORY) else None
        return real(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", watched)
    view = ask(Glob("/*", Keep.WHOLE))
    assert opened == ["file"]
    assert {each.path: each.content for each in view.glob("/*")}.pop("/file") == b"x"
    assert all(each.content is None for each in view.glob("/*") if each.path != "/file")


def test_content_is_capped(root: Path, ask: Callable[..., View]) -> None:
    (root / "file").write_bytes(b"x" * 100)
    for cap, truncated in ((99, True), (100, False)):
        entry = ask(ReadFile("/file", Keep.WHOLE, cap_bytes=cap)).entries["/file"]
        assert (len(entry.content or b""), entry.truncated) == (cap, truncated)


def test_all_content_together_is_capped(root: Path, ask: Callable[..., View], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_rest, "_TOTAL_CAP_BYTES", 100)
    for number in range(5):
        (root / f"{number}").write_bytes(b"x" * 60)
    view = ask(Glob("/*", Keep.WHOLE))
    assert [each.content is None for each in view.glob("/*")] == [False, False, True, True, True]
    with pytest.raises(InconclusiveError):
        view.content("/4")


def test_more_than_is_collected_is_not_seen(
    root: Path, ask: Callable[..., View], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_rest, "GLOB_LIMIT", 3)
    for number in range(4):
        (root / f"{number}").touch()
    view = ask(Glob("/*", Keep.WHOLE), Glob("/[0]", Keep.WHOLE), Glob("/?", Keep.WHOLE), Glob("/0", Keep.WHOLE))
    assert view.unseen.keys() == {"/*", "/[0]", "/?"}
    with pytest.raises(InconclusiveError):
        view.entry("/3")


@pytest.mark.parametrize("links,content", [(40, b"end"), (41, None)])
def test_as_many_links_are_followed_as_the_kernel_does(
    root: Path, ask: Callable[..., View], links: int, content: bytes | None
) -> None:
    (root / "0").write_text("end")
    for number in range(links):
        (root / f"{number + 1}").symlink_to(f"{number}")
    assert ask(ReadFile(f"/{links}", Keep.WHOLE)).entries[f"/{links}"].content == content


def test_names_that_are_no_text_are_kept(root: Path, ask: Callable[..., View]) -> None:
    (root / os.fsdecode(b"\xff\x1b[31m\n")).write_text("odd")
    (entry,) = ask(Glob("/*", Keep.WHOLE)).glob("/*")
    assert os.fsencode(entry.path) == b"/\xff\x1b[31m\n"


def test_a_command_is_never_run(root: Path, ask: Callable[..., View]) -> None:
    (root / "file").write_text("a\nb\n")
    forged = Run("lines of /file", f"touch {root}/ran", Keep.NUMBERS)
    view = ask(Run("id", "id", Keep.NUMBERS), forged, count_lines("/none"))
    assert view.is_at_rest("id")
    assert view.is_at_rest(forged.key)
    assert not (root / "ran").exists()
    with pytest.raises(InconclusiveError, match="only a running machine can answer"):
        view.answer("id")
    with pytest.raises(InconclusiveError):
        view.answer(count_lines("/none").key)
    assert ask(count_lines("/file")).answer("lines of /file").text == "2\n"


def test_what_follows_from_the_answers_is_asked_too(root: Path) -> None:
    (root / "first").write_text("/second")
    (root / "second").write_text("found")

    def then(view: View) -> list[Question]:
        return [ReadFile(text, Keep.WHOLE) for text in [view.text("/first")] if text]

    assert (
        read_directory(root, [Needs(first=(ReadFile("/first", Keep.WHOLE),), then=then)], redactor=None).text("/second")
        == "found"
    )


def test_a_root_that_is_none_is_a_broken_view(root: Path) -> None:
    (root / "file").touch()
    for path in (root / "none", root / "file"):
        assert read_directory(path, [Needs()], redactor=None).broken


def test_a_link_is_refused_even_by_whoever_asks_for_it_directly(root: Path) -> None:
    (root / "folder").mkdir()
    (root / "folder/file").write_text("x")
    (root / "link").symlink_to("folder")
    (root / "file").symlink_to("folder/file")
    with Directory(root) as files:
        with pytest.raises(OSError, match="link"):
            files.lstat("/link/file")
        with pytest.raises(OSError, match="file"):
            files.read("/file", 10)
        with pytest.raises(OSError, match="link"):
            list(files.listdir("/link"))
        assert list(files.listdir("/folder")) == ["file"]
        assert files.read("/folder/file", 10) == b"x"


@pytest.fixture
def locked() -> Iterator[Path]:
    """Return a tree parts of which an ordinary user cannot read, seen by such a user."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part, mode in (("unsearchable", 0o644), ("unreadable", 0o711), ("open", 0o755)):
            (folder / part).mkdir()
            (folder / part / "file").write_text("x")
            (folder / part).chmod(mode)
        (folder / "open/file").chmod(0o600)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_what_cannot_be_looked_at_is_not_absent(locked: Path) -> None:
    paths = ["/unsearchable/file", "/unsearchable/none", "/open/file", "/open/none", "/unreadable/none"]
    globs = [
        Glob("/unreadable/*", Keep.WHOLE),
        Glob("/unsearchable/*", Keep.WHOLE),
        Glob("/*/file", Keep.WHOLE),
        Glob("/unsearchable/file", Keep.WHOLE),
    ]
    view = read_directory(
        locked, [Needs(first=(*(ReadFile(path, Keep.WHOLE) for path in paths), *globs))], redactor=None
    )
    assert view.absent == {"/open/none", "/unreadable/none"}
    assert view.unseen.keys() == {
        "/unsearchable/file",
        "/unsearchable/none",
        "/unreadable/*",
        "/unsearchable/*",
        "/*/file",
    }
    with pytest.raises(InconclusiveError):
        view.content("/open/file")

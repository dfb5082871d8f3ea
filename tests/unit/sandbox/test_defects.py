"""The defects: known rules, known effects, and no matter in which order."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from amigate.errors import SandboxError, UsageError
from amigate.judge import catalogue
from amigate.sandbox.images import DEFECTS, LEAKY, RECIPES, Defect, choice, keys
from amigate.sandbox.images.tree import Tree

FILES = {
    "etc/apt/sources.list": "deb http://169.254.169.250/base/debian-security bookworm-security main\n",
    "etc/bash.bashrc": "# none\n",
    "etc/group": "root:x:0:\n",
    "etc/inittab": "::sysinit:/usr/lib/ec2-lean/boot\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "etc/shadow": "root:*:20000:0:99999:7:::\n",
    "usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py": "if self.cloud_name != CloudNames.AWS:\n",
}


@pytest.fixture(autouse=True)
def _ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners cannot be set here, and new host keys would differ each time."""
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setattr(keys, "host_keys", lambda: {"ed25519": ("private\n", "ssh-ed25519 AAAA")})


def tree(root: Path) -> Tree:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Tree(root)


def content(one: Tree) -> dict[str, tuple[str, int]]:
    """Every file with its lines, sorted where accounts are, and its mode."""
    found = {}
    for path in sorted(one.root.rglob("*")):
        if path.is_file():
            lines = path.read_text().splitlines()
            found[str(path.relative_to(one.root))] = ("\n".join(sorted(lines)), path.stat().st_mode)
    return found


def test_every_rule_that_a_defect_violates_exists() -> None:
    named = set(itertools.chain.from_iterable((*each.violates, *each.leaves_open) for each in DEFECTS.values()))
    assert named <= set(catalogue.checks())


def test_defects_say_what_is_wrong_in_a_sentence() -> None:
    for name, defect in DEFECTS.items():
        assert defect.name == name
        assert defect.summary.endswith(".")


def test_the_documentation_has_a_row_for_each_defect() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()
    missing = [row for row in map(documented, DEFECTS.values()) if row not in text]
    assert not missing, "\n".join(missing)


def documented(defect: Defect) -> str:
    """Return the defect's row of the table in the documentation."""
    mark = " •" if defect.name in LEAKY else ""
    rules = [f"`{rule}`" for rule in defect.violates] + [f"`{rule}` (inconclusive)" for rule in defect.leaves_open]
    images = "" if set(defect.images) == RECIPES.keys() else f" ({', '.join(defect.images)} only)"
    cells = (f"`{defect.name}`{mark}", f"{defect.summary}{images}", ", ".join(rules) or "–")  # noqa: RUF001 - a dash
    return f"| {' | '.join(cells)} |"


def test_the_documentation_names_each_image() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()
    for name in (*RECIPES, *choice.SETS):
        assert f"`{name}`" in text


def test_the_leaky_images_still_let_a_launch_key_in() -> None:
    for image, _ in choice.SETS.values():
        choice.check(image, LEAKY)
    assert not any("boot-fresh-key-logs-in" in DEFECTS[name].violates for name in LEAKY)


@pytest.mark.parametrize("image", RECIPES)
def test_each_defect_changes_the_clean_tree(image: str, tmp_path: Path) -> None:
    for defect in of(image):
        one = tree(tmp_path / defect.name)
        before = content(one)
        defect.apply(image, one)
        assert content(one) != before, defect.name


@pytest.mark.parametrize("image", RECIPES)
def test_the_order_of_defects_makes_no_difference(image: str, tmp_path: Path) -> None:
    forward, backward = tree(tmp_path / "forward"), tree(tmp_path / "backward")
    for defect in of(image):
        defect.apply(image, forward)
    for defect in reversed(of(image)):
        defect.apply(image, backward)
    assert content(forward) == content(backward)


def of(image: str) -> list[Defect]:
    """Return the defects that an image can have."""
    return [defect for defect in DEFECTS.values() if image in defect.images]


def test_a_cloud_init_of_another_shape_is_not_made_older_silently(tmp_path: Path) -> None:
    one = tree(tmp_path)
    one.write("/usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py", "pass\n")
    with pytest.raises(SandboxError, match="not what it was"):
        DEFECTS["imdsv1-only"].apply("cloud", one)


def test_an_account_is_added_once_and_keeps_its_password(tmp_path: Path) -> None:
    one = tree(tmp_path)
    one.user("admin", uid=1000, home="/home/admin")
    one.user("admin", uid=1000, home="/home/admin", password="")
    assert [line.split(":")[0] for line in one.path("/etc/passwd").read_text().splitlines()] == ["root", "admin"]
    assert "admin:!:" in one.path("/etc/shadow").read_text()


def test_the_leaky_image_is_a_name_for_its_defects() -> None:
    assert choice.parse("leaky").defects == LEAKY
    assert choice.parse("leaky-cloud+no-sshd") == choice.Choice(
        title="leaky-cloud+no-sshd", image="cloud", defects=(*LEAKY, "no-sshd")
    )
    assert choice.parse("lean+no-sshd") == choice.Choice(title="lean+no-sshd", image="lean", defects=("no-sshd",))


@pytest.mark.parametrize("text", ["fat", "lean+nothing", "", "+no-sshd"])
def test_unknown_names_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        choice.parse(text)
    assert "lean" in refused.value.hint or "no-sshd" in refused.value.hint


def test_a_defect_that_an_image_cannot_have_is_refused_with_the_images_that_can() -> None:
    with pytest.raises(UsageError) as refused:
        choice.parse("lean+provisioning-error")
    assert "systemd, cloud" in refused.value.hint

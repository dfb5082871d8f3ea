"""The snapshot and the launches, set against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.detect.hits import DETECTORS_VERSION, Sort
from amigate.evidence.model import DISK, Evidence, Found, Searched, View
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import ALL
from amigate.facts.reconciled import host_keys
from amigate.facts.secrets import SEARCH
from amigate.result import Witness
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/etc/ssh/ssh_host_ed25519_key"


@pytest.fixture
def at_rest(tmp_path: Path) -> View:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    return read_directory(tmp_path, ALL, redactor=Redactor())


def with_key(view: View, fingerprint: str) -> View:
    key = Found(path=PATH, sort=Sort.PRIVATE_KEY, line=1, detail="a private key", fingerprint=fingerprint)
    return replace(view, searches={SEARCH.key: Searched(detectors=DETECTORS_VERSION, found=(key,))})


def both(image: Any, view: View) -> Evidence:
    evidence: Evidence = image.evidence()
    return replace(evidence, witnesses=evidence.witnesses | {Witness.DISK}, views={**evidence.views, DISK: view})


def test_a_key_that_first_boot_hides_is_told(kit: Any, at_rest: View) -> None:
    assert host_keys(both(kit.Image(), with_key(at_rest, "SHA256:x"))) == [
        f"Host key SHA256:x is in the snapshot ({PATH}); first boot hid it: no key of launch A or B is that one."
    ]


def test_a_key_that_launches_show_too_is_told(kit: Any, at_rest: View) -> None:
    [first] = [view for viewpoint, view in kit.Image().evidence().views.items() if str(viewpoint) == "A/1/outside"]
    print_ = first.contact.host_key
    assert host_keys(both(kit.Image(), with_key(at_rest, print_))) == [
        f"Host key {print_} is in the snapshot ({PATH}), and launch A has it too."
    ]
    assert host_keys(both(kit.Image(host_key="host A"), with_key(at_rest, print_))) == [
        f"Host key {print_} is in the snapshot ({PATH}), and launch A and B have it too."
    ]


def test_a_clean_image_is_told_with_what_its_launches_made(kit: Any, at_rest: View) -> None:
    assert host_keys(both(kit.Image(), at_rest)) == [
        "Host keys: none in the snapshot; fresh ones at first boot, 1 on launch A and 1 on launch B, all different."
    ]


def test_nothing_is_claimed_of_what_was_not_seen_whole(kit: Any, at_rest: View) -> None:
    image = kit.Image()
    gap = Searched(detectors=DETECTORS_VERSION, gaps=("/x: it cannot be read",))
    assert host_keys(image.evidence()) == []
    assert host_keys(both(image, View(broken="not read"))) == []
    assert host_keys(both(image, replace(at_rest, searches={SEARCH.key: gap}))) == []
    assert host_keys(both(kit.Image(host_key="the same"), at_rest)) == []
    assert host_keys(Evidence(witnesses=frozenset({Witness.DISK}), views={DISK: at_rest})) == []

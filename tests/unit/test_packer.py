"""Packer's manifest: what this build of this run has made, and everything that does not tell it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from amigate.errors import UsageError
from amigate.packer import CAP_BYTES, Build, Made, images

RUN, OTHER_RUN = "8c7fbda6-9055-2d61-c631-ec66473cc35e", "a31eaa0a-00bc-4db1-419c-6f10cdbd3857"
AMI, COPY = "ami-0123456789abcdef0", "ami-0fedcba9876543210"
BUILD = Build(run=RUN, name="golden", builder="amazon-ebs")


def entry(**changes: Any) -> dict[str, Any]:
    """Return a build as Packer 1.6.6 has written it."""
    return {
        "name": "golden",
        "builder_type": "amazon-ebs",
        "build_time": 1795776370,
        "files": None,
        "artifact_id": f"eu-central-1:{AMI}",
        "packer_run_uuid": RUN,
        "custom_data": None,
    } | changes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "packer-manifest.json"


def written(path: Path, *builds: Any) -> Path:
    path.write_text(json.dumps({"builds": builds, "last_run_uuid": RUN}, indent=2))
    return path


def refused(path: Path, build: Build = BUILD) -> str:
    """Return what is said of a manifest that is refused; it names the file, and what to do."""
    with pytest.raises(UsageError) as error:
        images(path, build, pause_s=0)
    assert str(path) in str(error.value)
    assert error.value.hint
    return str(error.value)


def test_every_region_of_the_artifact_is_an_image(path: Path) -> None:
    written(path, entry(artifact_id=f"eu-central-1:{AMI},us-gov-west-1:{COPY}"))
    assert images(path, BUILD) == (Made(region="eu-central-1", ami=AMI), Made(region="us-gov-west-1", ami=COPY))


def test_builds_of_other_runs_and_other_sources_are_left_out(path: Path) -> None:
    written(
        path,
        entry(packer_run_uuid=OTHER_RUN, artifact_id=f"us-east-1:{COPY}"),
        entry(name="silver", artifact_id=f"us-east-1:{COPY}"),
        entry(),
        entry(builder_type="docker", artifact_id="sha256:1f"),
    )
    assert images(path, BUILD) == (Made(region="eu-central-1", ami=AMI),)


def test_a_build_that_stands_there_twice_is_one(path: Path) -> None:
    assert images(written(path, entry(), entry(build_time=1795776371)), BUILD) == (
        Made(region="eu-central-1", ami=AMI),
    )


def test_a_manifest_of_another_run_alone_is_refused_and_so_is_that_of_a_build_that_failed(path: Path) -> None:
    """Packer writes nothing for a build that fails: what an earlier run has made stands in the file."""
    assert "none of the 1 builds in it is of this run" in refused(written(path, entry(packer_run_uuid=OTHER_RUN)))
    assert "none of the 0 builds" in refused(written(path))


def test_a_run_without_this_build_is_refused(path: Path) -> None:
    assert "no build 'golden'" in refused(written(path, entry(name="silver")))
    assert "no build 'golden'" in refused(written(path, entry(builder_type="docker")))


def test_two_builds_of_one_name_are_refused_unless_their_types_differ(path: Path) -> None:
    written(path, entry(), entry(artifact_id=f"eu-central-1:{COPY}"))
    assert "several builds 'golden'" in refused(path)
    written(path, entry(), entry(builder_type="docker", artifact_id="sha256:1f"))
    assert "several builds" in refused(path, Build(run=RUN, name="golden"))
    assert images(path, BUILD) == (Made(region="eu-central-1", ami=AMI),)


@pytest.mark.parametrize(
    "artifact",
    [
        "",
        "Null",
        "sha256:0123456789abcdef",
        "vol-0123456789abcdef0",
        f"eu-central-1:{AMI},",
        f"eu-central-1:{AMI},us-east-1",
        f"eu-central-1:{AMI}:x",
        f"eu-central-1: {AMI}",
        f"evil.example/:{AMI}",
        "eu-central-1:ami-\x1b[31m",
    ],
)
def test_an_artifact_that_is_no_ami_in_a_region_is_refused(path: Path, artifact: str) -> None:
    said = refused(written(path, entry(artifact_id=artifact)))
    assert "has made no AMI" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("length", [0, 1, 40, 200, -3, -1])
def test_a_truncated_manifest_is_refused(path: Path, length: int) -> None:
    text = written(path, entry()).read_text()
    path.write_text(text[:length])
    assert "it is no JSON (line " in refused(path)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "{}",
        '{"builds": null}',
        '{"builds": [1]}',
        '{"builds": [{}]}',
        json.dumps({"builds": [entry(artifact_id=["a"])]}),
        json.dumps({"builds": [entry(), entry(packer_run_uuid=None)]}),
        '{"builds": [], "builds": []}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_json_that_is_no_manifest_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    assert "it is no manifest of Packer's" in refused(path)


def test_a_file_that_is_not_there_is_a_folder_is_no_text_or_has_no_end_is_refused(path: Path) -> None:
    assert "No such file" in refused(path)
    assert "directory" in refused(path.parent)
    path.write_bytes(b"\xff\xfe")
    assert "it is no text" in refused(path)
    path.write_bytes(b" " * (CAP_BYTES + 1))
    assert "larger than" in refused(path)
    assert "larger than" in refused(Path("/dev/zero"))


def test_a_manifest_that_another_build_is_writing_is_read_again(path: Path) -> None:
    text = written(path, entry()).read_text()
    path.write_text(text[:80])
    writer = threading.Timer(0.05, path.write_text, (text,))
    writer.start()
    try:
        assert images(path, BUILD, pause_s=0.05) == (Made(region="eu-central-1", ami=AMI),)
    finally:
        writer.join()

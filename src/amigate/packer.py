"""Packer's manifest: which images this build of this run has made.

The file is that of the `manifest` post-processor, https://developer.hashicorp.com/packer/docs/post-processors/manifest.
It grows with each build of each run, and is written in place, while the other builds of a run go on."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.errors import UsageError
from amigate.evidence import strict
from amigate.evidence.strict import MalformedError
from amigate.report.escape import shown
from amigate.sources.ec2 import AMI_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CAP_BYTES = 16 * 1024 * 1024
_TRIES = 5
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_SEQUENCE = (
    "Put a `manifest` post-processor before this one, in the same sequence, and name its output with --manifest."
)
_FIELDS = ("name", "builder_type", "artifact_id", "packer_run_uuid")


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build of one run of Packer, as it tells its post-processors in their environment."""

    run: str
    """PACKER_RUN_UUID."""
    name: str
    """PACKER_BUILD_NAME: what the source is called."""
    builder: str = ""
    """PACKER_BUILDER_TYPE, such as `amazon-ebs`; empty where that does not matter."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """An image that a build has made."""

    region: str
    ami: str


def images(path: Path, build: Build, *, pause_s: float = 0.2) -> tuple[Made, ...]:
    """Return the images that `build` has made, one for each region.

    A manifest that is no JSON is read again a few times, after `pause_s` seconds each: another build may be writing it.
    Raises UsageError for a manifest that cannot be read, or that does not tell what this build has made."""
    artifacts = {
        (each["name"], each["builder_type"], each["artifact_id"])
        for each in _of_run(path, _builds(path, pause_s), build.run)
        if each["name"] == build.name and build.builder in {"", each["builder_type"]}
    }
    if not artifacts:
        raise UsageError(f"{_named(path)}: this run has no build {shown(build.name)!r} in it", hint=_SEQUENCE)
    if len(artifacts) > 1:
        raise UsageError(
            f"{_named(path)}: this run has several builds {shown(build.name)!r} in it, of different artifacts",
            hint="Give each source a name of its own.",
        )
    [(_, builder, artifact)] = artifacts
    return _images(path, builder, artifact)


def _builds(path: Path, pause_s: float) -> list[dict[str, str]]:
    for left in reversed(range(_TRIES)):
        try:
            return _fields(strict.parse(_text(path)))
        except MalformedError as error:
            if not left:
                raise UsageError(
                    f"{_named(path)}: it is no manifest of Packer's: {shown(str(error))}",
                    hint="Remove the file, and build again.",
                ) from None
            time.sleep(pause_s)
    raise AssertionError("unreachable: the last try returns or raises")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(CAP_BYTES + 1)
        if len(data) > CAP_BYTES:
            raise MalformedError("it is larger than a manifest can be")
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{_named(path)}: {error.strerror}", hint=_SEQUENCE) from None
    except UnicodeDecodeError:
        raise MalformedError("it is no text") from None


def _fields(document: Any) -> list[dict[str, str]]:
    """Return what counts of each build; raises MalformedError where it is not there, or no text."""
    builds = document.get("builds") if isinstance(document, dict) else None
    if not isinstance(builds, list):
        raise MalformedError("it has no list of builds")
    for number, each in enumerate(builds):
        if not isinstance(each, dict) or not all(isinstance(each.get(name), str) for name in _FIELDS):
            raise MalformedError(f"builds[{number}] has not the fields {', '.join(_FIELDS)}")
    return [{name: each[name] for name in _FIELDS} for each in builds]


def _of_run(path: Path, builds: Sequence[dict[str, str]], run: str) -> list[dict[str, str]]:
    found = [each for each in builds if each["packer_run_uuid"] == run]
    if not found:
        raise UsageError(
            f"{_named(path)}: none of the {len(builds)} builds in it is of this run of Packer ({shown(run)})",
            hint=f"A build that failed has made nothing. {_SEQUENCE}",
        )
    return found


def _images(path: Path, builder: str, artifact: str) -> tuple[Made, ...]:
    """Read an artifact id of an Amazon builder: `region:ami-…`, joined by commas."""
    pairs = [part.partition(":") for part in artifact.split(",")]
    if not all(_REGION.fullmatch(region) and AMI_ID.fullmatch(ami) for region, _, ami in pairs):
        what = shown(artifact) or "empty"
        raise UsageError(
            f"{_named(path)}: this build ({shown(builder)}) has made no AMI: its artifact is {what}",
            hint="Use `only` of the post-processor to call it after sources alone that make AMIs, such as amazon-ebs.",
        )
    return tuple(dict.fromkeys(Made(region=region, ami=ami) for region, _, ami in pairs))


def _named(path: Path) -> str:
    return shown(str(path))

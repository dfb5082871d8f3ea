"""The files of a profile: its own, and before it those that it extends."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.profile.places import did_you_mean, read
from amigate.profile.written import parse

if TYPE_CHECKING:
    from amigate.profile.places import Places
    from amigate.profile.written import Written

_MAX_BYTES = 1024 * 1024
_MOST_FILES = 50


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One file of a profile."""

    path: Path
    raw: bytes
    written: Written
    places: Places
    entry: int | None
    """Which entry of `extends` in the profile's own file leads to it; None for that file itself."""


def shipped() -> dict[str, Path]:
    """Return the profiles that come with amigate, name to file."""
    folder = Path(str(files("amigate.profiles")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def parse_alone(raw: bytes, name: str) -> Layer:
    """Return the layer that `raw` is, whatever it extends; `name` is what errors call it."""
    data, places = read(raw, name)
    return Layer(path=Path(name), raw=raw, written=parse(data, places), places=places, entry=None)


def read_layers(path: Path) -> tuple[Layer, ...]:
    """Return the files of the profile at `path`: what is extended before what extends it, each file once.

    Raises UsageError for a file that cannot be read or is no profile, and for profiles that extend each other."""
    found: dict[Path, Layer] = {}
    _collect(_bytes(path, str(path)), path, None, (), found)
    return tuple(found.values())


def _collect(raw: bytes, path: Path, entry: int | None, chain: tuple[Path, ...], found: dict[Path, Layer]) -> None:
    alone = parse_alone(raw, str(path))
    whole = path.resolve()
    for number, name in enumerate(alone.written.extends):
        place = alone.places.at("extends", number)
        base = _named(name, path.parent, place)
        if base.resolve() in (*chain, whole):
            raise UsageError(f"{place}: {name} extends this profile itself", hint="Leave one of them out.")
        if len(found) + len(chain) >= _MOST_FILES:
            raise UsageError(f"{place}: more than {_MOST_FILES} profiles are extended", hint="Leave some of them out.")
        if base.resolve() not in found:
            _collect(_bytes(base, f"{place}: {name}"), base, number if entry is None else entry, (*chain, whole), found)
    found[whole] = Layer(path=path, raw=raw, written=alone.written, places=alone.places, entry=entry)


def _named(name: str, folder: Path, place: str) -> Path:
    """Return the file that an entry of `extends` names."""
    path = shipped().get(name) or folder / name
    if not path.is_file():
        near = did_you_mean(name, shipped())
        raise UsageError(
            f"{place}: there is no profile {name!r}{near}",
            hint=f"Name one of {', '.join(shipped())}, or a YAML file by its path from this one.",
        )
    return path


def _bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}", hint="Check the file's permissions.") from None
    if len(raw) > _MAX_BYTES:
        raise UsageError(f"{name}: larger than a profile can be", hint="Name a profile's YAML file.")
    return raw

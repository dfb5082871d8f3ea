"""What the rules have AWS asked beyond the image itself; all of it is asked at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from amigate.check import Ask
from amigate.errors import AmigateError
from amigate.evidence.model import asked
from amigate.sources import ancestry, keys, region_settings, scans

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from amigate.sources.aws import Aws

CONCURRENCY = 8


def answers(
    aws: Aws, asks: Collection[Ask], image: Mapping[str, Any], snapshots: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what AWS answered, and why it did not, each by its name (`asked`)."""
    seen: dict[str, Any] = {}
    unseen: dict[str, str] = {}
    questions = dict(each for ask in sorted(asks) for each in _questions(aws, ask, image, snapshots))
    if not questions:
        return seen, unseen
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for name, (answer, why) in zip(questions, pool.map(_answer, questions.values()), strict=True):
            if why:
                unseen[name] = why
            else:
                seen[name] = answer
    return seen, unseen


def _questions(
    aws: Aws, ask: Ask, image: Mapping[str, Any], snapshots: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the questions of an ask, each by its name."""
    if ask in _OF_KEYS:
        for key in dict.fromkeys(str(each["KmsKeyId"]) for each in snapshots if each.get("KmsKeyId")):
            yield asked(ask, key), partial(_OF_KEYS[ask], aws, key)
    elif ask is Ask.SNAPSHOT_PERMISSIONS:
        for snapshot in snapshots:
            snapshot_id = str(snapshot.get("SnapshotId", ""))
            yield asked(ask, snapshot_id), partial(region_settings.snapshot_permissions, aws, snapshot_id)
    else:
        yield asked(ask), partial(_OF_IMAGES[ask], aws, image)


_OF_KEYS: Mapping[Ask, Callable[[Aws, str], Any]] = {Ask.KEYS: keys.described, Ask.KEY_POLICIES: keys.policy}
_OF_IMAGES: Mapping[Ask, Callable[[Aws, Mapping[str, Any]], Any]] = {
    Ask.PUBLIC_ACCESS: region_settings.public_access,
    Ask.PUBLIC_IMAGES: region_settings.public_images,
    Ask.PUBLIC_QUOTA: region_settings.public_quota,
    Ask.SHARING_QUOTA: region_settings.sharing_quota,
    Ask.ENCRYPTION_BY_DEFAULT: region_settings.encryption_by_default,
    Ask.ANCESTRY: ancestry.ancestry,
    Ask.VULNERABILITIES: scans.vulnerabilities,
    Ask.MALWARE: scans.malware,
}


def _answer(question: Callable[[], Any]) -> tuple[Any, str]:
    """Return the answer, or why there is none."""
    try:
        return question(), ""
    except AmigateError as error:
        return None, str(error)
    except KeyError as error:  # botocore's, for a body without the elements of an answer
        return None, f"AWS answered without {error}"

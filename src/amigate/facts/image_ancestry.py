"""Of what an image was made, and by whom: an owner is an account, a name proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.check import Ask, InconclusiveError
from amigate.facts.ami import descriptions
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amigate.evidence.model import Ec2Descriptions, Evidence


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the way back from an image ends."""

    strangers: tuple[Finding, ...] = ()
    """An owner who is neither the caller nor trusted."""
    loose_ends: tuple[Finding, ...] = ()
    """An ancestor whose owner is not known any more, or of whose own source AWS knows nothing."""


@dataclass(frozen=True, kw_only=True)
class ImageAncestry:
    """The image and what it was made from, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageAncestry.html."""

    ec2: Ec2Descriptions

    @classmethod
    def read(cls, evidence: Evidence) -> ImageAncestry:
        """Read the description; raises InconclusiveError when EC2 was not asked."""
        return cls(ec2=descriptions(evidence))

    def origin(self, trusted: object, base: object) -> Origin:
        """Go back, over the caller's own images, to the first whose owner is in `trusted`, or that is `base`.

        `trusted` are account ids and the aliases that AWS alone gives (`amazon` …). Raises InconclusiveError where the
        ancestry was not seen."""
        if not isinstance(trusted, list | tuple) or not all(isinstance(each, str) for each in trusted):
            raise InconclusiveError("the setting trusted must list account ids and aliases")
        step = ""
        for each in self._images():
            step, owner = str(each.get("ImageId", "")), str(each.get("OwnerId", ""))
            if step == base or owner in trusted or each.get("ImageOwnerAlias") in trusted:
                return Origin()
            if not owner:
                return Origin(loose_ends=(_finding(step, "nobody can tell any more whose image this ancestor was"),))
            if owner != self.ec2.caller:
                return Origin(strangers=(_finding(step, f"it belongs to account {owner}, which is not trusted"),))
        return Origin(loose_ends=(_finding(step, "AWS knows of nothing that it was made from"),))

    def _images(self) -> Iterator[Mapping[str, Any]]:
        yield self.ec2.image
        yield from self.ec2.answer(Ask.ANCESTRY)


def _finding(image: str, detail: str) -> Finding:
    return Finding(subject=image, detail=detail)

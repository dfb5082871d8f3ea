"""How old what is in an image is, and when the image is deprecated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from amigate.check import Ask, InconclusiveError
from amigate.facts.ami import descriptions
from amigate.facts.moments import days, moment
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from amigate.evidence.model import Ec2Descriptions, Evidence

LONGEST_PUBLIC = timedelta(days=2 * 366)
LONGEST = timedelta(days=10 * 366)
"""How long after its creation AWS lets an image be deprecated, https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html."""


@dataclass(frozen=True, kw_only=True)
class ImageAge:
    """When an image was made, seen at the time of the evidence.

    A copy is as old as what it was copied from: AWS gives each copy a date of its own. An image without an instance
    that it was made of, and with a source, is a copy; of others' images only they see that instance."""

    id: str
    is_for_all: bool
    now: datetime
    created: datetime
    deprecated: datetime | None
    ec2: Ec2Descriptions

    @classmethod
    def read(cls, evidence: Evidence) -> ImageAge:
        """Read the description; raises InconclusiveError where a time is missing or is none."""
        ec2 = descriptions(evidence)
        deprecated = ec2.image.get("DeprecationTime")
        return cls(
            id=str(ec2.image.get("ImageId", "")),
            is_for_all=evidence.audience == "public" or bool(ec2.image.get("Public")),
            now=moment(evidence.collected_at, "when EC2 was asked"),
            created=moment(ec2.image.get("CreationDate"), "when the image was made"),
            deprecated=moment(deprecated, "when the image is deprecated") if deprecated else None,
            ec2=ec2,
        )

    def too_old(self, at_most_days: int) -> list[Finding]:
        """Find an image that is older; raises InconclusiveError for a copy of what may be."""
        for made, is_copy, name in self._lineage():
            if age := self._older(made, at_most_days):
                copied = "" if name == self.id else f", as a copy of {name}"
                return [
                    Finding(subject=self.id, detail=f"it was made {age} days ago{copied}; {at_most_days} are allowed")
                ]
            if is_copy is False:
                return []
            if is_copy is None:
                break
        for made, _, name in self._lineage():
            if self._older(made, at_most_days):
                raise InconclusiveError(f"it cannot be told whether it is a copy of {name}, which is too old")
        return []

    def aging(self, days_old: int) -> list[Finding]:
        """Find an image for everybody that is older than that."""
        age = self._older(self.created, days_old) if self.is_for_all else 0
        return (
            [Finding(subject=self.id, detail=f"it was made {age} days ago, and everybody is to use it")] if age else []
        )

    def deprecation_faults(self) -> list[Finding]:
        """Find a date of deprecation that is missing, over, or later than AWS allows."""
        longest = LONGEST_PUBLIC if self.is_for_all else LONGEST
        if self.deprecated is None:
            return [Finding(subject=self.id, detail="no date of its deprecation is set")]
        if self.deprecated <= self.now:
            return [Finding(subject=self.id, detail=f"it is deprecated since {self.deprecated:%Y-%m-%d}")]
        if self.deprecated > self.created + longest:
            years = "two years, as for public images" if self.is_for_all else "ten years"
            return [Finding(subject=self.id, detail=f"it is deprecated later than {years} after it was made")]
        return []

    def _older(self, made: datetime, at_most_days: int) -> int:
        """Return the age in days if it is more than that, else 0."""
        age = days(self.now - made)
        return age if age > at_most_days else 0

    def _lineage(self) -> Iterator[tuple[datetime, bool | None, str]]:
        """Yield date, whether it is a copy (None: not told) and id, of the image and then of its ancestors."""
        image: Mapping[str, Any] = self.ec2.image
        is_copy = _is_copy(image, is_own=image.get("OwnerId") == self.ec2.caller)
        yield self.created, is_copy, self.id
        if is_copy is False:
            return
        ancestors = self.ec2.answer(Ask.ANCESTRY)
        if not ancestors:
            raise InconclusiveError(f"it is a copy of {image['SourceImageId']}, of which AWS tells nothing")
        for each in ancestors:
            name = str(each.get("ImageId", ""))
            is_last = not each.get("SourceImageId")
            yield moment(each.get("CreationDate"), f"when {name} was made"), not is_last and each.get("IsCopy"), name
            if is_last:
                return
        raise InconclusiveError("its ancestry is not told to the end")


def _is_copy(image: Mapping[str, Any], *, is_own: bool) -> bool | None:
    if not image.get("SourceImageId") or image.get("SourceInstanceId"):
        return False
    return True if is_own else None

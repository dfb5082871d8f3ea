"""What name, description and tags of an image and its snapshots tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.facts.ami import descriptions
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from amigate.evidence.model import Evidence

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63})+")
_INTERNAL = re.compile(
    r"\b[a-z0-9][a-z0-9.-]{0,200}\.(internal|intranet|corp|lan|local|localdomain|home\.arpa)\b|\bip(-\d{1,3}){4}\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_PRIVATE = re.compile(r"10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.")
_TICKET = re.compile(
    r"\b(?:INC|CHG|RITM|PRB|SCTASK)\d{7}\b"
    r"|\b(?:jira|ticket)[ :#-]{1,3}\d{1,7}\b"
    r"|\b(?:jira|ticket|issue|bug|fix(?:es|ed)?|closes)[ :-]{1,3}(?:#|(?!CVE-)[A-Z][A-Z0-9]{1,9}-)\d{1,7}\b",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<![\w.])\d{12}(?![\w.])")
_ACCESS_KEY = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])")
_MINUTE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d")
"""Twelve digits that are a time of day rather than an account."""
_VERSION = re.compile(r"\d")
_LONGEST = 4096
"""Characters of a text that are looked at; AWS takes 255 in a description, 256 in a tag."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """One text that somebody gave to the image or to a snapshot."""

    of: str
    """Id of the image or snapshot."""
    what: str
    """`name`, `description`, `tag NAME`."""
    text: str


@dataclass(frozen=True, kw_only=True)
class ImageWords:
    """All those texts. Tags do not travel with a share, name and description do; copies are made with tags, though."""

    id: str
    accounts: frozenset[str]
    """Whose image it is, and who asks."""
    description: str
    words: tuple[Words, ...]
    unseen: str
    """Why texts of a snapshot were not seen."""

    @classmethod
    def read(cls, evidence: Evidence) -> ImageWords:
        """Read the descriptions; raises InconclusiveError when EC2 was not asked."""
        ec2 = descriptions(evidence)
        image = ec2.image
        mapped = [str((each.get("Ebs") or {}).get("SnapshotId", "")) for each in image.get("BlockDeviceMappings") or ()]
        seen = {str(each.get("SnapshotId", "")) for each in ec2.snapshots}
        missing = [each for each in mapped if each and each not in seen]
        return cls(
            id=str(image.get("ImageId", "")),
            accounts=frozenset({str(image.get("OwnerId", "")), ec2.caller}),
            description=str(image.get("Description", "")),
            words=tuple(
                each
                for described, name in ((image, "ImageId"), *((snapshot, "SnapshotId") for snapshot in ec2.snapshots))
                for each in _words(described, str(described.get(name, "")))
            ),
            unseen=ec2.unseen.get(missing[0], f"{missing[0]} was not described") if missing else "",
        )

    def leaks(self, internal: object, public_accounts: object) -> list[Finding]:
        """Find texts that tell what is internal; nothing of the text itself is in a finding.

        `internal` are more words that are, `public_accounts` ids that anybody may know. Raises InconclusiveError where
        nothing was found and not all was seen."""
        internal = _words_of("internal", internal)
        accounts = {*_words_of("public_accounts", public_accounts), *self.accounts}
        found = [
            Finding(subject=each.of, detail=f"its {each.what} holds {leak}")
            for each in self.words
            for leak in _leaks_in(each.text[:_LONGEST], internal, accounts)
        ]
        if self.unseen and not found:
            raise InconclusiveError(self.unseen)
        return found

    def poor_description(self) -> list[Finding]:
        """Find a description that is missing or tells no version: receivers see it and the name, and nothing else."""
        if not self.description.strip():
            return [Finding(subject=self.id, detail="it has no description")]
        if not _VERSION.search(self.description):
            return [Finding(subject=self.id, detail="its description tells no version")]
        return []


def _leaks_in(text: str, internal: Collection[str], accounts: Collection[str]) -> Iterator[str]:
    if _ACCESS_KEY.search(text):
        yield "an access key id of AWS"
    if _MAIL.search(text):
        yield "a mail address"
    if _INTERNAL.search(text) or any(map(_is_private, _ADDRESS.findall(text))):
        yield "an internal host name or address"
    if _TICKET.search(text):
        yield "the number of a ticket"
    if any(each not in accounts and not _MINUTE.fullmatch(each) for each in _ACCOUNT.findall(text)):
        yield "the id of another account"
    lower = text.lower()
    if any(word.lower() in lower for word in internal):
        yield "a word that the profile calls internal"


def _words_of(setting: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each for each in value):
        raise InconclusiveError(f"the setting {setting} must list words")
    return tuple(value)


def _words(described: Mapping[str, Any], of: str) -> Iterator[Words]:
    for name in ("Name", "Description"):
        if text := described.get(name):
            yield Words(of=of, what=name.lower(), text=str(text))
    for tag in described.get("Tags") or ():
        key = str(tag.get("Key", ""))
        yield Words(of=of, what=f"tag {key[:40]}", text=str(tag.get("Value", "")))


def _is_private(text: str) -> bool:
    if not _PRIVATE.match(text):
        return False
    try:
        return ip_address(text).is_private
    except ValueError:  # a version, such as 10.0.300.1
        return False

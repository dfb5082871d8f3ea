"""The EBS direct APIs, read-only, served from the disk file behind a snapshot.

https://docs.aws.amazon.com/ebs/latest/APIReference/API_Operations.html"""

from __future__ import annotations

import base64
import bisect
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.errors import SandboxError
from amigate.sandbox.api.documents import send
from amigate.sandbox.api.ebs_snapshots import EbsError, Readable, invalid, readable
from amigate.sandbox.api.ebs_tokens import BLOCK_LIFE_S, PAGE_LIFE_S, InvalidTokenError, Tokens
from amigate.sandbox.blocks import BLOCK, Blocks
from amigate.sandbox.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moto.core.request import Request

    from amigate.sandbox.cloud import Cloud
    from amigate.sandbox.fault import Asked

_FEWEST, _MOST = 100, 10_000
_LARGEST_INDEX = (1 << 31) - 1
Answered = tuple[dict[str, str], bytes]


@dataclass(frozen=True, kw_only=True)
class _Page:
    """Which blocks an answer is about: those from an index on, so many at most."""

    first: int
    most: int


class Ebs:
    """Answers requests about the blocks of snapshots; holds no lock while it reads."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._tokens = Tokens()
        self._shelf = Shelf(cloud.store.folder)
        cloud.store.when_forgotten.append(self._shelf.forget)
        self._actions: dict[str, Callable[[Request, Asked], Answered]] = {
            "ListSnapshotBlocks": self._list,
            "GetSnapshotBlock": self._get,
            "ListChangedBlocks": self._compare,
        }

    def __call__(self, request: Request, asked: Asked, start_response: Any) -> list[bytes]:
        """Answer one request."""
        try:
            headers, body = self._actions.get(asked.action, _refuse)(request, asked)
        except EbsError as error:
            return send(start_response, error.refusal, service="ebs")
        start_response("200 OK", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def _list(self, request: Request, asked: Asked) -> Answered:
        snapshot, blocks = self._open(asked, _path(request)[1])
        page = self._page(request, "list", snapshot.id)
        chosen, following = _cut(blocks.indexes, page)
        expires = self._tokens.now() + BLOCK_LIFE_S
        listed = [{"BlockIndex": i, "BlockToken": self._tokens.make(i, expires, snapshot.id)} for i in chosen]
        return self._answer({"Blocks": listed}, [snapshot], expires, (following, "list", snapshot.id))

    def _get(self, request: Request, asked: Asked) -> Answered:
        snapshot, blocks = self._open(asked, _path(request)[1])
        index = _number(_path(request)[3], "INVALID_BLOCK", "The block index is not valid.")
        if not self._is_token(request.args.get("blockToken", ""), index, snapshot.id):
            raise invalid("INVALID_BLOCK_TOKEN", "The block token is not valid.")
        data = blocks.read(index)
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {"x-amz-Data-Length": str(BLOCK), "x-amz-Checksum": checksum, "x-amz-Checksum-Algorithm": "SHA256"}
        return {"Content-Type": "application/octet-stream", **headers}, data

    def _compare(self, request: Request, asked: Asked) -> Answered:
        """List what differs among the next blocks that either snapshot has; that may be nothing, and not the end."""
        first, before = self._open(asked, request.args.get("firstSnapshotId", ""))
        second, after = self._open(asked, _path(request)[1])
        if not first.lineage & second.lineage:
            raise invalid("UNRELATED_SNAPSHOTS", "The snapshots are not of the same volume or lineage.")
        page = self._page(request, "compare", first.id, second.id)
        old = frozenset(before.indexes)
        chosen, following = _cut(sorted(old.union(after.indexes)), page)
        expires = self._tokens.now() + BLOCK_LIFE_S
        changed = []
        for index in chosen:
            if before.read(index) != after.read(index):
                tokens = {"SecondBlockToken": self._tokens.make(index, expires, second.id)}
                tokens |= {"FirstBlockToken": self._tokens.make(index, expires, first.id)} if index in old else {}
                changed.append({"BlockIndex": index, **tokens})
        again = (following, "compare", first.id, second.id)
        return self._answer({"ChangedBlocks": changed}, [first, second], expires, again)

    def _open(self, asked: Asked, snapshot_id: str) -> tuple[Readable, Blocks]:
        snapshot = readable(self._cloud, asked.region, asked.account, snapshot_id)
        try:
            return snapshot, self._shelf.blocks(snapshot.id, snapshot.disk)
        except (OSError, SandboxError) as error:
            message = f"SANDBOX: the disk of {snapshot.id} cannot be read: {error}"[:256]
            raise EbsError(500, "InternalServerException", "", message) from error

    def _page(self, request: Request, *purpose: str) -> _Page:
        """Return the page wanted; at least 100 blocks come, also to those who ask for fewer."""
        wrong = "INVALID_PARAMETER_VALUE"
        asked = request.args.get("maxResults")
        most = _MOST if asked is None else _number(asked, wrong, "MaxResults is not valid.")
        if most > _MOST:
            raise invalid(wrong, f"MaxResults must be from {_FEWEST} to {_MOST}.")
        if token := request.args.get("pageToken"):
            try:
                first = self._tokens.read(token, *purpose)
            except InvalidTokenError as error:
                raise invalid("INVALID_PAGE_TOKEN", "The page token is not valid, or has expired.") from error
        else:
            first = _number(request.args.get("startingBlockIndex", "0"), wrong, "StartingBlockIndex is not valid.")
        return _Page(first=first, most=max(most, _FEWEST))

    def _is_token(self, token: str, index: int, snapshot_id: str) -> bool:
        try:
            return self._tokens.read(token, snapshot_id) == index
        except InvalidTokenError:
            return False

    def _answer(
        self,
        listed: dict[str, Any],
        snapshots: Sequence[Readable],
        expires: float,
        following: tuple[int | None, *tuple[str, ...]],
    ) -> Answered:
        size = max(snapshot.size_gib for snapshot in snapshots)
        answer = {**listed, "ExpiryTime": int(expires), "VolumeSize": size, "BlockSize": BLOCK}
        index, *purpose = following
        if index is not None:
            answer["NextToken"] = self._tokens.make(index, self._tokens.now() + PAGE_LIFE_S, *purpose)
        return {"Content-Type": "application/json"}, json.dumps(answer).encode()


def _cut(indexes: Sequence[int], page: _Page) -> tuple[Sequence[int], int | None]:
    """Return the indexes of a page, and the first of the one after it."""
    begin = bisect.bisect_left(indexes, page.first)
    chosen, rest = indexes[begin : begin + page.most], indexes[begin + page.most : begin + page.most + 1]
    return chosen, rest[0] if rest else None


def _path(request: Request) -> list[str]:
    """Return the parts of /snapshots/ID/blocks/INDEX; the guard has seen its form."""
    return [*request.path.strip("/").split("/"), "", "", ""]


def _number(text: str, reason: str, message: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text[:12]) > _LARGEST_INDEX:
        raise invalid(reason, message)
    return int(text)


def _refuse(_: Request, asked: Asked) -> Answered:
    message = (
        f"SANDBOX: {asked.action or 'this'} is not there; snapshots can be read with the EBS direct APIs, not written"
    )
    raise EbsError(400, "ValidationException", "INVALID_PARAMETER_VALUE", message)

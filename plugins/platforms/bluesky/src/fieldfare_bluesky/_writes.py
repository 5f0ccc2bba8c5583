"""What the account does out there. Each write has a key that we choose and freeze before anything is sent.

`putRecord` with `swapRecord: null` means "only if nothing stands there": repeated with the same record it answers 200
and changes nothing, with another record it answers `InvalidSwap`. `applyWrites` is all or nothing and answers 500 when
it is repeated, so doubt about a thread is resolved by looking. A record under our key is the whole proof that a write
happened. (Tried on PDS 0.4.217 and 0.5.35, 2026-11-22, with answers cut off and servers stopped in between.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from fieldfare.plugin import (
    Absent,
    Answer,
    Attempt,
    Draft,
    Found,
    Media,
    PostRef,
    Recall,
    Receipt,
    Rejected,
    Request,
    Unknowable,
)

from . import _records as records
from ._client import Client
from ._image import Image
from ._login import Keeper, Login
from ._records import Frozen, Hangs
from ._text import facets
from ._tid import at, beside
from ._wire import KIND, LIKE, POST, REPOST, PostRecord, PostView, Stored, StrongRef, address, ref, web_url
from ._xrpc import body_of, judge_record, judge_upload, judge_writes, occupied, procedure, upload

Sort = Callable[[Answer], None]

RECORDS = "records"
PARENT = "parent"
MARK = "mark"
PUT = "put"
THREAD = "thread"
DELETE = "delete"


class Mark(TypedDict):
    """A like or repost as it is frozen: `already` is one that stood there before, else `record` is to be written."""

    already: str
    record: Frozen | None


class Writer:
    """Performs and recalls the account's writes."""

    def __init__(self, client: Client, keeper: Keeper) -> None:
        self._client = client
        self._keeper = keeper

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        """One post, or a thread in one write."""
        return await self._post(drafts, None, attempt, lambda: at(attempt.now, attempt.key(PUT)))

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt:
        """An answer; its key follows from what it answers, so that even a restored store meets its own reply."""
        _, _, parent_key = self._address(to)
        hangs: Hangs = await attempt.once(PARENT, lambda: self._parent(to))
        return await self._post([draft], hangs, attempt, lambda: beside(parent_key, attempt.key(PUT)))

    async def mark(self, collection: str, subject: PostRef, attempt: Attempt) -> Receipt:
        """A like or a repost; its key follows from its subject, so there is never a second one of ours."""
        self._address(subject)
        mark: Mark = await attempt.once(MARK, lambda: self._mark(collection, subject, attempt))
        record = mark["record"]
        if record is None:
            return Receipt(ref=_mark_ref(mark["already"], "", subject.id), note="it stood there already")
        answer = await self._send(PUT, attempt, _put(collection, record), judge_record)
        note = "it stood there already" if occupied(answer) else ""
        return Receipt(ref=_mark_ref(record["uri"], record["cid"], subject.id), note=note)

    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt:
        """A record of ours, gone; gone already counts."""
        did, collection, rkey = self._address(post)
        login = await self._keeper.login()
        if did != login.did:
            raise Rejected(f"{post.id!r} is not a post of this account")
        body = {"repo": did, "collection": collection, "rkey": rkey}
        await self._send(DELETE, attempt, _call("com.atproto.repo.deleteRecord", body), judge_writes)
        return Receipt(note="deleted")

    async def recall(self, target: PostRef | None, attempt: Attempt) -> Recall:
        """Looks for the records of a write under the keys that were frozen for it."""
        steps = attempt.steps
        if DELETE in steps and target is not None:
            _, collection, rkey = self._address(target)
            stands = await self._client.record(collection, rkey)
            return Absent("the post is still there") if stands else Found(Receipt(note="deleted"))
        if MARK in steps and steps[MARK].value and (record := steps[MARK].value["record"]):
            stored = await self._stored(record)
            if stored is None:
                return Absent(f"no record under the key {record['rkey']!r}")
            return Found(Receipt(ref=_mark_ref(stored.uri, stored.cid, stored.value["subject"]["uri"])))
        if RECORDS in steps and steps[RECORDS].value:
            return await self._recall_posts(steps[RECORDS].value, attempt)
        return Absent("nothing but pictures was sent, and the same picture sent again is the same picture")

    async def _recall_posts(self, frozen: list[Frozen], attempt: Attempt) -> Recall:
        found = [(record, await self._stored(record)) for record in frozen]
        standing = [(record, stored) for record, stored in found if stored is not None]
        if not standing:
            return Absent(f"no record under the key {frozen[0]['rkey']!r}")
        if taken := await attempt.taken([stored.uri for _, stored in standing]):
            return Unknowable(f"another delivery holds {', '.join(sorted(taken))}")
        for record, stored in standing:
            if stored.post.parent != PostRecord.model_validate(record["record"]).parent:
                return Unknowable(f"{stored.uri} stands under our key and answers another post")
        return Found(self._receipt(frozen, {stored.uri: stored.cid for _, stored in standing}))

    async def _post(
        self,
        drafts: Sequence[Draft],
        hangs: Hangs | None,
        attempt: Attempt,
        choose_key: Callable[[], str],
    ) -> Receipt:
        step = attempt.steps.get(RECORDS)
        if step is None or step.value is None:
            pictures = [await self._upload(number, draft, attempt) for number, draft in enumerate(drafts, 1)]
        else:
            pictures = []

        async def freeze() -> list[Frozen]:
            login = await self._keeper.login()
            posts = [
                records.post(
                    draft,
                    facets=await facets(draft.text, self._client.resolve),
                    blobs=blobs,
                    created_at=moment,
                )
                for draft, blobs, moment in zip(
                    drafts, pictures, records.moments(attempt.now, len(drafts)), strict=True
                )
            ]
            return records.chain(login.did, choose_key(), posts, hangs)

        frozen: list[Frozen] = await attempt.once(RECORDS, freeze)
        return await self._write(frozen, attempt)

    async def _write(self, frozen: list[Frozen], attempt: Attempt) -> Receipt:
        if len(frozen) > 1:
            await self._send(THREAD, attempt, _apply(frozen), judge_writes)
        elif occupied(await self._send(PUT, attempt, _put(POST, frozen[0]), judge_record)):
            # A store that was restored, or a person who edited the post: our key says that it is this intent.
            match await self._recall_posts(frozen, attempt):
                case Found(receipt=Receipt() as receipt):
                    return receipt
                case _:
                    raise Rejected(f"another record stands under our key {frozen[0]['rkey']!r}")
        return self._receipt(frozen, {record["uri"]: record["cid"] for record in frozen})

    async def _upload(self, number: int, draft: Draft, attempt: Attempt) -> list[tuple[Media, dict[str, Any], Image]]:
        blobs: list[tuple[Media, dict[str, Any], Image]] = []
        for place, media in enumerate(draft.media, 1):
            content = await attempt.media(media)
            image = records.picture(media, content)

            def request(login: Login, content: bytes = content, mime: str = image.mime) -> Request:
                return upload(login.endpoint, login.access, content, mime)

            answer = await self._send(f"picture-{number}-{place}", attempt, request, judge_upload)
            blobs.append((media, (body_of(answer) or {})["blob"], image))
        return blobs

    async def _parent(self, to: PostRef) -> Hangs:
        """What a reply hangs on; raises Rejected when its parent is gone, blocked, or takes no reply from us."""
        view = await self._subject(to)
        if view.viewer.reply_disabled:
            raise Rejected(f"the author of {to.id!r} takes no reply from this account")
        parent = StrongRef(uri=view.uri, cid=view.cid)
        root = view.record.reply.root if view.record.reply else parent
        return Hangs(root=root.model_dump(), parent=parent.model_dump())

    async def _mark(self, collection: str, subject: PostRef, attempt: Attempt) -> Mark:
        view = await self._subject(subject)
        already = view.viewer.like if collection == LIKE else view.viewer.repost
        if already:
            return Mark(already=already, record=None)
        login = await self._keeper.login()
        seed = hashlib.sha256(f"{collection} {view.uri}".encode()).hexdigest()
        record = records.about(collection, {"uri": view.uri, "cid": view.cid}, attempt.now)
        rkey = beside(address(view.uri)[2], seed)
        return Mark(already="", record=records.frozen(login.did, collection, rkey, record))

    async def _subject(self, wanted: PostRef) -> PostView:
        view = (await self._client.posts([wanted.id])).get(wanted.id)
        if view is None:
            raise Rejected(f"{wanted.id!r} is gone, or its author has blocked this account")
        return view

    async def _stored(self, record: Frozen) -> Stored | None:
        _, collection, rkey = address(record["uri"])
        return await self._client.record(collection, rkey)

    async def _send(self, step: str, attempt: Attempt, request: Callable[[Login], Request], sort: Sort) -> Answer:
        """One write. A refused token is renewed and the write sent then: the refusal proves that nothing was done."""
        return await self._keeper.using(lambda login: attempt.send(step, request(login), sort=sort))

    def _receipt(self, frozen: Sequence[Frozen], cids: Mapping[str, str]) -> Receipt:
        first = PostRecord.model_validate(frozen[0]["record"])
        root = first.reply.root.uri if first.reply else frozen[0]["uri"]
        refs = tuple(ref(record["uri"], cids[record["uri"]], root) for record in frozen if record["uri"] in cids)
        gone = len(frozen) - len(refs)
        return Receipt(ref=refs[0], refs=refs, note=f"{gone} of {len(frozen)} posts are gone" if gone else "")

    @staticmethod
    def _address(wanted: PostRef) -> tuple[str, str, str]:
        parts = address(wanted.id)
        if wanted.platform != KIND or not parts[0]:
            raise Rejected(f"{wanted.id!r} is not the address of a post on {KIND}")
        return parts


def _call(name: str, body: Mapping[str, Any]) -> Callable[[Login], Request]:
    return lambda login: procedure(login.endpoint, name, login.access, body)


def _put(collection: str, record: Frozen) -> Callable[[Login], Request]:
    return _call(
        "com.atproto.repo.putRecord",
        {
            "repo": address(record["uri"])[0],
            "collection": collection,
            "rkey": record["rkey"],
            "record": record["record"],
            "swapRecord": None,
        },
    )


def _apply(frozen: Sequence[Frozen]) -> Callable[[Login], Request]:
    writes = [
        {
            "$type": "com.atproto.repo.applyWrites#create",
            "collection": POST,
            "rkey": record["rkey"],
            "value": record["record"],
        }
        for record in frozen
    ]
    return _call("com.atproto.repo.applyWrites", {"repo": address(frozen[0]["uri"])[0], "writes": writes})


def _mark_ref(uri: str, cid: str, subject: str) -> PostRef:
    return PostRef(platform=KIND, id=uri, url=web_url(subject), version=cid)


__all__ = ["LIKE", "REPOST", "Writer"]

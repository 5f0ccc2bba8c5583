"""What the account does out there. Every post is a step with a key of its own, its body frozen before it is sent.

Idempotency keys are sent and never relied upon: GoToSocial, snac and Takahe ignore them, Hollo and Mastodon forget
them after an hour and learn them only after the post is made (seen 2026-11-22). Doubt is resolved by reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypedDict

from fieldfare.plugin import (
    Attempt,
    Draft,
    Media,
    Pending,
    PostRef,
    Receipt,
    Rejected,
    Upload,
    Visibility,
)

from ._client import Client, status_path
from ._json import Json, an_object
from ._judge import Gone, judge_delete, judge_post, judge_write
from ._server import Habits
from ._wire import SAID, StatusJson, fold, ref, status_of, widest_answer

UPLOAD_LASTS = timedelta(minutes=10)
"""A file that the server has not finished by then is given up."""
ASK_AGAIN = timedelta(seconds=2)


class Parent(TypedDict):
    """The post that is answered, as it stood before the answer was written."""

    id: str
    visibility: str
    """The widest that an answer may be, as the API words it."""
    warning: str
    language: str | None
    mention: str
    """The author's handle with '@', or nothing when nobody needs to be told."""


class _Unfinished(Exception):
    """The server is still working on a file."""


class Writer:
    """Performs the account's writes."""

    def __init__(self, client: Client, me: str, habits: Habits) -> None:
        self._client = client
        self._me = me
        self._habits = habits

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt | Pending:
        """One post, or a thread; every file is up before the first post goes out."""
        files = await self._files(drafts, attempt)
        if isinstance(files, Pending):
            return files
        made: list[StatusJson] = []
        for number, draft in enumerate(drafts, 1):
            parent = fold(made[-1].id) if made else ""

            async def compute(draft: Draft = draft, number: int = number, parent: str = parent) -> Json:
                seen = SAID[draft.visibility] if draft.visibility else await self._default()
                return _body(draft, files[number - 1], seen, draft.warning or "", draft.language, parent, draft.text)

            made.append(await self._post(number, await attempt.once(f"body-{number}", compute), attempt))
        first = fold(made[0].id)
        refs = tuple(ref(status, first) for status in made)
        return Receipt(ref=refs[0], refs=refs, note=_remarks(made, ["", *(fold(each.id) for each in made)]))

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt | Pending:
        """An answer: never more visible than its parent, with its warning and language unless the draft has its own."""

        async def look_up() -> Parent:
            return await self._parent(to)

        parent: Parent = await attempt.once("parent", look_up)
        files = await self._files([draft], attempt)
        if isinstance(files, Pending):
            return files

        async def compute() -> Json:
            wanted = SAID[draft.visibility] if draft.visibility else await self._default()
            seen = max(wanted, parent["visibility"], key=list(SAID.values()).index)
            warning = parent["warning"] if draft.warning is None else draft.warning
            text = _naming(parent["mention"], draft.text)
            return _body(draft, files[0], seen, warning, draft.language or parent["language"], parent["id"], text)

        made = await self._post(1, await attempt.once("body-1", compute), attempt)
        return Receipt(ref=ref(made, to.thread), refs=(ref(made, to.thread),), note=_remarks([made], [parent["id"]]))

    async def repost(self, post: PostRef, attempt: Attempt) -> Receipt:
        """A boost in the network's own word; a second one is never asked for."""
        before = await self.status(post.id)
        if before.reblogged:
            return Receipt(ref=post, note="it was reposted already")
        request = self._client.write("POST", status_path(post.id, "reblog"), {})
        said = status_of((await attempt.send("repost", request, sort=judge_write)).json())
        # Takahe answers with the post itself, the others with a post of ours that wraps it.
        return Receipt(ref=ref(said))

    async def like(self, post: PostRef, attempt: Attempt) -> Receipt:
        """A favourite; one that stands there already is done, whatever the server answers to a second."""
        if (await self.status(post.id)).favourited:
            return Receipt(ref=post, note="it was liked already")
        request = self._client.write("POST", status_path(post.id, "favourite"), {})
        await attempt.send("like", request, sort=judge_write)
        return Receipt(ref=post)

    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt:
        """A post of ours, gone; gone already counts."""
        try:
            if (await self.status(post.id)).account.id != self._me:
                raise Rejected(f"{post.id!r} is not a post of this account")
        except Gone:
            return Receipt(note="it was gone already")
        await attempt.send("delete", self._client.write("DELETE", status_path(post.id)), sort=judge_delete)
        return Receipt(note="deleted")

    async def status(self, id: str) -> StatusJson:
        """A post as it stands now; raises Gone when it does not, or not for us."""
        return status_of(await self._client.one(status_path(id)))

    async def _post(self, number: int, body: Json, attempt: Attempt) -> StatusJson:
        step = f"post-{number}"
        request = self._client.write("POST", "/api/v1/statuses", body, key=attempt.key(step))
        return status_of((await attempt.send(step, request, sort=judge_post)).json())

    async def _parent(self, to: PostRef) -> Parent:
        status = await self.status(to.id)
        author = status.account
        handle = author.acct or author.username
        return Parent(
            id=fold(status.id),
            visibility=SAID[widest_answer(status.visibility, self._habits)],
            warning=status.spoiler_text,
            language=status.language or None,
            mention=f"@{handle}" if author.id != self._me and handle else "",
        )

    async def _default(self) -> str:
        said = await self._client.one("/api/v1/accounts/verify_credentials")
        privacy = an_object(said.get("source")).get("privacy")
        # A post without a word on who may see it is public on most servers and unlisted on GoToSocial.
        return str(privacy) if privacy in SAID.values() else SAID[Visibility.PUBLIC]

    async def _files(self, drafts: Sequence[Draft], attempt: Attempt) -> list[list[str]] | Pending:
        try:
            return [
                [await self._file(f"{number}-{place}", media, attempt) for place, media in enumerate(draft.media, 1)]
                for number, draft in enumerate(drafts, 1)
            ]
        except _Unfinished as unfinished:
            return Pending(until=attempt.now + ASK_AGAIN, why=str(unfinished))

    async def _file(self, name: str, media: Media, attempt: Attempt) -> str:
        """The id of an uploaded file that carries its alt text and is ready to be attached."""
        step = f"media-{name}"
        said = await self._uploaded(step, media, attempt)
        id = str(said.get("id", ""))
        if said.get("description") != media.alt:
            request = self._client.write("PUT", f"/api/v1/media/{id}", {"description": media.alt})
            await attempt.send(f"alt-{name}", request, sort=judge_write)
        if not said.get("url"):
            await self._ready(step, id, media, attempt)
        return id

    async def _uploaded(self, step: str, media: Media, attempt: Attempt) -> Json:
        content = await attempt.media(media)
        file = Upload("file", media.source.rpartition("/")[2] or "file", content, media.mime)
        try:
            answer = await attempt.send(step, self._client.upload("/api/v2/media", file, media.alt), sort=judge_write)
        except Gone:
            answer = await attempt.send(step, self._client.upload("/api/v1/media", file, media.alt), sort=judge_write)
        return an_object(answer.json())

    async def _ready(self, step: str, id: str, media: Media, attempt: Attempt) -> None:
        try:
            now = await self._client.one(f"/api/v1/media/{id}")
        except Gone:
            return  # snac has no such path; whether the file is there shows when it is attached
        if now.get("url"):
            return
        sent = attempt.steps[step].sent_at if step in attempt.steps else None
        if sent is not None and attempt.now - sent > UPLOAD_LASTS:
            raise Rejected(f"the server has not finished {media.source!r} in {UPLOAD_LASTS.seconds // 60} min")
        raise _Unfinished(f"the server is still working on {media.source!r}")


def _body(
    draft: Draft, files: Sequence[str], seen: str, warning: str, language: str | None, parent: str, text: str
) -> Json:
    body: Json = {"status": text, "visibility": seen}
    if parent:
        body["in_reply_to_id"] = parent
    if warning:
        body["spoiler_text"] = warning
        if files:
            body["sensitive"] = True
    if language:
        body["language"] = language
    if files:
        body["media_ids"] = list(files)
    return body


def _naming(mention: str, text: str) -> str:
    """The text with the author of what it answers named: an answer that names nobody reaches nobody."""
    if not mention:
        return text
    handle = mention.lower()
    local = "@" not in handle.removeprefix("@")
    words = {word.strip(".,:;!?()\"'").lower() for word in text.split()}
    if handle in words or (local and any(word.startswith(f"{handle}@") for word in words)):
        return text
    return f"{mention} {text}".rstrip()


def _remarks(made: Sequence[StatusJson], parents: Sequence[str]) -> str:
    """What the server did otherwise than it was asked, in words for the operator."""
    lost = [
        fold(status.id)
        for status, parent in zip(made, parents, strict=False)
        if parent and fold(status.in_reply_to_id or "") != parent
    ]
    return f"posted, but the server did not hang {', '.join(lost)} below what it answers" if lost else ""

"""Did it happen? Answered by reading what the account has posted since the first byte may have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from fieldfare.plugin import Absent, Attempt, Found, NotSent, PostRef, Recall, Receipt, Step, Unknowable

from ._client import Client, status_path
from ._html import normal, plain
from ._json import Json, an_object, objects
from ._judge import Gone
from ._server import Habits
from ._wire import StatusJson, fold, legible, status_of

PAGE = 40
PAGES = 25
CAPPED = 10
"""Fewer posts than this are all there are, whatever the server's own cap on pages is."""
MARGIN = timedelta(seconds=3)
"""A post's time may be cut to the second (snac), and so is the server's clock as we know it (`Date`)."""
ALIKE = 0.85
"""Texts more alike than this may be one text that the server rewrote; then nobody but a person can tell."""
SHOWN = frozenset({"public", "unlisted"})


@dataclass(frozen=True, slots=True)
class Listing:
    """The account's own posts since a moment, newest first; `complete` says that none can be missing."""

    posts: Sequence[StatusJson]
    complete: bool


class Memory:
    """What a connector can say about a write whose answer was lost."""

    def __init__(self, client: Client, me: str, habits: Habits) -> None:
        self._client = client
        self._me = me
        self._own = f"/api/v1/accounts/{me}/statuses"
        self._habits = habits

    async def recall(self, target: PostRef | None, attempt: Attempt) -> Recall:
        """Looks at the step that was sent and not answered."""
        doubt = _doubtful(attempt)
        if doubt is None:
            return Absent("every step that was sent was answered")
        if doubt.name.startswith(("media-", "alt-")):
            return Absent("a file that is attached to nothing is seen by nobody")
        if doubt.name.startswith("post-"):
            return await self._post(doubt, attempt)
        return await self._mark(doubt, target)

    async def _mark(self, doubt: Step, target: PostRef | None) -> Recall:
        if target is None:
            return Unknowable(f"the step {doubt.name!r} is not one of this connector's")
        try:
            status = status_of(await self._client.one(status_path(target.id)))
        except Gone:
            if doubt.name == "delete":
                return Found(Receipt(note="deleted"))
            return Absent(f"{target.id!r} is gone")
        stands = {"repost": status.reblogged, "like": status.favourited, "delete": False}.get(doubt.name)
        if stands is None:
            return Unknowable(f"the server does not say whether the {doubt.name} was made")
        return Found(Receipt(ref=target)) if stands else Absent(f"the server shows no {doubt.name}")

    async def _post(self, doubt: Step, attempt: Attempt) -> Recall:
        frozen = attempt.steps.get(doubt.name.replace("post-", "body-"))
        begun = attempt.first_byte_at
        body = an_object(frozen.value if frozen else None)
        if not body or begun is None:
            return Unknowable("what was sent is not on record")
        # `begun` may have been noted by our own clock, before the server's was known: then it can be too late.
        await self._client.page(self._own, {"limit": 1})
        since = begun + min(self._client.ahead, timedelta()) - MARGIN
        listing = await self._listing(since)
        below = await self._answers(str(body.get("in_reply_to_id") or ""), since)
        mine = {fold(status.id): status for status in (*listing.posts, *below)}
        theirs = await attempt.taken(list(mine)) if mine else frozenset[str]()
        return self._compare(body, [s for id, s in mine.items() if id not in theirs], listing, doubt)

    def _compare(self, body: Json, free: Sequence[StatusJson], listing: Listing, doubt: Step) -> Recall:
        likely: list[str] = []
        exact: list[StatusJson] = []
        for status in free:
            same_parent = fold(status.in_reply_to_id or "") == fold(str(body.get("in_reply_to_id") or ""))
            same_media = len(status.media_attachments) == len(body.get("media_ids") or ())
            likeness = _likeness(str(body["status"]), plain(status.content)[0])
            if same_parent and same_media and likeness == 1.0:
                exact.append(status)
            elif likeness >= ALIKE and (likeness == 1.0 or (same_parent and same_media)):
                likely.append(status.url or status.id)
        if exact:
            first = min(exact, key=lambda status: status.created_at)
            return Found(answers={doubt.name: first.model_dump(mode="json")})
        if likely:
            return Unknowable(f"this may be it, but it is not quite the same: {', '.join(likely)}")
        if not listing.complete:
            return Unknowable("the server does not list the account's posts back to when it was sent")
        if body["visibility"] not in SHOWN and not self._habits.lists_hidden:
            return Unknowable(f"this server lists public posts only, and it was to be {body['visibility']!r}")
        return Absent(f"{len(free)} posts of the account since then, none is it")

    async def _listing(self, since: datetime) -> Listing:
        """Own posts, boosts left out, back to a whole page of older ones: dates alone may lie, a page does not."""
        found: dict[str, StatusJson] = {}
        turn: dict[str, str] = {}
        before: list[str] = []
        whole = True
        for _ in range(PAGES):
            page = await self._client.page(self._own, {"limit": PAGE, "exclude_reblogs": "true", **turn})
            posts = [read for item in page if (read := legible(item))]
            whole = whole and len(posts) == len(page)
            ids = [fold(status.id) for status in posts]
            if not ids:
                return Listing(list(found.values()), complete=whole)
            if ids == before:
                return Listing(list(found.values()), complete=whole and _reaches(posts, since))
            young = [status for status in posts if status.created_at >= since]
            found.update((fold(s.id), s) for s in young if s.account.id == self._me and s.reblog is None)
            if not young:
                return Listing(list(found.values()), complete=whole)
            before, turn = ids, {"max_id": posts[-1].id}
        return Listing(list(found.values()), complete=False)

    async def _answers(self, parent: str, since: datetime) -> list[StatusJson]:
        """Own answers to a post: where the listing hides what is not public, the conversation may show it."""
        if not parent:
            return []
        try:
            said = await self._client.one(status_path(parent, "context"))
        except (Gone, NotSent):
            return []
        below = [read for item in objects(said.get("descendants")) if (read := legible(item))]
        return [status for status in below if status.account.id == self._me and status.created_at >= since]


def _doubtful(attempt: Attempt) -> Step | None:
    return next((step for step in attempt.steps.values() if step.sent_at is not None and not step.answered), None)


def _likeness(sent: str, stored: str) -> float:
    """1.0 when both are the same text in the form that no server changes."""
    ours, theirs = normal(sent), normal(stored)
    if ours == theirs:
        return 1.0
    if not ours or not theirs:
        return 0.0
    return min(SequenceMatcher(None, ours, theirs, autojunk=False).ratio(), 0.99)


def _reaches(posts: Sequence[StatusJson], since: datetime) -> bool:
    """Whether a listing that cannot be paged goes back far enough: its oldest few are all older than that."""
    return len(posts) < CAPPED or all(status.created_at < since for status in posts[-2:])

"""A world in memory: people, accounts, posts, and a play that goes on with the clock of whoever looks."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from ..plugin import Author, Metrics, Post, PostRef, Visibility
from ._people import Deed, cast

PLATFORM = "playground"
_NAMED = re.compile(r"@([a-z0-9][a-z0-9_-]*)")
_LINK = re.compile(r"https?://[^\s]+")

Inbox = Literal["mention", "reply", "follow"]


@dataclass(slots=True)
class Kept:
    """A post as the world holds it."""

    ref: PostRef
    by: str
    text: str
    at: datetime
    reply_to: PostRef | None
    language: str | None
    visibility: Visibility
    warning: str | None
    media: tuple[str, ...]
    replies_allowed: bool
    likes: set[str] = field(default_factory=set[str])
    reposts: set[str] = field(default_factory=set[str])
    replies: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an account is told: its `subject` is a post's id, or the handle of a new follower."""

    id: str
    at: datetime
    subject: str


class World:
    """One place. Several accounts may meet in it; nothing in it moves until `advance` is told the time.

    Ids contain the moment it began, so a world that is made anew never repeats an id of the one before.
    """

    def __init__(self, name: str, seed: int, begun: datetime) -> None:
        self.name = name
        self.begun = begun
        self.epoch = f"{int(begun.timestamp() * 1000):x}"
        self.now = begun
        self.writes: dict[str, int] = {}
        """How many writes each account has made: what faults count."""
        self.spent: dict[tuple[str, int], int] = {}
        """How often each fault of each account has happened."""
        self.files: dict[str, int] = {}
        """Uploaded files by SHA-256, with their size in bytes."""
        self._people = {person.handle: person for person in cast(name, seed)}
        self._posts: dict[str, Kept] = {}
        self._members: set[str] = set()
        self._inboxes: dict[tuple[str, Inbox], list[Notice]] = {}
        self._follows: dict[str, set[str]] = {}
        self._labels: dict[str, str] = {}
        self._play: list[tuple[float, int, Deed]] = []
        self._count = 0

    # Coming and going

    def join(self, handle: str, deeds: Iterable[Deed] = ()) -> Author:
        """The account of that handle, made at its first joining; what people do around it begins then."""
        if handle not in self._members:
            self._members.add(handle)
            self._people[handle] = Author(id=f"account-{handle}", handle=handle, name=handle.title(), followers=0)
            for deed in deeds:
                self._count += 1
                heapq.heappush(self._play, (deed.at, self._count, deed))
        return self._people[handle]

    def advance(self, now: datetime) -> None:
        """Let everything happen that is due by `now`, each thing at its own time. A clock set back changes nothing."""
        self.now = max(now, self.now)
        while self._play and self.begun + timedelta(seconds=self._play[0][0]) <= self.now:
            _, _, deed = heapq.heappop(self._play)
            self._do(deed, self.begun + timedelta(seconds=deed.at))

    def _do(self, deed: Deed, at: datetime) -> None:
        about = self._labels.get(deed.of, "")
        if deed.by not in self._people:
            return
        match deed.does:
            case "post":
                self._labels[deed.label] = self.post(deed.by, deed.text, at=at, language="en").ref.id
            case "reply" if about in self._posts:
                self.post(deed.by, deed.text, at=at, reply_to=about, language="en")
            case "like" if about in self._posts:
                self.like(deed.by, about)
            case "repost" if about in self._posts:
                self.repost(deed.by, about)
            case "follow":
                self.follow(deed.by, deed.of, at=at)
            case "vanish" if about:
                self.remove(about)
            case "vanish":
                self.vanish(deed.by)
            case _:
                pass

    # What anybody can do

    def person(self, handle: str, *, bot: bool = False) -> Author:
        """Somebody of that name, who moves in if nobody has it."""
        known = self._people.get(handle)
        if known is None or known.is_bot != bot:
            known = Author(id=f"person-{handle}", handle=handle, name=handle.title(), followers=10, is_bot=bot)
            self._people[handle] = known
        return known

    def post(
        self,
        by: str,
        text: str,
        *,
        at: datetime,
        reply_to: str = "",
        language: str | None = None,
        visibility: Visibility = Visibility.PUBLIC,
        warning: str | None = None,
        media: tuple[str, ...] = (),
        replies_allowed: bool = True,
    ) -> Kept:
        """Somebody writes something; whoever it names or answers is told. KeyError when the parent is gone."""
        parent = self._posts[reply_to] if reply_to else None
        self._count += 1
        id = f"{self.epoch}-{self._count}"
        url = f"{PLATFORM}://{self.name}/@{by}/{id}"
        ref = PostRef(platform=PLATFORM, id=id, url=url, conversation=parent.ref.thread if parent else "")
        kept = Kept(
            ref=ref,
            by=by,
            text=text,
            at=at,
            reply_to=parent.ref if parent else None,
            language=language,
            visibility=visibility,
            warning=warning,
            media=media,
            replies_allowed=replies_allowed,
        )
        self._posts[id] = kept
        named = set(_NAMED.findall(text))
        for handle in sorted(named):
            self._tell(handle, "mention", id, at)
        if parent is not None:
            parent.replies += 1
            if parent.by not in named and parent.by != by:
                self._tell(parent.by, "reply", id, at)
        return kept

    def like(self, by: str, id: str) -> None:
        self._posts[id].likes.add(by)

    def repost(self, by: str, id: str) -> None:
        self._posts[id].reposts.add(by)

    def follow(self, by: str, handle: str, *, at: datetime) -> None:
        """Somebody begins to follow an account; following twice is following once."""
        followers = self._follows.setdefault(handle, set())
        if by in followers:
            return
        followers.add(by)
        if handle in self._people:
            self._people[handle] = self._people[handle].model_copy(update={"followers": len(followers)})
        self._tell(handle, "follow", by, at)

    def remove(self, id: str) -> bool:
        """Take a post down; False when it was gone."""
        return self._posts.pop(id, None) is not None

    def vanish(self, handle: str) -> None:
        """A person goes, with everything they wrote and liked."""
        self._people.pop(handle, None)
        for id in [kept.ref.id for kept in self._posts.values() if kept.by == handle]:
            del self._posts[id]
        for kept in self._posts.values():
            kept.likes.discard(handle)
            kept.reposts.discard(handle)

    def _tell(self, handle: str, inbox: Inbox, subject: str, at: datetime) -> None:
        if handle in self._members:
            notices = self._inboxes.setdefault((handle, inbox), [])
            notices.append(Notice(f"{self.epoch}-{inbox}-{len(notices)}", at, subject))

    # What an account sees

    def inbox(self, handle: str, inbox: Inbox) -> Sequence[Notice]:
        """Everything the account was told, oldest first."""
        return self._inboxes.get((handle, inbox), [])

    def author(self, handle: str, viewer: str) -> Author | None:
        known = self._people.get(handle)
        return known and known.model_copy(update={"is_self": handle == viewer})

    def find(self, id: str) -> Kept | None:
        return self._posts.get(id)

    def seen(self, id: str, viewer: str) -> Post | None:
        """The post as this account sees it now; None when it is gone or not for its eyes."""
        kept = self._posts.get(id)
        author = kept and self.author(kept.by, viewer)
        if kept is None or author is None or not self._may_see(kept, viewer):
            return None
        return Post(
            ref=kept.ref,
            author=author,
            text=kept.text,
            created_at=kept.at,
            language=kept.language,
            visibility=kept.visibility,
            warning=kept.warning,
            reply_to=kept.reply_to,
            media_count=len(kept.media),
            links=tuple(_LINK.findall(kept.text)),
            metrics=Metrics(
                measured_at=self.now, likes=len(kept.likes), reposts=len(kept.reposts), replies=kept.replies
            ),
            replies_allowed=kept.replies_allowed,
        )

    def _may_see(self, kept: Kept, viewer: str) -> bool:
        if kept.visibility.width >= Visibility.UNLISTED.width or kept.by == viewer:
            return True
        if viewer in _NAMED.findall(kept.text):
            return True
        return kept.visibility is Visibility.FOLLOWERS and viewer in self._follows.get(kept.by, ())

    def written_by(self, handle: str, since: datetime) -> Sequence[Kept]:
        """The account's posts from `since` on that still stand, oldest first."""
        written = [kept for kept in self._posts.values() if kept.by == handle and kept.at >= since]
        return sorted(written, key=lambda kept: kept.at)

    def reposted(self, handle: str, id: str) -> bool:
        return id in self._posts and handle in self._posts[id].reposts

    def liked(self, handle: str, id: str) -> bool:
        return id in self._posts and handle in self._posts[id].likes

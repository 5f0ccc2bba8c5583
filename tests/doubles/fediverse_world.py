"""The people, posts and notifications of one fediverse server, and what happens when somebody does something."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .base import Clock
from .fediverse_html import mentions
from .fediverse_manners import Manners

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(eq=False)
class Person:
    """Somebody with an account on the server."""

    id: str
    name: str
    token: str
    bot: bool = False
    followers: list[Person] = field(default_factory=list["Person"])


@dataclass(eq=False)
class Medium:
    """One uploaded file."""

    id: str
    owner: Person
    mime: str
    content: bytes
    description: str
    ready_at: datetime
    used: bool = False


@dataclass(eq=False)
class Post:
    """A post, or a boost when `boost_of` is set."""

    id: str
    seq: int
    author: Person
    text: str
    visibility: str
    at: datetime
    to: Post | None = None
    spoiler: str = ""
    language: str | None = None
    sensitive: bool = False
    media: tuple[Medium, ...] = ()
    boost_of: Post | None = None
    gone: bool = False
    favourited_by: list[Person] = field(default_factory=list[Person])
    boosts: list[Post] = field(default_factory=list["Post"])
    replies: list[Post] = field(default_factory=list["Post"])


@dataclass(eq=False)
class Note:
    """A notification for `whom`; it exists from `due` on and gets its id then."""

    kind: str
    whom: Person
    by: Person
    post: Post | None
    at: datetime
    due: datetime
    id: str = ""
    seq: int = 0


class World:
    """Everything that a server remembers."""

    def __init__(self, manners: Manners, clock: Clock, late: float) -> None:
        self.manners = manners
        self.clock = clock
        self.late = timedelta(seconds=late)
        self.people: dict[str, Person] = {}
        self.posts: list[Post] = []
        self.notes: list[Note] = []
        self.media: dict[str, Medium] = {}
        self.seq_of: dict[str, int] = {}
        """Where every id that was ever given stands in the server's own order; never forgotten."""
        self._coming: list[Note] = []
        self._count = 0
        self._notes = 0

    # Identity

    def _next(self, now: datetime) -> tuple[str, int]:
        self._count += 1
        new = self._new_id(now)
        self.seq_of[new.lower()] = self._count
        return new, self._count

    def _new_id(self, now: datetime) -> str:
        ms, count = int(now.timestamp() * 1000), self._count
        digest = hashlib.md5(f"{self.manners.name}/{count}".encode(), usedforsecurity=False).hexdigest()
        match self.manners.ids:
            case "number":
                return str((ms << 16) + count % 65_536)
            case "snac":
                return f"{int(now.timestamp()):010d}{digest}"
            case "uuid":
                head, tail = f"{ms:012x}", f"7{count:03x}"
                return f"{head[:8]}-{head[8:]}-{tail[:4]}-8{digest[:3]}-{digest[3:15]}"
            case "ulid":
                number = (ms << 80) | (count << 48) | int(digest[:12], 16)
                return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))

    def person(self, name: str, token: str = "", *, bot: bool = False) -> Person:
        """Somebody new, or the person of that name."""
        if name not in self.people:
            identity = self._next(self.clock.now())[0]
            self.people[name] = Person(identity, name, token or f"token-of-{name}", bot)
        return self.people[name]

    def whose(self, token: str) -> Person | None:
        """Who holds a token."""
        return next((each for each in self.people.values() if token and each.token == token), None)

    def find(self, id: str) -> Post | None:
        """The post of an id; the case of letters does not matter where the server does not care."""
        same = id.lower() if self.manners.ids == "snac" else id
        return next((post for post in self.posts if post.id == same and not post.gone), None)

    # Deeds

    def say(
        self,
        author: Person,
        text: str,
        *,
        to: Post | None = None,
        visibility: str = "public",
        spoiler: str = "",
        language: str | None = None,
        sensitive: bool = False,
        media: tuple[Medium, ...] = (),
        at: datetime | None = None,
    ) -> Post:
        """Publishes a post and notifies whom it names or answers; `at` dates it back."""
        now = self.clock.now()
        identity, seq = self._next(now)
        post = Post(identity, seq, author, text, visibility, at or now, to, spoiler, language, sensitive, media)
        for each in media:
            each.used = True
        self.posts.append(post)
        if to is not None:
            to.replies.append(post)
        named = {user for user, _ in mentions(text)}
        for person in self.people.values():
            answered = to is not None and to.author is person
            if person is author and not (person.name in named and self.manners.self_mentions_notify):
                continue
            if person.name in named or answered:
                self.notify("mention", person, author, post, at=post.at)
        return post

    def favourite(self, who: Person, post: Post) -> bool:
        """True when it was not one already."""
        if who in post.favourited_by:
            return False
        post.favourited_by.append(who)
        if who is not post.author:
            self.notify("favourite", post.author, who, post)
        return True

    def boost(self, who: Person, post: Post) -> Post:
        """A new boost, whatever there was before."""
        now = self.clock.now()
        identity, seq = self._next(now)
        wrapper = Post(identity, seq, who, "", post.visibility, now, boost_of=post)
        self.posts.append(wrapper)
        post.boosts.append(wrapper)
        if who is not post.author:
            self.notify("reblog", post.author, who, post)
        return wrapper

    def follow(self, who: Person, whom: Person) -> None:
        """`who` follows `whom`, who is told."""
        if who not in whom.followers:
            whom.followers.append(who)
            self.notify("follow", whom, who, None)

    def delete(self, post: Post) -> None:
        """The post is gone, with its boosts; notifications about it stay, without it."""
        for each in (post, *post.boosts):
            each.gone = True
        if post.to is not None and post in post.to.replies:
            post.to.replies.remove(post)
        if post.boost_of is not None and post in post.boost_of.boosts:
            post.boost_of.boosts.remove(post)
        for medium in post.media:
            medium.used = False

    def notify(self, kind: str, whom: Person, by: Person, post: Post | None, *, at: datetime | None = None) -> Note:
        """A notification that arrives after the server's delay."""
        now = self.clock.now()
        note = Note(kind, whom, by, post, at or now, now + self.late)
        self._coming.append(note)
        return note

    def settle(self) -> None:
        """Lets every notification arrive that is due by now."""
        now = self.clock.now()
        due = sorted((note for note in self._coming if note.due <= now), key=lambda note: note.due)
        self._coming = [note for note in self._coming if note.due > now]
        for note in due:
            identity, note.seq = self._next(note.due)
            note.id = self._note_id(note, identity)
            self.seq_of[note.id.lower()] = note.seq
            self.notes.append(note)

    def _note_id(self, note: Note, identity: str) -> str:
        match self.manners.note_ids:
            case "counted":
                self._notes += 1
                return str(self._notes)
            case "time/type/uuid":
                ms = note.due.microsecond // 1000
                return f"{note.due.strftime('%Y-%m-%dT%H:%M:%S.')}{ms:03d}Z/{note.kind}/{identity}"
            case "like posts":
                return identity

    # Views

    def of(self, person: Person, *, seen_by: Person) -> list[Post]:
        """A person's posts and boosts as `seen_by` may list them, newest first."""
        listed = self.manners.lists_own if person is seen_by else frozenset({"public", "unlisted"})
        return [
            post
            for post in reversed(self.posts)
            if post.author is person and not post.gone and post.visibility in listed
        ]

    def descendants(self, post: Post) -> Iterable[Post]:
        """Every answer below a post, depth first."""
        for each in post.replies:
            yield each
            yield from self.descendants(each)

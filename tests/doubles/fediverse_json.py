"""How a fediverse server words its people, posts and notifications, and how it pages through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from .fediverse_html import hashtags, mentions, render
from .fediverse_world import Medium, Note, Person, Post, World
from .wire import Request

Json = dict[str, Any]


class HasSeq(Protocol):
    id: str
    seq: int


Item = TypeVar("Item", bound=HasSeq)


@dataclass(frozen=True)
class Words:
    """The server's language; `base` is its own address."""

    world: World
    base: str

    def time(self, moment: datetime) -> str:
        whole = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        ms = 0 if self.world.manners.whole_seconds else moment.microsecond // 1000
        return f"{whole}.{ms:03d}Z"

    def person(self, who: Person, *, in_post: bool = False) -> Json:
        habit = self.world.manners.acct_has_host
        with_host = habit == "always" or (habit == "in posts" and in_post)
        return {
            "id": who.id,
            "username": who.name,
            "acct": f"{who.name}@{urlsplit(self.base).netloc}" if with_host else who.name,
            "display_name": who.name.title(),
            "url": f"{self.base}/@{who.name}",
            "bot": who.bot,
            "locked": False,
            "note": "",
            "created_at": "2026-01-01T00:00:00.000Z",
            "followers_count": len(who.followers),
            "following_count": 0,
            "statuses_count": sum(post.author is who and not post.gone for post in self.world.posts),
        }

    def post(self, post: Post, viewer: Person, *, inner: bool = False) -> Json:
        manners = self.world.manners
        shown = post.id
        if manners.boosted_id_upper and post.boosts:
            shown = shown.upper()
        visibility = post.visibility
        if not manners.tells_visibility:
            visibility = "public" if visibility in ("public", "unlisted") else "private"
        boosted = None if post.boost_of is None or inner else self.post(post.boost_of, viewer, inner=True)
        tags = [{"name": tag.lower(), "url": f"{self.base}/tags/{tag.lower()}"} for tag in hashtags(post.text)]
        return {
            "id": shown,
            "uri": f"{self.base}/users/{post.author.name}/statuses/{post.id}",
            "url": f"{self.base}/@{post.author.name}/{post.id}",
            "created_at": self.time(post.at),
            "account": self.person(post.author, in_post=True),
            "content": self.html((post.boost_of or post).text) if (post.boost_of or post).text else "",
            "visibility": visibility,
            "sensitive": post.sensitive or bool(post.spoiler),
            "spoiler_text": post.spoiler,
            "language": post.language,
            "in_reply_to_id": post.to.id if post.to else None,
            "in_reply_to_account_id": post.to.author.id if post.to else None,
            "media_attachments": [self.medium(each) for each in post.media],
            "mentions": self._mentions(post),
            "tags": tags,
            "emojis": [],
            "reblog": boosted,
            "reblogs_count": len(post.boosts),
            "favourites_count": len(post.favourited_by),
            "replies_count": len(post.replies),
            "favourited": viewer in post.favourited_by,
            "reblogged": any(each.author is viewer for each in post.boosts),
        }

    def _mentions(self, post: Post) -> list[Json]:
        named = dict.fromkeys(user for user, _ in mentions(post.text))
        people = [self.world.people[name] for name in named if name in self.world.people]
        fields = ("id", "username", "acct", "url")
        return [{key: self.person(who, in_post=True)[key] for key in fields} for who in people]

    def html(self, text: str) -> str:
        def known(user: str, host: str) -> str | None:
            here = not host or host == urlsplit(self.base).netloc
            return f"{self.base}/@{user}" if here and user in self.world.people else None

        return render(self.world.manners.html, text, known, self.base)

    def note(self, note: Note) -> Json:
        body: Json = {
            "id": note.id,
            "type": note.kind,
            "created_at": self.time(note.at),
            "account": self.person(note.by),
        }
        if note.post is not None:
            body["status"] = None if note.post.gone else self.post(note.post, note.whom)
        return body

    def medium(self, medium: Medium) -> Json:
        ready = medium.ready_at <= self.world.clock.now()
        return {
            "id": medium.id,
            "type": medium.mime.partition("/")[0] or "unknown",
            "url": f"{self.base}/media/{medium.id}" if ready else None,
            "preview_url": f"{self.base}/media/{medium.id}" if ready else None,
            "description": medium.description or None,
        }


def page(
    world: World, items: Sequence[Item], request: Request, params: frozenset[str], *, largest: int = 40
) -> list[Item]:
    """The page of `items` (newest first) that a request asks for, as far as the server heeds what it says."""

    def seq(name: str) -> int | None:
        given = request.param(name) if name in params else ""
        return world.seq_of.get(given.lower()) if given else None

    limit = largest
    if "limit" in params and request.param("limit").isdigit():
        limit = max(1, min(int(request.param("limit")), largest))
    top, low, since = seq("max_id"), seq("min_id"), seq("since_id")
    found = [item for item in items if top is None or item.seq < top]
    if low is not None:
        found = [item for item in found if item.seq > low]
        return found[:limit] if world.manners.min_id_is_since_id else found[-limit:]
    if since is not None:
        found = [item for item in found if item.seq > since]
    return found[:limit]


def link_header(
    base: str, request: Request, ids: Sequence[str], rels: frozenset[str], keep: Callable[[str], bool]
) -> Mapping[str, str]:
    """The Link header around a page whose ids are `ids`; none for an empty page."""
    if not ids or not rels:
        return {}
    kept = [(key, value) for key, value in request.query if keep(key)]
    links: list[str] = []
    for rel, key, value in (("next", "max_id", ids[-1]), ("prev", "min_id", ids[0])):
        if rel in rels:
            links.append(f'<{base}{request.path}?{urlencode([*kept, (key, value)])}>; rel="{rel}"')
    return {"link": ", ".join(links)}

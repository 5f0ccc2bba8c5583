"""What the network writes, read into our values; what we do not know is passed over, what we need is checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from fieldfare.plugin import Author, Metrics, Post, PostRef

KIND = "bluesky"
POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
LIKE = "app.bsky.feed.like"
WARNINGS = ("graphic-media", "nudity", "porn", "sexual")
"""Self-labels that hide a post behind a warning (lexicon com.atproto.label.defs, 2026-11-22)."""
BOT = "bot"
"""The self-label of automated accounts."""


def _moment(value: Any) -> Any:
    """A time as any program may have written it; None when nobody can read it."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


Written = Annotated[AwareDatetime | None, BeforeValidator(_moment)]


class Wire(BaseModel):
    """Something the network sent; the rest of it is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class StrongRef(Wire):
    """One version of a record."""

    uri: str
    cid: str


class ReplyRefs(Wire):
    """What a reply hangs on."""

    root: StrongRef
    parent: StrongRef


class Label(Wire):
    """A mark on a post or an account."""

    val: str = ""


class SelfLabels(Wire):
    """Marks that an author put on a post."""

    values: tuple[Label, ...] = ()


class External(Wire):
    """A link card."""

    uri: str = ""


class Embed(Wire):
    """What a post carries below its text; pictures beside a quotation stand in `media`."""

    images: tuple[Any, ...] = ()
    video: Any = None
    external: External | None = None
    media: Embed | None = None

    @property
    def media_count(self) -> int:
        """Pictures and videos."""
        if self.media is not None:
            return self.media.media_count
        return len(self.images) or int(self.video is not None)


class Feature(Wire):
    """What a stretch of text points to; only links have an address."""

    uri: str = ""


class Facet(Wire):
    """A stretch of text that points somewhere."""

    features: tuple[Feature, ...] = ()


class PostRecord(Wire):
    """A post as its author's repository holds it."""

    text: str = ""
    created_at: Written = None
    langs: tuple[str, ...] = ()
    reply: ReplyRefs | None = None
    labels: SelfLabels | None = None
    facets: tuple[Facet, ...] = ()
    embed: Embed | None = None

    @property
    def links(self) -> tuple[str, ...]:
        """Every address that the text or the card points to, in order, each once."""
        found = [feature.uri for facet in self.facets for feature in facet.features if feature.uri]
        if self.embed and self.embed.external and self.embed.external.uri:
            found.append(self.embed.external.uri)
        return tuple(dict.fromkeys(found))

    @property
    def parent(self) -> str:
        """The address of the post it answers; empty for none."""
        return self.reply.parent.uri if self.reply else ""


class Profile(Wire):
    """Somebody, as far as lists of posts say."""

    did: str
    handle: str
    display_name: str | None = None
    labels: tuple[Label, ...] = ()


class Viewer(Wire):
    """What the post is to us."""

    like: str | None = None
    repost: str | None = None
    reply_disabled: bool = False


class FeedItem(Wire):
    """A post in somebody's feed, who need not be its author."""

    post: dict[str, Any]


class PostView(Wire):
    """A post as the network shows it."""

    uri: str
    cid: str
    author: Profile
    record: PostRecord
    indexed_at: AwareDatetime
    like_count: int = 0
    repost_count: int = 0
    reply_count: int = 0
    quote_count: int = 0
    viewer: Viewer = Viewer()


class Notification(Wire):
    """One entry of the notification list. `indexed_at` is what the author claims, not when it was indexed."""

    uri: str
    cid: str
    author: Profile
    reason: str
    record: dict[str, Any] = Field(default_factory=dict[str, Any])
    indexed_at: AwareDatetime


class Stored(Wire):
    """A record in a repository."""

    uri: str
    cid: str
    value: dict[str, Any]

    @property
    def post(self) -> PostRecord:
        """The record read as a post; raises ValidationError when it is none."""
        return PostRecord.model_validate(self.value)


def address(uri: str) -> tuple[str, str, str]:
    """Whose, of what kind and under which key; all empty when `uri` is no record's address."""
    parts = uri.removeprefix("at://").split("/")
    return (parts[0], parts[1], parts[2]) if uri.startswith("at://") and len(parts) == 3 else ("", "", "")


def web_url(uri: str) -> str:
    """Where people read a post; empty for what is no post's address."""
    did, collection, key = address(uri)
    return f"https://bsky.app/profile/{did}/post/{key}" if collection == POST else ""


def ref(uri: str, cid: str = "", root: str = "") -> PostRef:
    """A post's reference; `root` is the first post of its conversation, itself included."""
    return PostRef(platform=KIND, id=uri, url=web_url(uri), version=cid, conversation="" if root == uri else root)


def author(profile: Profile, me: str) -> Author:
    return Author(
        id=profile.did,
        handle=profile.handle,
        name=profile.display_name or "",
        url=f"https://bsky.app/profile/{profile.did}",
        is_bot=any(label.val == BOT for label in profile.labels),
        is_self=profile.did == me,
    )


def post_of_view(view: PostView, me: str, measured_at: datetime) -> Post:
    """A shown post with its counts."""
    metrics = Metrics(
        measured_at=measured_at,
        likes=view.like_count,
        reposts=view.repost_count,
        replies=view.reply_count,
        quotes=view.quote_count,
    )
    post = _post(view.uri, view.cid, view.author, view.record, view.indexed_at, me)
    return post.model_copy(update={"metrics": metrics, "replies_allowed": not view.viewer.reply_disabled})


def post_of_notification(entry: Notification, me: str) -> Post:
    """The post behind a mention or a reply; raises ValidationError when its record cannot be read."""
    record = PostRecord.model_validate(entry.record)
    return _post(entry.uri, entry.cid, entry.author, record, entry.indexed_at, me)


def views(items: Sequence[Any]) -> list[PostView]:
    """Every post that can be read; others are as good as gone."""
    found: list[PostView] = []
    for item in items:
        try:
            found.append(PostView.model_validate(item))
        except ValidationError:
            continue
    return found


def _post(uri: str, cid: str, profile: Profile, record: PostRecord, indexed_at: datetime, me: str) -> Post:
    root = record.reply.root.uri if record.reply else ""
    parent = record.reply.parent if record.reply else None
    labels = [label.val for label in record.labels.values] if record.labels else []
    return Post(
        ref=ref(uri, cid, root),
        author=author(profile, me),
        text=record.text,
        # Whoever wrote it chose `createdAt`; a time to come is cut by the network's own.
        created_at=min(record.created_at or indexed_at, indexed_at),
        language=record.langs[0] if record.langs else None,
        warning=next((val for val in labels if val in WARNINGS), None),
        reply_to=ref(parent.uri, parent.cid, root) if parent else None,
        media_count=record.embed.media_count if record.embed else 0,
        links=record.links,
    )

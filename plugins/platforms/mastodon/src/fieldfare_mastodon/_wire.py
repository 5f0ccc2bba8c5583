"""The API's entities as far as we read them, and what they are in Fieldfare's words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from fieldfare.plugin import Author, Metrics, NotSent, Post, PostRef, Visibility

from ._html import plain
from ._json import Json, objects
from ._server import Habits

KIND = "mastodon"

_SNAC = re.compile(r"\d{10}[0-9a-fA-F]{32}")
_SEEN = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.DIRECT,
}
SAID = {seen: said for said, seen in _SEEN.items()}
"""Visibilities as the API words them."""


def _text(value: Any) -> Any:
    return "" if value is None else value


def _list(value: Any) -> Any:
    return objects(value)


def _count(value: Any) -> Any:
    return value if isinstance(value, int) and value > 0 else 0


def _moment(value: Any) -> Any:
    """Milliseconds and `Z`, microseconds and an offset, or whole seconds; without a zone it is UTC."""
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return value


Text = Annotated[str, BeforeValidator(_text)]
Count = Annotated[int, BeforeValidator(_count)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


class _Entity(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class AccountJson(_Entity):
    id: str
    acct: Text = ""
    username: Text = ""
    display_name: Text = ""
    url: Text = ""
    bot: bool | None = None
    followers_count: int | None = None


class MentionJson(_Entity):
    id: Text = ""
    acct: Text = ""
    username: Text = ""


class StatusJson(_Entity):
    id: str
    created_at: Moment
    account: AccountJson
    content: Text = ""
    url: Text = ""
    uri: Text = ""
    visibility: Text = "public"
    spoiler_text: Text = ""
    language: str | None = None
    in_reply_to_id: str | None = None
    in_reply_to_account_id: str | None = None
    media_attachments: Annotated[list[Any], BeforeValidator(_list)] = []
    mentions: Annotated[list[MentionJson], BeforeValidator(_list)] = []
    reblog: StatusJson | None = None
    reblogs_count: Count = 0
    favourites_count: Count = 0
    replies_count: Count = 0
    quotes_count: Count = 0
    favourited: bool | None = None
    reblogged: bool | None = None


class NoteJson(_Entity):
    """A notification; `status` is missing for a follow, and where the post is gone."""

    id: str
    type: Text = ""
    created_at: Moment
    account: AccountJson | None = None
    status: StatusJson | None = None


def fold(id: str) -> str:
    """An id as we keep it: opaque, but snac writes one and the same id in two cases (seen on 2.94)."""
    return id.lower() if _SNAC.fullmatch(id) else id


def status_of(said: Json) -> StatusJson:
    """A post as the server words it; raises NotSent when it is none."""
    try:
        return StatusJson.model_validate(said)
    except ValidationError as error:
        raise NotSent(f"the server sent a post that cannot be read: {_first(error)}") from None


def legible(said: Json) -> StatusJson | None:
    """A post as the server words it, or None for something that cannot be read."""
    try:
        return StatusJson.model_validate(said)
    except ValidationError:
        return None


def account_of(said: Json) -> AccountJson:
    """An account as the server words it; raises NotSent when it is none."""
    try:
        return AccountJson.model_validate(said)
    except ValidationError as error:
        raise NotSent(f"the server sent an account that cannot be read: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"


def visibility(said: str, habits: Habits) -> Visibility:
    """Who may see it; a word that we do not know is taken for the narrowest."""
    seen = _SEEN.get(said, Visibility.DIRECT)
    return Visibility.DIRECT if seen is Visibility.FOLLOWERS and habits.coarse else seen


def widest_answer(said: str, habits: Habits) -> Visibility:
    """The widest that an answer to it may be, where the server may have said more than is true."""
    seen = visibility(said, habits)
    return Visibility.UNLISTED if seen is Visibility.PUBLIC and habits.coarse else seen


def author(account: AccountJson, me: str) -> Author:
    return Author(
        id=fold(account.id),
        handle=account.acct or account.username,
        name=account.display_name,
        url=account.url,
        is_bot=bool(account.bot),
        is_self=account.id == me,
        followers=account.followers_count,
    )


def ref(status: StatusJson, conversation: str = "") -> PostRef:
    id = fold(status.id)
    return PostRef(
        platform=KIND,
        id=id,
        url=status.url or status.uri,
        conversation="" if conversation == id else conversation,
    )


def post(status: StatusJson, me: str, habits: Habits, *, measured: datetime, conversation: str = "") -> Post:
    """A post in Fieldfare's words; `measured` is when its counts were read."""
    text, links = plain(status.content)
    parent = fold(status.in_reply_to_id) if status.in_reply_to_id else ""
    return Post(
        ref=ref(status, conversation),
        author=author(status.account, me),
        text=text,
        created_at=status.created_at,
        language=status.language or None,
        visibility=visibility(status.visibility, habits),
        warning=status.spoiler_text or None,
        reply_to=PostRef(platform=KIND, id=parent) if parent else None,
        repost_of=ref(status.reblog) if status.reblog else None,
        media_count=len(status.media_attachments),
        links=links,
        metrics=Metrics(
            measured_at=measured,
            likes=status.favourites_count,
            reposts=status.reblogs_count,
            replies=status.replies_count,
            quotes=status.quotes_count,
        ),
    )

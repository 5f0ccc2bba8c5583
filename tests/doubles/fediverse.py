"""A scripted server of the Mastodon API, with the habits of the kind that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .base import Clock, route
from .fediverse_manners import MANNERS, Manners
from .fediverse_server import FediverseServer, Refusal, asked
from .fediverse_world import Medium, Person, Post
from .wire import Request, Response, as_json

RANK = ("public", "unlisted", "private", "direct")


@dataclass(frozen=True)
class Key:
    """What an idempotency key stands for."""

    id: str
    at: datetime


@dataclass
class Planned:
    """A post that goes out later; `args` are those of `World.say`."""

    id: str
    at: datetime
    author: Person
    text: str
    args: dict[str, Any]


class Fediverse(FediverseServer):
    """One server; `late` is the seconds between a deed and its notification (default: as its kind does).

    Tests act for its people through `world` and look at `world.posts`. Effects on record, by kind: `status`
    (detail: text, to, visibility, key), `delete`, `favourite`, `unfavourite`, `reblog`, `unreblog`, `media`.
    """

    def __init__(
        self,
        manners: Manners | str = "mastodon",
        *,
        clock: Clock | None = None,
        late: float | None = None,
        media_takes: float = 0.0,
    ) -> None:
        super().__init__(MANNERS[manners] if isinstance(manners, str) else manners, clock, late)
        self.media_takes = timedelta(seconds=media_takes)
        self._keys: dict[tuple[str, str], Key] = {}
        self._planned: list[Planned] = []

    def settle(self) -> None:
        """Lets everything happen that is due, planned posts included."""
        for plan in [each for each in self._planned if each.at <= self.now()]:
            self._planned.remove(plan)
            self.world.say(plan.author, plan.text, **plan.args)
        super().settle()

    # Posts

    @route("POST", "/api/v1/statuses")
    @asked
    def _publish(self, request: Request, me: Person) -> Response:
        key = request.headers.get("idempotency-key", "")
        if key and (before := self._before(me, key)) is not None:
            return before
        said = self._body(request)
        text = str(said.get("status") or "")
        media = tuple(self._medium(str(id), me) for id in said.get("media_ids") or ())
        if not text.strip() and not media and self.manners.empty != 200 and said != {}:
            raise Refusal(self.manners.empty, "Validation failed: Text can't be blank")
        if len(text) > self.manners.text_limit and self.manners.over_limit != 200:
            raise Refusal(self.manners.over_limit, "Validation failed: Text character limit exceeded")
        args: dict[str, Any] = {
            "to": self._parent(said, me),
            "visibility": self._visibility(said),
            "spoiler": str(said.get("spoiler_text") or ""),
            "language": said.get("language"),
            "sensitive": said.get("sensitive") in (True, "true", "1"),
            "media": media,
        }
        if said.get("scheduled_at") and self.manners.schedules:
            return self._plan(me, text, str(said["scheduled_at"]), args)
        post = self.world.say(me, text, **args)
        if key:
            self._keys[me.id, key] = Key(post.id, self.now())
        to = post.to.id if post.to else None
        self.did("status", post.id, text=text, to=to, visibility=post.visibility, key=key, by=me.name)
        return as_json(self.words.post(post, me))

    def _before(self, me: Person, key: str) -> Response | None:
        known = self._keys.get((me.id, key))
        if known is None or self.manners.keys is None:
            return None
        age = self.now() - known.at
        if not self.manners.key_written_after <= age <= self.manners.keys:
            return None
        post = self.world.find(known.id)
        if post is not None:
            return as_json(self.words.post(post, me))
        if self.manners.key_of_deleted == "new":
            return None
        raise Refusal(int(self.manners.key_of_deleted), "Record not found")

    def _body(self, request: Request) -> Mapping[str, Any]:
        if request.mime == "application/json":
            try:
                said = request.json()
            except ValueError:
                raise Refusal(400, "not JSON") from None
            return said if isinstance(said, dict) else {}
        if not self.manners.form_bodies:
            return {}
        found: dict[str, Any] = {}
        for name, value in request.form:
            if name.endswith("[]"):
                found.setdefault(name[:-2], []).append(value)
            else:
                found[name] = value
        return found

    def _parent(self, said: Mapping[str, Any], me: Person) -> Post | None:
        given = said.get("in_reply_to_id")
        if not given:
            return None
        post = self.world.find(str(given))
        if post is not None and self._sees(me, post):
            return post
        if self.manners.lost_parent == 200:
            return None
        raise Refusal(self.manners.lost_parent, "The post you are trying to reply to does not appear to exist.")

    def _visibility(self, said: Mapping[str, Any]) -> str:
        wanted = said.get("visibility") or self.manners.default_visibility
        if wanted not in RANK:
            raise Refusal(422, f"{wanted!r} is not a valid visibility")
        return str(wanted)

    def _plan(self, me: Person, text: str, when: str, args: dict[str, Any]) -> Response:
        moment = datetime.fromisoformat(when)
        if moment < self.now() + timedelta(minutes=5):
            raise Refusal(422, "Validation failed: Scheduled at must be in the future")
        plan = Planned(str(len(self._planned) + 1), moment, me, text, args)
        self._planned.append(plan)
        self.did("scheduled", plan.id, text=text)
        return as_json({"id": plan.id, "scheduled_at": self.words.time(moment), "params": {"text": text}})

    @route("GET", "/api/v1/statuses/{id}")
    @asked
    def _status(self, request: Request, me: Person, id: str) -> Response:
        return as_json(self.words.post(self.post_of(id, me), me))

    @route("DELETE", "/api/v1/statuses/{id}")
    @asked
    def _delete(self, request: Request, me: Person, id: str) -> Response:
        post = self.post_of(id, me)
        if post.author is not me:
            raise Refusal(404, "Record not found")
        body = self.words.post(post, me) | {"text": post.text}
        self.world.delete(post)
        self.did("delete", post.id)
        return as_json(body)

    @route("GET", "/api/v1/statuses/{id}/context")
    @asked
    def _context(self, request: Request, me: Person, id: str) -> Response:
        post = self.post_of(id, me)
        above: list[Post] = []
        step = post.to
        while step is not None:
            above.insert(0, step)
            step = step.to
        below = self.world.descendants(post)
        return as_json(
            {
                "ancestors": [self.words.post(each, me) for each in above if self._sees(me, each)],
                "descendants": [self.words.post(each, me) for each in below if self._sees(me, each)],
            }
        )

    # Favourites and boosts

    @route("POST", "/api/v1/statuses/{id}/favourite")
    @asked
    def _favourite(self, request: Request, me: Person, id: str) -> Response:
        post = self.post_of(id, me)
        if self.world.favourite(me, post):
            self.did("favourite", post.id, by=me.name)
        elif self.manners.favourite_twice != 200:
            raise Refusal(self.manners.favourite_twice)
        return as_json(self.words.post(post, me))

    @route("POST", "/api/v1/statuses/{id}/unfavourite")
    @asked
    def _unfavourite(self, request: Request, me: Person, id: str) -> Response:
        post = self.post_of(id, me)
        if me in post.favourited_by:
            post.favourited_by.remove(me)
            self.did("unfavourite", post.id, by=me.name)
        return as_json(self.words.post(post, me))

    @route("POST", "/api/v1/statuses/{id}/reblog")
    @asked
    def _reblog(self, request: Request, me: Person, id: str) -> Response:
        post = self.post_of(id, me)
        if post.visibility == "direct" or (post.visibility == "private" and post.author is not me):
            raise Refusal(403 if self.manners.errors == "json" else 404)
        mine = next((each for each in post.boosts if each.author is me), None)
        if mine is not None and self.manners.boost_twice == "500":
            raise Refusal(500)
        if mine is None or self.manners.boost_twice == "second":
            mine = self.world.boost(me, post)
            self.did("reblog", mine.id, post=post.id, by=me.name)
        shown = post if self.manners.boost_answers == "post" else mine
        return as_json(self.words.post(shown, me))

    @route("POST", "/api/v1/statuses/{id}/unreblog")
    @asked
    def _unreblog(self, request: Request, me: Person, id: str) -> Response:
        post = self.post_of(id, me)
        for mine in [each for each in post.boosts if each.author is me]:
            self.world.delete(mine)
            self.did("unreblog", mine.id, post=post.id)
        return as_json(self.words.post(post, me))

    # Media

    @route("POST", "/api/v1/media")
    @route("POST", "/api/v2/media")
    @asked
    def _upload(self, request: Request, me: Person) -> Response:
        file = next((part for part in request.parts if part.name == "file" and part.filename), None)
        if file is None or not file.content:
            raise Refusal(422, "Validation failed: File can't be blank")
        text = dict(request.form).get("description", "")
        id = str(1000 + len(self.world.media))
        medium = Medium(id, me, file.mime, file.content, text, self.now() + self.media_takes)
        self.world.media[id] = medium
        self.did("media", id, mime=file.mime, size=len(file.content), description=text)
        waiting = self.media_takes and request.path.startswith("/api/v2/")
        return as_json(self.words.medium(medium), self.manners.media_status if waiting else 200)

    @route("GET", "/api/v1/media/{id}")
    @asked
    def _media(self, request: Request, me: Person, id: str) -> Response:
        medium = self.world.media.get(id)
        if not self.manners.media_get or medium is None or medium.owner is not me:
            raise Refusal(404, "Record not found")
        return as_json(self.words.medium(medium), 200 if medium.ready_at <= self.now() else 206)

    @route("PUT", "/api/v1/media/{id}")
    @asked
    def _describe(self, request: Request, me: Person, id: str) -> Response:
        medium = self.world.media.get(id)
        if medium is None or medium.owner is not me or medium.used:
            raise Refusal(404, "Record not found")
        medium.description = str(self._body(request).get("description") or "")
        self.did("describe", id, description=medium.description)
        return as_json(self.words.medium(medium))

    def _medium(self, id: str, me: Person) -> Medium:
        medium = self.world.media.get(id)
        if medium is None or medium.owner is not me or medium.used:
            raise Refusal(422, "Validation failed: Cannot attach files that are missing or already used")
        if medium.ready_at > self.now():
            raise Refusal(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        return medium

"""What every request to a scripted fediverse server meets: who asks, errors in its own form, reads and lists."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, TypeVar

from .base import Clock, Double, route
from .fediverse_json import Json, Words, link_header, page
from .fediverse_manners import Manners
from .fediverse_world import Person, Post, World
from .wire import Request, Response, as_html, as_json

P = ParamSpec("P")
Server = TypeVar("Server", bound="FediverseServer")


class Refusal(Exception):
    """An error answer on its way out of a handler."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message or HTTPStatus(status).phrase


def asked(
    handler: Callable[Concatenate[Server, Request, Person, P], Response],
) -> Callable[Concatenate[Server, Request, P], Response]:
    """A handler that is given who asks, and whose refusals become answers in the server's own form."""

    @functools.wraps(handler)
    def wrapped(self: Server, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return handler(self, request, self.who(request), *args, **kwargs)
        except Refusal as refusal:
            return self.error(refusal.status, refusal.message)

    return wrapped


class FediverseServer(Double):
    """The part of a server that changes nothing; `Fediverse` adds what does."""

    def __init__(self, manners: Manners, clock: Clock | None, late: float | None) -> None:
        super().__init__(clock)
        self.manners = manners
        self.silent_close = manners.silent_close
        self.world = World(manners, self.clock, manners.notification_delay if late is None else late)

    @property
    def words(self) -> Words:
        """How the server says things, at the address it is served at."""
        return Words(self.world, self.url or "http://fediverse.invalid")

    # Around every request

    def handle(self, request: Request) -> Response:
        """As the server would, after everything that fell due since the last request has happened."""
        self.settle()
        response = super().handle(request)
        if not self.manners.rate_headers:
            return response
        reset = self.words.time(self.now() + timedelta(minutes=5))
        told = {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "299", "x-ratelimit-reset": reset}
        return Response(response.status, response.body, {**told, **response.headers}, response.delay)

    def settle(self) -> None:
        """Lets everything happen that is due."""
        self.world.settle()

    def unrouted(self, request: Request, *, known: bool) -> Response:
        """A path or method that the server does not have."""
        return self.error(405 if known else 404)

    def who(self, request: Request) -> Person:
        """Who asks; refuses a missing or bad token as the server does."""
        person = self.world.whose(request.bearer)
        if person is not None:
            return person
        status = self.manners.bad_token if request.bearer else self.manners.no_token
        if request.path.endswith("/verify_credentials") and self.manners.no_token_here is not None:
            status = self.manners.no_token_here
        raise Refusal(status, "The access token is invalid")

    def error(self, status: int, message: str = "") -> Response:
        """An error answer in the form that this kind of server gives it."""
        text = message or HTTPStatus(status).phrase
        said = as_json({"error": text}, status)
        page = as_html(f"<!doctype html><html><body><h1>{status} {text}</h1></body></html>", status)
        match self.manners.errors:
            case "html or empty":
                return page if status == 404 else Response(status)
            case "json, html for 404 and 500":
                if status == 400 and "token" in text:
                    return Response(status, text.encode(), {"content-type": "text/plain"})
                return page if status in (404, 500) else said
            case "json or empty":
                if status == 400:
                    issue = {"code": "invalid_type", "path": ["status"], "message": text}
                    return as_json({"success": False, "error": {"issues": [issue]}}, status)
                return Response(status) if status in (404, 500) and not message else said
            case "json":
                return said

    def post_of(self, id: str, viewer: Person) -> Post:
        """The post that `viewer` may see under an id."""
        if self.manners.ids == "number" and not id.isdigit():
            raise Refusal(self.manners.bad_id)
        post = self.world.find(id)
        if post is None or not self._sees(viewer, post):
            raise Refusal(404, "Record not found")
        return post

    def _sees(self, viewer: Person, post: Post) -> bool:
        if post.author is viewer or post.visibility in ("public", "unlisted"):
            return True
        named = any(each["id"] == viewer.id for each in self.words.post(post, viewer)["mentions"])
        return named or (post.visibility == "private" and viewer in post.author.followers)

    # The server itself

    @route("GET", "/.well-known/nodeinfo")
    def _nodeinfo_index(self, request: Request) -> Response:
        rel = "http://nodeinfo.diaspora.software/ns/schema/" + ("2.1" if "2.1" in self.manners.nodeinfo else "2.0")
        return as_json({"links": [{"rel": rel, "href": self.words.base + self.manners.nodeinfo}]})

    @route("GET", "/nodeinfo/2.0")
    @route("GET", "/nodeinfo/2.1")
    @route("GET", "/nodeinfo_2_0")
    def _nodeinfo(self, request: Request) -> Response:
        if request.path != self.manners.nodeinfo:
            return self.error(404)
        software = {"name": self.manners.software, "version": self.manners.version.split("/")[-1].rstrip(")")}
        return as_json({"version": "2.0", "software": software, "protocols": ["activitypub"], "usage": {}})

    @route("GET", "/api/v1/instance")
    def _instance(self, request: Request) -> Response:
        return as_json({"uri": self.words.base, "title": self.manners.name} | self._configuration())

    @route("GET", "/api/v2/instance")
    def _instance2(self, request: Request) -> Response:
        if self.manners.instance_v2 != 200:
            return self.error(self.manners.instance_v2)
        return as_json({"domain": self.words.base, "title": self.manners.name} | self._configuration())

    def _configuration(self) -> Json:
        statuses = {"max_characters": self.manners.text_limit, "max_media_attachments": 4}
        statuses["characters_reserved_per_url"] = 23
        return {"version": self.manners.version, "configuration": {"statuses": statuses}}

    @route("GET", "/api/v1/accounts/verify_credentials")
    @asked
    def _credentials(self, request: Request, me: Person) -> Response:
        return as_json(self.words.person(me) | {"source": {"privacy": self.manners.default_visibility}})

    # Lists

    @route("GET", "/api/v1/accounts/{id}/statuses")
    @asked
    def _statuses_of(self, request: Request, me: Person, id: str) -> Response:
        person = next((each for each in self.world.people.values() if each.id == id), None)
        if person is None:
            raise Refusal(404, "Record not found")
        posts = self.world.of(person, seen_by=me)
        heeded = self.manners.post_params
        if "exclude_replies" in heeded and request.param("exclude_replies") == "true":
            posts = [post for post in posts if post.to is None]
        if "exclude_reblogs" in heeded and request.param("exclude_reblogs") == "true":
            posts = [post for post in posts if post.boost_of is None]
        largest = 40 if "limit" in self.manners.post_params else 256
        shown = page(self.world, posts, request, self.manners.post_params, largest=largest)
        return self._listed([self.words.post(post, me) for post in shown], request, shown, self.manners.post_links)

    @route("GET", "/api/v1/accounts/{id}/followers")
    @asked
    def _followers(self, request: Request, me: Person, id: str) -> Response:
        person = next((each for each in self.world.people.values() if each.id == id), None)
        if person is None:
            raise Refusal(404, "Record not found")
        return as_json([self.words.person(each) for each in reversed(person.followers)])

    @route("GET", "/api/v1/notifications")
    @asked
    def _notifications(self, request: Request, me: Person) -> Response:
        wanted = [] if self.manners.ignores_types else request.params("types")
        notes = [note for note in reversed(self.world.notes) if note.whom is me and (not wanted or note.kind in wanted)]
        before = request.param("older_than") if "older_than" in self.manners.note_params else ""
        if before:
            moment = datetime.fromisoformat(before)
            notes = [note for note in notes if note.due < moment]
        shown = page(self.world, notes, request, self.manners.note_params)
        return self._listed([self.words.note(note) for note in shown], request, shown, self.manners.note_links)

    def _listed(self, bodies: list[Json], request: Request, shown: Iterable[Any], rels: frozenset[str]) -> Response:
        ids = [each.id for each in shown]
        turns = ("max_id", "min_id", "since_id", "older_than")
        return as_json(bodies, headers=link_header(self.words.base, request, ids, rels, lambda key: key not in turns))

"""The far side of the Playground: what a world answers to the requests of one account."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import regex

from ..plugin import Answer, Bounds, NotSent, OutcomeUnknown, Request, Visibility
from ._faults import Fault
from ._world import World

BOUNDS = Bounds(
    text=300,
    media=4,
    media_bytes=1_000_000,
    media_types=("image/gif", "image/jpeg", "image/png", "image/webp"),
    alt=1_000,
    thread=10,
    source="the Playground's own rules",
)


def carry(world: World, handle: str, faults: Sequence[Fault], request: Request) -> Answer:
    """Answer one request of an account as a server would. Raises what a client would when no answer comes."""
    body: Mapping[str, Any] = request.json or {}
    fault = _fault(world, handle, faults, str(body.get("text", "")))
    match fault and fault.what:
        case "unreachable":
            raise NotSent("the connection to the Playground was refused")
        case "swallowed":
            raise OutcomeUnknown("the connection to the Playground broke before an answer came")
        case "answer-lost":
            _perform(world, handle, request, body)
            raise OutcomeUnknown("the connection to the Playground broke before an answer came")
        case "status":
            assert fault is not None
            wait = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
            return _answer(fault.status, {"error": "a scripted fault"}, request, wait)
        case _:
            return _perform(world, handle, request, body)


def _fault(world: World, handle: str, faults: Sequence[Fault], text: str) -> Fault | None:
    world.writes[handle] = number = world.writes.get(handle, 0) + 1
    for index, fault in enumerate(faults):
        spent = world.spent.get((handle, index), 0)
        if spent < fault.times and fault.strikes(number, text):
            world.spent[handle, index] = spent + 1
            return fault
    return None


def _answer(status: int, body: Any, request: Request, headers: Mapping[str, str] | None = None) -> Answer:
    said = {"content-type": "application/json", **(headers or {})}
    return Answer(status=status, headers=said, body=json.dumps(body).encode(), url=request.url)


def _perform(world: World, handle: str, request: Request, body: Mapping[str, Any]) -> Answer:
    kind, *rest = urlsplit(request.url).path.strip("/").split("/")
    match request.method, kind, rest:
        case "PUT", "media", [sha256]:
            return _upload(world, sha256, request)
        case "POST", "posts", []:
            return _post(world, handle, request, body)
        case "PUT", "posts", [id, ("like" | "repost") as how]:
            if world.seen(id, handle) is None:
                return _answer(404, {"error": f"there is no post {id!r}"}, request)
            (world.like if how == "like" else world.repost)(handle, id)
            return _answer(200, {"id": id}, request)
        case "DELETE", "posts", [id]:
            kept = world.find(id)
            if kept is not None and kept.by != handle:
                return _answer(403, {"error": f"{id!r} is a post of @{kept.by}"}, request)
            return _answer(200, {"id": id, "was_there": world.remove(id)}, request)
        case _:
            return _answer(404, {"error": f"{request.method} {request.url} means nothing here"}, request)


def _upload(world: World, sha256: str, request: Request) -> Answer:
    content = request.content or b""
    if hashlib.sha256(content).hexdigest() != sha256:
        return _answer(422, {"error": "the file is not the one its address names"}, request)
    if len(content) > BOUNDS.media_bytes:
        return _answer(422, {"error": f"a file has at most {BOUNDS.media_bytes} bytes"}, request)
    world.files[sha256] = len(content)
    return _answer(200, {"id": sha256}, request)


def _post(world: World, handle: str, request: Request, body: Mapping[str, Any]) -> Answer:
    text, media, parent = body["text"], tuple(m["id"] for m in body["media"]), body["reply_to"]
    length = len(regex.findall(r"\X", text))
    if length > BOUNDS.text or len(media) > BOUNDS.media or not (text or media):
        return _answer(422, {"error": f"a post of {length} characters with {len(media)} files"}, request)
    if not all(sha256 in world.files for sha256 in media):
        return _answer(422, {"error": "a file that was never uploaded"}, request)
    if parent:
        answered = world.seen(parent, handle)
        if answered is None:
            return _answer(404, {"error": f"there is no post {parent!r}"}, request)
        if not answered.replies_allowed:
            return _answer(403, {"error": f"{parent!r} takes no replies"}, request)
    kept = world.post(
        handle,
        text,
        at=world.now,
        reply_to=parent,
        language=body["language"],
        visibility=Visibility(body["visibility"]),
        warning=body["warning"],
        media=media,
    )
    return _answer(200, kept.ref.model_dump(mode="json"), request)

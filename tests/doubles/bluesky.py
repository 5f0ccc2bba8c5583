"""A scripted PDS with an AppView behind it, as the reference servers were seen to behave."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from fieldfare_bluesky._cbor import record_cid

from .base import Clock, route
from .bluesky_sessions import Refusal, Sessions, asked
from .bluesky_world import LIKE, POST, REPOST, Invalid, Person
from .wire import Request, Response, as_json

_XRPC = "/xrpc/com.atproto"
_BSKY = "/xrpc/app.bsky"


class Bluesky(Sessions):
    """One server. `older`: the habits of PDS 0.4.217 with AppView 0.0.221 instead of 0.5.35 with 0.0.280.

    Tests act for its people through `world`. Effects on record, by kind: `login`, `refresh`, `blob`, `create` (detail:
    record), `delete`.
    """

    def __init__(self, *, clock: Clock | None = None, older: bool = False, access_seconds: int = 7200) -> None:
        super().__init__(clock, access_seconds)
        self.older = older

    def unrouted(self, request: Request, *, known: bool) -> Response:
        if not request.bearer:
            return as_json({"error": "AuthMissing", "message": "Authentication Required"}, 401)
        return as_json({"error": "MethodNotImplemented", "message": "Method Not Implemented"}, 501)

    # The repository

    @route("GET", f"{_XRPC}.repo.getRecord")
    def _get_record(self, request: Request) -> Response:
        kind, rkey = request.param("collection"), request.param("rkey")
        uri = f"at://{request.param('repo')}/{kind}/{rkey}"
        try:
            record, cid = self.world.find(uri)
        except KeyError:
            return as_json({"error": "RecordNotFound", "message": f"Could not locate record: {uri}"}, 400)
        return as_json({"uri": uri, "cid": cid, "value": record})

    def _writing(self, me: Person, repo: str) -> None:
        if me.closed:
            raise Refusal(401, me.closed)
        if repo not in (me.did, me.handle):
            raise Refusal(401, "AuthenticationRequired", "Authentication Required")

    def _write(self, me: Person, kind: str, rkey: str, record: dict[str, Any]) -> dict[str, Any]:
        cid = record_cid(record)
        uri = f"at://{me.did}/{kind}/{rkey}"
        me.repo[kind, rkey] = (record, cid)
        self.did("create", uri, record=record)
        return {"uri": uri, "cid": cid, "validationStatus": "valid"}

    def _checked(self, me: Person, kind: str, rkey: str, record: dict[str, Any]) -> None:
        try:
            self.world.check(me, kind, rkey, record)
        except Invalid as invalid:
            raise Refusal(400, invalid.error, str(invalid)) from None

    @route("POST", f"{_XRPC}.repo.putRecord")
    @asked
    def _put(self, request: Request, me: Person) -> Response:
        said = request.json()
        kind, rkey, record = said["collection"], said["rkey"], said["record"]
        self._writing(me, said["repo"])
        self._checked(me, kind, rkey, record)
        there = me.repo.get((kind, rkey))
        if there is not None and there[1] == record_cid(record):
            return as_json({"uri": f"at://{me.did}/{kind}/{rkey}", "cid": there[1], "validationStatus": "valid"})
        if there is not None and "swapRecord" in said and said["swapRecord"] != there[1]:
            raise Refusal(400, "InvalidSwap", f"Record was at {there[1]}")
        return as_json({**self._write(me, kind, rkey, record), "commit": {"cid": "bafyreicommit", "rev": rkey}})

    @route("POST", f"{_XRPC}.repo.applyWrites")
    @asked
    def _apply(self, request: Request, me: Person) -> Response:
        said = request.json()
        self._writing(me, said["repo"])
        for each in said["writes"]:
            self._checked(me, each["collection"], each["rkey"], each["value"])
        if any((each["collection"], each["rkey"]) in me.repo for each in said["writes"]):
            raise Refusal(500, "InternalServerError", "Internal Server Error")
        done = [self._write(me, each["collection"], each["rkey"], each["value"]) for each in said["writes"]]
        return as_json({"commit": {"cid": "bafyreicommit"}, "results": done})

    @route("POST", f"{_XRPC}.repo.deleteRecord")
    @asked
    def _delete(self, request: Request, me: Person) -> Response:
        said = request.json()
        self._writing(me, said["repo"])
        gone = me.repo.pop((said["collection"], said["rkey"]), None)
        if gone is None:
            return as_json({})
        self.did("delete", f"at://{me.did}/{said['collection']}/{said['rkey']}")
        return as_json({"commit": {"cid": "bafyreicommit"}})

    @route("POST", f"{_XRPC}.repo.uploadBlob")
    @asked
    def _upload(self, request: Request, me: Person) -> Response:
        if not request.mime:
            raise Refusal(400, "InvalidRequest", "Request encoding (Content-Type) required but not provided")
        if len(request.body) > 5 * 1024 * 1024:
            raise Refusal(413, "PayloadTooLarge", "request entity too large")
        raw = b"\x01\x55\x12\x20" + hashlib.sha256(request.body).digest()
        cid = "b" + base64.b32encode(raw).decode().lower().rstrip("=")
        me.blobs[cid] = len(request.body)
        self.did("blob", cid, mime=request.mime)
        ref = {"$type": "blob", "ref": {"$link": cid}, "mimeType": request.mime, "size": len(request.body)}
        return as_json({"blob": ref})

    # The AppView

    def _profile(self, did: str) -> dict[str, Any]:
        person = self.world.people[did]
        labels = [{"src": did, "uri": f"at://{did}/app.bsky.actor.profile/self", "val": "bot"}] if person.bot else []
        return {"did": did, "handle": person.handle, "displayName": person.handle.split(".")[0], "labels": labels}

    def _view(self, uri: str, me: Person) -> dict[str, Any] | None:
        did = uri.removeprefix("at://").split("/")[0]
        try:
            record, cid = self.world.find(uri)
        except KeyError:
            return None
        if uri in self.world.hidden:
            return None
        viewer: dict[str, Any] = {"threadMuted": False, "embeddingDisabled": False}
        marks = {"like": self.world.mark_of(me, LIKE, uri), "repost": self.world.mark_of(me, REPOST, uri)}
        viewer |= {name: mark for name, mark in marks.items() if mark}
        root = record.get("reply", {}).get("root", {}).get("uri", uri)
        if root in self.world.gated:
            viewer["replyDisabled"] = True
        return {
            "uri": uri,
            "cid": cid,
            "author": self._profile(did),
            "record": record,
            "replyCount": len(self.world.replies(uri)),
            "repostCount": self.world.count(uri, REPOST),
            "likeCount": self.world.count(uri, LIKE),
            "quoteCount": 0,
            "indexedAt": min(record["createdAt"], _iso(self.now())),
            "viewer": viewer,
            "labels": [],
        }

    @route("GET", f"{_BSKY}.feed.getPosts")
    @asked
    def _get_posts(self, request: Request, me: Person) -> Response:
        uris = request.params("uris")
        if len(uris) > 25:
            raise Refusal(400, "InvalidRequest", "Invalid app.bsky.feed.getPosts params: uris")
        return as_json({"posts": [view for uri in uris if (view := self._view(uri, me)) is not None]})

    @route("GET", f"{_BSKY}.feed.getAuthorFeed")
    @asked
    def _author_feed(self, request: Request, me: Person) -> Response:
        actor = self.world.people[request.param("actor")]
        items: list[dict[str, Any]] = []
        for (kind, rkey), (record, _) in actor.repo.items():
            if kind == POST and (view := self._view(f"at://{actor.did}/{kind}/{rkey}", me)):
                items.append({"post": view, "at": view["indexedAt"]})
            elif kind == REPOST and (view := self._view(record["subject"]["uri"], me)):
                reason = {"$type": "app.bsky.feed.defs#reasonRepost", "by": self._profile(actor.did)}
                items.append({"post": view, "reason": reason, "at": record["createdAt"]})
        return self._page(request, sorted(items, key=lambda item: item["at"], reverse=True), "feed")

    @route("GET", f"{_BSKY}.notification.listNotifications")
    @asked
    def _notifications(self, request: Request, me: Person) -> Response:
        reasons = request.params("reasons")
        followed = {record["subject"] for (kind, _), (record, _) in me.repo.items() if kind.endswith(".follow")}
        entries = [entry for entry in self.world.entries(me) if not reasons or entry.reason in reasons]
        if self.older and request.param("priority") != "false":
            entries = [entry for entry in entries if entry.by in followed]
        shown = [
            {
                "uri": entry.uri,
                "cid": self.world.find(entry.uri)[1],
                "author": self._profile(entry.by),
                "reason": entry.reason,
                "record": self.world.find(entry.uri)[0],
                "isRead": False,
                "indexedAt": entry.at,
                "labels": [],
                "at": entry.at,
            }
            for entry in entries
            if entry.uri not in self.world.hidden
        ]
        return self._page(request, shown, "notifications")

    def _page(self, request: Request, items: list[dict[str, Any]], name: str) -> Response:
        """A page of `items`, newest first. The cursor is a bare time: what shares the last one of a page is cut off."""
        limit, cursor = int(request.param("limit", "50")), request.param("cursor")
        if not 1 <= limit <= 100:
            raise Refusal(400, "InvalidRequest", "limit must be between 1 and 100")
        left = [item for item in items if not cursor or item["at"] < cursor]
        page = left[:limit]
        body: dict[str, Any] = {name: [{key: item[key] for key in item if key != "at"} for item in page]}
        if page and (self.older or len(left) > limit):
            body["cursor"] = page[-1]["at"]
        return as_json(body)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

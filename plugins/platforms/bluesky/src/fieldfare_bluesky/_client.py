"""Reads of one account, each with a live token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from fieldfare.plugin import Answer, Http, NotSent

from ._login import Keeper, Login
from ._wire import PostView, Profile, Stored, address, views
from ._xrpc import body_of, error_of, judge_read, query

AT_ONCE = 25
"""Most addresses in one getPosts; more are a 400."""


class Client:
    """What the network shows to this account."""

    def __init__(self, http: Http, keeper: Keeper) -> None:
        self._http = http
        self._keeper = keeper

    async def get(self, name: str, *absent: str, **params: str | int | bool | Sequence[str]) -> dict[str, Any] | None:
        """The body of a query; None when the answer is a 400 with one of the `absent` errors."""

        def judge(answer: Answer) -> None:
            if not (answer.status == 400 and error_of(answer) in absent):
                judge_read(answer)

        async def call(login: Login) -> Answer:
            return await self._http.read(query(login.endpoint, name, login.access, **params), sort=judge)

        answer = await self._keeper.using(call)
        return None if answer.status == 400 else body_of(answer) or {}

    async def read(self, name: str, **params: str | int | bool | Sequence[str]) -> dict[str, Any]:
        """The body of a query whose every error is an error."""
        return await self.get(name, **params) or {}

    async def resolve(self, handle: str) -> str | None:
        """The DID behind a handle; None when nobody has it."""
        found = await self.get("com.atproto.identity.resolveHandle", "HandleNotFound", "InvalidRequest", handle=handle)
        return None if found is None else str(found["did"])

    async def record(self, collection: str, rkey: str) -> Stored | None:
        """A record of our own repository as it stands at this moment; None when there is none under the key."""
        login = await self._keeper.login()
        found = await self.get(
            "com.atproto.repo.getRecord", "RecordNotFound", repo=login.did, collection=collection, rkey=rkey
        )
        if found is None:
            return None
        try:
            return Stored.model_validate(found)
        except ValidationError:
            raise NotSent(f"getRecord answered something that is no record: {found!r:.200}") from None

    async def posts(self, uris: Sequence[str]) -> dict[str, PostView]:
        """Posts by address. Those that are gone, blocked or unreadable are missing.

        A post of our own that the network does not show yet (it lags a second behind our server) is read from
        our own repository, with counts of zero.
        """
        found: dict[str, PostView] = {}
        wanted = list(dict.fromkeys(uris))
        for start in range(0, len(wanted), AT_ONCE):
            body = await self.read("app.bsky.feed.getPosts", uris=wanted[start : start + AT_ONCE])
            found |= {view.uri: view for view in views(body.get("posts") or ())}
        login = await self._keeper.login()
        for uri in wanted:
            if uri not in found and uri.startswith(f"at://{login.did}/") and (own := await self._own(uri, login)):
                found[uri] = own
        return found

    async def _own(self, uri: str, login: Login) -> PostView | None:
        _, collection, rkey = address(uri)
        stored = await self.record(collection, rkey)
        if stored is None:
            return None
        record = stored.post
        if record.created_at is None:
            return None
        return PostView(
            uri=stored.uri,
            cid=stored.cid,
            author=Profile(did=login.did, handle=login.handle),
            record=record,
            indexed_at=record.created_at,
        )

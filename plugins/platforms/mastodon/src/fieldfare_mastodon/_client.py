"""Requests to one server: its paths, the account's token, and pages of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast
from urllib.parse import quote

from fieldfare.plugin import Answer, NotSent, Request, Secret, Services, Upload

from ._json import Json, an_object, objects, parsed
from ._judge import judge_read

Params = Mapping[str, str | int | bool | Sequence[str]]


class Client:
    """Reads for one account, and the requests of its writes. A connection that is reset is tried anew for reads only,
    by the client that is lent to us; pages are turned by ids alone, since a server may know itself by another name."""

    def __init__(self, services: Services, server: str, token: Secret) -> None:
        self._services = services
        self._server = server
        self._token = token
        self.ahead = timedelta()
        """How far the server's clock is ahead of ours, as its last `Date` showed."""

    async def one(self, path: str, params: Params | None = None, *, anonymous: bool = False) -> Json:
        """An object; raises Gone when there is none, NotSent when something else came."""
        answer = await self._get(path, params, anonymous=anonymous)
        said = an_object(parsed(answer))
        if not said:
            raise NotSent(f"{path} answered no object: {answer.text!r}")
        return said

    async def page(self, path: str, params: Params | None = None) -> list[Json]:
        """One page of a list, newest first; raises NotSent when something else came."""
        answer = await self._get(path, params)
        said = parsed(answer)
        if not isinstance(said, list):
            raise NotSent(f"{path} answered no list: {answer.text!r}")
        return objects(cast(object, said))

    def write(self, method: str, path: str, body: Json | None = None, *, key: str = "") -> Request:
        """A write as JSON: forms are silently ignored by some servers."""
        headers = self._headers()
        if key:
            headers["idempotency-key"] = key
        return Request(method=method, url=self._server + path, headers=headers, json=body)

    def upload(self, path: str, file: Upload, alt: str) -> Request:
        """One file with its alt text, as the only form this API has."""
        return Request(
            method="POST",
            url=self._server + path,
            headers=self._headers(),
            form={"description": alt},
            files=(file,),
            timeout=120.0,
        )

    async def _get(self, path: str, params: Params | None = None, *, anonymous: bool = False) -> Answer:
        """One read; `anonymous` leaves the token at home."""
        headers = {"accept": "application/json"} if anonymous else self._headers()
        request = Request(method="GET", url=self._server + path, headers=headers, params=params)
        answer = await self._services.http.read(request, sort=judge_read)
        if answer.date is not None:
            self.ahead = answer.date - self._services.now()
        return answer

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._services.secret(self._token)}", "accept": "application/json"}


def status_path(id: str, deed: str = "") -> str:
    """The path of one post, or of something done to it; ids are opaque and may hold any character."""
    path = f"/api/v1/statuses/{quote(id, safe='')}"
    return f"{path}/{deed}" if deed else path

"""An account of ours at a scripted AT Protocol network, with a session of the connector and nobody's engine."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from fieldfare.plugin import Answer, Media, PostRef, Request
from fieldfare.testing import Lent, Trial
from fieldfare_bluesky import Bluesky as Settings
from fieldfare_bluesky._session import BlueskySession

from .base import Clock
from .bluesky import Bluesky
from .handler import handler

T = TypeVar("T")
AT = datetime(2026, 11, 25, 12, 0, 0, 250_000, tzinfo=UTC)
SERVER = "http://pds.test"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
PICTURE = Media(source="dot.png", alt="a dot", sha256=hashlib.sha256(PNG).hexdigest(), mime="image/png", size=len(PNG))


class Desk:
    """`brand` is ours, `fan` is somebody else; both sides have one clock, `net.clock`."""

    def __init__(self, *, older: bool = False, server: str = SERVER, tokens: dict[str, str] | None = None) -> None:
        self.net = Bluesky(clock=Clock(AT), older=older)
        self.brand = self.net.world.person("brand.test")
        self.fan = self.net.world.person("fan.test")
        self.asked: list[Request] = []
        self._far_side = handler(self.net)
        self.settings = Settings(handle="brand.test", server=server)
        self.tokens: dict[str, str] = {} if tokens is None else tokens
        self.password = self.brand.password
        self.session = self.open()
        self.seen: set[str] = set()

    def open(self) -> BlueskySession:
        """A new session of the account, with the tokens that were kept."""
        return self.run(self.settings.open(self.lent()))

    async def handler(self, request: Request) -> Answer:
        """The far side, a turn of the loop away; what it was asked is in `asked`."""
        self.asked.append(request)
        await asyncio.sleep(0)
        return self._far_side(request)

    def lent(self) -> Lent:
        secrets = {self.settings.app_password.name: self.password}
        return Lent(self.handler, now=self.net.now, secrets=secrets, tokens=self.tokens)

    def trial(self, delivery: str = "one", *, media: Mapping[str, bytes] | None = None) -> Trial:
        """A first attempt at a delivery of that name."""
        files = {PICTURE.sha256: PNG, **(media or {})}
        return Trial(self.session, self.handler, delivery=delivery, now=self.net.now, media=files)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(coroutine)

    async def known(self, ids: Any) -> frozenset[str]:
        """What the feed has seen: see `seen`."""
        return frozenset(ids) & self.seen

    def ref(self, uri: str) -> PostRef:
        """The reference that an automation would hold."""
        return PostRef(platform="bluesky", id=uri, version=self.net.world.find(uri)[1])

    def calls(self, name: str) -> int:
        """How often a method of the network was called."""
        return len([one for one in self.net.exchanges if one.request.path.endswith(name)])

"""Settings of an account on a server that speaks the Mastodon API, and what such servers allow."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from fieldfare.plugin import Bounds, Draft, Platform, Secret, ServerUrl, Services, Session

from ._client import Client
from ._count import countable
from ._session import MastodonSession
from ._wire import KIND

MEDIA = 4
IMAGE_BYTES = 16 * 1024 * 1024
ALT = 1500
TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif", "image/avif")
THREAD = 25

SOURCE = (
    "docs.joinmastodon.org: user/posting, entities/Instance, methods/media, api/rate-limits (300 requests in 5 "
    "minutes, 30 uploads in 30 minutes), read 2026-11-25"
)


class Mastodon(Platform):
    """An account on Mastodon, or on a server that speaks its API: `Mastodon(server="https://social.example")`."""

    kind: ClassVar[str] = KIND
    session: ClassVar[type[Session]] = MastodonSession

    server: ServerUrl = Field(description="the server that the account lives on, such as https://social.example")
    token: Secret = Field(
        default=Secret(name="MASTODON_TOKEN"),
        description="the name of a secret that holds an access token with the scopes read and write",
    )
    text_limit: int = Field(
        default=500, ge=1, description="the longest post that the server takes; `/api/v2/instance` says so"
    )
    settle_seconds: float = Field(
        default=30.0,
        ge=1.0,
        description="for how long after a lost answer the server may still be working on what it was asked",
    )

    @property
    def bounds(self) -> Bounds:
        return Bounds(
            text=self.text_limit,
            media=MEDIA,
            media_bytes=IMAGE_BYTES,
            media_types=TYPES,
            alt=ALT,
            thread=THREAD,
            source=SOURCE,
        )

    @property
    def hosts(self) -> frozenset[str]:
        parts = urlsplit(self.server)
        default = 443 if parts.scheme == "https" else 80
        name = parts.hostname or ""
        return frozenset({name if parts.port in (None, default) else f"{name}:{parts.port}"})

    def measure(self, text: str) -> int:
        return super().measure(countable(text))

    def objections(self, draft: Draft) -> list[str]:
        said = super().objections(draft)
        length, warning = self.measure(draft.text), super().measure(draft.warning or "")
        if length <= self.text_limit < length + warning:
            said.append(
                f"text and content warning together are {length + warning} long as {self.kind} counts, "
                f"{self.text_limit} is allowed"
            )
        return said

    async def open(self, services: Services) -> MastodonSession:
        client = Client(services, self.server, self.token)
        return MastodonSession(services, client, timedelta(seconds=self.settle_seconds))

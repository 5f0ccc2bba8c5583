"""Settings of a Bluesky account, and what the network allows."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from fieldfare.plugin import Bounds, Draft, Platform, Secret, ServerUrl, Services, Session, Visibility

from ._image import TYPES
from ._login import Keeper, reaches
from ._records import IMAGE_BYTES, IMAGES, THREAD
from ._session import BlueskySession
from ._text import LARGEST, LONGEST
from ._wire import KIND, WARNINGS

ENTRANCE = "https://bsky.social"
_HOMES = "*.host.bsky.network"
"""Where the accounts of `ENTRANCE` live."""

BOUNDS = Bounds(
    text=LONGEST,
    media=IMAGES,
    media_bytes=IMAGE_BYTES,
    media_types=TYPES,
    thread=THREAD,
    source="measured on PDS 0.4.217 and 0.5.35, 2026-11-22; lexicons app.bsky.feed.post and app.bsky.embed.images",
)


class Bluesky(Platform):
    """An account on Bluesky, or on any server of the AT Protocol: `Bluesky(handle="brand.example")`."""

    kind: ClassVar[str] = KIND
    session: ClassVar[type[Session]] = BlueskySession

    handle: str = Field(
        min_length=1,
        description="the account's handle without '@', or its DID, which a change of handle does not touch",
    )
    app_password: Secret = Field(
        default=Secret(name="BLUESKY_APP_PASSWORD"),
        description="the name of a secret that holds an app password, not the account's main one",
    )
    server: ServerUrl = Field(
        default=ENTRANCE, description="where the account logs in; its own server, unless Bluesky hosts it"
    )

    @property
    def bounds(self) -> Bounds:
        return BOUNDS

    @property
    def hosts(self) -> frozenset[str]:
        parts = urlsplit(self.server)
        default = 443 if parts.scheme == "https" else 80
        name = parts.hostname or ""
        own = name if parts.port in (None, default) else f"{name}:{parts.port}"
        return frozenset({own, _HOMES}) if self.server == ENTRANCE else frozenset({own})

    def objections(self, draft: Draft) -> list[str]:
        said = super().objections(draft)
        size = len(draft.text.encode())
        if size > LARGEST:
            said.append(f"the text has {size} bytes, {LARGEST} are allowed on {KIND}")
        if draft.visibility not in (None, Visibility.PUBLIC):
            said.append(f"everything on {KIND} is public, and the post is to be {draft.visibility.value!r}")
        if draft.warning and draft.warning not in WARNINGS:
            said.append(f"{KIND} has no warning {draft.warning!r}; it knows {', '.join(WARNINGS)}")
        if draft.media and draft.card:
            said.append(f"a post on {KIND} carries pictures or a card, not both")
        return said

    async def open(self, services: Services) -> BlueskySession:
        scheme = urlsplit(self.server).scheme
        keeper = Keeper(
            services,
            server=self.server,
            identifier=self.handle.removeprefix("@"),
            password=self.app_password,
            allowed=lambda url: reaches(self.hosts, scheme, url),
        )
        return BlueskySession(services, keeper)

"""Which software answers, and the few of its habits that change what we may conclude.

Detected by `/nodeinfo` (its index is followed) or by the version string. What is not known is taken to be as
unhelpful as the worst that was seen (2026-11-22; `lists_hidden` and `coarse` read in the sources of Takahe and snac on
2026-11-25).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fieldfare.plugin import Rejected

from ._client import Client
from ._json import an_object, objects


@dataclass(frozen=True, slots=True)
class Habits:
    """What a kind of server does."""

    software: str
    lists_hidden: bool = False
    """One's own listing shows one's own posts of every visibility, not only what everybody may see."""
    coarse: bool = False
    """It says `public` for `unlisted` too, and `private` for `direct`."""


UNKNOWN = Habits("")
_KNOWN = {
    each.software: each
    for each in (
        Habits("mastodon", lists_hidden=True),
        Habits("gotosocial", lists_hidden=True),
        Habits("hollo", lists_hidden=True),
        Habits("takahe"),
        Habits("snac", coarse=True),
    )
}


async def detect(client: Client) -> Habits:
    """What answers there; raises NotSent when nothing does."""
    name = await _nodeinfo(client)
    if not name:
        name = await _version(client)
    return _KNOWN.get(name, Habits(name))


async def _nodeinfo(client: Client) -> str:
    try:
        index = await client.one("/.well-known/nodeinfo", anonymous=True)
        for link in objects(index.get("links")):
            path = urlsplit(str(link.get("href", ""))).path
            if path.startswith("/"):
                software = an_object((await client.one(path, anonymous=True)).get("software"))
                return str(software.get("name", "")).lower()
    except Rejected:
        pass
    return ""


async def _version(client: Client) -> str:
    try:
        version = str((await client.one("/api/v1/instance", anonymous=True)).get("version", "")).lower()
    except Rejected:
        return ""
    return next((name for name in _KNOWN if name != "mastodon" and name in version), "")

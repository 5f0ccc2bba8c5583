"""The entry point: hooks only."""

from __future__ import annotations

from collections.abc import Iterable

from fieldfare.plugin import Platform, hookimpl

from ._platform import Mastodon


@hookimpl
def fieldfare_platforms() -> Iterable[type[Platform]]:
    return (Mastodon,)

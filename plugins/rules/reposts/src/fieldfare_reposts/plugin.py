"""The entry point: hooks only."""

from collections.abc import Iterable
from typing import Any

from fieldfare.plugin import Rule, hookimpl

from ._repost_when_popular import RepostWhenPopular


@hookimpl
def fieldfare_rules() -> Iterable[type[Rule[Any]]]:
    return (RepostWhenPopular,)

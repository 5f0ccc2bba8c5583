"""The entry point: hooks only."""

from collections.abc import Iterable
from typing import Any

from fieldfare.plugin import Rule, hookimpl

from ._cross_post import CrossPost
from ._publish_from_queue import PublishFromQueue


@hookimpl
def fieldfare_rules() -> Iterable[type[Rule[Any]]]:
    return (CrossPost, PublishFromQueue)

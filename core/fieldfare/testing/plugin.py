"""The entry point of the Playground: hooks only."""

from collections.abc import Iterable

from ..plugin import Platform, hookimpl
from ._playground import Playground


@hookimpl
def fieldfare_platforms() -> Iterable[type[Platform]]:
    return (Playground,)

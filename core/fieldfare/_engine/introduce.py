"""Who an account is, in the network's own words, and what its connection can do."""

from __future__ import annotations

import inspect
from typing import Any

from .._contract.platform import Session
from .._domain.errors import ConfigError
from .sessions import Sessions


async def introduced(sessions: Sessions, name: str) -> dict[str, Any]:
    """Ask over the account's session, opened if it is not; plain JSON.

    Raises PlatformError when the network does not let us in, ConfigError when no account has this name.
    """
    if name not in sessions.accounts:
        raise ConfigError(f"no account is called {name!r}; there are {', '.join(sorted(sessions.accounts))}")
    sessions.try_again()
    live = await sessions.open(name)
    who = await live.session.whoami()
    return {
        "name": name,
        "platform": live.account.platform.kind,
        "identity": who.id,
        "handle": who.handle,
        "url": who.url,
        "capabilities": capabilities(type(live.session)),
    }


def capabilities(session: type[Session]) -> list[str]:
    """The names of what a connection can do, in alphabetical order: its abstract bases, those of plugins included."""
    found = {base for base in session.__mro__ if issubclass(base, Session) and inspect.isabstract(base)}
    return sorted(base.__name__ for base in found - {Session})

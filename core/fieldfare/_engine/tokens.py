"""Where the tokens that sessions keep are: in the store, and for a dry run in the real one, not in its scratch."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .._store import accounts
from .._store.sqlite import Store, connect, prepare
from .._store.writer import InlineWriter


class Tokens(Protocol):
    """What a session has kept, by account and name."""

    def kept(self, account: str, name: str) -> str | None: ...

    async def keep(self, account: str, name: str, value: str) -> None:
        """Durable when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class InStore:
    """Beside everything else."""

    store: Store

    def kept(self, account: str, name: str) -> str | None:
        return self.store.read(accounts.kept, account, name)

    async def keep(self, account: str, name: str, value: str) -> None:
        await self.store.do(accounts.keep, account=account, name=name, value=value)


@dataclass(frozen=True, slots=True)
class BesideScratch:
    """In a store that this process does not hold, for a dry run: a network that gives a new token takes the old one
    back, and a new one that went with the scratch would be a lost login. Nothing else is written there."""

    database: Path

    def kept(self, account: str, name: str) -> str | None:
        if not self.database.exists():
            return None
        with closing(connect(self.database, read_only=True)) as connection:
            return accounts.kept(connection, account, name)

    async def keep(self, account: str, name: str, value: str) -> None:
        if not self.database.exists():
            prepare(self.database)
        with closing(connect(self.database)) as connection:
            await InlineWriter(connection).write(
                lambda c: accounts.keep(c, account=account, name=name, value=value),
            )

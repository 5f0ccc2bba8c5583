"""From a name to the addresses that may be connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from .guard import Guard, Hopeless

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name, as text; raises OSError when the look-up fails."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """The system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(info[4][0]) for info in found]


class Vetted(AbstractResolver):
    """Answers with those addresses of a name that the guard lets pass; connections are made to these answers."""

    def __init__(self, guard: Guard, resolver: Resolver, plain: bool) -> None:
        self._guard = guard
        self._resolver = resolver
        self._plain = plain

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = {
            address: self._guard.refusal(address, plain=self._plain) for address in await self._resolver(host, port)
        }
        if not found:
            raise OSError(f"{host!r} has no address")
        passed = [address for address, refusal in found.items() if refusal is None]
        if not passed:
            raise Hopeless(f"{host!r} is not connected to: {next(iter(found.values()))}")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in passed
        ]

    async def close(self) -> None: ...

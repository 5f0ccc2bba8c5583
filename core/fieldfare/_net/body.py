"""Reading an answer's body: decoded by ourselves, so that the cap counts what lands in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable

ENCODINGS = "gzip"
"""What we ask for. The standard library of Python 3.11 has no decoder for brotli or zstd."""

_GZIP = 31
"""zlib's `wbits` for a gzip header with the largest window."""


class TooLarge(Exception):
    """More bytes than the cap, on the wire or decoded."""


class Garbled(Exception):
    """The body is not what its headers say."""


async def collect(stream: AsyncIterable[bytes], encoding: str, cap: int) -> bytes:
    """The whole body decoded, never holding more than `cap` bytes of it and one chunk.

    Raises TooLarge past the cap, and Garbled for an encoding that was not asked for and one that is broken or cut off.
    """
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return await _plain(stream, cap)
    if named in ("gzip", "x-gzip"):
        return await _unzipped(stream, cap)
    raise Garbled(f"content-encoding {encoding[:40]!r} was not asked for")


async def _plain(stream: AsyncIterable[bytes], cap: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > cap:
            raise TooLarge
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _unzipped(stream: AsyncIterable[bytes], cap: int) -> bytes:
    out = bytearray()
    raw = 0
    member = None
    async for chunk in stream:
        raw += len(chunk)
        if raw > cap:
            raise TooLarge
        while chunk:
            member = member or zlib.decompressobj(_GZIP)
            try:
                # One byte beyond the cap is enough to know; the rest of a bomb is never unpacked.
                out += member.decompress(chunk, cap - len(out) + 1)
            except zlib.error as error:
                raise Garbled(f"the gzip body is broken ({error})") from None
            if len(out) > cap:
                raise TooLarge
            if member.eof:
                chunk, member = member.unused_data.lstrip(b"\0"), None
            else:
                chunk = member.unconsumed_tail
    if member is not None:
        raise Garbled("the gzip body is cut off")
    return bytes(out)

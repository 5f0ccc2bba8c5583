"""What kind of picture some bytes are, and how large, told from the bytes and never from a name.

A server believes the declared type of what it does not recognise, and takes empty uploads (PDS 0.4.217 and 0.5.35,
2026-11-22), so a broken file would be found out by readers only.
"""

from __future__ import annotations

from dataclasses import dataclass

TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture's type, and its size in pixels (0 by 0 when the file does not say)."""

    mime: str
    width: int = 0
    height: int = 0


def recognise(content: bytes) -> Image | None:
    """The picture in these bytes; None when they are none of `TYPES`."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return Image("image/png", _big(content[16:20]), _big(content[20:24]))
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return Image("image/gif", _little(content[6:8]), _little(content[8:10]))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Image("image/webp", *_webp(content))
    if content.startswith(b"\xff\xd8\xff"):
        return Image("image/jpeg", *_jpeg(content))
    return None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _webp(content: bytes) -> tuple[int, int]:
    form = content[12:16]
    if form == b"VP8X":
        return _little(content[24:27]) + 1, _little(content[27:30]) + 1
    if form == b"VP8L":
        bits = _little(content[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        return _little(content[26:28]) & 0x3FFF, _little(content[28:30]) & 0x3FFF
    return 0, 0


def _jpeg(content: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _big(content[place + 7 : place + 9]), _big(content[place + 5 : place + 7])
        place += 2 + max(_big(content[place + 2 : place + 4]), 2)
    return 0, 0

"""A picture is what its bytes say, whatever it is called."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldfare.plugin import Media, Rejected
from fieldfare_bluesky._image import Image, recognise
from fieldfare_bluesky._records import picture

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 30, 20) + b"\x08\x02\0\0\0"
GIF = b"GIF89a" + struct.pack("<HH", 30, 20) + b"\0\0\0"
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", 30, 20)
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 29 | 19 << 14)
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x1d\0\0\x13\0\0"
JPEG = b"\xff\xd8\xff\xe0\0\x04ab\xff\xdb\0\x03x\xff\xc0\0\x0b\x08" + struct.pack(">HH", 20, 30) + b"\x01\x11\0"


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (PNG, "image/png"),
        (GIF, "image/gif"),
        (JPEG, "image/jpeg"),
        (WEBP_LOSSY, "image/webp"),
        (WEBP_LOSSLESS, "image/webp"),
        (WEBP_EXTENDED, "image/webp"),
    ],
)
def test_type_and_size_are_read_from_the_bytes(content: bytes, mime: str) -> None:
    assert recognise(content) == Image(mime, 30, 20)


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg/>", b"%PDF-1.7", b"\x89PNG"])
def test_what_is_no_picture_is_refused_before_it_is_sent(content: bytes) -> None:
    with pytest.raises(Rejected, match=r"'cat\.png' is no picture"):
        picture(Media(source="cat.png", alt="a cat"), content)


def test_a_picture_over_the_limit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Rejected, match="1000001 bytes, bluesky takes 1000000"):
        picture(Media(source="cat.png", alt="a cat"), PNG.ljust(1_000_001, b"\0"))
    assert picture(Media(source="cat.png", alt="a cat"), PNG.ljust(1_000_000, b"\0")).mime == "image/png"


@given(st.sampled_from([PNG, GIF, JPEG, WEBP_LOSSY]).flatmap(lambda b: st.integers(0, len(b)).map(lambda n: b[:n])))
def test_a_picture_that_breaks_off_is_never_an_exception(content: bytes) -> None:
    recognise(content)


@given(st.binary(max_size=64).map(lambda tail: b"\xff\xd8\xff" + tail))
def test_a_broken_jpeg_is_never_an_exception(content: bytes) -> None:
    recognise(content)

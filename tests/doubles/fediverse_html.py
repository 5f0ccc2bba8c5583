"""What servers make of a plain text: HTML with links, mention spans, entities, and here and there Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

TOKEN = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?')\]])"
    r"|(?<![\w/])@(?P<user>\w+)(?:@(?P<host>[\w.-]+\w(?::\d+)?))?"
    r"|(?<![\w/&])\#(?P<tag>\w*[^\W\d]\w*)"
)

Known = Callable[[str, str], str | None]
"""(user, host or nothing) → the profile's address, or None for nobody."""


def render(style: str, text: str, known: Known, base: str) -> str:
    """A text as a server of that style stores it."""
    pieces: list[str] = []
    at = 0
    for token in TOKEN.finditer(text):
        pieces.append(_escaped(style, text[at : token.start()]))
        pieces.append(_token(style, token, known, base))
        at = token.end()
    pieces.append(_escaped(style, text[at:]))
    return _blocks(style, "".join(pieces))


def mentions(text: str) -> list[tuple[str, str]]:
    """The (user, host or nothing) pairs that a text names."""
    return [(found["user"], found["host"] or "") for found in TOKEN.finditer(text) if found["user"]]


def hashtags(text: str) -> list[str]:
    """The hashtags of a text, without their sign."""
    return [found["tag"] for found in TOKEN.finditer(text) if found["tag"]]


def _escaped(style: str, text: str) -> str:
    quoted = html.escape(text, quote=False)
    match style:
        case "gotosocial":
            return quoted.replace('"', "&#34;").replace("'", "&#39;")
        case "hollo":
            return _emphasis(quoted.replace('"', "&quot;"), "strong", "em")
        case "snac":
            return _emphasis(quoted, "b", "i")
        case _:
            return quoted.replace('"', "&quot;").replace("'", "&#39;")


def _emphasis(text: str, strong: str, weak: str) -> str:
    text = re.sub(r"\*\*(\S[^*]*?)\*\*", rf"<{strong}>\1</{strong}>", text)
    text = re.sub(r"\*(\S[^*]*?)\*", rf"<{weak}>\1</{weak}>", text)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def _token(style: str, token: re.Match[str], known: Known, base: str) -> str:
    if url := token["url"]:
        return _link(style, url)
    if tag := token["tag"]:
        shown = f"#{tag}" if style == "snac" else f"#<span>{tag}</span>"
        return f'<a href="{base}/tags/{tag.lower()}" class="mention hashtag" rel="tag">{shown}</a>'
    user, where = token["user"], known(token["user"], token["host"] or "")
    if where is None:
        return _escaped(style, token[0])
    if style == "snac":
        return f'<a href="{where}" class="u-url mention">@{user}</a>'
    link = f'<a href="{where}" class="u-url mention" rel="nofollow noopener">@<span>{user}</span></a>'
    return link if style == "hollo" else f'<span class="h-card" translate="no">{link}</span>'


def _link(style: str, url: str) -> str:
    href = html.escape(url)
    if style in ("mastodon", "takahe"):
        scheme, _, rest = url.partition("://")
        shown, hidden = html.escape(rest[:30]), html.escape(rest[30:])
        mark = ' class="ellipsis"' if hidden else ""
        return (
            f'<a href="{href}" target="_blank" rel="nofollow noopener" translate="no">'
            f'<span class="invisible">{scheme}://</span><span{mark}>{shown}</span>'
            f'<span class="invisible">{hidden}</span></a>'
        )
    return f'<a href="{href}" rel="nofollow noreferrer noopener" target="_blank">{href}</a>'


def _blocks(style: str, body: str) -> str:
    match style:
        case "snac":
            return body.replace("\n", "<br>")
        case "hollo":
            return "".join(f"<p>{each}</p>\n" for each in re.split(r"\n{2,}", body))
        case _:
            line = "<br />" if style == "mastodon" else "<br>"
            paragraphs = re.split(r"\n{2,}", body)
            return "".join(f"<p>{each.replace(chr(10), line)}</p>" for each in paragraphs)

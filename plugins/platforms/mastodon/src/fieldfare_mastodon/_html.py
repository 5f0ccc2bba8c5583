"""Text as servers store it: HTML to plain text, and a form in which what was sent equals what was stored."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from urllib.parse import unquote

_BLOCKS = frozenset({"p", "div", "li", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
_MENTION = re.compile(r"(?<![\w/])@(\w[\w.-]*)(?:@[\w.-]+\w(?::\d+)?)*", re.ASCII)
_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)")
_DROPPED = str.maketrans("", "", "*_~`#>-+/()[]\\\u200b\u200c\u200d\u2060\ufeff\ufe0f")
_PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "..."})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.links: list[str] = []
        self._hidden = 0
        self._anchor: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = (given.get("class") or "").split()
        if self._hidden or "quote-inline" in classes:
            # The link that servers write in front of a quoting post for readers that know no quotes.
            self._hidden += tag != "br"
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in _BLOCKS:
            self.pieces.append("\n\n" if tag in ("p", "blockquote") else "\n")
        elif tag == "a" and "mention" not in classes and "hashtag" not in classes:
            self._anchor = (given.get("href") or "", len(self.pieces))

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= 1
        elif tag == "a" and self._anchor is not None:
            href, start = self._anchor
            self._anchor = None
            self.pieces[start:] = [self._link(href, "".join(self.pieces[start:]))]

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)

    def _link(self, href: str, shown: str) -> str:
        if not _ADDRESS.match(href):
            return shown
        self.links.append(href)
        bare = shown.strip().rstrip("….")
        # Servers shorten the visible half of an address in many ways; the other half is always whole.
        same = not bare or bare.lower() in unquote(href).lower() or bare.lower() in href.lower()
        return href if same else f"{shown} ({href})"


def plain(content: str) -> tuple[str, tuple[str, ...]]:
    """A post's HTML as plain text, and the web addresses it links to (mentions and hashtags left out)."""
    reader = _Reader()
    reader.feed(content)
    reader.close()
    text = "".join(reader.pieces).replace("\xa0", " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip(), tuple(dict.fromkeys(reader.links))


def normal(text: str) -> str:
    """A plain text reduced to what no server changes: sent and stored compare equal when they are the same post.

    Gone are white space, the host of a mention, the marks of Markdown, typographic quotes, and the spellings of one
    address.
    """
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    text = _MARKDOWN_LINK.sub(r"\1 \2", text)
    text = _ADDRESS.sub(lambda found: unquote(found[0]), text)
    text = _MENTION.sub(r"@\1", text)
    return "".join(text.translate(_DROPPED).split()).casefold()

"""Publish what is due."""

from __future__ import annotations

import re
from string import Template
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from fieldfare import Publish
from fieldfare.plugin import Account, ContentDue, Context, Rule


def _holds_the_text(template: str) -> str:
    parsed = Template(template)
    if not parsed.is_valid() or parsed.get_identifiers() != ["text"]:
        raise ValueError(f"template {template!r} must have the field $text and no other; write $$ for a dollar sign")
    return template


def _with_signs(tags: tuple[str, ...]) -> tuple[str, ...]:
    for tag in tags:
        if not re.fullmatch(r"#?\w*[^\W\d]\w*", tag):
            raise ValueError(f"{tag!r} is not a hashtag; use letters, digits and '_', and at least one letter")
    return tuple(dict.fromkeys(f"#{tag.removeprefix('#')}" for tag in tags))


class PublishFromQueue(Rule[ContentDue]):
    """Publish the next item of a queue, or a row of a calendar, for `on.queue` and `on.csv`.

    Pictures, language, content warning and visibility are the item's own. Its text is never cut: what is too long for
    the network is not published, and the reason says so.
    """

    kind: ClassVar[str] = "publish-from-queue"

    template: Annotated[str, AfterValidator(_holds_the_text)] = "$text"
    """What stands around the item's text, which is `$text`."""
    tags: Annotated[tuple[str, ...], AfterValidator(_with_signs)] = ()
    """Hashtags for the end, with or without '#'. One that the text has already is not repeated; where there is no room
    for all, the last ones are left out."""

    def decide(self, event: ContentDue, ctx: Context) -> Publish:
        text = Template(self.template).substitute(text=event.draft.text).strip()
        return Publish(draft=event.draft.model_copy(update={"text": self._tagged(text, ctx.account)}))

    def _tagged(self, text: str, account: Account | None) -> str:
        there = {found.casefold() for found in re.findall(r"#\w+", text)}
        tags = [tag for tag in self.tags if tag.casefold() not in there]
        while tags:
            tagged = f"{text}\n\n{' '.join(tags)}".lstrip()
            if account is None or account.platform.measure(tagged) <= account.platform.bounds.text:
                return tagged
            tags.pop()
        return text

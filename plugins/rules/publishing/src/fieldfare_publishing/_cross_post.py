"""Carry a post over to another network."""

from __future__ import annotations

import re
from typing import ClassVar

from fieldfare import Publish
from fieldfare.plugin import Context, Draft, Platform, Post, PostPublished, Rule, Skip, Visibility, skip

MENTION = re.compile(r"(?<![\w/.])@(?=\w)")


class CrossPost(Rule[PostPublished]):
    """Publish what appeared on one account on another as well, for `on.published` and an automation with `account=`.

    Text, language and content warning are carried over; pictures are not. What is too long for the other network is
    shortened, and then, or when pictures stayed behind, a link to the original follows. Only posts that others than
    Fieldfare published are carried, so that two accounts can be carried to each other.
    """

    kind: ClassVar[str] = "cross-post"

    def decide(self, event: PostPublished, ctx: Context) -> Publish | Skip:
        account, post = ctx.account, event.post
        if account is None or account.name == event.account:
            return skip("there is nowhere to carry it: give the automation account=…, the one on the other network")
        reason = _stays(event)
        if reason is not None:
            return skip(reason)
        text = _carried(post, account.platform)
        if not text:
            return skip(f"nothing of it fits beside its link on {account.platform.kind}")
        # None is the account's own default, which may be narrower than public and must not be widened.
        visibility = None if post.visibility is Visibility.PUBLIC else post.visibility
        return Publish(
            draft=Draft(text=text, language=post.language, warning=post.warning, visibility=visibility),
        )


def _stays(event: PostPublished) -> str | None:
    """Why it is not carried over at all."""
    post = event.post
    if event.lineage > 0:
        return "Fieldfare published it; what one automation publishes another does not carry on"
    if post.repost_of is not None:
        return "it is a repost"
    if post.reply_to is not None:
        return "it is a reply; only posts that begin a conversation are carried over"
    if post.visibility.width < Visibility.UNLISTED.width:
        return f"it is for {post.visibility} eyes only"
    if not post.text.strip():
        return "it has no text, and pictures are not carried over"
    return None


def _carried(post: Post, platform: Platform) -> str:
    """The text as the other network gets it; empty when nothing but the link would be left."""
    whole = _on_its_own(post)
    most = platform.bounds.text
    if post.media_count == 0 and platform.measure(whole) <= most:
        return whole
    link = f"\n\n{post.ref.url}" if post.ref.url else ""
    beginning = platform.shortened(whole, most - platform.measure(link))
    return f"{beginning}{link}" if beginning else ""


def _on_its_own(post: Post) -> str:
    """The text as it can stand elsewhere: with every address written out, and naming nobody, since the same name is
    somebody else on another network."""
    text = MENTION.sub("", post.text.strip())
    hidden = [link for link in post.links if re.sub(r"^\w+://|/$", "", link) not in text]
    return "\n\n".join([text, *hidden])

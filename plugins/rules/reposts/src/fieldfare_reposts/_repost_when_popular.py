"""Show what did well once more."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from fieldfare import Repost
from fieldfare.plugin import Account, Context, MetricsObserved, Post, Rule, Skip, Visibility, skip


class RepostWhenPopular(Rule[MetricsObserved]):
    """Repost a post of our own once enough people have liked, shared, answered or quoted it, for `on.metrics`.

    A post is reposted once, whichever automation asks first, and only if anybody may see it.
    """

    kind: ClassVar[str] = "repost-when-popular"

    engagement: Annotated[int, Field(ge=1)]
    """How many likes, reposts, replies and quotes together it takes."""
    within: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(days=3)
    """How old a post may be and still be reposted."""

    def decide(self, event: MetricsObserved, ctx: Context) -> Repost | Skip:
        post, reached = event.post, event.metrics.engagement
        if reached < self.engagement:
            return skip(f"engagement is {reached}, it takes {self.engagement}")
        if ctx.now - post.created_at > self.within:
            return skip(f"the post is too old: it is from {post.created_at:%Y-%m-%d %H:%M %Z}")
        reason = _not_to_share(post, ctx.account)
        return Repost(post=post.ref) if reason is None else skip(reason)


def _not_to_share(post: Post, account: Account | None) -> str | None:
    if not post.author.is_self:
        return f"the post is by {post.author.handle!r}, only our own are reposted"
    if post.repost_of is not None:
        return "the post is itself a repost"
    if post.visibility.width < Visibility.UNLISTED.width:
        return f"the post is for {post.visibility} eyes only"
    if account is not None and account.platform.kind != post.ref.platform:
        return f"the post is on {post.ref.platform}, account {account.name!r} is on {account.platform.kind}"
    return None

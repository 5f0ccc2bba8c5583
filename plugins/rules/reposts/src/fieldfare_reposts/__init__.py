"""Rules that share what is popular, for Fieldfare."""

from ._repost_when_popular import RepostWhenPopular

__all__ = ["RepostWhenPopular"]

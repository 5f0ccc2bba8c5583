"""Accounts on Mastodon and servers that speak its API: `Mastodon` is the only word an automation needs."""

from ._platform import Mastodon

__all__ = ["Mastodon"]

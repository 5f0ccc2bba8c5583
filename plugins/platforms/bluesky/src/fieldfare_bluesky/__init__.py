"""Bluesky accounts for Fieldfare: `Bluesky` is the only word an automation file needs."""

from ._platform import Bluesky

__all__ = ["Bluesky"]

"""Lanes: one for each feed's pull, one for deciding, one per account for delivering. A slow one delays only itself."""

from .account import AccountLane
from .decide import Current, DecideLane
from .feeds import FeedLanes

__all__ = ["AccountLane", "Current", "DecideLane", "FeedLanes"]

"""Rules that answer people, for Fieldfare."""

from ._auto_reply import AutoReply

__all__ = ["AutoReply"]

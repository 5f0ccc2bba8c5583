"""Rules that publish from a queue and across networks, for Fieldfare."""

from ._cross_post import CrossPost
from ._publish_from_queue import PublishFromQueue

__all__ = ["CrossPost", "PublishFromQueue"]

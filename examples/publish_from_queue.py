"""Publish the next item of queue.csv every weekday at half past eight.

fieldfare check examples/publish_from_queue.py
fieldfare run   examples/publish_from_queue.py

Items go out in the order of the file, each once. What is added at the end waits for its turn.
"""

from datetime import time, timedelta

from fieldfare import ContentDue, Context, Publish, QuietHours, Rate, automation, on

from accounts import brand


@automation(
    on.queue("queue.csv", cron="30 8 * * 1-5", zone="Europe/Berlin"),
    account=brand,
    limits=(
        Rate(count=1, per=timedelta(hours=12)),
        QuietHours(start=time(20), end=time(7), zone="Europe/Berlin"),
    ),
)
def publish_from_queue(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft)

"""Publish the rows of calendar.csv, each at its time.

fieldfare check examples/publish_on_schedule.py
fieldfare run   examples/publish_on_schedule.py

The calendar may be edited while the daemon runs. A row is known by its id: correcting a text that is already out
changes nothing and repeats nothing. A row that was due before the daemon first looked is left alone.
"""

from fieldfare import ContentDue, Context, Publish, automation, on

from accounts import brand


@automation(on.csv("calendar.csv", zone="Europe/Berlin"), account=brand)
def publish_on_schedule(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft)

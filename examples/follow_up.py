"""A day after a post from the calendar is out, remind somebody to look how it went.

fieldfare check examples/follow_up.py
fieldfare run   examples/follow_up.py

Long sequences are made like this: one automation waits for what another has delivered. The wait is a row in the store,
so it survives a restart.
"""

from datetime import timedelta

from fieldfare import Context, DeliverySettled, Notify, automation, on

from publish_on_schedule import publish_on_schedule


@automation(on.delivered(publish_on_schedule, after=timedelta(days=1)))
def follow_up(event: DeliverySettled, ctx: Context) -> Notify:
    where = event.ref.url if event.ref else event.delivery
    return Notify(text=f"{where} has been out for a day; how did it go?")

"""Answer people who reply to our posts, but let a person read each answer first.

fieldfare check examples/approve_replies.py
fieldfare run   examples/approve_replies.py

What waits, and how to let it go: fieldfare approvals
"""

from datetime import timedelta

from fieldfare import Approval, Context, Reply, ReplyReceived, Skip, automation, on, skip

from accounts import SECOND, brand


@automation(
    on.reply(brand, every=SECOND),
    approval=Approval(by="support", expires=timedelta(hours=4)),
)
def approve_replies(event: ReplyReceived, ctx: Context) -> Reply | Skip:
    if "deliver" not in event.post.text.casefold():
        return skip("not about deliveries; a person answers in their own words")
    return Reply(
        to=event.post.ref,
        text=f"Gladly, {event.post.author.handle}: we deliver in the village on Fridays, from two crates on.",
    )

"""Show a post of ours once more when ten people have liked, shared or answered it.

fieldfare check examples/repost_popular.py
fieldfare run   examples/repost_popular.py

`passes=10` happens once, when the number rises to ten or more. Posts that were above ten when the daemon first looked
are left alone.
"""

from datetime import timedelta

from fieldfare import Context, MetricsObserved, Rate, Repost, automation, on, younger_than

from accounts import SECOND, brand


@automation(
    on.metrics(brand, every=SECOND, within=timedelta(days=7), passes=10),
    when=younger_than(timedelta(days=3)),
    limits=(Rate(count=2, per=timedelta(days=1)),),
)
def repost_popular(event: MetricsObserved, ctx: Context) -> Repost:
    return Repost(post=event.post.ref)

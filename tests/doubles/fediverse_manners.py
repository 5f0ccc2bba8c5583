"""How servers of one API differ: what each does with keys, ids, pages, errors and repeats, as data.

Observed on real servers on 2026-11-22 unless marked "source" (read in the server's code, 2026-11-25) or "documented".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Ids = Literal["ulid", "snac", "number", "uuid"]
PUBLIC = frozenset({"public", "unlisted"})
EVERY = PUBLIC | {"private", "direct"}
PAGES = frozenset({"max_id", "min_id", "since_id", "limit"})
FILTERS = frozenset({"exclude_replies", "exclude_reblogs"})


@dataclass(frozen=True, kw_only=True)
class Manners:
    """The habits of one kind of server."""

    name: str
    software: str
    version: str
    """As `GET /api/v1/instance` words it, disguises included."""
    nodeinfo: str = "/nodeinfo/2.0"
    ids: Ids
    note_ids: Literal["like posts", "counted", "time/type/uuid"] = "like posts"
    # Writes
    keys: timedelta | None = None
    """How long an idempotency key is remembered after its post; None: not at all."""
    key_written_after: timedelta = timedelta(milliseconds=20)
    """Repeats that come sooner than this after the first make a post of their own."""
    key_of_deleted: Literal["new", "404", "500"] = "new"
    form_bodies: bool = True
    """False: a form is silently ignored, which makes an empty post."""
    text_limit: int = 500
    over_limit: int = 422
    """The status of the answer to a text over the limit; 200 posts it."""
    empty: int = 422
    """The same for a post of neither text nor media."""
    schedules: bool = True
    """False: `scheduled_at` is ignored and the post goes out at once."""
    default_visibility: str = "public"
    lost_parent: int = 404
    """The answer to a reply to a post that is gone; 200 makes a post that answers nothing (source)."""
    boost_twice: Literal["same", "second", "500"] = "same"
    boost_answers: Literal["wrapper", "post"] = "wrapper"
    favourite_twice: int = 200
    boosted_id_upper: bool = False
    # Reads
    note_params: frozenset[str] = PAGES
    post_params: frozenset[str] = PAGES | FILTERS
    min_id_is_since_id: bool = False
    """A page after `min_id` holds the newest items, not the next ones (source: Hollo after 0.6)."""
    note_links: frozenset[str] = frozenset({"next", "prev"})
    post_links: frozenset[str] = frozenset({"next", "prev"})
    ignores_types: bool = False
    lists_own: frozenset[str] = EVERY
    """The visibilities that one's own listing of one's own posts shows (source)."""
    tells_visibility: bool = True
    """False: everything that is not public reads back as `private` (source)."""
    self_mentions_notify: bool = False
    notification_delay: float = 0.005
    """Seconds between a post and its notifications."""
    acct_has_host: Literal["never", "in posts", "always"] = "never"
    whole_seconds: bool = False
    """Times are cut to the second, so a post seems older than the request that made it (source)."""
    html: Literal["mastodon", "gotosocial", "snac", "takahe", "hollo"]
    # Answers
    errors: Literal["json", "html or empty", "json, html for 404 and 500", "json or empty"] = "json"
    no_token: int = 401
    bad_token: int = 401
    no_token_here: int | None = None
    """Another status for a missing or bad token on verify_credentials."""
    bad_id: int = 404
    instance_v2: int = 200
    rate_headers: bool = False
    media_status: int = 200
    media_get: bool = True
    silent_close: bool = False
    """The server closes a connection after one answer without having said so."""


GOTOSOCIAL = Manners(
    name="gotosocial",
    software="gotosocial",
    version="0.20.0-rc1",
    ids="ulid",
    text_limit=5000,
    over_limit=400,
    empty=400,
    default_visibility="unlisted",
    boost_twice="second",
    self_mentions_notify=True,
    html="gotosocial",
    rate_headers=True,
)

SNAC = Manners(
    name="snac",
    software="snac",
    version="4.0.0 (not true; really snac/2.94)",
    nodeinfo="/nodeinfo_2_0",
    ids="snac",
    text_limit=100_000,
    over_limit=200,
    empty=200,
    schedules=False,
    lost_parent=200,
    boosted_id_upper=True,
    note_params=frozenset({"max_id", "min_id", "limit"}),
    post_params=FILTERS,
    note_links=frozenset(),
    post_links=frozenset(),
    lists_own=PUBLIC,
    tells_visibility=False,
    notification_delay=9.0,
    acct_has_host="in posts",
    whole_seconds=True,
    html="snac",
    errors="html or empty",
    no_token_here=422,
    instance_v2=404,
    media_get=False,
    silent_close=True,
)

TAKAHE = Manners(
    name="takahe",
    software="takahe",
    version="takahe/0.11.0",
    ids="number",
    note_ids="counted",
    over_limit=400,
    empty=400,
    schedules=False,
    lost_parent=200,
    boost_answers="post",
    lists_own=PUBLIC,
    notification_delay=1.04,
    acct_has_host="always",
    html="takahe",
    errors="json, html for 404 and 500",
    bad_token=400,
    bad_id=500,
    instance_v2=500,
)

HOLLO = Manners(
    name="hollo",
    software="hollo",
    version="4.0.0 (compatible; Hollo/0.6.20)",
    nodeinfo="/nodeinfo/2.1",
    ids="uuid",
    note_ids="time/type/uuid",
    keys=timedelta(minutes=60),
    form_bodies=False,
    text_limit=10_000,
    over_limit=200,
    empty=400,
    schedules=False,
    boost_twice="500",
    favourite_twice=404,
    note_params=frozenset({"older_than", "limit"}),
    note_links=frozenset(),
    post_links=frozenset({"next"}),
    html="hollo",
    errors="json or empty",
)

MASTODON = Manners(
    name="mastodon",
    software="mastodon",
    version="4.5.1",
    ids="number",
    keys=timedelta(hours=1),
    key_of_deleted="404",
    html="mastodon",
    rate_headers=True,
    media_status=202,
)

MANNERS = {each.name: each for each in (GOTOSOCIAL, SNAC, TAKAHE, HOLLO, MASTODON)}

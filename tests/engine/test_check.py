"""What `check` says before anything runs: each mistake in its place, nothing where nothing is wrong."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldfare._engine.check import check
from fieldfare._engine.load import load
from fieldfare._engine.notes import notes, report
from fieldfare._engine.secrets import SecretSource
from fieldfare._engine.settings import read_settings
from fieldfare._engine.sheets import findings
from fieldfare._host import PluginHost

from .projects import THANKS, project

NOW = datetime(2026, 3, 1, tzinfo=UTC)

LOFT = '''
"""A network with short posts that can only publish and read mentions."""
from fieldfare import Account, Author
from fieldfare.plugin import Batch, Bounds, Platform, Publishes, ReadsMentions, Receipt, Secret
from typing import ClassVar


class LoftSession(Publishes, ReadsMentions):
    async def whoami(self): return Author(id="1", handle="loft")
    async def publish(self, drafts, attempt): return Receipt()
    async def mentions(self, cursor, known): return Batch([], cursor)


class Loft(Platform):
    kind: ClassVar[str] = "loft"
    session: ClassVar[type] = LoftSession
    token: Secret | None = None
    bounds = property(lambda self: Bounds(text=20, media=1, media_bytes=100, media_types=("image/png",)))
    hosts = property(lambda self: frozenset())
    async def open(self, services): return LoftSession()


loft = Account("loft", Loft())
'''

HEAD = """
from datetime import timedelta
from decimal import Decimal
from fieldfare import *
from fieldfare import on
from accounts import brand
from loft import Loft, loft
"""


@pytest.fixture(scope="module")
def host() -> PluginHost:
    found = PluginHost()
    found.discover()
    return found


def written(folder: Path, text: str) -> Path:
    return project(folder, loft=LOFT, a=HEAD + text)


def said(folder: Path, host: PluginHost, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """What `check` says of a file with this text below ten lines of imports, its lines counted from that text."""
    loaded = load([written(folder, text)])
    secrets = SecretSource(folder, read_settings(folder), environ or {})
    first = HEAD.strip().count("\n") + 1
    return [
        f"{m.path.name}:{m.line - (first if m.path.name == 'a.py' else 0)}:{m.column}: {m.what}"
        + (f"; {m.remedy}" if m.remedy else "")
        for m in check(loaded, host, secrets=secrets, now=NOW)
    ]


def matches(found: str, wanted: str) -> bool:
    """Equal, or equal as far as the … at the end."""
    return found.startswith(wanted.removesuffix("…")) if wanted.endswith("…") else found == wanted


def test_nothing_is_said_where_nothing_is_wrong(tmp_path: Path, host: PluginHost) -> None:
    assert check(load([project(tmp_path, thanks=THANKS)]), host, now=NOW) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            """
@automation(on.mention(loft))
def answer(event: Mention, ctx: Context) -> Reply | Skip | None:
    return None
""",
            ["a.py:2:1: 'answer' decides Reply, but account 'loft' is on loft, which has no Replies"],
            id="an action that the network has no capability for",
        ),
        pytest.param(
            """
async def think(event: Mention, ctx: Context) -> list[Publish | Repost]:
    return []

a = Automation(name="a", trigger=on.mention(brand), decide=think, account=loft)
""",
            ["a.py:4:75: 'a' decides Repost, but account 'loft' is on loft, which has no Reposts"],
            id="one of several actions of an async decision",
        ),
        pytest.param(
            """
@automation(on.follow(loft))
def greet(event: Followed, ctx: Context) -> None: ...
""",
            ["a.py:1:13: 'greet' listens to account 'loft', which is on loft, and that has no ReadsFollowers; …"],
            id="a trigger that the network has no capability for",
        ),
        pytest.param(
            """
@automation(on.schedule("0 9 * * *", zone="UTC"))
def morning(event: SlotReached, ctx: Context) -> Publish:
    return Publish(draft=Draft(text="Good morning"))
""",
            ["a.py:1:13: 'morning' decides Publish, but no account acts; write account=…"],
            id="no account",
        ),
        pytest.param(
            """
@automation(on.metrics(brand), limits=(Rate(count=1, per=timedelta(days=1)),))
def advertise(event: MetricsObserved, ctx: Context) -> Boost:
    return Boost(post=event.post.ref, spend=Money(amount=Decimal(1), currency="EUR"), days=1)
""",
            [
                "a.py:1:39: 'advertise' decides Boost, which spends money, and has no Budget; …",
                "a.py:2:1: 'advertise' decides Boost, but account 'brand' is on playground, which has no Boosts",
            ],
            id="a boost without a budget",
        ),
        pytest.param(
            """
@automation(on.follow(brand), when=~contains("hello"))
def greet(event: Followed, ctx: Context) -> None: ...
""",
            ["a.py:1:36: \"text contains 'hello'\" is about a post, and Followed has none; …"],
            id="a condition about another event",
        ),
        pytest.param(
            """
@condition
def is_short(event):
    return True

@automation(on.mention(brand), when=is_short | engagement(3))
def greet(event: Mention, ctx: Context) -> None: ...
""",
            ["a.py:5:37: 'engagement is 3 or more' is about metrics, and Mention has none; …"],
            id="a condition about another event beside a function",
        ),
        pytest.param(
            """
@automation(on.delivered("gretings"))
def follow_up(event: DeliverySettled, ctx: Context) -> None: ...

@automation(on.mention(brand))
def greetings(event: Mention, ctx: Context) -> None: ...
""",
            [
                "a.py:1:13: 'follow-up' follows 'gretings', which does not exist; did you mean 'greetings'?",
            ],
            id="following an automation that does not exist",
        ),
        pytest.param(
            """
@automation(on.delivered("hello"))
def follow_up(event: DeliverySettled, ctx: Context) -> None: ...

@automation(on.mention(brand), renamed_from="hello")
def greetings(event: Mention, ctx: Context) -> None: ...
""",
            ["a.py:1:13: 'follow-up' follows 'hello', which does not exist; it is called 'greetings' now"],
            id="following the old name of an automation",
        ),
        pytest.param(
            """
@automation(on.mention(brand))
def hello(event: Mention, ctx: Context) -> None: ...

@automation(on.mention(brand), renamed_from="hello")
def greetings(event: Mention, ctx: Context) -> None: ...
""",
            [
                "a.py:4:45: 'greetings' is renamed from 'hello', which is still there; remove one of the two",
            ],
            id="an old name that is still there",
        ),
        pytest.param(
            """
@automation(on.queue("a.csv", cron="0 9 * * *", zone="UTC"), account=brand)
def one(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft)

@automation(on.queue("a.csv", cron="0 10 * * *", zone="UTC"), account=brand)
def two(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft)
""",
            [
                "a.py:5:13: 'two' and 'one' read the same source on different terms: '0 10 * * * in UTC' here, …",
            ],
            id="one queue at different times",
        ),
    ],
)
def test_what_cannot_work_is_told_where_it_is_written(
    tmp_path: Path, host: PluginHost, text: str, expected: list[str]
) -> None:
    found = said(tmp_path, host, text.lstrip("\n"))
    assert len(found) == len(expected)
    assert [one for one, wanted in zip(found, expected, strict=True) if not matches(one, wanted)] == []


PICTURE = b"\x89PNG\r\n\x1a\n" + b"." * 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            'Draft(text="This is longer than twenty letters")',
            "4:37: the text is 34 long as loft counts, 20 is allowed",
            id="text",
        ),
        pytest.param(
            'Draft(text=f"This is longer than {event.id} letters")',
            "4:37: the text is 28 long as loft counts, 20 is allowed",
            id="the fixed part of a text",
        ),
        pytest.param("Draft(text=LONG)", "4:37: the text is 26 long as loft counts, 20 is allowed", id="named text"),
        pytest.param("LONG_DRAFT", "4:26: the text is 26 long as loft counts, 20 is allowed", id="named draft"),
        pytest.param(
            'Draft(text="x", media=(Media(source="gone.png", alt="a bird"),))',
            "4:62: 'gone.png' cannot be read: No such file or directory",
            id="a file that is not there",
        ),
        pytest.param(
            'Draft(text="x", media=(Media(source="bird.png", alt="a bird"),))',
            "4:62: 'bird.png' has 208 bytes, loft takes 100",
            id="a file that is too large",
        ),
        pytest.param(
            'Draft(text="x", media=(Media(source="bird.txt", alt="a bird"),))',
            "4:62: 'bird.txt' is text/plain, loft takes image/png",
            id="a file of another type",
        ),
        pytest.param("Draft(media=(Media(source=event.id),))", "4:39: Media needs 'alt'", id="media without alt"),
        pytest.param(
            'Draft(media=(Media(source="bird.png", alt=""),))',
            "4:68: 'alt' of Media: it may not be empty; say what the picture shows",
            id="an empty alt",
        ),
        pytest.param(
            'Draft(txt="hello")', "4:32: Draft has no setting 'txt'; did you mean 'text'?", id="a misspelt keyword"
        ),
    ],
)
def test_what_a_function_writes_literally_is_held_against_the_network(
    tmp_path: Path, host: PluginHost, body: str, expected: str
) -> None:
    (tmp_path / "bird.png").write_bytes(PICTURE)
    (tmp_path / "bird.txt").write_text("a bird", encoding="utf-8")
    text = f"""LONG = "longer than twenty letters"; LONG_DRAFT = Draft(text=LONG)
@automation(on.schedule("0 9 * * *", zone="UTC"), account=loft)
def tell(event: SlotReached, ctx: Context) -> Publish:
    return Publish(draft={body})
"""
    assert said(tmp_path, host, text) == [f"a.py:{expected}"]


RULE = """
class Greet(Rule[Mention]):
    kind = "greet"
    text: str

    def decide(self, event: Mention, ctx: Context) -> Publish:
        return Publish(draft=Draft(text=f"@{event.post.author.handle} {self.text}"))
"""


def test_what_a_rule_would_write_is_held_against_the_network(tmp_path: Path, host: PluginHost) -> None:
    rule = "from typing import ClassVar\n" + RULE.replace('kind = "greet"', 'kind: ClassVar[str] = "greet"')
    made = 'a = Automation(name="a", trigger=on.mention(loft), decide=Greet(text="{}"))\n'
    assert said(tmp_path, host, rule + made.format("x" * 15)) == []
    assert said(tmp_path, host, rule + made.format("x" * 16)) == [
        "a.py:9:59: 'a': the text is 21 long as loft counts, 20 is allowed"
    ]


def test_a_rule_may_not_use_the_network_when_it_is_tried(tmp_path: Path, host: PluginHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        rule = RULE.replace('kind = "greet"', "").replace(
            "return Publish",
            f"__import__('socket').create_connection(('127.0.0.1', {server.getsockname()[1]})); return Publish",
        )
        assert (
            said(tmp_path, host, rule + 'a = Automation(name="a", trigger=on.mention(loft), decide=Greet(text=""))\n')
            == []
        )
        with pytest.raises(BlockingIOError):
            server.accept()


def test_an_action_that_no_plugin_brings_cannot_be_stored(tmp_path: Path, host: PluginHost) -> None:
    action = """
from typing import ClassVar
from fieldfare.plugin import Publishes, Receipt

class Pin(Action[Publishes]):
    kind: ClassVar[str] = "pin"
    needs: ClassVar[type] = Publishes
    async def perform(self, session, attempt): return Receipt()

@automation(on.mention(loft))
def pin(event: Mention, ctx: Context) -> Pin:
    return Pin()
"""
    hook = "\n@hookimpl\ndef fieldfare_actions():\n    return (Pin,)\n"
    assert said(tmp_path, host, action) == [
        "a.py:11:1: 'pin' decides Pin, which no plugin brings; hand it over in the hook fieldfare_actions"
    ]
    assert said(tmp_path, host, action + hook) == []


def test_a_hook_of_a_file_that_brings_a_kind_twice_is_a_mistake(tmp_path: Path, host: PluginHost) -> None:
    hook = "@hookimpl\ndef fieldfare_platforms():\n    return (type('Copy', (Loft,), {}), Loft)\n"
    [shown] = said(tmp_path, host, hook + "\n@automation(on.mention(brand))\ndef a(event, ctx): ...\n")
    assert "the platform 'loft' is brought by two plugins" in shown


# -- secrets


LOCKED = """
locked = Account("locked", Loft(token=secret("LOFT_TOKEN")))
@automation(on.mention(locked))
def listen(event: Mention, ctx: Context) -> None: ...
"""


def test_a_secret_that_does_not_resolve_is_told_where_it_is_named(tmp_path: Path, host: PluginHost) -> None:
    [shown] = said(tmp_path, host, LOCKED.lstrip("\n"))
    assert shown.startswith("a.py:1:39: no source has the secret 'LOFT_TOKEN'; looked for LOFT_TOKEN in ")
    assert said(tmp_path, host, LOCKED, {"FIELDFARE_SECRET_LOFT_TOKEN": "canary-loft-91ce"}) == []


def test_a_secret_of_a_web_hook_is_looked_up_too(tmp_path: Path, host: PluginHost) -> None:
    text = '@automation(on.webhook("/shop", secret=secret("SHOP")))\ndef a(event, ctx): ...\n'
    assert [one.partition(";")[0] for one in said(tmp_path, host, text)] == [
        "a.py:1:40: no source has the secret 'SHOP'"
    ]


def test_a_file_of_secrets_that_others_may_read_is_the_mistake(tmp_path: Path, host: PluginHost) -> None:
    (tmp_path / "secrets.toml").write_text('LOFT_TOKEN = "canary-loft-91ce"', encoding="utf-8")
    (tmp_path / "secrets.toml").chmod(0o644)
    [shown] = said(tmp_path, host, LOCKED)
    assert shown.startswith("secrets.toml:0:0: the file of secrets is open to others (mode 644); run: chmod 600 ")


# -- calendars and queues


SHEET = """
@automation(on.{trigger}, account=loft{when})
def rows(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft{change})
"""


def of_rows(folder: Path, csv: str, *, calendar: bool = True, when: str = "", change: str = "") -> list[str]:
    (folder / "c.csv").write_text(csv, encoding="utf-8")
    trigger = 'csv("c.csv", zone="UTC")' if calendar else 'queue("c.csv", cron="0 9 * * *", zone="UTC")'
    loaded = load([written(folder, SHEET.format(trigger=trigger, when=when, change=change))])
    return [str(one).removeprefix(f"{folder}/") for one in findings(loaded, now=NOW)]


def test_a_row_that_the_network_would_not_take_is_named_by_its_line(tmp_path: Path) -> None:
    csv = "id,publish_at,text\n1,2026-04-01 09:00,short\n2,2026-04-02 09:00,longer than twenty letters\n"
    assert of_rows(tmp_path, csv) == ["c.csv:3:1: 'rows': the text is 26 long as loft counts, 20 is allowed"]


def test_a_row_of_a_queue_is_checked_alike(tmp_path: Path) -> None:
    csv = "id,text\n1,longer than twenty letters\n"
    assert of_rows(tmp_path, csv, calendar=False) == [
        "c.csv:2:1: 'rows': the text is 26 long as loft counts, 20 is allowed"
    ]


def test_what_is_checked_is_the_post_that_is_made_of_the_row(tmp_path: Path) -> None:
    csv = "id,text\n1,longer than twenty letters\n"
    change = ".model_copy(update={'text': ctx.account.platform.shortened(event.draft.text)})"
    assert of_rows(tmp_path, csv, calendar=False, change=change) == []


def test_a_row_that_no_condition_lets_through_is_left_alone(tmp_path: Path) -> None:
    csv = "id,text\n1,longer than twenty letters\n"
    when = ", when=Condition('never', lambda event: False)"
    assert of_rows(tmp_path, csv, calendar=False, when=when) == []


def test_a_row_on_which_the_decision_raises_is_named(tmp_path: Path) -> None:
    assert of_rows(tmp_path, "id,text\n1,x\n", calendar=False, change=".model_copy(update=event.row['colour'])") == [
        "c.csv:2:1: 'rows': on this row it raises KeyError: 'colour'"
    ]


def test_a_bad_row_is_named_with_its_line_and_does_not_keep_the_project_from_running(
    tmp_path: Path, host: PluginHost
) -> None:
    csv = "id,publish_at,text\n1,soon,x\n2,2026-04-01 09:00,y\n"
    assert of_rows(tmp_path, csv) == ["c.csv:2:1: publish_at 'soon' is not a time; write it as 2026-11-30 09:00"]
    assert check(load([tmp_path]), host, now=NOW) == []


NOTICE = """
@automation(on.trouble())
def tell(event, ctx):
    return Notify(text=event.says, webhook="{url}")
"""


@pytest.mark.parametrize(
    ("url", "private", "wrong"),
    [
        ("http://127.0.0.1:9/hook", (), True),
        ("http://localhost:9/hook", (), True),
        ("https://10.1.2.3/hook", (), True),
        ("https://10.1.2.3/hook", ("10.0.0.0/8",), False),
        ("http://127.0.0.1:9/hook", ("127.0.0.0/8",), False),
        ("https://chat.example/hook", (), False),
    ],
)
def test_an_address_for_notices_that_will_be_refused_is_a_mistake_in_its_place(
    url: str, private: tuple[str, ...], wrong: bool, tmp_path: Path, host: PluginHost
) -> None:
    found = check(load([written(tmp_path, NOTICE.format(url=url))]), host, private=private, now=NOW)
    assert [(m.line, m.column) for m in found] == [(10, 44)] * wrong
    assert all("name its range in `private`" in m.what for m in found)


def test_a_calendar_that_is_not_there_is_told_at_the_trigger(tmp_path: Path) -> None:
    loaded = load([written(tmp_path, SHEET.format(trigger='csv("gone.csv", zone="UTC")', when="", change=""))])
    assert [str(one).removeprefix(f"{tmp_path}/") for one in findings(loaded, now=NOW)] == [
        "a.py:8:13: 'gone.csv' cannot be read: no such file or directory"
    ]


# -- notes


NIGHT = "def night(event: SlotReached, ctx: Context) -> None: ...\n"


def noted(folder: Path, text: str) -> list[str]:
    return notes(load([written(folder, text)]), now=NOW)


def test_a_slot_that_the_clocks_skip_is_noted(tmp_path: Path) -> None:
    text = f'@automation(on.schedule("30 2 * * *", zone="Europe/Berlin"))\n{NIGHT}'
    assert noted(tmp_path, text) == [
        "'night': clocks in Europe/Berlin skip 02:30 on 2026-03-29; it goes at 03:00, 2026-03-29T01:00:00.000Z"
    ]


@pytest.mark.parametrize("slot", ['"30 9 * * *", zone="Europe/Berlin"', '"30 2 * * *", zone="UTC"'])
def test_other_slots_need_no_note(tmp_path: Path, slot: str) -> None:
    text = f"@automation(on.schedule({slot}))\n{NIGHT}"
    assert noted(tmp_path, text) == []


@pytest.mark.parametrize("annotation", ["", " -> Outcome", " -> Action | None"])
def test_a_decision_that_does_not_say_what_it_does_is_noted(tmp_path: Path, annotation: str) -> None:
    text = f"@automation(on.mention(loft))\ndef a(event: Mention, ctx: Context){annotation}:\n    return None\n"
    assert [one.partition(" (")[0] for one in noted(tmp_path, text)] == ["'a' does not say everything that it decides"]


def test_a_version_that_ends_soon_is_noted(tmp_path: Path) -> None:
    ending = LOFT.replace("Bounds(text=20", "Bounds(api_ends=__import__('datetime').date(2026, 4, 1), text=20")
    text = "@automation(on.mention(loft))\ndef a(event: Mention, ctx: Context) -> None: ...\n"
    loaded = load([project(tmp_path, loft=ending, a=HEAD + text)])
    assert notes(loaded, now=NOW) == ["the version of loft that account 'loft' speaks ends on 2026-04-01"]
    assert notes(loaded, now=datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_the_report_has_a_row_for_each_automation(tmp_path: Path) -> None:
    text = """
@automation(on.mention(brand), when=contains("hello") & ~from_bot(), approval=Approval(by="support"),
            limits=(Rate(count=1, per=timedelta(hours=1)),), account=brand)
def answer(event: Mention, ctx: Context) -> Reply | Skip:
    return skip("")
"""
    assert report(load([written(tmp_path, text)])) == [
        {
            "name": "answer",
            "trigger": "mention",
            "accounts": ["brand"],
            "when": ["not author is the account itself", "text contains 'hello'", "not author is a bot"],
            "does": ["reply"],
            "limits": ["rate"],
            "approval": "support",
            "place": f"{tmp_path / 'a.py'}:10:1",
        }
    ]

"""Bad input as a person meets it: exit code 3, the place, the line with a caret, why, what to do, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldfare._cli.app import run

from .projects import THANKS, project

HEAD = """
from datetime import timedelta
from fieldfare import *
from fieldfare import on
from accounts import brand, press
from network import Loft

def nothing(event, ctx): return None
"""

NETWORK = '''
from typing import ClassVar
from fieldfare import Author
from fieldfare.plugin import Bounds, Platform, Publishes, Receipt, Secret


class LoftSession(Publishes):
    async def whoami(self): return Author(id="1", handle="loft")
    async def publish(self, drafts, attempt): return Receipt()


class Loft(Platform):
    """Counts every letter o twice."""

    kind: ClassVar[str] = "loft"
    session: ClassVar[type] = LoftSession
    token: Secret | None = None
    bounds = property(lambda self: Bounds(text=10, media=1, media_bytes=4))
    hosts = property(lambda self: frozenset())
    async def open(self, services): return LoftSession()
    def measure(self, text): return len(text) + text.count("o")
'''

RULES = """
from string import Template
from typing import ClassVar
from fieldfare import Mention, Reply, Rule
from pydantic import field_validator


class Answer(Rule[Mention]):
    kind: ClassVar[str] = "answer"
    template: str

    @field_validator("template")
    @classmethod
    def _knows_its_fields(cls, template):
        unknown = set(Template(template).get_identifiers()) - {"handle"}
        if unknown:
            raise ValueError(f"template field {min(unknown)!r} does not exist; there is 'handle'")
        return template

    def decide(self, event: Mention, ctx) -> Reply:
        return Reply(to=event.post.ref, text=Template(self.template).substitute(handle="x"))
"""

SLOT = """
loft = Account("loft", Loft())
BIRD = Media(source="{picture}", alt="a bird")

@automation(on.schedule("0 9 * * *", zone="UTC"), account=loft)
def tell(event: SlotReached, ctx: Context) -> Publish:
    return Publish(draft=Draft({draft}))
"""


@dataclass(frozen=True)
class Case:
    """`code` stands below seven lines of imports in `a.py`; `at` counts from its first line."""

    name: str
    code: str
    at: str
    what: str
    remedy: str = ""

    def shown(self, folder: Path) -> str:
        """What a person reads about it."""
        row, column = map(int, self.at.split(":"))
        source = self.code.strip("\n").split("\n")[row - 1]
        caret = " " * (column - 1 - (len(source) - len(source.lstrip()))) + "^"
        place = f"{folder}/a.py:{row + HEAD.strip().count(chr(10)) + 1}:{column}: {self.what}"
        told = [place.replace("{folder}", str(folder)), f"    {source.strip()}", f"    {caret}"]
        return "\n".join([*told, *([f"    {self.remedy}"] if self.remedy else [])])


CASES = [
    # the file
    Case("a syntax error", "x = (1,", "1:5", "syntax error: '(' was never closed"),
    Case(
        "a tab among spaces",
        "if x:\n    y = 1\n\tz = 2",
        "3:1",
        "syntax error: inconsistent use of tabs and spaces in indentation",
    ),
    Case(
        "an import error",
        "import pigeons",
        "1:8",
        "there is no module 'pigeons'",
        "install it into the environment of fieldfare, or write its file beside this one",
    ),
    Case(
        "a plugin that is not installed",
        "from fieldfare_pigeon import Pigeon",
        "1:1",
        "there is no module 'fieldfare_pigeon'",
        "if it is a plugin: pip install fieldfare-pigeon",
    ),
    Case("a misspelt sibling", "import acounts", "1:8", "there is no module 'acounts'", "did you mean 'accounts'?"),
    Case(
        "a misspelt name of a sibling",
        "from accounts import (\n    brnd,\n)",
        "2:5",
        "accounts has no 'brnd'",
        "did you mean 'brand'?",
    ),
    Case(
        "an exception at import",
        'ages = {}\nages["ada"]',
        "2:1",
        "an exception while the file was loaded: KeyError: 'ada'",
    ),
    Case(
        "sys.exit at import",
        "import sys\nsys.exit(2)",
        "2:1",
        "the file ends the program while it is loaded (exit code 2)",
        "a file only defines; what should happen belongs into an automation",
    ),
    Case(
        "network use while loading",
        "import urllib.request\npage = urllib.request.urlopen('http://127.0.0.1:9')",
        "2:8",
        "a file may not use the network while it is loaded (urllib.Request)",
        "do it in an automation",
    ),
    Case(
        "a subprocess while loading",
        "import subprocess\nsubprocess.run(['true'])",
        "2:1",
        "a file may not start a process while it is loaded (subprocess.Popen)",
        "do it in an automation",
    ),
    Case(
        "a misspelt keyword of a model",
        "limit = Rate(\n    cuont=3,\n    per=timedelta(hours=1),\n)",
        "2:5",
        "Rate has no setting 'cuont'",
        "did you mean 'count'?",
    ),
    Case(
        "a misspelt keyword of an automation",
        'a = Automation(name="a", trigger=on.mention(brand), decied=nothing)',
        "1:53",
        "Automation has no setting 'decied'",
        "did you mean 'decide'?",
    ),
    Case(
        "a misspelt keyword of a decorator",
        "@automation(\n    on.mention(brand),\n    limts=(),\n)\ndef a(event, ctx): ...",
        "3:5",
        "automation has no setting 'limts'",
        "did you mean 'limits'?",
    ),
    Case(
        "a misspelt keyword of a trigger",
        "mentions = on.mention(brand, evry=timedelta(hours=1))",
        "1:30",
        "on.mention has no setting 'evry'",
        "did you mean 'every'?",
    ),
    Case("a setting that is missing", "limit = Rate(count=3)", "1:9", "Rate needs 'per'"),
    Case("an argument that is missing", "slots = on.schedule('0 9 * * *')", "1:9", "on.schedule needs 'zone'"),
    Case(
        "settings without their names",
        "limit = Rate(3, timedelta(hours=1))",
        "1:9",
        "Rate takes its settings by name",
        "write Rate(count=…, per=…)",
    ),
    Case(
        "a wrong type",
        'limit = Rate(count="many", per=timedelta(hours=1))',
        "1:20",
        "'count' of Rate: input should be a valid integer, unable to parse string as an integer, not 'many'",
    ),
    Case(
        "money as a float",
        'ten = Money(amount=10.5, currency="EUR")',
        "1:20",
        "'amount' of Money: money is never a float; write Decimal('10.5')",
    ),
    Case(
        "a name that fieldfare does not have",
        "from fieldfare import Repyl",
        "1:23",
        "fieldfare has no 'Repyl'",
        "did you mean 'Reply'?",
    ),
    Case(
        "a trigger that does not exist",
        "mentions = on.mentoin(brand)",
        "1:15",
        "fieldfare.on has no 'mentoin'",
        "did you mean 'mention'?",
    ),
    Case(
        "a name that is misspelt",
        "limit = Publishh",
        "1:9",
        "'Publishh' is not defined",
        "did you mean 'Publish'?",
    ),
    Case(
        "a condition without words",
        "hello = contains()",
        "1:9",
        "contains() wants at least one word, and none may be empty",
    ),
    Case(
        "and between conditions",
        "hello = contains('a') and from_bot()",
        "1:9",
        "combine conditions with &, | and ~, not with and, or, not",
    ),
    Case(
        "a decorator without its trigger",
        "@automation\ndef a(event: Mention, ctx: Context) -> None: ...",
        "2:1",
        "'a' is decorated with @automation, which got no trigger",
        "write @automation(on.…)",
    ),
    # the automation
    Case(
        "an account by its name in a trigger",
        'mentions = on.mention("brand")',
        "1:23",
        "'brand' is not an account",
        "write brand, the account itself, not its name",
    ),
    Case(
        "an unknown account",
        'a = Automation(name="a", trigger=on.mention(brand), decide=nothing, account="pres")',
        "1:77",
        "unknown account 'pres'",
        "write press, the account itself",
    ),
    Case(
        "an account instead of a trigger",
        'a = Automation(name="a", trigger=brand, decide=nothing)',
        "1:34",
        "the trigger of 'a' is an account",
        "write a trigger, such as on.mention(brand)",
    ),
    Case(
        "a rule that was not made",
        'from rules import Answer\na = Automation(name="a", trigger=on.mention(brand), decide=Answer)',
        "2:60",
        "'decide' of 'a' is the class Answer",
        "give it its settings: Answer(…)",
    ),
    Case(
        "a decision with one argument",
        "@automation(on.mention(brand))\ndef a(event: Mention) -> None: ...",
        "2:1",
        "'decide' of 'a' does not take (event, ctx)",
        "give it both arguments",
    ),
    Case(
        "a function instead of a condition",
        'a = Automation(name="a", trigger=on.mention(brand), decide=nothing, when=nothing)',
        "1:74",
        "'when' of 'a' is a function, not a condition",
        "decorate it with @condition",
    ),
    Case(
        "one limit instead of several",
        "@automation(on.mention(brand), limits=(Rate(count=1, per=timedelta(1))))\ndef a(event, ctx): ...",
        "1:40",
        "'limits' of 'a' is one limit, not several",
        "write limits=(…,), with the comma",
    ),
    Case(
        "a platform that is none",
        'other = Account("other", "loft")',
        "1:1",
        "the platform of account 'other' is 'loft'",
        "write the network's settings, such as Playground()",
    ),
    Case(
        "an action that the network has no capability for",
        """
loft = Account("loft", Loft())

@automation(on.mention(brand), account=loft)
def answer(event: Mention, ctx: Context) -> Repost:
    return Repost(post=event.post.ref)
""",
        "3:40",
        "'answer' decides Repost, but account 'loft' is on loft, which has no Reposts",
    ),
    Case(
        "two of one name",
        """
one = Automation(name="x", trigger=on.mention(brand), decide=nothing)
two = Automation(name="x", trigger=on.mention(brand), decide=nothing)
""",
        "2:1",
        "two automations are named 'x': the other one is at {folder}/a.py:8:1",
        "give one of them another name",
    ),
    Case(
        "two accounts of one name",
        'loft = Account("brand", Loft())',
        "1:1",
        "two different accounts are named 'brand': the other one is at {folder}/accounts.py:4:1",
        "give one of them another name",
    ),
    Case(
        "an unknown zone",
        'morning = on.schedule("0 9 * * *", zone="Europe/Berln")',
        "1:41",
        "'zone' of on.schedule: 'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?",
    ),
    Case(
        "a cron line that never fires",
        'never = on.schedule("0 9 30 2 *", zone="UTC")',
        "1:21",
        "'cron' of on.schedule: '0 9 30 2 *' never fires: no month has such a day",
    ),
    Case(
        "a template field that does not exist",
        'from rules import Answer\nanswer = Answer(template="Hello $name")',
        "2:26",
        "'template' of Answer: template field 'name' does not exist; there is 'handle'",
    ),
    Case(
        "text over the bounds as the network counts",
        SLOT.format(picture="bird.png", draft='text="too long"'),
        "6:37",
        "the text is 11 long as loft counts, 10 is allowed",
    ),
    Case(
        "media without alt text",
        'picture = Media(source="bird.png", alt="")',
        "1:40",
        "'alt' of Media: it may not be empty",
    ),
    Case("media without alt at all", 'picture = Media(source="bird.png")', "1:11", "Media needs 'alt'"),
    Case(
        "media that is missing",
        SLOT.format(picture="gone.png", draft="media=(BIRD,)"),
        "6:39",
        "'gone.png' cannot be read: No such file or directory",
    ),
    Case(
        "media that is too large",
        SLOT.format(picture="bird.png", draft="media=(BIRD,)"),
        "6:39",
        "'bird.png' has 6 bytes, loft takes 4",
    ),
    Case(
        "a boost without a budget",
        "@automation(on.metrics(press))\ndef b(event: MetricsObserved, ctx: Context) -> Boost: ...",
        "2:1",
        "'b' decides Boost, which spends money, and has no Budget",
        "write limits=(Budget(total=…, per='month'),)",
    ),
    # secrets
    Case(
        "a path where an address belongs",
        'tell = Notify(text="x", webhook="hooks.example")',
        "1:8",
        "Notify: 'hooks.example' is not an http(s) address; give the address or secret('NAME')",
    ),
    # hooks in a file
    Case(
        "a misspelt hook",
        "@hookimpl\ndef fieldfare_reveiw(action): ...",
        "2:1",
        "'fieldfare_reveiw' is not a hook; did you mean: def fieldfare_review(action: Action[Any], "
        "automation: Automation[Any], account: Account | None) -> Verdict | None",
    ),
    Case(
        "an async hook",
        "@hookimpl\nasync def fieldfare_event_ingested(event): ...",
        "2:1",
        "fieldfare_event_ingested is async, and hooks are plain functions; "
        "write: def fieldfare_event_ingested(event: Event) -> None",
    ),
    Case(
        "a hook with a default argument",
        "@hookimpl\ndef fieldfare_event_ingested(event=None): ...",
        "2:1",
        "fieldfare_event_ingested has a default for 'event', and would never be given it; "
        "write: def fieldfare_event_ingested(event: Event) -> None",
    ),
]


@dataclass(frozen=True)
class Checked:
    code: int
    out: str
    err: str


Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """`fieldfare check` on a project with these files beside the usual ones."""

    def checked(*options: str, **files: str) -> Checked:
        (tmp_path / "bird.png").write_bytes(b"\x89PNG..")
        project(tmp_path, **({"thanks": THANKS, "network": NETWORK, "rules": RULES} | files))
        code = run(["check", str(tmp_path), *options])
        out, err = capsys.readouterr()
        return Checked(code, out, err)

    return checked


def test_the_project_around_the_cases_is_right(check: Check) -> None:
    assert check(a=HEAD) == Checked(0, check().out, "1 automation, no mistake\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_shown_with_place_line_reason_and_remedy(tmp_path: Path, check: Check, case: Case) -> None:
    shown = check(a=HEAD + case.code.lstrip("\n"))
    assert case.shown(tmp_path) in shown.err
    assert shown.code == 3
    assert "Traceback" not in shown.out + shown.err
    # An automation that cannot act may have more than one reason; every other mistake is one.
    assert shown.err.count(f"{tmp_path}/") - case.what.count("{folder}") == (2 if "boost" in case.name else 1)


def test_mistakes_of_several_files_are_shown_together(tmp_path: Path, check: Check) -> None:
    shown = check(a="x = (1,", b="import pigeons", c="1 / 0")
    assert [line.split(":")[0].removeprefix(f"{tmp_path}/") for line in shown.err.splitlines() if ".py:" in line] == [
        "a.py",
        "b.py",
        "c.py",
    ]


# -- secrets

LOCKED = (
    HEAD
    + """
locked = Account("locked", Loft(token={token}))

@automation(on.mention(brand), account=locked)
def tell(event: Mention, ctx: Context) -> None: ...
"""
)
CANARY = "canary-loft-5d20"


def test_a_secret_that_does_not_resolve_names_where_it_was_looked_for(tmp_path: Path, check: Check) -> None:
    shown = check(a=LOCKED.format(token='secret("LOFT_TOKEN")'))
    assert shown.code == 3
    assert f"{tmp_path}/a.py:9:39: no source has the secret 'LOFT_TOKEN'; looked for LOFT_TOKEN in " in shown.err
    assert "FIELDFARE_SECRET_LOFT_TOKEN" in shown.err


@pytest.mark.parametrize(
    "token",
    [f'"{CANARY}"', f'Secret(name="x", value="{CANARY}")', f'secret("{CANARY} ")', f'Secret("{CANARY}")'],
)
def test_a_secret_that_is_written_into_the_file_is_refused_and_never_repeated(check: Check, token: str) -> None:
    shown = check(a="from fieldfare.plugin import Secret\n" + LOCKED.format(token=token))
    assert shown.code == 3
    assert CANARY not in shown.out + shown.err


def test_a_value_in_the_place_of_a_secret_is_told_how_to_be_named(tmp_path: Path, check: Check) -> None:
    shown = check(a=LOCKED.format(token=f'"{CANARY}"'))
    assert f"{tmp_path}/a.py:9:39: 'token' of Loft names a secret\n    write secret('NAME'), and" in shown.err


def test_a_file_of_secrets_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, check: Check) -> None:
    (tmp_path / "secrets.toml").write_text(f'LOFT_TOKEN = "{CANARY}"', encoding="utf-8")
    (tmp_path / "secrets.toml").chmod(0o644)
    shown = check(a=LOCKED.format(token='secret("LOFT_TOKEN")'))
    assert (shown.code, CANARY in shown.err) == (3, False)
    assert f"run: chmod 600 {tmp_path}/secrets.toml" in shown.err


# -- calendars

CALENDAR = """
from fieldfare import Account, ContentDue, Context, Publish, automation, on
from accounts import brand

@automation(on.csv("c.csv", zone="Europe/Berlin"), account=brand)
def publish(event: ContentDue, ctx: Context) -> Publish:
    return Publish(draft=event.draft)
"""


def test_a_bad_row_is_named_by_its_line_and_keeps_nothing_from_running(tmp_path: Path, check: Check) -> None:
    (tmp_path / "c.csv").write_text("id,publish_at,text\n1,soon,x\n2,2026-04-01 09:00,y\n", encoding="utf-8")
    shown = check(a=CALENDAR)
    assert shown.code == 1
    assert shown.err.splitlines() == [
        f"{tmp_path}/c.csv:2:1: publish_at 'soon' is not a time; write it as 2026-11-30 09:00",
        "    1,soon,x",
        "    ^",
        "2 automations, 1 row cannot go; the others do",
    ]


def test_what_is_worth_knowing_is_a_warning(check: Check) -> None:
    night = CALENDAR.replace('csv("c.csv", zone=', 'schedule("30 2 * * *", zone=').replace("event.draft", "None")
    shown = check(a=night)
    assert shown.code == 0
    assert "warning: 'publish': clocks in Europe/Berlin skip 02:30 on " in shown.err


# -- settings


def test_a_mistake_in_the_settings_is_shown_alike(tmp_path: Path, check: Check) -> None:
    (tmp_path / "fieldfare.toml").write_text("[listener]\nprot = 80\n", encoding="utf-8")
    shown = check()
    assert shown.code == 3
    assert shown.err.splitlines()[:4] == [
        f"{tmp_path}/fieldfare.toml:2:1: [listener] has no setting 'prot'",
        "    prot = 80",
        "    ^",
        "    did you mean 'port'?",
    ]


# -- plugins


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Installs a distribution with one plugin."""
    site = tmp_path / ".site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(name: str, code: str) -> None:
        info = site / f"acme_{name}-1.2.dist-info"
        info.mkdir()
        monkeypatch.delitem(sys.modules, f"acme_{name}", raising=False)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[fieldfare]\n{name} = acme_{name}\n", encoding="utf-8")
        (site / f"acme_{name}.py").write_text(code, encoding="utf-8")

    return install


HOOK = "from fieldfare import hookimpl\n\n@hookimpl\n"
PLATFORM = NETWORK + "\nfrom fieldfare import hookimpl\n@hookimpl\ndef fieldfare_platforms(): return [Loft]\n"


def test_a_plugin_that_fails_to_import_is_named_and_the_rest_works(
    check: Check, plugin: Callable[[str, str], None]
) -> None:
    plugin("hawk", "import no_such_module")
    shown = check()
    assert shown.code == 0
    assert "the plugin hawk (acme-hawk 1.2) cannot be imported: ModuleNotFoundError" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("code", "what"),
    [
        pytest.param(f"{HOOK}def fieldfare_reveiw(action): ...", "'fieldfare_reveiw' is not a hook; ", id="misspelt"),
        pytest.param(f"{HOOK}async def fieldfare_review(action): ...", "fieldfare_review is async, ", id="async"),
        pytest.param(
            f"{HOOK}def fieldfare_review(action=None): ...", "fieldfare_review has a default for 'action'", id="default"
        ),
        pytest.param(f"{HOOK}def fieldfare_rules(): return 1 / 0", "fieldfare_rules failed: Zero", id="raises"),
    ],
)
def test_a_plugin_that_is_wrong_is_named_with_its_distribution(
    check: Check, plugin: Callable[[str, str], None], code: str, what: str
) -> None:
    plugin("hawk", code)
    shown = check()
    assert shown.code == 3
    assert f"the plugin hawk (acme-hawk 1.2) cannot be used: {what}" in shown.err
    assert "Traceback" not in shown.err


def test_two_plugins_of_one_kind_are_both_named(check: Check, plugin: Callable[[str, str], None]) -> None:
    plugin("dove", PLATFORM)
    plugin("hawk", PLATFORM)
    shown = check()
    assert shown.code == 3
    assert "the platform 'loft' is brought by two plugins: dove (acme-dove 1.2) and hawk (acme-hawk 1.2)" in shown.err

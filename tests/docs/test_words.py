"""The tables of the pages name what is there, all of it, and nothing else."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

import pytest

import fieldfare
import fieldfare.plugin
import fieldfare.testing
import fieldfare.testing.contract
from fieldfare import on
from fieldfare._cli.exits import Exit
from fieldfare._domain import events, values
from fieldfare._domain.events import BUILT_IN, TROUBLES
from fieldfare.plugin import Session

from .blocks import ROOT

DOORS = (fieldfare, fieldfare.plugin, fieldfare.testing, fieldfare.testing.contract)
CODE = re.compile(r"`([^`]+)`")


def rows(page: str, heading: str = "") -> list[list[str]]:
    """The cells of every table row of a page, or of one of its sections, headings left out."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if heading:
        text = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]
        assert text, f"{page} has no section {heading!r}"
    table = re.sub(r"^\|.*\|\n\| ---.*\|$", "", text, flags=re.MULTILINE)
    return [[cell.strip() for cell in line[2:-2].split(" | ")] for line in table.split("\n") if line.startswith("| ")]


def named(page: str, heading: str = "") -> list[str]:
    """What the first column has in code."""
    return [name for row in rows(page, heading) for name in CODE.findall(row[0])]


def classes(module: ModuleType) -> set[str]:
    """The public names of a module that stand for a kind of thing."""
    public: list[str] = module.__all__
    return {name for name in public if name[0].isupper()}


def test_every_public_class_is_a_word_of_the_glossary_and_every_word_is_public() -> None:
    words = named("docs/glossary.md")
    assert sorted(words) == sorted(set().union(*map(classes, DOORS)))


def test_the_states_of_the_glossary_are_those_that_there_are() -> None:
    (said,) = [row[1] for row in rows("docs/glossary.md") if row[0] == "`State`"]
    assert said.partition(": ")[2].split(", ") == [state.value for state in fieldfare.plugin.State]


def test_every_trigger_is_shown() -> None:
    shown = {name.partition("(")[0].removeprefix("on.") for name in named("docs/automations.md", "Triggers")}
    assert shown == set(on.__all__)


def test_every_trouble_is_told() -> None:
    told = set(named("docs/automations.md", "When a person is needed"))
    assert told == set(TROUBLES)


def test_every_trouble_that_is_recorded_can_be_waited_for() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "core/fieldfare").rglob("*.py"))
    recorded = set(re.findall(r'trouble\(\s*c,\s*what="([a-z0-9-]+)"', source))
    assert recorded == set(TROUBLES)


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: str(kind.kind))
def test_an_event_is_written_with_these_fields(kind: type[events.Event]) -> None:
    (row,) = [row for row in rows("docs/automations.md", "Events") if row[0] == f"`{kind.kind}`"]
    common = set(events.Event.model_fields)
    assert CODE.findall(row[1]) == [kind.__name__]
    assert set(CODE.findall(row[2])) == set(kind.model_fields) - common


@pytest.mark.parametrize(
    ("name", "kind"),
    [("post", values.Post), ("author", values.Author), ("metrics", values.Metrics), ("ref", values.PostRef)],
)
def test_what_is_inside_an_event_has_these_fields(name: str, kind: type[values.Value]) -> None:
    (row,) = [row for row in rows("docs/automations.md", "Events") if row[0] == f"`{name}`"]
    assert CODE.findall(row[1]) == list(kind.model_fields)


def test_every_condition_and_action_is_shown() -> None:
    conditions = {name.partition("(")[0] for name in named("docs/automations.md", "Conditions")}
    from fieldfare._contract import conditions as built_in

    made = {n for n, f in inspect.getmembers(built_in, inspect.isfunction) if n in fieldfare.__all__}
    assert conditions == made - {"condition"}
    actions = {name.partition("(")[0] for name in named("docs/automations.md", "Decisions")}
    from fieldfare._contract.actions import BUILT_IN as performed

    assert actions == {action.__name__ for action in performed}


def test_the_reference_names_every_capability() -> None:
    found = {
        name
        for name in fieldfare.plugin.__all__
        if inspect.isclass(made := getattr(fieldfare.plugin, name))
        and issubclass(made, Session)
        and made is not Session
    }
    assert set(named("docs/plugins.md", "Capabilities")) == found


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("Declaration", fieldfare.plugin.Declaration), ("Attempt", fieldfare.plugin.Attempt)],
)
def test_the_reference_names_every_member(heading: str, kind: type) -> None:
    members = {name for name in (*vars(kind), *getattr(kind, "__annotations__", {})) if not name.startswith("_")}
    shown = {name.partition("(")[0] for name in named("docs/plugins.md", heading)}
    assert shown == members


def test_the_exit_codes_are_those_of_the_commands() -> None:
    assert [int(row[0]) for row in rows("docs/operations.md", "Exit codes")] == [int(code) for code in Exit]


def test_each_promise_of_the_readme_names_tests_that_are_there() -> None:
    promised = rows("README.md", "Promises")
    assert len(promised) >= 8
    for promise, *_, tests in promised:
        names = CODE.findall(tests)
        assert names, promise
        for name in names:
            path, _, function = name.partition("::")
            assert (ROOT / path).is_file(), name
            assert not function or re.search(
                rf"^(async )?def {function}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
            ), name


def test_every_number_in_the_readme_says_which_command_makes_it() -> None:
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if re.search(r"\b\d[\d,.]* (events|requests|mentions|MiB|ms)\b|\b\d+ tests\b", line):
            assert "`make " in line or "`BENCH" in line, line

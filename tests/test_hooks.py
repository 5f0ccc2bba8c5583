"""Every hook is documented under its exact signature, with an example that works, and has a test."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fieldfare import Delivery, Mention, PostRef, Reply, Verdict
from fieldfare._host import PluginHost, signature
from fieldfare._host.hooks import specs
from fieldfare.plugin import State

PAGE = Path(__file__).parent.parent / "docs" / "hooks.md"
SECTION = re.compile(r"^## `(?P<heading>[^`]+)`\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
Example = Callable[[str], ModuleType]
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """The text below each heading of the page."""
    return {found["heading"]: found["text"] for found in SECTION.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.fixture
def host() -> PluginHost:
    return PluginHost()


@pytest.fixture
def example(host: PluginHost, monkeypatch: pytest.MonkeyPatch) -> Example:
    """Runs the example below a hook's heading as a module, and registers it as a plugin."""

    def run(hook: str) -> ModuleType:
        [text] = [text for heading, text in sections().items() if heading.startswith(f"{hook}(")]
        [code] = [found["code"] for found in BLOCK.finditer(text)]
        module = ModuleType(f"example_of_{hook}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, str(PAGE), "exec"), vars(module))
        host.register(module, name=hook)
        return module

    return run


MENTION = Mention.model_validate(
    {
        "id": "1",
        "occurred_at": "2026-03-01T12:00:00Z",
        "post": {
            "ref": {"platform": "pigeon", "id": "1"},
            "author": {"id": "7", "handle": "ada"},
            "text": "hello",
            "created_at": "2026-03-01T12:00:00Z",
        },
    }
)


def test_the_headings_are_the_signatures() -> None:
    assert list(sections()) == [signature(hook).removeprefix("def ") for hook in specs()]


def test_every_hook_has_a_test() -> None:
    assert [hook for hook in specs() if not any(name.startswith(f"test_{hook}_") for name in globals())] == []


def test_the_table_names_every_hook() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(fieldfare_\w+)`", "".join(rows))) == sorted(specs())


def test_fieldfare_platforms_brings_a_network(host: PluginHost, example: Example) -> None:
    module = example("fieldfare_platforms")
    assert host.platform("pigeon") is module.Pigeon
    assert module.Pigeon().bounds.text == 40


def test_fieldfare_triggers_brings_a_trigger_and_its_event(host: PluginHost, example: Example) -> None:
    module = example("fieldfare_triggers")
    assert host.event("tide-turned") is module.TideTurned
    assert [feed.key({}) for feed in module.OnTide(harbour="north").feeds()] == ["tides:north"]


def test_fieldfare_actions_brings_an_action_that_can_be_stored(host: PluginHost, example: Example) -> None:
    module = example("fieldfare_actions")
    pin = module.Pin(post=PostRef(platform="pigeon", id="1"))
    assert host.action("pin").model_validate_json(pin.model_dump_json()) == pin


def test_fieldfare_rules_brings_a_rule(host: PluginHost, example: Example) -> None:
    module = example("fieldfare_rules")
    assert host.plugins[0].brings["fieldfare_rules"] == (module.Thank,)
    assert module.Thank().decide(MENTION, None) == Reply(to=MENTION.post.ref, text="Thank you!")


def test_fieldfare_review_objects(host: PluginHost, example: Example) -> None:
    example("fieldfare_review")
    automation: Any = None
    link, plain = (Reply(to=MENTION.post.ref, text=text) for text in ("see https://loft.example", "hello"))
    assert host.review(link, automation, None) == Verdict(reason="no links in replies")
    assert host.review(plain, automation, None) is None


def test_fieldfare_event_ingested_is_told_of_events(host: PluginHost, example: Example) -> None:
    module = example("fieldfare_event_ingested")
    host.event_ingested(MENTION)
    assert module.seen == {"mention": 1}


def test_fieldfare_delivery_changed_is_told_of_deliveries(host: PluginHost, example: Example) -> None:
    module = example("fieldfare_delivery_changed")
    made: dict[str, Any] = {field.name: None for field in fields(Delivery)} | {"key": "a/1/0", "state": State.DUE}
    host.delivery_changed(Delivery(**made))
    assert module.changed.get_nowait() == ("a/1/0", "due")

"""Plugins are found, registered one at a time, and named when they are at fault."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from fieldfare import Account, Automation, Context, Delivery, Event, Mention, Reply, Verdict, hookimpl, on
from fieldfare._host import PluginHost
from fieldfare.plugin import (
    Action,
    Attempt,
    Bounds,
    Feed,
    Pending,
    Platform,
    PluginError,
    PostRef,
    Receipt,
    Services,
    Session,
    SlotReached,
    Trigger,
)


class Pigeon(Platform):
    kind: ClassVar[str] = "pigeon"
    session: ClassVar[type[Session]] = Session

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=10)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset()

    async def open(self, services: Services) -> Session:
        raise NotImplementedError


class OtherPigeon(Pigeon):
    pass


class TideTurned(Event):
    kind: ClassVar[str] = "tide-turned"


class OnTide(Trigger[TideTurned]):
    kind: ClassVar[str] = "tide"
    event: ClassVar[type[Event]] = TideTurned

    def feeds(self) -> list[Feed[Any]]:
        return []


class Pin(Action[Session]):
    kind: ClassVar[str] = "pin"
    needs: ClassVar[type[Session]] = Session

    async def perform(self, session: Session, attempt: Attempt) -> Receipt | Pending:
        return Receipt()


def plugin(*functions: Callable[..., Any], **named: Callable[..., Any]) -> ModuleType:
    """A module with these functions as hook implementations."""
    module = ModuleType("pigeon_plugin")
    for function in functions:
        setattr(module, function.__name__, hookimpl(function))
    for name, function in named.items():
        setattr(module, name, hookimpl(function))
    return module


def platforms(*classes: object) -> ModuleType:
    return plugin(fieldfare_platforms=lambda: classes)


def register(module: ModuleType, name: str = "pigeon", host: PluginHost | None = None) -> PluginHost:
    host = host or PluginHost()
    host.register(module, name=name, distribution=f"acme-{name}", version="1.2")
    return host


def refused(module: ModuleType, host: PluginHost | None = None, name: str = "pigeon") -> str:
    with pytest.raises(PluginError) as caught:
        register(module, name, host)
    assert (caught.value.plugin, caught.value.distribution) == (name, f"acme-{name}")
    return str(caught.value)


# -- found


def installed(folder: Path, name: str, code: str | None, version: str = "1.2") -> None:
    """A distribution as an installer leaves it behind."""
    info = folder / f"acme_{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[fieldfare]\n{name} = acme_{name}\n", encoding="utf-8")
    if code is not None:
        (folder / f"acme_{name}.py").write_text(code, encoding="utf-8")


GOOD = "from fieldfare import hookimpl\n\n@hookimpl\ndef fieldfare_event_ingested(event):\n    pass\n"


@pytest.fixture
def discovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PluginHost]:
    monkeypatch.syspath_prepend(tmp_path)

    def discover(*, refused: Iterable[str] = (), **plugins: str | None) -> PluginHost:
        for name, code in plugins.items():
            monkeypatch.delitem(sys.modules, f"acme_{name}", raising=False)
            installed(tmp_path, name, code)
        host = PluginHost()
        host.discover(refused=refused)
        return host

    return discover


def names(host: PluginHost) -> set[str]:
    return {found.name for found in host.plugins}


def test_installed_plugins_are_found_with_their_distribution(discovered: Callable[..., PluginHost]) -> None:
    host = discovered(dove=GOOD)
    [found] = [found for found in host.plugins if found.name == "dove"]
    assert str(found) == "dove (acme-dove 1.2)"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax (acme_hawk.py, line 1)"),
        (None, "ModuleNotFoundError: No module named 'acme_hawk'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_and_left_out(
    discovered: Callable[..., PluginHost], code: str | None, why: str
) -> None:
    host = discovered(dove=GOOD, hawk=code, wren=GOOD)
    assert {"dove", "wren"} <= names(host)
    [failure] = [failure for failure in host.failures if failure.plugin == "hawk"]
    assert failure.distribution == "acme-hawk"
    assert str(failure) == f"the plugin hawk (acme-hawk 1.2) cannot be imported: {why}"


def test_a_plugin_that_is_wrong_lets_nothing_start_and_is_named(discovered: Callable[..., PluginHost]) -> None:
    host = discovered(dove=GOOD, hawk=GOOD.replace("ingested", "ingestd"))
    assert "dove" in names(host)
    with pytest.raises(PluginError, match=r"the plugin hawk \(acme-hawk 1.2\) cannot be used"):
        host.ready()


def test_a_plugin_that_the_operator_refuses_is_not_imported(discovered: Callable[..., PluginHost]) -> None:
    host = discovered(refused=["hawk"], hawk="raise AssertionError('imported')")
    assert "hawk" not in names(host)
    assert [failure for failure in host.failures if failure.plugin == "hawk"] == []


def test_what_the_core_brings_comes_by_the_same_route(discovered: Callable[..., PluginHost]) -> None:
    host = discovered()
    [core] = [found for found in host.plugins if found.name == "core"]
    assert core.distribution == "fieldfare"
    assert host.action("reply") is Reply
    assert {"publish", "notify", "boost"} <= host.action_kinds


# -- registered


def test_what_a_plugin_brings_can_be_looked_up_by_kind() -> None:
    module = plugin(
        fieldfare_platforms=lambda: [Pigeon],
        fieldfare_triggers=lambda: iter([OnTide]),
        fieldfare_actions=lambda: (Pin,),
    )
    host = register(module)
    assert (host.platform("pigeon"), host.event("tide-turned"), host.action("pin")) == (Pigeon, TideTurned, Pin)
    assert host.plugins[0].brings["fieldfare_triggers"] == (OnTide,)


def test_the_events_of_the_core_are_known_without_any_plugin() -> None:
    assert PluginHost().event("mention") is Mention


def test_a_kind_that_nobody_brings_is_named_with_those_that_are_there() -> None:
    with pytest.raises(PluginError, match="no installed plugin brings the action 'pinn'; there are pin"):
        register(plugin(fieldfare_actions=lambda: (Pin,))).action("pinn")


SPEC = "write: def fieldfare_review(action: Action[Any], automation: Automation[Any], account: Account | None)"


def test_a_misspelt_hook_is_refused_with_the_right_signature() -> None:
    said = refused(plugin(fieldfare_platfroms=lambda: ()))
    assert said == (
        "the plugin pigeon (acme-pigeon 1.2) cannot be used: 'fieldfare_platfroms' is not a hook; "
        "did you mean: def fieldfare_platforms() -> Iterable[type[Platform]]"
    )


def test_an_async_hook_is_refused() -> None:
    async def fieldfare_review(action: Any) -> None: ...

    assert f"fieldfare_review is async, and hooks are plain functions; {SPEC}" in refused(plugin(fieldfare_review))


def test_an_async_generator_as_hook_is_refused() -> None:
    async def fieldfare_platforms() -> Any:
        yield Pigeon

    assert "fieldfare_platforms is async" in refused(plugin(fieldfare_platforms))


def test_a_default_argument_is_refused_because_it_would_never_be_given() -> None:
    def fieldfare_review(action: Any, account: Any = None) -> None: ...

    assert f"has a default for 'account', and would never be given it; {SPEC}" in refused(plugin(fieldfare_review))


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda action, acount: None, "has an unknown argument 'acount'"),
        (lambda *action: None, "would never be given '*action'"),
        (lambda **action: None, "would never be given '**action'"),
        (lambda *, action: None, "would never be given 'action'"),
    ],
)
def test_an_argument_that_no_hook_has_is_refused(function: Any, what: str) -> None:
    assert f"fieldfare_review {what}; {SPEC}" in refused(plugin(fieldfare_review=function))


def test_a_hook_may_take_fewer_arguments() -> None:
    assert register(plugin(fieldfare_review=lambda account: None)).review(REPLY, ANSWERS, brand) is None


def test_a_function_with_the_name_of_a_hook_and_no_mark_is_refused() -> None:
    module = platforms(Pigeon)

    def fieldfare_review(action: Any) -> None: ...

    fieldfare_review.__module__ = module.__name__
    module.fieldfare_review = fieldfare_review  # type: ignore[attr-defined]
    assert "fieldfare_review is not marked with @hookimpl" in refused(module)


def test_a_hook_wrapper_is_refused() -> None:
    module = ModuleType("pigeon_plugin")

    def fieldfare_event_ingested(event: Any) -> Any:
        yield

    module.fieldfare_event_ingested = hookimpl(wrapper=True)(fieldfare_event_ingested)  # type: ignore[attr-defined]
    assert "is a wrapper, and there are none here" in refused(module)


def _raises() -> Iterable[type]:
    yield Pigeon
    raise RuntimeError("no wind")


class _Unfinished(Platform):
    kind: ClassVar[str] = "unfinished"
    session: ClassVar[type[Session]] = Session


class _Kindless(Trigger[TideTurned]):
    def feeds(self) -> list[Feed[Any]]:
        return []


@pytest.mark.parametrize(
    ("hooks", "what"),
    [
        ({"fieldfare_platforms": _raises}, "fieldfare_platforms failed: RuntimeError: no wind"),
        ({"fieldfare_platforms": lambda: None}, "fieldfare_platforms gives nothing back"),
        ({"fieldfare_platforms": lambda: [Pigeon()]}, "which is no Platform"),
        ({"fieldfare_actions": lambda: [Pigeon]}, "which is no Action"),
        ({"fieldfare_platforms": lambda: [_Unfinished]}, "which lacks bounds, hosts, open"),
        ({"fieldfare_triggers": lambda: [_Kindless]}, "which has no kind and no event"),
    ],
)
def test_a_hook_that_fails_or_gives_something_else_is_refused(hooks: dict[str, Any], what: str) -> None:
    assert what in refused(plugin(**hooks))


def test_nothing_of_a_refused_plugin_is_kept() -> None:
    host = PluginHost()
    module = plugin(fieldfare_platforms=_raises, fieldfare_event_ingested=lambda event: None)
    refused(module, host)
    register(platforms(OtherPigeon), "dove", host)
    assert [found.name for found in host.plugins] == ["dove"]
    assert (host.observes_events, host.platform("pigeon")) == (False, OtherPigeon)


def test_two_plugins_with_one_kind_are_both_named() -> None:
    said = refused(platforms(OtherPigeon), register(platforms(Pigeon), "dove"), "hawk")
    assert said.startswith(
        "the platform 'pigeon' is brought by two plugins: dove (acme-dove 1.2) and hawk (acme-hawk 1.2); "
    )


def test_a_trigger_may_bring_an_event_that_is_there_already() -> None:
    class OnEvening(Trigger[SlotReached]):
        kind: ClassVar[str] = "evening"
        event: ClassVar[type[Event]] = SlotReached

        def feeds(self) -> list[Feed[Any]]:
            return []

    assert register(plugin(fieldfare_triggers=lambda: [OnEvening])).event("slot-reached") is SlotReached


def test_another_event_of_a_known_kind_is_refused() -> None:
    class FalseMention(Event):
        kind: ClassVar[str] = "mention"

    class OnFalse(Trigger[FalseMention]):
        kind: ClassVar[str] = "false"
        event: ClassVar[type[Event]] = FalseMention

        def feeds(self) -> list[Feed[Any]]:
            return []

    assert "the event 'mention' is brought by two plugins: the core and pigeon" in refused(
        plugin(fieldfare_triggers=lambda: [OnFalse])
    )


# -- called

brand = Account("brand", Pigeon())
REPLY = Reply(to=PostRef(platform="pigeon", id="1"), text="hello")


def answer(event: Mention, ctx: Context) -> Reply:
    return REPLY


ANSWERS = Automation(name="answers", trigger=on.mention(brand), decide=answer)
MENTION = Mention.model_validate(
    {
        "id": "1",
        "occurred_at": "2026-03-01T12:00:00Z",
        "post": {
            "ref": {"platform": "pigeon", "id": "1"},
            "author": {"id": "7", "handle": "ada"},
            "text": "",
            "created_at": "2026-03-01T12:00:00Z",
        },
    }
)


def objects(reason: str) -> Callable[[Any], Verdict]:
    return lambda action: Verdict(reason=reason)


def test_the_file_of_the_user_speaks_before_the_plugins() -> None:
    host = register(plugin(fieldfare_review=objects("from a plugin")))
    host.register_file(plugin(fieldfare_review=objects("from my file")), Path("rules.py"))
    assert host.review(REPLY, ANSWERS, brand) == Verdict(reason="from my file")


def test_a_reviewer_with_no_opinion_leaves_the_word_to_the_next() -> None:
    host = register(plugin(fieldfare_review=objects("no links")), "dove")
    register(plugin(fieldfare_review=lambda: None), "hawk", host)
    assert host.review(REPLY, ANSWERS, brand) == Verdict(reason="no links")


@pytest.mark.parametrize("exc", [ZeroDivisionError("by zero"), SystemExit(3)])
def test_a_reviewer_that_fails_objects_and_is_named(exc: BaseException) -> None:
    def fieldfare_review(action: Any) -> None:
        raise exc

    verdict = register(plugin(fieldfare_review)).review(REPLY, ANSWERS, brand)
    assert verdict is not None
    assert verdict.reason == f"the reviewer pigeon failed: {type(exc).__name__}: {exc}"


def test_a_reviewer_that_gives_something_else_objects_and_is_named() -> None:
    verdict = register(plugin(fieldfare_review=lambda: False)).review(REPLY, ANSWERS, brand)
    assert verdict == Verdict(reason="the reviewer pigeon gave False, not a Verdict or None")


def test_without_observers_the_host_says_so() -> None:
    host = register(platforms(Pigeon))
    assert (host.observes_events, host.observes_deliveries) == (False, False)
    register(plugin(fieldfare_delivery_changed=lambda delivery: None), "dove", host)
    assert (host.observes_events, host.observes_deliveries) == (False, True)


def test_an_observer_that_raises_is_logged_and_the_others_are_told() -> None:
    told: list[str] = []

    def fieldfare_event_ingested(event: Event) -> None:
        raise RuntimeError("no wind")

    host = register(plugin(fieldfare_event_ingested=lambda event: told.append(event.id)), "dove")
    register(plugin(fieldfare_event_ingested), "hawk", host)
    with capture_logs() as logged:
        host.event_ingested(MENTION)
    assert told == ["1"]
    assert [(line["log_level"], line["plugin"], line["error"]) for line in logged] == [
        ("error", "hawk", "RuntimeError: no wind")
    ]


def test_observers_of_deliveries_are_told() -> None:
    told: list[str] = []
    host = register(plugin(fieldfare_delivery_changed=lambda delivery: told.append(delivery.key)))
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made: dict[str, Any] = dict.fromkeys(Delivery.__dataclass_fields__) | {"key": "a/1/0", "created_at": now}
    host.delivery_changed(Delivery(**made))
    assert told == ["a/1/0"]


def test_a_reload_begins_with_the_plugins_and_without_the_files() -> None:
    host = register(plugin(fieldfare_review=lambda: None, fieldfare_platforms=lambda: [Pigeon]))
    host.register_file(plugin(fieldfare_review=objects("old file")), Path("rules.py"))
    fresh = host.without_files()
    assert fresh.review(REPLY, ANSWERS, brand) is None
    assert fresh.platform("pigeon") is Pigeon
    fresh.register_file(plugin(fieldfare_review=objects("new file")), Path("rules.py"))
    assert host.review(REPLY, ANSWERS, brand) == Verdict(reason="old file")

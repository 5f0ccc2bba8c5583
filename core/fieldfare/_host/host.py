"""Plugins: found by entry point, registered one at a time, each hook held against its specification."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import structlog

from .. import hookspecs
from .._contract.actions import Action
from .._contract.automation import Automation, Rule
from .._contract.delivery import Delivery, Verdict
from .._contract.platform import Account, Platform
from .._contract.triggers import Trigger
from .._domain import events
from .._domain.errors import PluginError
from .._domain.events import Event
from .hooks import mistaken_hooks, signature

log = structlog.get_logger("fieldfare.plugins")

GROUP = "fieldfare"
"""The entry-point group that plugins are found by."""

_BRINGS: Mapping[str, tuple[str, type[Any]]] = {
    "fieldfare_platforms": ("platform", Platform),
    "fieldfare_triggers": ("trigger", Trigger),
    "fieldfare_actions": ("action", Action),
    "fieldfare_rules": ("rule", Rule),
}
"""The hooks that hand over classes: what one of them is called, and what it must derive from."""

_ALSO: Mapping[type[Any], tuple[str, ...]] = {Trigger: ("event",), Action: ("needs",), Platform: ("session",)}
"""What such a class must say beside its `kind`."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One registered plugin, and what it brought. `name` is its entry point's, or the path of an automation file."""

    name: str
    distribution: str = ""
    version: str = ""
    brings: Mapping[str, tuple[type[Any], ...]] = field(default_factory=dict[str, tuple[type[Any], ...]], repr=False)
    """Classes by the hook that handed them over."""
    is_file: bool = False

    def __str__(self) -> str:
        if not self.distribution:
            return self.name
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")


class PluginHost:
    """The plugins of one process. Nothing is global: a test, or a reload, makes a host of its own."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("fieldfare")
        self._manager.add_hookspecs(hookspecs)
        self._kinds: dict[tuple[str, str], tuple[type[Any], Plugin]] = {}
        self.plugins: list[Plugin] = []
        self.failures: list[PluginError] = []
        """Plugins that could not be imported: named and left out, the others work."""
        self.refusals: list[PluginError] = []
        """Plugins that are wrong: `ready` refuses to start with them."""
        for event in events.BUILT_IN:
            self._kinds["event", event.kind] = (event, Plugin("the core"))
        self._notice()

    def discover(self, *, refused: Iterable[str] = ()) -> None:
        """Register every installed plugin, but those that the operator refuses by name. Raises nothing."""
        unwanted = set(refused)
        for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
            distribution, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
            if entry.name in unwanted:
                continue
            try:
                module = entry.load()
            except (Exception, SystemExit) as exc:
                said = f"the plugin {Plugin(entry.name, distribution, version)} cannot be imported: {_told(exc)}"
                self.failures.append(PluginError(said, plugin=entry.name, distribution=distribution))
                continue
            try:
                self.register(module, name=entry.name, distribution=distribution, version=version)
            except PluginError as exc:
                self.refusals.append(exc)

    def ready(self) -> None:
        """Raises PluginError with everything that `discover` refused, each plugin by name."""
        if len(self.refusals) == 1:
            raise self.refusals[0]
        if self.refusals:
            raise PluginError("; ".join(map(str, self.refusals)))

    def register(
        self, plugin: object, *, name: str, distribution: str = "", version: str = "", is_file: bool = False
    ) -> Plugin:
        """Add one plugin and take over what it brings.

        Raises PluginError, with nothing of the plugin kept, when a hook is misspelt, async, has a default or an
        unknown argument; when it raises or hands over something else than it should; when a kind is taken.
        """
        made = Plugin(name, distribution, version, is_file=is_file)
        wrong = mistaken_hooks(plugin)
        if wrong:
            raise _fault(made, "; ".join(what for _, what in wrong))
        if self._manager.is_registered(plugin) or self._manager.has_plugin(name):
            raise _fault(made, "it is registered already")
        self._manager.register(plugin, name)
        try:
            brings = {hook: tuple(self._collect(made, plugin, hook)) for hook in _BRINGS}
            made = replace(made, brings=brings)
            new = self._taken(made)
        except BaseException:
            self._manager.unregister(plugin)
            raise
        self._kinds.update(new)
        self.plugins.append(made)
        self._notice()
        return made

    def register_file(self, module: ModuleType, path: Path) -> Plugin:
        """Add the hook implementations of an automation file; its reviewer speaks before those of plugins."""
        return self.register(module, name=str(path), is_file=True)

    def without_files(self) -> PluginHost:
        """A new host with the same plugins and no automation files: where a reload begins."""
        fresh = PluginHost()
        for plugin in self.plugins:
            module = self._manager.get_plugin(plugin.name)
            if not plugin.is_file and module is not None:
                fresh.register(module, name=plugin.name, distribution=plugin.distribution, version=plugin.version)
        fresh.failures, fresh.refusals = list(self.failures), list(self.refusals)
        return fresh

    # -- what plugins brought

    def action(self, kind: str) -> type[Action[Any]]:
        """The action of this kind. Raises PluginError when no plugin brings it (any more)."""
        return self._of("action", kind)

    def event(self, kind: str) -> type[Event]:
        """The event of this kind, built in or brought by a trigger. Raises PluginError when nobody brings it."""
        return self._of("event", kind)

    def platform(self, kind: str) -> type[Platform]:
        """The platform of this kind. Raises PluginError when no plugin brings it."""
        return self._of("platform", kind)

    @property
    def action_kinds(self) -> frozenset[str]:
        return frozenset(kind for what, kind in self._kinds if what == "action")

    @property
    def platform_kinds(self) -> frozenset[str]:
        return frozenset(kind for what, kind in self._kinds if what == "platform")

    def _of(self, what: str, kind: str) -> type[Any]:
        if (what, kind) not in self._kinds:
            known = sorted(k for w, k in self._kinds if w == what)
            raise PluginError(f"no installed plugin brings the {what} {kind!r}; there are {', '.join(known) or 'none'}")
        return self._kinds[what, kind][0]

    def _collect(self, plugin: Plugin, module: object, hook: str) -> Iterator[type[Any]]:
        base = _BRINGS[hook][1]
        others = [other for other in self._manager.get_plugins() if other is not module]
        caller = self._manager.subset_hook_caller(hook, others)
        if not caller.get_hookimpls():
            return
        try:
            handed = caller()
            # A hook may be a generator: it raises while it is read.
            found: list[object] | None = list(handed[0]) if handed else None
        except (Exception, SystemExit) as exc:
            raise _fault(plugin, f"{hook} failed: {_told(exc)}") from exc
        if found is None:
            raise _fault(plugin, f"{hook} gives nothing back; it wants classes: {signature(hook)}")
        for thing in found:
            wrong = _unfit(thing, base)
            if wrong:
                raise _fault(plugin, f"{hook} hands over {thing!r}, {wrong}; it wants classes: {signature(hook)}")
            assert isinstance(thing, type)
            yield thing

    def _taken(self, plugin: Plugin) -> dict[tuple[str, str], tuple[type[Any], Plugin]]:
        """The kinds that this plugin adds."""
        new: dict[tuple[str, str], tuple[type[Any], Plugin]] = {}
        for hook, classes in plugin.brings.items():
            for made in classes:
                pairs: list[tuple[str, type[Any]]] = [(_BRINGS[hook][0], made)]
                if hook == "fieldfare_triggers":
                    pairs.append(("event", made.event))
                for what, one in pairs:
                    held, holder = self._kinds.get((what, one.kind)) or new.get((what, one.kind), (one, plugin))
                    if held is not one:
                        said = f"the {what} {one.kind!r} is brought by two plugins: {holder} and {plugin}"
                        raise PluginError(
                            f"{said}; uninstall one of them, or refuse it under [plugins] in fieldfare.toml",
                            plugin=plugin.name,
                            distribution=plugin.distribution,
                        )
                    new.setdefault((what, one.kind), (one, plugin))
        return {key: value for key, value in new.items() if key not in self._kinds}

    # -- the other hooks, each with one caller

    def _notice(self) -> None:
        """Keep who must be called, last registered first, so that nothing is looked up per event."""
        called = ("fieldfare_review", "fieldfare_event_ingested", "fieldfare_delivery_changed")
        self._calls = {name: tuple(reversed(getattr(self._manager.hook, name).get_hookimpls())) for name in called}
        self.observes_events = bool(self._calls["fieldfare_event_ingested"])
        self.observes_deliveries = bool(self._calls["fieldfare_delivery_changed"])

    def review(self, action: Action[Any], automation: Automation[Any], account: Account | None) -> Verdict | None:
        """The first objection, the user's own file asked first. A reviewer that fails objects."""
        given = {"action": action, "automation": automation, "account": account}
        for impl in self._calls["fieldfare_review"]:
            try:
                said = _call(impl, given)
            except (Exception, SystemExit) as exc:
                return Verdict(reason=f"the reviewer {impl.plugin_name} failed: {_told(exc)}")
            if said is not None and not isinstance(said, Verdict):
                return Verdict(reason=f"the reviewer {impl.plugin_name} gave {said!r}, not a Verdict or None")
            if said is not None:
                return said
        return None

    def event_ingested(self, event: Event) -> None:
        """Tell the observers of events; one that raises is logged, the others are still told."""
        self._tell("fieldfare_event_ingested", {"event": event}, kind=event.kind, id=event.id)

    def delivery_changed(self, delivery: Delivery) -> None:
        """Tell the observers of deliveries; one that raises is logged, the others are still told."""
        self._tell("fieldfare_delivery_changed", {"delivery": delivery}, delivery=delivery.key)

    def _tell(self, hook: str, given: Mapping[str, object], **bound: object) -> None:
        for impl in self._calls[hook]:
            try:
                _call(impl, given)
            except (Exception, SystemExit) as exc:
                log.error("an observer failed", hook=hook, plugin=impl.plugin_name, error=_told(exc), **bound)


def _call(impl: pluggy.HookImpl, given: Mapping[str, object]) -> object:
    """Call one implementation with those arguments that it takes."""
    result: object = impl.function(*(given[name] for name in impl.argnames))
    return result


def _unfit(thing: object, base: type[Any]) -> str:
    """What keeps `thing` from being used as a class of this base; empty when nothing does."""
    if not isinstance(thing, type) or not issubclass(thing, base):
        return f"which is no {base.__name__}"
    if inspect.isabstract(thing):
        return f"which lacks {', '.join(sorted(getattr(thing, '__abstractmethods__', ())))}"
    missing = [name for name in ("kind", *_ALSO.get(base, ())) if not hasattr(thing, name)]
    return f"which has no {' and no '.join(missing)}" if missing else ""


def _fault(plugin: Plugin, what: str) -> PluginError:
    said = f"the plugin {plugin} cannot be used: {what}"
    return PluginError(said, plugin=plugin.name, distribution=plugin.distribution)


def _told(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__

"""The common shape of a double: state, routes, scripted faults, and a record of what was asked and what was done."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from .faults import Fault, Scripted
from .wire import Request, Response, as_json

Handler = TypeVar("Handler", bound=Callable[..., Response])


class Clock:
    """A server's own time: the machine's plus an offset, or one that stands still until it is moved."""

    def __init__(self, frozen_at: datetime | None = None, *, ahead: timedelta = timedelta()) -> None:
        self._frozen = frozen_at
        self._ahead = ahead

    def now(self) -> datetime:
        """The server's time, in UTC."""
        return (self._frozen or datetime.now(UTC)) + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the server's time on."""
        self._ahead += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Effect:
    """One thing that the network did because it was asked to."""

    kind: str
    id: str
    at: datetime
    exchange: int
    """The position in `Double.exchanges` of the request that did it."""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Exchange:
    """One request, the fault that struck it, and the answer as the network meant it (not as it was heard)."""

    request: Request
    at: datetime
    fault: Fault | None = None
    response: Response | None = None
    """None when the request was not performed."""


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Marks a method of a double as the handler of `method` and `path`; `{name}` in the path becomes an argument."""

    def mark(handler: Handler) -> Handler:
        routes: list[tuple[str, str]] = getattr(handler, "_routes", [])
        handler._routes = [*routes, (method, path)]  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
        return handler

    return mark


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


class Double:
    """A network in memory. Subclasses hold its state and mark their handlers with `route`.

    `handle` is plain and synchronous, so a double can be asked without a socket. One thread at a time may call it;
    `Server` sees to that.
    """

    routes: ClassVar[tuple[tuple[str, re.Pattern[str], str], ...]] = ()
    silent_close: bool = False
    """The server closes a connection after one answer without having said so."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found: dict[tuple[str, str], str] = {}
        for owner in reversed(cls.__mro__):
            for name, member in vars(owner).items():
                for key in getattr(member, "_routes", []):
                    found[key] = name
        # What is written out is asked before what is a placeholder: /statuses/new before /statuses/{id}.
        ordered = sorted(found.items(), key=lambda item: item[0][1].count("{"))
        cls.routes = tuple((method, _pattern(path), name) for (method, path), name in ordered)

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.url = ""
        """Where it is served; the server sets it, without a slash at the end."""
        self.exchanges: list[Exchange] = []
        self.effects: list[Effect] = []
        self._script: list[Scripted] = []
        self._changed = threading.Condition()
        self.lock = threading.RLock()
        """Held while a request is performed; a test in another thread holds it while it acts for somebody."""

    def now(self) -> datetime:
        """The server's own time, in UTC."""
        return self.clock.now()

    # What tests say

    def script(self, fault: Fault, method: str = "*", path: str = "*", *, count: int = 1, spare: int = 0) -> None:
        """Strikes the next `count` requests of that method and path pattern, after letting `spare` of them pass.

        `*` in the pattern stands for anything, slashes included. Scripted faults are asked in the order they came.
        """
        self._script.append(Scripted(fault, method, path, count, spare))

    def requests(self, method: str = "*", path: str = "") -> list[Request]:
        """Every request so far, or those of one method, or those whose path ends in `path`."""
        asked = [each.request for each in self.exchanges]
        return [one for one in asked if method in ("*", one.method) and one.path.endswith(path)]

    def done(self, kind: str) -> list[Effect]:
        """Every effect of one kind, in the order it was done."""
        return [effect for effect in self.effects if effect.kind == kind]

    def wait_for(self, condition: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Blocks until the condition holds, at most `timeout` seconds; says whether it held.

        It is asked again after every request, and every 50 ms for conditions that time alone makes true.
        """
        until = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.05))
        return True

    # What the server says

    def strike(self, request: Request) -> Fault | None:
        """The fault scripted for this request, if any; each is used up as it strikes."""
        return next((each.fault for each in self._script if each.strikes(request)), None)

    def exchange(self, request: Request, fault: Fault | None = None) -> Response:
        """Performs a request unless the fault forbids it, puts it on record, and says what the client is to hear."""
        record = Exchange(request, self.now(), fault)
        self.exchanges.append(record)
        try:
            response = Response(500)
            if fault is None or fault.performed:
                response = record.response = self.handle(request)
            if fault is not None and fault.instead is not None:
                response = fault.instead(self.now())
            return response
        finally:
            with self._changed:
                self._changed.notify_all()

    def handle(self, request: Request) -> Response:
        """The network's own answer."""
        known = False
        for method, pattern, name in self.routes:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            known = True
            if method == request.method:
                response: Response = getattr(self, name)(request, **match.groupdict())
                return response
        return self.unrouted(request, known=known)

    # What subclasses say

    def unrouted(self, request: Request, *, known: bool) -> Response:
        """The answer where no handler fits; `known` says that the path is one, with another method."""
        return as_json({"error": f"no {request.method} {request.path}"}, 405 if known else 404)

    def did(self, kind: str, id: str, **detail: Any) -> None:
        """Puts an effect on record."""
        self.effects.append(Effect(kind, id, self.now(), len(self.exchanges) - 1, detail))

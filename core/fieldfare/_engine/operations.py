"""What a person may ask of a store, with or without a daemon; every one answers with plain JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._contract.actions import Action, Publish, Reply
from .._contract.limits import Limit
from .._domain.errors import FieldfareError
from .._domain.values import PostRef, Receipt
from .._store import control, query, why
from .._store.control import TooLate
from .._store.sqlite import Store, ms
from .clock import Clock
from .plan import digest_of, fingerprint_of
from .stop import flags, lower_flag, raise_flag

Answer = dict[str, Any]


async def nothing() -> None:
    """Where no daemon runs nothing leaves either, and the next one looks at everything when it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Changes on behalf of `by`; each is one sentence of the store. Raises TooLate in words for the person."""

    store: Store
    clock: Clock
    flags: Path
    decode: Callable[[str, str], Action[Any]]
    asks: Callable[[str], bool]
    """Whether deliveries of this automation need approval."""
    wake: Callable[[str], None]
    """Look again at everything; the key names the delivery that changed, '' for none in particular."""
    limits_of: Callable[[str], Sequence[Limit] | None] = lambda automation: None
    """The limits of an automation; None when they are not known here."""
    objections: Callable[[query.Full, Action[Any]], Sequence[str]] = lambda found, action: ()
    """What is said against another content of a delivery; nothing when it is not known here."""
    gone: Callable[[query.Full], str] = lambda found: ""
    """What a delivery names that the files do not have any more, in words; '' for nothing, or when it is not known."""
    refused: Callable[[], Answer | None] = lambda: None
    """Since when the files on disk are not the ones that run, and the mistakes in them; None while they are."""
    adopt: Callable[[], Awaitable[None]] = nothing
    """Hold what has become due and names something that the files do not have any more."""
    reload: Callable[[], Awaitable[Answer]] | None = None
    introduce: Callable[[str], Awaitable[Answer]] | None = None
    """Who the network says an account is, asked over the live session."""

    async def run(self, name: str, args: Mapping[str, Any], by: str) -> Answer:
        """Run an operation by its name; raises FieldfareError for one that is not known."""
        operation = _OPERATIONS.get(name)
        if operation is None:
            raise FieldfareError(f"operation {name!r} is not known; is the daemon older than this command?")
        answer = await operation(self, by=by, **args)
        if name == "ping":
            return answer  # asked every few seconds by those who watch; a wake tries refused credentials again
        self.wake(str(answer.get("key", "")))
        return answer

    async def ping(self, *, by: str) -> Answer:
        """An answer means that the daemon's loop turns; `refused` tells of files that it did not take."""
        return {"alive": True, "refused": self.refused()}

    async def approve(self, *, key: str, digest: str | None = None, by: str) -> Answer:
        key = self._that_can_leave(key).key
        await self.store.do(control.approve, key=key, digest=digest, by=by, now=self._now())
        return {"key": key, "state": "due"}

    async def refuse(self, *, key: str, why: str = "", by: str) -> Answer:
        key = self._one(key).key
        await self.store.do(control.refuse, key=key, by=by, why=why, now=self._now())
        return {"key": key, "state": "refused"}

    async def cancel(self, *, key: str, by: str) -> Answer:
        key = self._one(key).key
        await self.store.do(control.cancel, key=key, by=by, now=self._now())
        return {"key": key, "state": "cancelled"}

    async def retry(self, *, key: str, by: str) -> Answer:
        found = self._that_can_leave(key)
        limits = self.limits_of(found.automation)
        await self.store.do(control.retry, key=found.key, limits=limits, by=by, now=self._now())
        return {"key": found.key, "state": self._one(found.key).state}

    async def edit(self, *, key: str, text: str, by: str) -> Answer:
        found = self._one(key)
        action = self.decode(found.kind, found.action or "{}")
        match action:
            case Publish():
                edited: Action[Any] = action.model_copy(
                    update={"draft": action.draft.model_copy(update={"text": text})}
                )
            case Reply():
                edited = action.model_copy(update={"text": text})
            case _:
                raise TooLate(f"{found.key!r} is a {found.kind}; only posts and replies have a text to edit")
        said = self.objections(found, edited) or ["the post is empty"] * (not text and not _shows(edited))
        if said:
            raise TooLate(f"{found.key!r} stays as it is: {'; '.join(said)}")
        body = edited.model_dump_json()
        digest = digest_of(found.account, found.kind, body)
        asks = self.asks(found.automation)
        await self.store.do(
            control.edit,
            key=found.key,
            action=body,
            digest=digest,
            fingerprint=fingerprint_of(edited),
            asks=asks,
            by=by,
            now=self._now(),
        )
        await self.adopt()
        return {"key": found.key, "digest": digest, "state": self._one(found.key).state}

    async def settle(self, *, key: str, happened: bool, url: str = "", post: str = "", by: str) -> Answer:
        found = self._one(key)
        ref: PostRef | None = None
        if happened and (url or post):
            platform, _, _ = self.store.read(why.account_of, found.account)
            platform = platform or "settled"
            ref = PostRef(platform=platform, id=post or url, url=url)
        receipt = Receipt(ref=ref, note=f"settled by {by}")
        refs = [f"{ref.platform}:{ref.id}"] if ref else []
        await self.store.do(
            control.settle,
            key=found.key,
            happened=happened,
            receipt=receipt.model_dump_json(),
            refs=refs,
            by=by,
            now=self._now(),
        )
        await self.adopt()
        return {"key": found.key, "state": self._one(found.key).state}

    async def pause(self, *, scope: str, reason: str = "", by: str) -> Answer:
        """Nothing new leaves in this scope once this returns; `on_the_wire` was already out."""
        raise_flag(self.flags, scope)
        await self.store.do(control.pause, scope=scope, reason=reason, by=by, now=self._now())
        return {"scope": scope, "on_the_wire": self.store.read(query.on_the_wire)}

    async def resume(self, *, scope: str, by: str) -> Answer:
        """Lift pauses of this scope (`all` lifts every one)."""
        known = {row[0] for row in self.store.read(query.pauses)} | flags(self.flags)
        scopes = sorted(known) if scope == "all" else [scope]
        lifted: list[str] = []
        for one in scopes:
            had_flag = lower_flag(self.flags, one)
            if await self.store.do(control.resume, scope=one, now=self._now(), flagged=had_flag) or had_flag:
                lifted.append(one)
        return {"lifted": lifted}

    async def reload_files(self, *, by: str) -> Answer:
        if self.reload is None:
            raise FieldfareError("no daemon runs; the files are read when it starts")
        return await self.reload()

    async def test(self, *, account: str, by: str) -> Answer:
        if self.introduce is None:
            raise FieldfareError("no daemon runs; the account is opened by the command itself")
        return await self.introduce(account)

    def _one(self, key: str) -> query.Full:
        found = self.store.read(query.named, key)
        if len(found) != 1:
            said = "no delivery is" if not found else "more than one delivery is"
            raise TooLate(f"{said} called {key!r}; `fieldfare outbox list` shows their names")
        return found[0]

    def _that_can_leave(self, key: str) -> query.Full:
        found = self._one(key)
        if why := self.gone(found):
            raise TooLate(f"{found.key!r} cannot leave: {why}; give the name back, or refuse it")
        return found

    def _now(self) -> int:
        return ms(self.clock.now())


def _shows(action: Action[Any]) -> bool:
    """Whether there is anything beside the text."""
    return any(draft.media for draft in action.drafts)


_OPERATIONS: Mapping[str, Callable[..., Awaitable[Answer]]] = {
    "ping": Operations.ping,
    "approve": Operations.approve,
    "refuse": Operations.refuse,
    "cancel": Operations.cancel,
    "retry": Operations.retry,
    "edit": Operations.edit,
    "settle": Operations.settle,
    "pause": Operations.pause,
    "resume": Operations.resume,
    "reload": Operations.reload_files,
    "test": Operations.test,
}

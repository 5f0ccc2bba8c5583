"""Faults that connectors have had: each planted into the Playground, each caught by the kit."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
from pydantic import field_serializer

from fieldfare.plugin import (
    Absent,
    Action,
    Answer,
    Attempt,
    Author,
    Batch,
    Bounds,
    Declaration,
    Draft,
    Followed,
    Found,
    Mention,
    NotSent,
    OutcomeUnknown,
    PlatformError,
    Post,
    PostRef,
    Publishes,
    Recall,
    Receipt,
    Rejected,
    ReplyReceived,
    Request,
    Session,
    Visibility,
    sort_write,
)
from fieldfare.testing import Playground
from fieldfare.testing._lent import Hands
from fieldfare.testing._session import PlaygroundSession
from fieldfare.testing._world import World
from fieldfare.testing.contract import PlatformContract
from fieldfare.testing.contract._bench import Bench

from . import pigeon_post, test_playground_contract
from .test_playground_contract import Place


class NewestFirst(PlaygroundSession):
    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        batch = await super().mentions(cursor, known)
        return Batch(batch.events[::-1], batch.cursor, more=batch.more)


class ByTime(PlaygroundSession):
    """Goes on after the moment of the last one, so that others of that moment are lost."""

    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        every = (await super().mentions(None, known)).events
        events = [event for event in every if cursor is None or event.occurred_at.isoformat() > cursor]
        return Batch(events, events[-1].occurred_at.isoformat() if events else cursor)


class OnePage(PlaygroundSession):
    """Believes that what it missed fits into one page."""

    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        newest = await super().mentions(None, known)
        seen = set() if cursor is None else set(cursor.split())
        events = [event for event in newest.events if event.id not in seen]
        return Batch(events, " ".join([*seen, *(event.id for event in events)]))


class ForgetsOnEmpty(PlaygroundSession):
    """Loses its place when a look brings nothing."""

    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        batch = await super().mentions(cursor, known)
        if cursor is not None and not batch.events:
            return Batch([], f"{self._there.epoch}:{len(self._there.inbox('brand', 'mention')) + 1}")
        return batch


class InMemory(PlaygroundSession):
    """Keeps its place in the session."""

    place: str | None = None

    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        if self.place is None and cursor is not None:
            return Batch([], (await super().mentions(None, known)).cursor)
        batch = await super().mentions(cursor, known)
        self.place = batch.cursor
        return batch


class EverybodyIsAPerson(PlaygroundSession):
    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        def person(event: Mention) -> Mention:
            author = event.post.author.model_copy(update={"is_bot": False})
            return event.model_copy(update={"post": event.post.model_copy(update={"author": author})})

        batch = await super().mentions(cursor, known)
        return Batch([person(event) for event in batch.events], batch.cursor, more=batch.more)


class WithoutParent(PlaygroundSession):
    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt:
        return await self.publish((draft,), attempt)


class Loud(PlaygroundSession):
    def _answering(self, to: PostRef, draft: Draft) -> dict[str, Any]:
        return super()._answering(to, draft) | {"visibility": Visibility.PUBLIC}


class AnswersNobody(PlaygroundSession):
    """Says that a reply to a post that is gone was never sent, so that it is tried for ever."""

    def _answering(self, to: PostRef, draft: Draft) -> dict[str, Any]:
        try:
            return super()._answering(to, draft)
        except Rejected as exc:
            raise NotSent(str(exc)) from exc


class FlatThread(PlaygroundSession):
    def _body(self, draft: Draft, reply_to: str) -> dict[str, Any]:
        return super()._body(draft, "")


class WithoutMedia(PlaygroundSession):
    def _body(self, draft: Draft, reply_to: str) -> dict[str, Any]:
        return super()._body(draft, reply_to) | {"media": []}


class DatedAtSending(PlaygroundSession):
    """Builds its request anew each time."""

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        body = self._body(drafts[0], "") | {"at": attempt.now.isoformat()}
        answer = await attempt.send("post", Request(method="POST", url=self._url("posts"), json=body))
        ref = PostRef.model_validate(answer.json())
        return Receipt(ref=ref, refs=(ref,))


class StepsAnew(PlaygroundSession):
    """Names its steps by counting."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._count = itertools.count()

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        ref = await self._post(f"post-{next(self._count)}", drafts[0], attempt, lambda: self._body(drafts[0], ""))
        return Receipt(ref=ref, refs=(ref,))


class Nowhere(PlaygroundSession):
    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        await super().publish(drafts, attempt)
        return Receipt(note="published")


class SortsBy(PlaygroundSession):
    """Sorts answers by a rule of its own."""

    error: ClassVar[type[PlatformError]]
    status: ClassVar[int]

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        def sort(answer: Answer) -> None:
            if answer.status == self.status:
                raise self.error(answer.text)
            sort_write(answer)

        body = self._body(drafts[0], "")
        answer = await attempt.send("post", Request(method="POST", url=self._url("posts"), json=body), sort=sort)
        return Receipt(ref=PostRef.model_validate(answer.json()))


class LateIsNever(SortsBy):
    error: ClassVar[type[PlatformError]] = Rejected
    status = 429


class BusyIsNotSent(SortsBy):
    error: ClassVar[type[PlatformError]] = NotSent
    status = 503


class LostIsNotSent(PlaygroundSession):
    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        try:
            return await super().publish(drafts, attempt)
        except OutcomeUnknown as exc:
            raise NotSent(str(exc)) from exc


class ClaimsKeys(PlaygroundSession):
    """Says that the network remembers keys, and it does not."""

    declares: Mapping[type[Session], Declaration] = MappingProxyType(
        {**PlaygroundSession.declares, Publishes: Declaration(idempotency="native_key")}
    )


class Merges(PlaygroundSession):
    """Takes an equal text for the same post."""

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        for kept in self._world.written_by(self._handle, self._world.begun):
            if kept.text == drafts[0].text:
                return Receipt(ref=kept.ref)
        return await super().publish(drafts, attempt)


class OnceOnly(PlaygroundSession):
    """Calls a repost or a like that is already there an error."""

    async def repost(self, post: PostRef, attempt: Attempt) -> Receipt:
        if self._world.reposted(self._handle, post.id):
            raise Rejected("reposted before")
        return await super().repost(post, attempt)

    async def like(self, post: PostRef, attempt: Attempt) -> Receipt:
        if self._world.liked(self._handle, post.id):
            raise Rejected("liked before")
        return await super().like(post, attempt)


class Orphans(PlaygroundSession):
    async def replies(self, cursor: str | None, known: object) -> Batch[ReplyReceived]:
        def orphan(event: ReplyReceived) -> ReplyReceived:
            return event.model_copy(update={"post": event.post.model_copy(update={"reply_to": None})})

        batch = await super().replies(cursor, known)
        return Batch([orphan(event) for event in batch.events], batch.cursor, more=batch.more)


class FollowedAgain(PlaygroundSession):
    """Gives its followers new ids at every look."""

    async def followers(self, cursor: str | None, known: object) -> Batch[Followed]:
        every = (await super().followers(None, known)).events
        at = self._world.now.timestamp()
        events = [event.model_copy(update={"id": f"{event.id}-{at}-{cursor}"}) for event in every]
        return Batch(events, f"{cursor}x")


class NewestIsMine(PlaygroundSession):
    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        (*_, newest) = self._world.written_by(self._handle, self._world.begun)
        return Found(Receipt(ref=newest.ref))


class AnyAlikeIsMine(PlaygroundSession):
    """Compares texts, and asks nobody whose post it is."""

    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        for kept in self._world.written_by(self._handle, self._world.begun):
            if kept.text == action.drafts[0].text:
                return Found(Receipt(ref=kept.ref))
        return Absent("")


class NeverFinds(PlaygroundSession):
    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        return Absent("did not look")


class GoneIsAnError(PlaygroundSession):
    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt:
        if self._world.find(post.id) is None:
            raise Rejected(f"there is no post {post.id!r}")
        return await super().delete(post, attempt)


class Undeclared(PlaygroundSession):
    declares: Mapping[type[Session], Declaration] = MappingProxyType({Publishes: Declaration()})


class Stranger(PlaygroundSession):
    opened = 0

    async def whoami(self) -> Author:
        Stranger.opened += 1
        return (await super().whoami()).model_copy(update={"id": f"session-{Stranger.opened}"})


class OldestFirst(PlaygroundSession):
    async def own_posts(self, since: Any) -> Sequence[Post]:
        return (await super().own_posts(since))[::-1]


class NoMatterWhen(PlaygroundSession):
    async def own_posts(self, since: Any) -> Sequence[Post]:
        return await super().own_posts(since - timedelta(days=365))


class Invents(PlaygroundSession):
    async def posts(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        found = dict(await super().posts(refs))
        return {ref.id: found.get(ref.id, next(iter(found.values()))) for ref in refs}


class Unmeasured(PlaygroundSession):
    async def metrics(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        found = await super().metrics(refs)
        return {id: post.model_copy(update={"metrics": None}) for id, post in found.items()}


PLANTED = [
    (NewestFirst, "test_mentions_come_oldest_first_and_once"),
    (ByTime, "test_mentions_of_one_moment_all_come"),
    (OnePage, "test_more_mentions_than_a_page_all_come_once_and_in_order"),
    (ForgetsOnEmpty, "test_an_empty_look_forgets_nothing"),
    (InMemory, "test_a_new_session_goes_on_where_the_old_one_was"),
    (EverybodyIsAPerson, "test_bots_and_the_account_itself_are_marked"),
    (WithoutParent, "test_a_reply_names_its_parent"),
    (Loud, "test_a_reply_is_never_more_visible_than_its_parent"),
    (AnswersNobody, "test_a_reply_to_what_is_gone_is_rejected"),
    (FlatThread, "test_a_thread_is_one_post_below_the_other"),
    (WithoutMedia, "test_media_is_published_with_its_post"),
    (DatedAtSending, "test_a_repeat_sends_the_same_request"),
    (StepsAnew, "test_a_delivery_that_is_done_sends_nothing_more"),
    (Nowhere, "test_publishing_says_where_the_post_is"),
    (LateIsNever, "test_an_answer_becomes_the_right_error"),
    (BusyIsNotSent, "test_an_answer_becomes_the_right_error"),
    (LostIsNotSent, "test_a_lost_answer_is_doubt"),
    (ClaimsKeys, "test_a_remembered_key_makes_a_repeat_harmless"),
    (Merges, "test_two_equal_intents_a_second_apart_are_two_posts"),
    (OnceOnly, "test_a_repost_is_done_and_may_be_asked_for_again"),
    (OnceOnly, "test_a_like_is_done_and_may_be_asked_for_again"),
    (Orphans, "test_replies_come_oldest_first_and_once"),
    (FollowedAgain, "test_a_new_follower_comes_once"),
    (NewestIsMine, "test_the_newest_post_is_not_taken_for_the_lost_one"),
    (NewestIsMine, "test_a_post_that_never_arrived_is_not_found"),
    (AnyAlikeIsMine, "test_an_equal_post_of_an_earlier_delivery_is_not_taken_for_the_lost_one"),
    (AnyAlikeIsMine, "test_an_equal_post_that_was_there_before_is_not_taken_for_the_lost_one"),
    (AnyAlikeIsMine, "test_an_equal_post_of_another_delivery_is_never_adopted"),
    (NeverFinds, "test_a_post_whose_answer_was_lost_is_found_and_not_sent_again"),
    (GoneIsAnError, "test_a_deleted_post_is_gone_and_gone_counts_as_done"),
    (Undeclared, "test_every_write_is_declared"),
    (Stranger, "test_the_account_is_the_same_whenever_it_is_opened"),
    (OldestFirst, "test_own_posts_come_newest_first_and_no_older_than_asked"),
    (NoMatterWhen, "test_own_posts_come_newest_first_and_no_older_than_asked"),
    (Invents, "test_posts_that_are_gone_are_missing"),
    (Unmeasured, "test_metrics_say_when_they_were_measured"),
]


def asked(name: str, platform: Playground) -> None:
    """Ask one question of the kit, once for each of its parameters."""
    clock, shared = Hands(), dict[str, Any]()
    test = getattr(test_playground_contract.TestPlayground(), name)
    for more in _parameters(test):
        place = shared[platform.place] = World(platform.world, platform.seed, clock.now())
        bench = Bench(
            platform=platform,
            handler=lambda request: Answer(status=404, headers={}),
            clock=clock,
            secrets={"TOKEN": CANARY},
            shared=shared,
        )
        given = {"bench": bench, "world": Place(place, platform.handle, clock), "platform": platform} | more
        test(**{name: given[name] for name in inspect.signature(test).parameters})


def _parameters(test: Any) -> list[dict[str, Any]]:
    for mark in getattr(test, "pytestmark", []):
        names, values = mark.args
        names = [names] if isinstance(names, str) else names
        return [dict(zip(names, value if isinstance(value, tuple) else (value,), strict=True)) for value in values]
    return [{}]


@pytest.mark.parametrize(("broken", "question"), PLANTED, ids=lambda case: getattr(case, "__name__", case))
def test_the_kit_catches(broken: type[PlaygroundSession], question: str) -> None:
    class Broken(Playground):
        session: ClassVar[type[Session]] = broken

    with pytest.raises((AssertionError, Rejected, NotSent)):
        asked(question, Broken(world="quiet"))


class Shouting(Playground):
    kind: ClassVar[str] = "Playground 2"


class Forgetful(Playground):
    """Writes its handle down in another form than it reads."""

    @field_serializer("handle")
    def _shouted(self, handle: str) -> str:
        return f"{handle}-2"


class Unsourced(Playground):
    @property
    def bounds(self) -> Bounds:
        return super().bounds.model_copy(update={"source": ""})


class Unbounded(Playground):
    def objections(self, draft: Draft) -> list[str]:
        return []


class Chatty(Playground):
    """Shows its secret to whoever prints it."""

    def __repr__(self) -> str:
        return f"Chatty({self.token}: {CANARY!r})"


CANARY = "canary-chatty-19be"
SETTINGS = [
    (Shouting, "test_the_kind_is_a_slug"),
    (Forgetful, "test_settings_survive_json"),
    (Unsourced, "test_the_numbers_say_where_they_come_from"),
    (Unbounded, "test_a_text_is_measured_up_to_the_bound"),
    (Unbounded, "test_an_empty_post_is_objected_to"),
    (Chatty, "test_no_secret_is_in_what_is_shown"),
]


@pytest.mark.parametrize(("broken", "question"), SETTINGS)
def test_the_kit_catches_settings(broken: type[Playground], question: str) -> None:
    with pytest.raises(AssertionError):
        asked(question, broken(world="quiet"))


def test_an_overridden_question_is_noticed() -> None:
    class Silent(PlatformContract):
        def test_the_kind_is_a_slug(self, platform: object) -> None:
            """Never mind."""

    with pytest.raises(AssertionError, match=r"overridden without xfail\(reason=…\): test_the_kind_is_a_slug"):
        Silent().test_nothing_was_overridden_in_silence()


def test_an_overridden_question_with_a_reason_is_accepted() -> None:
    class Open(PlatformContract):
        @pytest.mark.xfail(reason="this network has no slugs")
        def test_the_kind_is_a_slug(self, platform: object) -> None:
            """Not yet."""

    Open().test_nothing_was_overridden_in_silence()


def test_every_question_has_been_seen_to_fail() -> None:
    proven = {question for _, question in [*PLANTED, *SETTINGS]} | {question for _, question in pigeon_post.PLANTED}
    questions = {name for name in dir(PlatformContract) if name.startswith("test_")}
    assert questions - proven == {"test_nothing_was_overridden_in_silence"}

"""Every write happens at most once: keys and records are frozen first, and doubt is resolved under the key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from fieldfare import Delete, Draft, Like, Publish, Reply, Repost
from fieldfare.plugin import (
    Absent,
    AuthFailed,
    Card,
    Found,
    Media,
    NotSent,
    OutcomeUnknown,
    Pending,
    PostRef,
    Recall,
    Receipt,
    Rejected,
    Unknowable,
    Visibility,
)
from fieldfare.testing import Trial
from tests.doubles import faults
from tests.doubles.bluesky_desk import PICTURE, PNG, Desk
from tests.doubles.bluesky_world import LIKE, POST, REPOST
from tests.doubles.wire import as_json

HELLO = Publish(draft=Draft(text="Hello"))
THREAD = Publish(draft=Draft(text="one"), thread=(Draft(text="two"), Draft(text="three")))
LOST = [faults.drop, faults.reset, faults.hang]


def receipt(outcome: Receipt | Pending | Recall) -> Receipt:
    assert isinstance(outcome, Receipt), outcome
    return outcome


def perform(desk: Desk, action: Any, trial: Trial | None = None) -> Receipt:
    return receipt(desk.run(action.perform(desk.session, trial or desk.trial())))


def mention(desk: Desk, text: str = "@brand.test hello") -> PostRef:
    return desk.ref(desk.net.world.say(desk.fan, text, names=(desk.brand,)))


# Publishing


def test_a_post_is_put_under_a_key_of_ours_where_nothing_stands_yet() -> None:
    desk = Desk()
    done = perform(desk, HELLO)
    [put] = [one.request.json() for one in desk.net.exchanges if one.request.path.endswith("putRecord")]
    assert put["swapRecord"] is None
    assert done.ref is not None
    assert done.ref.id == f"at://{desk.brand.did}/{POST}/{put['rkey']}"
    assert done.ref.version == desk.net.world.find(done.ref.id)[1]
    assert done.ref.url == f"https://bsky.app/profile/{desk.brand.did}/post/{put['rkey']}"


def test_handles_in_a_text_are_resolved_and_unknown_ones_stay_text() -> None:
    desk = Desk()
    perform(desk, Publish(draft=Draft(text="Grüße @fan.test und @nobody.test")))
    [post] = desk.brand.posts()
    assert [facet["features"][0]["did"] for facet in post["facets"]] == [desk.fan.did]


def test_a_name_service_that_does_not_answer_delays_the_post_and_sends_nothing() -> None:
    desk = Desk()
    desk.net.script(faults.broken(502, performed=False), "GET", "*resolveHandle")
    with pytest.raises(NotSent):
        perform(desk, Publish(draft=Draft(text="@fan.test")))
    assert desk.brand.posts() == []


def test_a_thread_is_one_write_and_each_part_answers_the_one_before() -> None:
    desk = Desk()
    done = perform(desk, THREAD)
    first, second, third = (desk.net.world.find(ref.id) for ref in done.refs)
    assert [part[0]["text"] for part in (first, second, third)] == ["one", "two", "three"]
    root = {"uri": done.refs[0].id, "cid": first[1]}
    assert second[0]["reply"] == {"root": root, "parent": root}
    assert third[0]["reply"] == {"root": root, "parent": {"uri": done.refs[1].id, "cid": second[1]}}
    assert desk.calls("applyWrites") == 1
    assert {ref.thread for ref in done.refs} == {done.refs[0].id}


def test_pictures_are_uploaded_first_and_carry_their_alt_text_and_size() -> None:
    desk = Desk()
    perform(desk, Publish(draft=Draft(text="look", media=(PICTURE,))))
    [image] = desk.brand.posts()[0]["embed"]["images"]
    assert image["alt"] == "a dot"
    assert image["aspectRatio"] == {"width": 1, "height": 1}
    assert image["image"]["size"] == len(PNG)
    assert image["image"]["mimeType"] == "image/png"


def test_a_file_that_is_no_picture_never_leaves() -> None:
    desk = Desk()
    text = b"I am a text"
    media = Media(source="cat.png", alt="a cat", sha256=hashlib.sha256(text).hexdigest(), mime="image/png")
    with pytest.raises(Rejected, match="no picture"):
        perform(desk, Publish(draft=Draft(media=(media,))), desk.trial(media={media.sha256: text}))
    assert desk.calls("uploadBlob") == 0


def test_what_is_not_for_everybody_never_leaves() -> None:
    desk = Desk()
    with pytest.raises(Rejected, match="everything on bluesky is public"):
        perform(desk, Publish(draft=Draft(text="psst", visibility=Visibility.FOLLOWERS)))
    assert desk.brand.posts() == []


def test_a_card_is_made_of_the_draft_alone() -> None:
    desk = Desk()
    perform(desk, Publish(draft=Draft(text="News", card=Card(url="https://brand.example/n", title="The news"))))
    assert desk.brand.posts()[0]["embed"]["external"]["title"] == "The news"
    assert not any("brand.example" in request.url for request in desk.asked)


# Doubt


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("action", [HELLO, THREAD], ids=["post", "thread"])
def test_a_lost_answer_is_resolved_by_looking_and_the_post_stands_once(
    action: Publish, performed: bool, fault: Callable[..., faults.Fault]
) -> None:
    desk, write = Desk(), "*applyWrites" if action is THREAD else "*putRecord"
    desk.net.script(fault(performed=performed), "POST", write)
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, action, trial)
    said = desk.run(trial.resolve(action))
    assert isinstance(said, Found) is performed
    done = perform(desk, action, trial.again()) if isinstance(said, Absent) else said.receipt  # type: ignore[union-attr]
    assert done is not None
    assert [desk.net.world.find(ref.id)[1] for ref in done.refs] == [ref.version for ref in done.refs]
    assert len(desk.brand.posts()) == len(action.drafts)


@pytest.mark.parametrize("performed", [True, False])
def test_a_repeat_under_the_same_key_changes_nothing(performed: bool) -> None:
    desk = Desk()
    asked = mention(desk)
    desk.net.script(faults.drop(performed=performed), "POST", "*putRecord")
    trial = desk.trial()
    action = Reply(to=asked, text="Hi")
    with pytest.raises(OutcomeUnknown):
        perform(desk, action, trial)
    trial.repeat()
    done = perform(desk, action, trial.again())
    assert desk.net.world.replies(asked.id) == [done.ref and done.ref.id]


def test_what_was_frozen_is_sent_however_much_later_it_is_repeated() -> None:
    desk = Desk()
    desk.net.script(faults.drop(performed=False), "POST", "*putRecord")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, HELLO, trial)
    desk.net.clock.advance(3600)
    trial.repeat()
    perform(desk, HELLO, trial.again())
    first, second = (one.request.json() for one in desk.net.exchanges if one.request.path.endswith("putRecord"))
    assert first == second


@pytest.mark.parametrize("name", ["like", "repost", "delete"])
@pytest.mark.parametrize("performed", [True, False])
def test_doubt_about_a_small_deed_is_resolved_by_looking(name: str, performed: bool) -> None:
    desk = Desk()
    subject = mention(desk) if name != "delete" else desk.ref(desk.net.world.say(desk.brand, "mine"))
    action: Any = {"like": Like, "repost": Repost, "delete": Delete}[name](post=subject)
    desk.net.script(faults.drop(performed=performed), "POST", "*Record")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, action, trial)
    said = desk.run(trial.resolve(action))
    assert isinstance(said, Found) is performed


def test_doubt_about_an_upload_is_no_doubt_about_the_post() -> None:
    desk = Desk()
    desk.net.script(faults.drop(performed=True), "POST", "*uploadBlob")
    action = Publish(draft=Draft(text="look", media=(PICTURE,)))
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, action, trial)
    assert isinstance(desk.run(trial.resolve(action)), Absent)
    perform(desk, action, trial.again())
    assert len(desk.brand.posts()) == 1


def test_a_thread_of_which_a_part_was_removed_since_is_still_found() -> None:
    desk = Desk()
    desk.net.script(faults.drop(performed=True), "POST", "*applyWrites")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, THREAD, trial)
    first = next(e.id for e in desk.net.done("create"))
    desk.net.world.remove(first)
    said = desk.run(trial.resolve(THREAD))
    assert isinstance(said, Found)
    assert said.receipt is not None
    assert len(said.receipt.refs) == 2
    assert said.receipt.note == "1 of 3 posts are gone"


def test_a_post_that_another_delivery_holds_is_not_taken_for_ours() -> None:
    desk = Desk()
    desk.net.script(faults.drop(performed=True), "POST", "*putRecord")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, HELLO, trial)
    trial.taken_ids = frozenset({desk.net.done("create")[0].id})
    assert isinstance(desk.run(trial.resolve(HELLO)), Unknowable)


def test_a_record_under_our_key_that_answers_another_post_is_for_a_person_to_see() -> None:
    desk = Desk()
    asked, other = mention(desk), mention(desk, "@brand.test hello?")
    action = Reply(to=asked, text="Hi")
    desk.net.script(faults.drop(performed=True), "POST", "*putRecord")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, action, trial)
    [reply] = desk.brand.posts()
    reply["reply"]["parent"]["uri"] = other.id
    assert isinstance(desk.run(trial.resolve(action)), Unknowable)


def test_a_key_that_another_record_has_taken_is_refused_and_left_alone() -> None:
    desk = Desk()
    asked, other = mention(desk), mention(desk, "@brand.test hello?")
    done = perform(desk, Reply(to=asked, text="Hi"))
    assert done.ref is not None
    [reply] = desk.brand.posts()
    reply["reply"]["parent"]["uri"] = other.id
    with pytest.raises(Rejected, match="another record stands under our key"):
        perform(desk, Reply(to=asked, text="Hi again"))
    assert desk.brand.posts() == [reply]


def test_a_recall_that_cannot_look_says_so_and_not_that_nothing_is_there() -> None:
    desk = Desk()
    desk.net.script(faults.drop(performed=True), "POST", "*putRecord")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        perform(desk, HELLO, trial)
    desk.net.script(faults.broken(503, performed=False), "GET", "*getRecord", count=3)
    with pytest.raises(NotSent):
        desk.run(trial.resolve(HELLO))


# Replies


def test_a_reply_hangs_on_its_parent_and_on_the_root_of_the_conversation() -> None:
    desk = Desk()
    root = desk.net.world.say(desk.fan, "root")
    parent = desk.net.world.say(desk.fan, "parent", to=root, names=(desk.brand,))
    done = perform(desk, Reply(to=desk.ref(parent), text="Hi"))
    [post] = desk.brand.posts()
    assert post["reply"]["parent"] == {"uri": parent, "cid": desk.net.world.find(parent)[1]}
    assert post["reply"]["root"]["uri"] == root
    assert done.ref is not None
    assert done.ref.conversation == root


def test_a_restored_store_meets_its_own_reply() -> None:
    desk = Desk()
    asked = mention(desk)
    first = perform(desk, Reply(to=asked, text="Hi"))
    desk.net.clock.advance(60)
    second = perform(desk, Reply(to=asked, text="Hi, again"))
    assert first.ref is not None
    assert second.ref is not None
    assert first.ref.same(second.ref)
    assert [post["text"] for post in desk.brand.posts()] == ["Hi"]


def test_two_automations_may_answer_the_same_post() -> None:
    desk = Desk()
    asked = mention(desk)
    perform(desk, Reply(to=asked, text="Hi"), desk.trial("one"))
    perform(desk, Reply(to=asked, text="Welcome"), desk.trial("two"))
    assert len(desk.net.world.replies(asked.id)) == 2


@pytest.mark.parametrize("why", ["gone", "blocked", "gated"])
def test_a_post_that_takes_no_reply_gets_none(why: str) -> None:
    desk = Desk()
    asked = mention(desk)
    if why == "gone":
        desk.net.world.remove(asked.id)
    else:
        (desk.net.world.hidden if why == "blocked" else desk.net.world.gated).add(asked.id)
    with pytest.raises(Rejected, match="takes no reply" if why == "gated" else "gone"):
        perform(desk, Reply(to=asked, text="Hi"))
    assert desk.brand.posts() == []


def test_our_own_post_can_be_answered_before_the_network_shows_it() -> None:
    desk = Desk()
    mine = perform(desk, HELLO).ref
    assert mine is not None
    desk.net.world.hidden.add(mine.id)
    perform(desk, Reply(to=mine, text="and more"), desk.trial("two"))
    assert len(desk.net.world.replies(mine.id)) == 1


@pytest.mark.parametrize("id", ["", "123", "at://did:plc:x", "https://bsky.app/profile/x/post/y", "at://a/b/c/d"])
def test_what_is_no_post_of_this_network_is_refused_by_name(id: str) -> None:
    desk = Desk()
    with pytest.raises(Rejected, match="is not the address of a post on bluesky"):
        perform(desk, Reply(to=PostRef(platform="bluesky", id=id), text="Hi"))
    with pytest.raises(Rejected):
        perform(desk, Like(post=PostRef(platform="elsewhere", id="at://a/b/c")))


# Likes, reposts, deletions


@pytest.mark.parametrize(("action", "kind"), [(Like, LIKE), (Repost, REPOST)])
def test_a_mark_has_one_key_per_subject(action: Any, kind: str) -> None:
    desk = Desk()
    subject = mention(desk)
    done = perform(desk, action(post=subject))
    assert done.ref is not None
    assert done.ref.id.split("/")[3] == kind
    assert desk.net.world.count(subject.id, kind) == 1
    desk.net.world.remove(done.ref.id)
    again = perform(desk, action(post=subject), desk.trial("two"))
    assert again.ref is not None
    assert again.ref.id == done.ref.id


@pytest.mark.parametrize(("action", "kind"), [(Like, LIKE), (Repost, REPOST)])
def test_what_a_person_has_marked_already_is_not_marked_twice(action: Any, kind: str) -> None:
    desk = Desk()
    subject = mention(desk)
    by_hand = (desk.net.world.like if kind == LIKE else desk.net.world.repost)(desk.brand, subject.id)
    done = perform(desk, action(post=subject))
    assert done.ref is not None
    assert done.ref.id == by_hand
    assert desk.net.world.count(subject.id, kind) == 1


def test_a_mark_that_stands_under_its_key_already_is_done() -> None:
    desk = Desk()
    subject = mention(desk)
    perform(desk, Repost(post=subject))
    desk.net.clock.advance(60)
    desk.net.world.mark_of = lambda *_: None  # type: ignore[method-assign]
    done = perform(desk, Repost(post=subject), desk.trial("two"))
    assert done.note == "it stood there already"
    assert desk.net.world.count(subject.id, REPOST) == 1


def test_deleting_twice_is_deleting_once() -> None:
    desk = Desk()
    mine = desk.ref(desk.net.world.say(desk.brand, "mine"))
    perform(desk, Delete(post=mine))
    perform(desk, Delete(post=mine), desk.trial("two"))
    assert desk.brand.posts() == []


def test_a_post_of_somebody_else_is_not_deleted() -> None:
    desk = Desk()
    with pytest.raises(Rejected, match="not a post of this account"):
        perform(desk, Delete(post=mention(desk)))
    assert desk.calls("deleteRecord") == 0


# What answers mean


@pytest.mark.parametrize(
    ("status", "error", "means"),
    [
        (400, "InvalidRequest", Rejected),
        (400, "BlobNotFound", Rejected),
        (413, "PayloadTooLarge", Rejected),
        (501, "MethodNotImplemented", Rejected),
        (401, "AccountTakedown", AuthFailed),
        (401, "AccountDeactivated", AuthFailed),
        (403, "AccountNotFound", AuthFailed),
        (401, "AuthenticationRequired", AuthFailed),
        (500, "InternalServerError", OutcomeUnknown),
        (502, "UpstreamFailure", OutcomeUnknown),
        (408, "RequestTimeout", OutcomeUnknown),
    ],
)
def test_an_error_means_what_its_name_and_status_say(status: int, error: str, means: type[Exception]) -> None:
    desk = Desk()
    body = {"error": error, "message": "a message that says Token has expired"}
    desk.net.script(faults.answer(as_json(body, status), performed=False), "POST", "*putRecord")
    with pytest.raises(means):
        perform(desk, HELLO)


@pytest.mark.parametrize("form", ["retry-after", "ratelimit-reset-epoch", "ratelimit-reset"])
def test_too_many_calls_are_not_sent_and_wait_as_long_as_the_network_says(form: str) -> None:
    desk = Desk()
    desk.net.script(faults.limited(form, 289), "POST", "*putRecord")
    with pytest.raises(NotSent) as caught:
        perform(desk, HELLO)
    assert caught.value.retry_after == pytest.approx(289, abs=1)


@pytest.mark.parametrize("action", [HELLO, THREAD], ids=["post", "thread"])
@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_a_page_for_people_proves_nothing_about_a_write(status: int, action: Publish) -> None:
    desk = Desk()
    trial = desk.trial()
    desk.net.script(faults.html(performed=True, status=status), "POST", "*Record")
    desk.net.script(faults.html(performed=True, status=status), "POST", "*applyWrites")
    with pytest.raises(OutcomeUnknown):
        perform(desk, action, trial)
    assert isinstance(desk.run(trial.resolve(action)), Found)


def test_an_empty_answer_proves_nothing_about_a_write() -> None:
    desk = Desk()
    desk.net.script(faults.answer(as_json({}), performed=True), "POST", "*putRecord")
    with pytest.raises(OutcomeUnknown):
        perform(desk, HELLO)


@pytest.mark.parametrize("fault", [faults.broken(503, performed=False), faults.answer(as_json({}), performed=False)])
def test_an_upload_that_gave_no_blob_is_not_sent(fault: faults.Fault) -> None:
    desk = Desk()
    desk.net.script(fault, "POST", "*uploadBlob")
    with pytest.raises(NotSent):
        perform(desk, Publish(draft=Draft(text="look", media=(PICTURE,))))

"""What AutoReply answers, whom it leaves alone, and what it refuses to be."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fieldfare import Account, Automation, Delivery, Reply, Skip, Visibility, on
from fieldfare.plugin import Context, PostEvent, State
from fieldfare.testing import Playground, author, mention, post, reply, simulate
from fieldfare_replies import AutoReply
from fieldfare_replies.plugin import fieldfare_rules

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
brand = Account("brand", Playground())
THANKS = AutoReply(template="Thank you, $handle!")


def context(*past: Delivery, account: Account | None = brand) -> Context:
    return Context(now=NOON, account=account, automation="thanks", past=lambda: past)


def decided(rule: AutoReply, event: PostEvent, *past: Delivery) -> str:
    """The text of the reply, or the reason why there is none."""
    outcome = rule.decide(event, context(*past))
    return outcome.reason if isinstance(outcome, Skip) else outcome.text


def answered(event: PostEvent, state: State = State.DELIVERED, kind: str = "reply") -> Delivery:
    """An earlier delivery in the conversation of the event."""
    action = Reply(to=event.post.ref, text="hello").model_dump(mode="json")
    return Delivery(
        id=1,
        key="thanks/1/0",
        automation="thanks",
        account="brand",
        kind=kind,
        action=action,
        digest="",
        state=state,
        reason="",
        attempts=1,
        created_at=NOON,
        not_before=None,
        expires_at=None,
        receipt=None,
        lineage=1,
        event=1,
        updated_at=NOON,
    )


def test_the_answer_goes_to_the_post_and_says_what_the_template_says() -> None:
    event = mention(by="ada")
    outcome = THANKS.decide(event, context())
    assert outcome == Reply(to=event.post.ref, text="Thank you, ada!")


def test_every_field_is_filled_in() -> None:
    rule = AutoReply(template="$handle, ${name}, $text, $language, $$5")
    assert decided(rule, mention("open on Sunday?", by="ada")) == "ada, Ada, open on Sunday?, en, $5"


def test_an_author_without_a_name_is_called_by_the_handle() -> None:
    nameless = author("ada").model_copy(update={"name": ""})
    assert decided(AutoReply(template="$name"), mention(by=nameless)) == "ada"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Thank you, $user!", "the template has no field $user; there are $handle, $name, $text, $language"),
        ("Thank you, $handel!", "the template has no field $handel; did you mean ${handle}?"),
        ("Thank you, $HANDLE!", "did you mean ${handle}?"),
        ("$handles", "the template has no field $handles; did you mean ${handle}?"),
        ("It costs $5", "has a $ without a field; write $$ for a dollar sign"),
        ("Thank you, $", "has a $ without a field"),
        ("  ", "the template is empty"),
    ],
)
def test_a_template_that_would_fail_is_refused_when_written(template: str, said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        AutoReply(template=template)


def test_what_the_author_wrote_is_never_a_template() -> None:
    assert decided(AutoReply(template="You said: $text"), mention("$handle {0} %s $$")) == "You said: $handle {0} %s $$"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ask @rival about #deals", "ask rival about deals"),
        ("@@rival ##deals ＠rival", "rival deals rival"),
        ("look https://evil.example/x and www.evil.example", "look … and …"),
        ("two\n\nlines", "two lines"),
        ("mail ada@mail.example, 3 @ 5", "mail ada@mail.example, 3 @ 5"),
    ],
)
def test_what_the_author_wrote_names_nobody_and_links_and_tags_nothing(written: str, kept: str) -> None:
    assert decided(AutoReply(template="$text"), mention(written)) == kept
    named = author("ada").model_copy(update={"name": written})
    assert decided(AutoReply(template="$name"), mention(by=named)) == kept


@given(st.text(st.sampled_from("@#＠＃ab_ \n.:/w"), max_size=30))
def test_no_text_comes_out_with_a_sign_that_works(written: str) -> None:
    said = decided(AutoReply(template="$text"), mention(written or "x"))
    assert re.search(r"(?<!\w)[@#＠＃]\w|https?://\w", said) is None


def test_a_long_text_is_shortened_until_the_answer_fits() -> None:
    rule = AutoReply(template="You said: $text. Thank you!")
    said = decided(rule, mention("word " * 200))
    assert len(said) <= brand.platform.bounds.text
    assert said.startswith("You said: word word")
    assert said.endswith("word…. Thank you!")


@given(st.text(max_size=700), st.integers(0, 290))
def test_an_answer_that_quotes_fits_whatever_it_quotes(written: str, more: int) -> None:
    said = decided(AutoReply(template=f"$text {'x' * more}"), mention(written or "x"))
    assert brand.platform.measure(said) <= brand.platform.bounds.text


def test_an_answer_that_cannot_fit_is_not_sent() -> None:
    rule = AutoReply(template="x" * 301)
    result = asyncio.run(simulate(Automation(name="thanks", trigger=on.mention(brand), decide=rule), [mention()]))
    assert result.actions == []
    assert "the text is 301 long" in result.reasons[0]


def test_bots_are_left_alone_unless_they_are_wanted() -> None:
    event = mention(by=author("clockwork", bot=True))
    assert decided(THANKS, event) == "the author is a bot"
    assert decided(THANKS.model_copy(update={"answer_bots": True}), event) == "Thank you, clockwork!"


def test_the_account_does_not_answer_itself() -> None:
    assert decided(THANKS, mention(by=author("brand", us=True))) == "it is a post of the account itself"


@pytest.mark.parametrize("written", ["troll@spam.example", "@Troll@spam.example", "*@spam.example", "troll*"])
def test_a_handle_on_the_ignore_list_gets_no_answer(written: str) -> None:
    rule = AutoReply(template="hello", ignore_handles=(written,))
    assert decided(rule, mention(by=author("Troll@spam.example"))) == "'Troll@spam.example' is on the ignore list"
    assert decided(rule, mention(by="ada")) == "hello"


@pytest.mark.parametrize("where", ["a SLUR here", "unslurred"])
def test_a_word_on_the_ignore_list_gets_no_answer(where: str) -> None:
    rule = AutoReply(template="hello", ignore_words=("Slur",))
    assert decided(rule, mention(where)) == "'slur' is on the ignore list"


def test_a_word_in_the_name_of_the_author_gets_no_answer() -> None:
    rule = AutoReply(template="hello", ignore_words=("slur",))
    assert (
        decided(rule, mention(by=author("ada").model_copy(update={"name": "Slur"}))) == "'slur' is on the ignore list"
    )
    nameless = author("slurry").model_copy(update={"name": ""})
    assert decided(rule, mention(by=nameless)) == "'slur' is on the ignore list"


@pytest.mark.parametrize(
    ("spoken", "wanted"), [("en", False), ("en-GB", False), ("eng", True), ("de", True), (None, True)]
)
def test_a_language_on_the_ignore_list_gets_no_answer(spoken: str | None, wanted: bool) -> None:
    said = decided(AutoReply(template="hello", ignore_languages=("EN",)), mention(language=spoken))
    assert said == ("hello" if wanted else f"posts in {spoken!r} are left alone")


def test_a_post_without_a_language_gets_no_answer_that_names_it() -> None:
    said = decided(AutoReply(template="We do not speak $language."), mention(language=None))
    assert said == "the post does not say its language, and the template needs it"


def test_a_post_that_takes_no_replies_gets_none() -> None:
    event = mention()
    locked = event.model_copy(update={"post": event.post.model_copy(update={"replies_allowed": False})})
    assert decided(THANKS, locked) == "the post takes no replies"


@pytest.mark.parametrize("state", [State.HELD, State.DUE, State.SENDING, State.UNCERTAIN, State.DELIVERED])
def test_a_conversation_that_was_answered_or_will_be_gets_no_second_answer(state: State) -> None:
    start = post("hello @brand")
    first = mention(id="m1").model_copy(update={"post": start})
    later = mention("and another thing @brand", to=start)
    assert decided(THANKS, later, answered(first, state)) == "this conversation was answered before"
    both = THANKS.model_copy(update={"once_per_conversation": False})
    assert decided(both, later, answered(first, state)) == "Thank you, ada!"


@pytest.mark.parametrize("state", [State.REFUSED, State.CANCELLED, State.EXPIRED, State.FAILED])
def test_an_answer_that_never_came_about_does_not_count(state: State) -> None:
    event = mention()
    assert decided(THANKS, event, answered(event, state)) == "Thank you, ada!"


def test_other_conversations_and_other_actions_do_not_count() -> None:
    event = mention()
    assert decided(THANKS, event, answered(mention("elsewhere"))) == "Thank you, ada!"
    assert decided(THANKS, event, answered(event, kind="like")) == "Thank you, ada!"


def test_it_takes_mentions_and_replies_and_follows_what_it_answers() -> None:
    automations: Sequence[Automation[Any]] = (
        Automation(name="named", trigger=on.mention(brand), decide=THANKS),
        Automation(name="answered", trigger=on.reply(brand), decide=THANKS),
    )
    quiet = reply(by="ben", visibility=Visibility.FOLLOWERS, warning="berries", language="de")
    result = asyncio.run(simulate(automations, [mention(by="ada"), quiet]))
    assert [a.text for a in result.actions if isinstance(a, Reply)] == ["Thank you, ada!", "Thank you, ben!"]
    last = result.actions[-1].drafts[0]
    assert (last.visibility, last.warning, last.language) == (Visibility.FOLLOWERS, "berries", "de")


def test_it_decides_without_an_account() -> None:
    outcome = AutoReply(template="$text").decide(mention(), context(account=None))
    assert isinstance(outcome, Reply)


def test_settings_survive_being_stored() -> None:
    rule = AutoReply(template="$handle", ignore_handles=("@B", "a"), ignore_words=("x",), answer_bots=True)
    assert AutoReply.model_validate_json(rule.model_dump_json()) == rule
    assert rule.ignore_handles == ("a", "b")


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="ignore_handle"):
        AutoReply.model_validate({"template": "hello", "ignore_handle": ["a"]})


def test_a_single_word_in_place_of_several_is_refused() -> None:
    with pytest.raises(ValidationError, match="ignore_words"):
        AutoReply.model_validate({"template": "hello", "ignore_words": "slur"})


def test_the_plugin_hands_over_the_rule() -> None:
    assert list(fieldfare_rules()) == [AutoReply]


def test_the_example_in_the_readme_does_what_the_readme_says() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    result = asyncio.run(simulate(names["thanks"], [mention("are you open on Sunday?", by="ada"), mention(by="bo")]))
    assert [a.text for a in result.actions if isinstance(a, Reply)] == [
        "Thank you for asking, Ada! We open Monday to Saturday, 9 to 17.",
    ]

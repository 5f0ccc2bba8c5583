"""What CrossPost carries over, how, and what stays where it is."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldfare import Account, Automation, Publish, Skip, Visibility, on
from fieldfare.plugin import Bounds, Context, Draft, PostPublished
from fieldfare.testing import Playground, post, published, simulate
from fieldfare_publishing import CrossPost
from fieldfare_publishing.plugin import fieldfare_rules

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
URL = "https://social.example/@brand/1"


class Board(Playground):
    """Another network, which allows `longest` characters and counts every address as eleven."""

    kind: ClassVar[str] = "board"
    longest: int = 60

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=self.longest)

    def measure(self, text: str) -> int:
        return super().measure(re.sub(r"https?://\S+", "x" * 11, text))


brand = Account("brand", Playground())
board = Account("board", Board())


def appeared(text: str = "good morning", *, url: str = URL, lineage: int = 0, **more: Any) -> PostPublished:
    """A post on the account `brand`; `more` is what a post has."""
    event = published(text, at=NOON)
    ref = event.post.ref.model_copy(update={"url": url})
    made = event.post.model_copy(update={"ref": ref, **more})
    return event.model_copy(update={"account": "brand", "lineage": lineage, "post": made})


def decided(event: PostPublished, account: Account | None = board) -> Draft | str:
    """The draft that would be published, or the reason why there is none."""
    outcome = CrossPost().decide(event, Context(now=NOON, account=account, automation="carry"))
    return outcome.reason if isinstance(outcome, Skip) else outcome.draft


def text(event: PostPublished, account: Account | None = board) -> str:
    draft = decided(event, account)
    assert isinstance(draft, Draft), draft
    return draft.text


def test_what_fits_is_carried_over_as_it_is() -> None:
    assert decided(appeared()) == Draft(text="good morning", language="en")


def test_language_and_content_warning_are_carried_over() -> None:
    draft = decided(appeared(language="de", warning="berries"))
    assert draft == Draft(text="good morning", language="de", warning="berries")


def test_what_is_too_long_is_shortened_and_says_where_the_rest_is() -> None:
    said = text(appeared("one two three four five six seven eight nine ten eleven twelve"))
    assert said == f"one two three four five six seven eight nine…\n\n{URL}"
    assert board.platform.measure(said) <= 60


def test_what_is_exactly_as_long_as_allowed_is_not_shortened() -> None:
    assert text(appeared("x" * 60)) == "x" * 60


def test_where_the_original_has_no_address_the_text_is_shortened_all_the_same() -> None:
    said = text(appeared("word " * 20, url=""))
    assert said == "word word word word word word word word word word word word…"


@given(
    st.lists(
        st.sampled_from(["word", "👩‍👩‍👧‍👦", "é", "https://e.example/a/long/path", "@ada", "\n", "日本語"]), min_size=1
    ).map(" ".join),
    st.integers(0, 90),
    st.integers(0, 2),
)
def test_whatever_is_carried_over_fits(written: str, longest: int, pictures: int) -> None:
    account = Account("board", Board(longest=longest))
    draft = decided(appeared(written, media_count=pictures), account)
    if isinstance(draft, Draft):
        assert 0 < account.platform.measure(draft.text) <= longest
        assert draft.text.endswith(URL) or pictures == 0


def test_pictures_stay_behind_and_a_link_leads_to_them() -> None:
    assert text(appeared("look at this", media_count=2)) == f"look at this\n\n{URL}"


def test_a_post_of_pictures_alone_is_not_carried_over() -> None:
    assert decided(appeared("  ", media_count=1)) == "it has no text, and pictures are not carried over"


def test_where_nothing_fits_beside_the_link_nothing_is_carried_over() -> None:
    assert decided(appeared("word " * 20), Account("board", Board(longest=13))) == (
        "nothing of it fits beside its link on board"
    )


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("thanks @ada and @ben@social.example!", "thanks ada and ben@social.example!"),
        ("@ada hello", "ada hello"),
        ("mail us: hello@brand.example", "mail us: hello@brand.example"),
        ("see https://e.example/@ada", "see https://e.example/@ada"),
        ("berries @ 3 a pound #market", "berries @ 3 a pound #market"),
    ],
)
def test_nobody_is_named_because_the_name_is_somebody_else_over_there(written: str, carried: str) -> None:
    assert text(appeared(written)) == carried


def test_an_address_behind_the_words_is_written_out() -> None:
    event = appeared("read our blog", links=("https://blog.example/1",))
    assert text(event) == "read our blog\n\nhttps://blog.example/1"


@pytest.mark.parametrize("written", ["see https://blog.example/1/", "see blog.example/1"])
def test_an_address_that_can_be_read_is_not_written_again(written: str) -> None:
    assert text(appeared(written, links=("https://blog.example/1/",))) == written


@pytest.mark.parametrize(
    ("visibility", "kept"), [(Visibility.PUBLIC, None), (Visibility.UNLISTED, Visibility.UNLISTED)]
)
def test_what_everybody_may_see_is_as_visible_as_there(visibility: Visibility, kept: Visibility | None) -> None:
    draft = decided(appeared(visibility=visibility))
    assert isinstance(draft, Draft)
    assert draft.visibility == kept


@pytest.mark.parametrize("visibility", [Visibility.FOLLOWERS, Visibility.DIRECT])
def test_what_not_everybody_may_see_stays(visibility: Visibility) -> None:
    assert decided(appeared(visibility=visibility)) == f"it is for {visibility} eyes only"


@pytest.mark.parametrize("lineage", [1, 2])
def test_what_fieldfare_published_stays_or_two_accounts_would_go_on_for_ever(lineage: int) -> None:
    assert decided(appeared(lineage=lineage)) == (
        "Fieldfare published it; what one automation publishes another does not carry on"
    )


def test_replies_and_reposts_stay() -> None:
    assert (
        decided(appeared(reply_to=post().ref)) == "it is a reply; only posts that begin a conversation are carried over"
    )
    assert decided(appeared(repost_of=post().ref)) == "it is a repost"


@pytest.mark.parametrize("account", [brand, None])
def test_an_account_does_not_repeat_itself(account: Account | None) -> None:
    said = decided(appeared(), account)
    assert isinstance(said, str)
    assert said.startswith("there is nowhere to carry it: give the automation account=…")


def test_an_automation_carries_a_post_over_once() -> None:
    carry = Automation(name="carry", trigger=on.published(brand), decide=CrossPost(), account=board)
    result = asyncio.run(simulate(carry, [appeared(), appeared()]))
    assert result.actions == [Publish(draft=Draft(text="good morning", language="en"))]


def test_settings_survive_being_stored() -> None:
    assert CrossPost.model_validate_json(CrossPost().model_dump_json()) == CrossPost()


def test_the_plugin_hands_over_its_rules() -> None:
    assert [rule.kind for rule in fieldfare_rules()] == ["cross-post", "publish-from-queue"]


def test_the_example_in_the_readme_does_what_the_readme_says() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    there_and_back = [names["to_press"], names["to_brand"]]
    result = asyncio.run(simulate(there_and_back, [appeared("hello from brand"), appeared(lineage=1)]))
    assert [action.drafts[0].text for action in result.actions] == ["hello from brand"]

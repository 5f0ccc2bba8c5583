"""Answer from a template."""

from __future__ import annotations

from fnmatch import fnmatchcase
from string import Template
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from fieldfare import Reply
from fieldfare.plugin import Account, Context, Post, PostEvent, PostRef, Rule, Skip, State, skip

from ._template import checked, fields_of, quoted

FIELDS = ("handle", "name", "text", "language")


def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({word.strip().lstrip("@").casefold() for word in words} - {""}))


Words = Annotated[tuple[str, ...], AfterValidator(_plain)]


class AutoReply(Rule[PostEvent]):
    """Answer a post from a template, for `on.mention` and `on.reply`.

    What the author wrote comes into the answer as words only: it names nobody, and links and tags nothing. An answer
    that would still be too long for the network is not sent.
    """

    kind: ClassVar[str] = "auto-reply"

    template: Annotated[str, AfterValidator(lambda template: checked(template, FIELDS))]
    """What the answer says. `$handle` and `$name` are the author's, `$text` and `$language` the post's; `$$` is a
    dollar sign. A long `$text` is shortened until the answer fits."""
    ignore_handles: Words = ()
    """Authors who get no answer; `*` stands for anything, as in `*@spam.example`."""
    ignore_words: Words = ()
    """Words that get no answer, in the text or in the author's names, whatever their case and wherever they stand."""
    ignore_languages: Words = ()
    """Languages that get no answer; `en` also means `en-GB`."""
    answer_bots: bool = False
    """Whether authors who say that they are bots get an answer."""
    once_per_conversation: bool = True
    """Whether a conversation that this automation answered gets no second answer, as far back as its last hundred
    deliveries. (Within a day the automation's caps see to it, however many there were.)"""

    def decide(self, event: PostEvent, ctx: Context) -> Reply | Skip:
        post = event.post
        reason = self._ignored(post)
        if reason is not None:
            return skip(reason)
        if self.once_per_conversation and _answered(post.ref, ctx):
            return skip("this conversation was answered before")
        return Reply(to=post.ref, text=self._answer(post, ctx.account))

    def _ignored(self, post: Post) -> str | None:
        author = post.author
        if author.is_self:
            return "it is a post of the account itself"
        if author.is_bot and not self.answer_bots:
            return "the author is a bot"
        handle = author.handle.lstrip("@").casefold()
        if any(fnmatchcase(handle, pattern) for pattern in self.ignore_handles):
            return f"{author.handle!r} is on the ignore list"
        spoken = (post.language or "").casefold()
        if any(spoken == code or spoken.startswith(f"{code}-") for code in self.ignore_languages):
            return f"posts in {post.language!r} are left alone"
        said = f"{post.text}\n{author.name}\n{handle}".casefold()
        for word in self.ignore_words:
            if word in said:
                return f"{word!r} is on the ignore list"
        if not post.replies_allowed:
            return "the post takes no replies"
        if not post.language and "language" in fields_of(self.template):
            return "the post does not say its language, and the template needs it"
        return None

    def _answer(self, post: Post, account: Account | None) -> str:
        handle, text = post.author.handle.lstrip("@"), quoted(post.text)
        fields = {"handle": handle, "name": quoted(post.author.name) or handle, "language": post.language or ""}
        template = Template(self.template)
        answer = template.substitute(fields, text=text)
        if account is not None and "text" in fields_of(self.template):
            platform = account.platform
            room = platform.bounds.text - platform.measure(template.substitute(fields, text=""))
            if platform.measure(answer) > platform.bounds.text:
                answer = template.substitute(fields, text=platform.shortened(text, room))
        return answer


def _answered(ref: PostRef, ctx: Context) -> bool:
    """Whether an earlier reply in the conversation is out, or may still go out."""
    return any(
        PostRef.model_validate(past.action["to"]).thread == ref.thread
        for past in ctx.history
        if past.kind == Reply.kind and (past.state is State.DELIVERED or not past.state.final)
    )

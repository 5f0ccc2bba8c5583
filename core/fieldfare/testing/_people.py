"""Who lives in a world, and what they do in it: data, made from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..plugin import Author

VILLAGE = "village"
QUIET = "quiet"
WORLDS = (VILLAGE, QUIET)
"""`village`: people who talk to every account. `quiet`: the same people, and nobody does anything."""

DAY_ENDS = 3600.0
"""Seconds after which the village goes to sleep."""

_NAMES = (
    "Ada",
    "Ben",
    "Cleo",
    "Dora",
    "Emil",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Juno",
    "Kit",
    "Lena",
    "Milo",
    "Nora",
    "Otto",
    "Pia",
)
_BOT = "weatherbot"

Does = Literal["post", "reply", "like", "repost", "follow", "vanish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that somebody does, `at` seconds after the world began (negative: before).

    `label` names the post it makes; `of` names the post it is about. `vanish` takes down that post or, without one,
    the person with everything they wrote.
    """

    at: float
    by: str
    does: Does
    text: str = ""
    label: str = ""
    of: str = ""


def cast(world: str, seed: int) -> tuple[Author, ...]:
    """The people of a world, in the order in which they come on stage; the last one is a bot."""
    rng = random.Random(f"{world}:{seed}:people")
    names = rng.sample(_NAMES, len(_NAMES))
    people = [Author(id=f"person-{n.lower()}", handle=n.lower(), name=n, followers=rng.randint(3, 400)) for n in names]
    bot = Author(id=f"person-{_BOT}", handle=_BOT, name="Village weather", followers=1200, is_bot=True)
    return (*people, bot)


def script(world: str, seed: int, handle: str) -> tuple[Deed, ...]:
    """What these people do around one account, oldest first: the same for the same arguments, for ever."""
    if world != VILLAGE:
        return ()
    people = [author.handle for author in cast(world, seed) if not author.is_bot]
    rng = random.Random(f"{world}:{seed}:{handle}")
    deeds = [*_opening(handle, people), *_chatter(handle, people, rng)]
    return tuple(sorted(deeds, key=lambda deed: deed.at))


def _opening(us: str, people: list[str]) -> Iterator[Deed]:
    """The first fifteen seconds, always at the same times: only who does it depends on the seed."""
    asker, buyer, admirer, follower, *crowd = people
    hours = 3600.0
    apples, market, question = f"{us}/apples", f"{us}/market", f"{us}/question"
    yield Deed(at=-26 * hours, by=us, does="post", label=apples, text="The first apples are in. Come and taste them!")
    yield Deed(at=-25 * hours, by=crowd[0], does="like", of=apples)
    yield Deed(at=-24 * hours, by=crowd[1], does="like", of=apples)
    yield Deed(at=-20 * hours, by=us, does="post", label=market, text="We are on the market square from nine.")
    yield Deed(at=2.0, by=asker, does="post", label=question, text=f"@{us} When do you open on Saturday?")
    yield Deed(at=3.0, by=_BOT, does="post", text=f"@{us} Tomorrow: sunny, 18 °C. Is your roof ready?")
    yield Deed(at=4.0, by=buyer, does="reply", of=apples, text="Could you deliver two crates on Friday?")
    for number, fan in enumerate(crowd[2:12]):
        yield Deed(at=5.0 + number * 0.2, by=fan, does="like", of=apples)
    yield Deed(at=8.0, by=admirer, does="post", text=f"@{us} What a lovely stall you had today.")
    yield Deed(at=9.0, by=follower, does="follow", of=us)


_QUESTIONS = (
    "Do you have any pears left?",
    "Is there parking near the shop?",
    "Can I bring my own jars?",
    "Are the plums sour or sweet?",
    "When does the baker come?",
)
_REMARKS = ("Thank you for this morning!", "Your cider is the best.", "Greetings from over the hill.")
_SMALL_TALK = ("The fog is back.", "Who has seen my cat?", "Choir tonight at eight.", "The bridge is open again.")


def _chatter(us: str, people: list[str], rng: random.Random) -> Iterator[Deed]:
    """What goes on afterwards, until the village goes to sleep."""
    at, number = 20.0, 0
    while (at := at + rng.uniform(5.0, 40.0)) < DAY_ENDS:
        number += 1
        who, label = rng.choice(people), f"{us}/chatter-{number}"
        match rng.choice(("question", "remark", "talk", "like", "reply", "follow", "regret")):
            case "question":
                yield Deed(at=at, by=who, does="post", label=label, text=f"@{us} {rng.choice(_QUESTIONS)}")
            case "remark":
                yield Deed(at=at, by=who, does="post", label=label, text=f"@{us} {rng.choice(_REMARKS)}")
            case "talk":
                yield Deed(at=at, by=who, does="post", label=label, text=rng.choice(_SMALL_TALK))
            case "like":
                yield Deed(at=at, by=who, does="like", of=f"{us}/market")
            case "reply":
                yield Deed(at=at, by=who, does="reply", of=f"{us}/market", text=rng.choice(_REMARKS))
            case "follow":
                yield Deed(at=at, by=who, does="follow", of=us)
            case _:
                yield Deed(at=at, by=who, does="post", label=label, text=f"@{us} {rng.choice(_REMARKS)}")
                yield Deed(at=at + 3.0, by=who, does="vanish", of=label)

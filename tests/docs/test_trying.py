"""What the tests of the pages would notice: each thing a page could get wrong, on a page made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .blocks import ROOT, blocks
from .commands import Wrong
from .page import Page
from .stable import agrees

AUTOMATION = """
from fieldfare import Account, Context, Mention, Reply, automation, on
from fieldfare.testing import Playground

brand = Account("brand", Playground())


@automation(on.mention(brand))
def thanks(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text="Thank you!")
"""


def tried(folder: Path, *written: tuple[str, str]) -> None:
    """Try a page with these blocks: (how the fence introduces it, text)."""
    text = "".join(f"```{info}\n{body.strip()}\n```\n\n" for info, body in written)
    (folder / "page.md").write_text(text, encoding="utf-8")
    page = Page(folder)
    try:
        page.whole(blocks(folder / "page.md", shown_as=ROOT / "docs" / "made-up.md"))
    finally:
        page.close()


@pytest.mark.parametrize(
    "written",
    [
        [("python", AUTOMATION)],
        [("python refused", AUTOMATION.replace("on.mention", "on.mentoin"))],
        [("python one.py", AUTOMATION), ("console", "$ fieldfare check one.py\n...\n1 automation, no mistake")],
        [("python one.py", AUTOMATION), ("python one.py shown", 'brand = Account("brand", Playground())')],
        [("console", "$ cat nothing\n...\n$ echo $?\n1")],
        [("toml", "[log]\nlevel = 'info'")],
        [("sh not run: it would take long", "fieldfare demo && make test")],
    ],
)
def test_what_is_right_passes(written: list[tuple[str, str]], tmp_path: Path) -> None:
    tried(tmp_path, *written)


@pytest.mark.parametrize(
    "written",
    [
        [("python", AUTOMATION.replace("on.mention", "on.mentoin"))],
        [("python refused", AUTOMATION)],
        [("python one.py", AUTOMATION), ("console", "$ fieldfare check one.py\n...\n2 automations, no mistake")],
        [("python one.py", AUTOMATION), ("python one.py shown", 'brand = Account("press", Playground())')],
        [("python test_one.py", "def test_nothing() -> None: ...")],
        [("console", "$ cat nothing\n...")],
        [("console", "$ echo hello\nhallo")],
        [("console", "$ wget https://site.example\n")],
        [("console", "^C\n")],
        [("sh", "cat nothing")],
        [("toml", "[log]\nlevle = 'info'")],
        [("toml", "[project.entry-points.feildfare]\nx = 'y'")],
        [("csv calendar.csv", "id,text\n1,a,b")],
        [("text", "$ fieldfare demo")],
        [("json", '{"kind": "mention", "id": "1"}')],
        [("sh not run: no time", "fieldfare demmo")],
        [("sh not run: no time", "fieldfare check --fast")],
        [("sh not run: no time", "make tset")],
    ],
)
def test_what_is_wrong_is_noticed(written: list[tuple[str, str]], tmp_path: Path) -> None:
    with pytest.raises(Wrong):
        tried(tmp_path, *written)


@pytest.mark.parametrize("info", ["", "bash", "python one.py somehow", "sh not run:"])
def test_a_fence_that_does_not_say_how_it_is_tried_is_refused(info: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not say how the block is tried"):
        tried(tmp_path, (info, "x"))


def test_a_block_without_an_end_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="never ends"):
        blocks(page, shown_as=page)


@pytest.mark.parametrize(
    ("shown", "said", "alike"),
    [
        ("read at 10:00:01 (3 s ago)", "read at 22:15:59 (2 min ago)", True),
        ("digest 3f9a61c2d0b4", "digest 0123456789ab", True),
        ("a   b", "a      b", True),
        ("one\n...\nfour", "one\ntwo\nthree\nfour", True),
        ("kept in .../secrets.toml", "kept in shop/secrets.toml", True),
        ("1 delivered", "2 delivered", False),
        ("one\nthree", "one\ntwo\nthree", False),
        ("one", "one\ntwo", False),
    ],
)
def test_only_what_differs_from_run_to_run_may_differ(shown: str, said: str, alike: bool) -> None:
    assert agrees(shown, said) is alike

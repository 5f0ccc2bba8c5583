"""Every code block of every page does what the page says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from .blocks import PAGES, ROOT, blocks
from .page import Page

page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<to>[^)\s]+)\)")


@page
def test_every_block_works(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    tried = Page(tmp_path)
    try:
        tried.whole(blocks(path))
    finally:
        tried.close()


def test_every_block_says_how_it_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    found = [block for path in PAGES for block in blocks(path)]
    counts = Counter(block.kind for block in found)
    with capsys.disabled():
        print(f"\n{len(found)} code blocks on {len(PAGES)} pages:")
        for kind, count in sorted(counts.items()):
            print(f"  {count:3} {kind}")
        for block in found:
            if block.why:
                print(f"      {block.place}: not run: {block.why}")
    assert counts


@page
def test_every_link_leads_somewhere(path: Path) -> None:
    wrong = []
    for found in LINK.finditer(path.read_text(encoding="utf-8")):
        to, _, anchor = found["to"].partition("#")
        if "://" in to:
            continue
        target = (path.parent / to) if to else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(found["to"])
    assert wrong == []


def anchors(page: Path) -> set[str]:
    """The anchors that a site makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}

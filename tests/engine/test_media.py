"""Files as large as they come are read, copied and hashed beside the loop, and kept while anybody may need them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Account, Automation, Context, HookReceived, Outcome, Publish, on, secret
from fieldfare._engine.embedded import Engine
from fieldfare._engine.media import MediaError, MediaFolder
from fieldfare.plugin import Attempt, Draft, Media, Receipt, Services, Session

from .keyed import DONE, Desk, Keyed, KeyedSession, hooked, posting
from .line import Line

PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = Media(source="a.png", alt="a")


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class Slow(MediaFolder):
    """Takes until the loop has turned; `done` is what was done so."""

    def __init__(self, folder: Path, project: Path) -> None:
        super().__init__(folder, project)
        self.began = {"keep": threading.Event(), "read": threading.Event()}
        self.turned = {"keep": threading.Event(), "read": threading.Event()}
        self.done: list[str] = []

    def _takes(self, what: str) -> None:
        self.began[what].set()
        assert self.turned[what].wait(2), "the loop did not turn meanwhile"
        self.done.append(what)

    def keep(self, media: Media) -> Media:
        if not media.sha256:
            self._takes("keep")
        return super().keep(media)

    def read(self, media: Media) -> bytes:
        self._takes("read")
        return super().read(media)

    async def turning(self, what: str) -> None:
        """A loop that turns sees that it began, and lets it go on."""
        async with asyncio.timeout(5):
            while not self.began[what].is_set():
                await asyncio.sleep(0.001)
        self.turned[what].set()


def slow(line: Line) -> Slow:
    folder = Slow(line.project / "media", line.project)
    line.engine = Engine(replace(line.engine._around, media=folder))
    return folder


@pytest.mark.parametrize("awaited", [False, True])
def test_the_loop_turns_while_media_are_kept(tmp_path: Path, awaited: bool) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    def decide(event: HookReceived, ctx: Context) -> Publish:
        return Publish(draft=Draft(text="news", media=(PICTURE,)))

    async def think(event: HookReceived, ctx: Context) -> Outcome:
        return decide(event, ctx)

    async def story() -> None:
        known = posting(Desk(DONE))
        automation = Automation(
            name="news",
            trigger=on.webhook("/hooks", secret=secret("hooks")),
            decide=think if awaited else decide,
            account=known.account,
        )
        line = Line(tmp_path, automation)
        folder = slow(line)
        await line.start()
        await asyncio.gather(folder.turning("keep"), hooked(line))
        assert (line.reasons(), line.states) == ({"news": ("yes", "publish")}, ["delivered"])

    run(story())


def test_media_that_cannot_be_kept_are_a_reason(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE), media=(PICTURE,))).start()
        await hooked(line)
        assert line.reasons()["news"] == ("error", "'a.png' cannot be read: No such file or directory")

    run(story())


class Reads(KeyedSession):
    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        assert await attempt.media(drafts[0].media[0]) == PNG
        return await super().publish(drafts, attempt)


class Reading(Keyed):
    async def open(self, services: Services) -> Session:
        return Reads(self.desk)


def test_the_loop_turns_while_media_are_read_to_be_sent(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    async def story() -> None:
        desk = Desk(DONE)
        automation = posting(desk, media=(PICTURE,))
        line = Line(tmp_path, replace(automation, account=Account("brand", Reading(desk=desk))))
        folder = slow(line)
        await line.start()
        await asyncio.gather(folder.turning("keep"), folder.turning("read"), hooked(line))
        assert (line.states, folder.done) == (["delivered"], ["keep", "read"])

    run(story())


def test_two_who_keep_the_same_file_at_once_both_have_it_whole(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG * 200_000)
    folder = MediaFolder(tmp_path / "media", tmp_path)

    async def story() -> None:
        kept = await asyncio.gather(*(asyncio.to_thread(folder.keep, PICTURE) for _ in range(8)))
        assert len({media.sha256 for media in kept}) == 1
        assert folder.read(kept[0]) == PNG * 200_000
        assert os.listdir(tmp_path / "media") == [kept[0].sha256]

    run(story())


def test_what_a_crash_left_of_a_copy_is_swept(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "media", tmp_path)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "abc.part").write_bytes(b"half")
    assert [folder.sweep(set()) for _ in range(2)] == [0, 1]


def test_a_file_that_changes_while_it_is_kept_is_not_kept(tmp_path: Path) -> None:
    class Changing(MediaFolder):
        def _copied(self, path: Path, sha256: str) -> bool:
            path.write_bytes(PNG + b"other")
            return super()._copied(path, sha256)

    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(MediaError, match="changed while it was read"):
        Changing(tmp_path / "media", tmp_path).keep(PICTURE)
    assert os.listdir(tmp_path / "media") == []

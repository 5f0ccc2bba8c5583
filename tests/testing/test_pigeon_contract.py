"""The kit with a connector that speaks HTTP: what a stranger's first test file looks like."""

from __future__ import annotations

from typing import ClassVar

import pytest

from fieldfare.plugin import PlatformError, Session, secret
from fieldfare.testing import Handler, Hands
from fieldfare.testing.contract import OtherSide, PlatformContract
from fieldfare.testing.contract._bench import Bench

from .pigeon_post import PLANTED, Loft, PigeonPost, PigeonSession, Yard


class TestPigeonPost(PlatformContract):
    @pytest.fixture
    def platform(self) -> PigeonPost:
        return PigeonPost(token=secret("PIGEON_TOKEN"))

    @pytest.fixture
    def loft(self) -> Loft:
        return Loft()

    @pytest.fixture
    def handler(self, loft: Loft) -> Handler:
        return loft.answer

    @pytest.fixture
    def world(self, loft: Loft) -> OtherSide:
        return Yard(loft)


@pytest.mark.parametrize(("broken", "question"), PLANTED)
def test_the_kit_catches(broken: type[PigeonSession], question: str) -> None:
    class Broken(PigeonPost):
        session: ClassVar[type[Session]] = broken

    loft = Loft()

    platform = Broken(token=secret("PIGEON_TOKEN"))
    bench = Bench(
        platform=platform, handler=loft.answer, clock=Hands(), secrets={"PIGEON_TOKEN": "canary-pigeon-5d21"}, shared={}
    )
    more = {"status": 503, "means": PlatformError} if "read" in question else {}
    with pytest.raises((AssertionError, PlatformError, pytest.fail.Exception)):
        getattr(TestPigeonPost(), question)(bench=bench, **more)

"""The settings say beforehand what the network would refuse."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fieldfare.plugin import Card, Draft, Media, Visibility, secret
from fieldfare_bluesky import Bluesky

BRAND = Bluesky(handle="brand.example")
PICTURE = Media(source="cat.png", alt="a cat")


@pytest.mark.parametrize(
    ("draft", "objection"),
    [
        (Draft(text="é" * 301), "301 long as bluesky counts, 300 is allowed"),
        (Draft(text="👨‍👩‍👧‍👦" * 121), "3025 bytes, 3000 are allowed"),
        (Draft(text="psst", visibility=Visibility.FOLLOWERS), "everything on bluesky is public"),
        (Draft(text="x", warning="spoilers"), "has no warning 'spoilers'"),
        (Draft(text="x", media=(PICTURE,), card=Card(url="https://brand.example")), "pictures or a card, not both"),
        (Draft(text="x", media=(PICTURE,) * 5), "5 media files, 4 are allowed"),
        (Draft(media=(PICTURE.model_copy(update={"size": 1_000_001}),)), "has 1000001 bytes"),
        (Draft(media=(PICTURE.model_copy(update={"mime": "video/mp4"}),)), "is video/mp4"),
    ],
)
def test_what_the_network_would_refuse_is_said_beforehand(draft: Draft, objection: str) -> None:
    [said] = BRAND.objections(draft)
    assert objection in said


@pytest.mark.parametrize(
    "draft",
    [
        Draft(text="é" * 300),
        Draft(text="👨‍👩‍👧‍👦" * 100),
        Draft(text="x", visibility=Visibility.PUBLIC, warning="nudity", media=(PICTURE,) * 4),
    ],
)
def test_what_the_network_takes_is_not_objected_to(draft: Draft) -> None:
    assert BRAND.objections(draft) == []


def test_a_password_in_the_settings_is_refused_and_its_name_is_enough() -> None:
    with pytest.raises(ValidationError):
        Bluesky.model_validate({"handle": "brand.example", "app_password": "canary-bluesky-7f3a"})
    assert Bluesky(handle="brand.example", app_password=secret("OTHER")).secrets == (secret("OTHER"),)


def test_every_setting_is_described() -> None:
    own = {name: field for name, field in Bluesky.model_fields.items() if name != "private"}
    assert [name for name, field in own.items() if not field.description] == []

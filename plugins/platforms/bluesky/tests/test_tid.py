"""Record keys have the form that servers enforce, and say the same again when asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fieldfare_bluesky._tid import at, beside, following, micros, tid

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SEEDS = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
FORM = set("234567abcdefghijklmnopqrstuvwxyz")


def test_a_key_of_the_network_is_read_as_its_moment() -> None:
    # Chosen by PDS 0.5.35 for a post that was written at that moment.
    assert micros("3n34xkaefuk2c") == 1_795_602_889_650_000  # 2026-11-25T10:34:49.65Z
    assert tid(1_795_602_889_650_000, 8) == "3n34xkaefuk2c"


def test_what_is_no_key_has_no_moment() -> None:
    assert [micros(each) for each in ("self", "zzzzzzzzzzzzz", "3k2aaaaaaaa2", "3K2AAAAAAAA22", "0000000000000")] == [
        None
    ] * 5


@given(MOMENTS, SEEDS)
def test_every_key_has_the_form_and_lies_in_the_second_before_its_moment(moment: datetime, seed: str) -> None:
    key = at(moment, seed)
    assert len(key) == 13
    assert set(key) <= FORM
    assert key[0] in "234567abcdefghij"
    begun = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros(key) or 0)
    assert moment - timedelta(seconds=1, microseconds=1) <= begun <= moment


@given(st.text(max_size=15), SEEDS)
def test_a_key_beside_anything_at_all_has_the_form_and_is_always_the_same(other: str, seed: str) -> None:
    key = beside(other, seed)
    assert key == beside(other, seed)
    assert set(key) <= FORM
    assert micros(key) is not None


@given(MOMENTS, SEEDS, SEEDS)
def test_two_writers_of_one_moment_have_two_keys(moment: datetime, one: str, other: str) -> None:
    if int(one[:12], 16) % 10**6 != int(other[:12], 16) % 10**6:
        assert at(moment, one) != at(moment, other)


@given(MOMENTS, SEEDS, st.integers(1, 24))
def test_the_keys_of_a_thread_are_in_order(moment: datetime, seed: str, steps: int) -> None:
    first = at(moment, seed)
    later = following(first, steps)
    assert later > first
    assert micros(later) == (micros(first) or 0) + steps
    assert later[-2:] == first[-2:]

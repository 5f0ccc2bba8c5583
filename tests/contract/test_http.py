"""What is said to a network, and what its answers mean."""

from __future__ import annotations

import pytest

from fieldfare.plugin import Answer, AuthFailed, NotSent, OutcomeUnknown, Rejected, Request, retry_after
from fieldfare.plugin import sort_read as read
from fieldfare.plugin import sort_write as write


def test_nothing_that_may_be_secret_is_shown() -> None:
    request = Request(method="POST", url="https://x.example/?token=canary-1", json={"password": "canary-2"})
    answer = Answer(status=200, headers={"set-cookie": "canary-3"}, body=b"canary-4", url="https://canary-5")
    assert "canary" not in repr(request) + repr(answer)


@pytest.mark.parametrize(
    ("status", "after_a_write", "after_a_read"),
    [
        (200, None, None),
        (204, None, None),
        (301, OutcomeUnknown, Rejected),
        (303, OutcomeUnknown, Rejected),
        (307, OutcomeUnknown, Rejected),
        (400, Rejected, Rejected),
        (401, AuthFailed, AuthFailed),
        (403, Rejected, Rejected),
        (404, Rejected, Rejected),
        (408, OutcomeUnknown, NotSent),
        (422, Rejected, Rejected),
        (429, NotSent, NotSent),
        (500, OutcomeUnknown, NotSent),
        (503, OutcomeUnknown, NotSent),
    ],
)
def test_an_answer_is_sorted_by_consequence(
    status: int, after_a_write: type[Exception] | None, after_a_read: type[Exception] | None
) -> None:
    answer = Answer(status=status, headers={})
    for sort, meant in ((write, after_a_write), (read, after_a_read)):
        if meant is None:
            sort(answer)
        else:
            with pytest.raises(meant):
                sort(answer)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "1000000000"}, 0.0),
        ({"retry-after": "99999999"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"ratelimit-reset": "1795600830"}, 30.0),
        ({"x-ratelimit-reset": "2026-11-25T10:00:30Z"}, 30.0),
        ({"x-ratelimit-reset": "2026-11-25T10:00:30.000000+00:00"}, 30.0),
        ({}, None),
    ],
)
def test_the_wait_is_read_from_every_header_in_use(headers: dict[str, str], seconds: float | None) -> None:
    answer = Answer(status=429, headers={"date": "Wed, 25 Nov 2026 10:00:00 GMT"} | headers)
    assert retry_after(answer) == seconds


def test_json_that_is_nested_beyond_all_measure_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        Answer(status=200, headers={}, body=b"[" * 100_000).json()

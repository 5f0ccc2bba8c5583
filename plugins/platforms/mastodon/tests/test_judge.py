"""What an answer means, in whatever form it is worded."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from fieldfare.plugin import Answer, AuthFailed, NotSent, OutcomeUnknown, PlatformError, Rejected
from fieldfare_mastodon._judge import Gone, judge_delete, judge_post, judge_read, judge_write
from tests.doubles.faults import LIMIT_FORMS

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PAGE = b"<!doctype html><title>502</title><h1>Bad gateway</h1>"


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=body, url="https://social.example/api/v1/statuses")


@pytest.mark.parametrize("body", [b"", PAGE, b"Oops", b'{"error": "no"}', b"\xff\xfe", b"[1, 2"])
@pytest.mark.parametrize(
    ("status", "means"),
    [
        (301, OutcomeUnknown),
        (400, Rejected),
        (401, AuthFailed),
        (403, Rejected),
        (404, Gone),
        (406, Rejected),
        (408, OutcomeUnknown),
        (410, Gone),
        (413, Rejected),
        (418, Rejected),
        (422, Rejected),
        (429, NotSent),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
    ],
)
def test_the_status_decides_whatever_the_body_is(status: int, means: type[PlatformError], body: bytes) -> None:
    with pytest.raises(means) as caught:
        judge_write(answer(status, body))
    assert type(caught.value) is means


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_read_that_failed_changed_nothing(status: int) -> None:
    with pytest.raises(NotSent):
        judge_read(answer(status, PAGE))


@pytest.mark.parametrize("body", [b"", PAGE, b"[1, 2", b"[]", b'"fine"', b"null"])
def test_a_write_is_in_doubt_when_the_answer_cannot_be_read(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        judge_write(answer(200, body))


@pytest.mark.parametrize("body", [b"{}", b'{"success": true}', b'{"id": "9"}', b'{"id": "", "account": {"id": "1"}}'])
def test_a_post_is_in_doubt_when_the_answer_holds_none(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        judge_post(answer(200, body))


def test_a_read_without_json_is_tried_again_later() -> None:
    with pytest.raises(NotSent, match="without JSON"):
        judge_read(answer(200, PAGE))


@pytest.mark.parametrize(
    "said",
    [
        "This action is outside the authorized scopes",
        "Your login is currently disabled",
        "Your account has been suspended",
        "Your login is missing a confirmed e-mail address",
    ],
)
def test_a_token_that_may_no_longer_write_pauses_the_account(said: str) -> None:
    with pytest.raises(AuthFailed, match="make a new token"):
        judge_write(answer(403, b'{"error": "%s"}' % said.encode()))


def test_a_bad_token_that_is_answered_with_a_line_of_text_pauses_the_account() -> None:
    with pytest.raises(AuthFailed):
        judge_write(answer(400, b"Bad or missing token"))
    with pytest.raises(Rejected):
        judge_write(answer(400, b'{"error": "unexpected token in JSON"}'))


@pytest.mark.parametrize(
    ("form", "seconds"),
    [
        ("retry-after", 90),
        ("retry-after-date", 90),
        ("x-ratelimit-reset-iso", 90),
        ("x-ratelimit-reset-epoch", 90),
        ("ratelimit-reset-epoch", 90),
        ("ratelimit-reset", 90),
        ("retry-after-ms", 90),
        ("bare", None),
        ("html", None),
    ],
)
def test_a_429_says_when_to_come_back_in_every_form(form: str, seconds: float | None) -> None:
    said = LIMIT_FORMS[form](NOW, 90)
    headers = {"date": format_datetime(NOW, usegmt=True), **said.headers}
    with pytest.raises(NotSent) as caught:
        judge_write(Answer(status=429, headers=headers, body=said.body))

    assert caught.value.retry_after == seconds


def test_a_post_that_waits_for_its_media_was_not_sent() -> None:
    said = b'{"error": "Cannot attach files that have not finished processing. Try again in a moment!"}'
    with pytest.raises(NotSent) as caught:
        judge_post(answer(422, said))

    assert caught.value.retry_after == 2.0


@pytest.mark.parametrize(("status", "body"), [(200, b""), (200, b"{}"), (204, b""), (404, PAGE), (410, b"")])
def test_a_delete_is_done_with_json_with_nothing_and_when_it_is_gone(status: int, body: bytes) -> None:
    judge_delete(answer(status, body))


def test_a_delete_that_is_answered_with_a_page_is_in_doubt() -> None:
    with pytest.raises(OutcomeUnknown):
        judge_delete(answer(200, PAGE))


def test_an_error_says_what_the_server_said() -> None:
    with pytest.raises(Rejected, match=r"422 from https://social\.example/api/v1/statuses: Text is too long"):
        judge_write(answer(422, b'{"error": "Text is too long"}'))
    with pytest.raises(OutcomeUnknown, match=r"502 from .*: 502 Bad gateway"):
        judge_write(answer(502, PAGE))
    with pytest.raises(Rejected, match="no reason given"):
        judge_write(answer(400))

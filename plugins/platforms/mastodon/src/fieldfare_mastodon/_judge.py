"""What an answer means. Servers word their errors as JSON, HTML, plain text or not at all; the status decides."""

from __future__ import annotations

import re

from fieldfare.plugin import Answer, AuthFailed, NotSent, OutcomeUnknown, Rejected, retry_after

from ._json import an_object, parsed

_LOCKED_OUT = re.compile(r"scope|login|suspend|disabled|confirm|pending", re.IGNORECASE)
_NOT_YET = re.compile(r"not finished processing|try again in a moment", re.IGNORECASE)


class Gone(Rejected):
    """What was asked for does not exist, or not for us."""


def judge_read(answer: Answer) -> None:
    """A read is done when JSON came; everything that may pass is NotSent."""
    _judge(answer, doubt=NotSent)
    if parsed(answer) is None:
        raise NotSent(f"{answer.status} from {answer.url} without JSON: {answer.text!r}")


def judge_write(answer: Answer) -> None:
    """A write is done when an object in JSON came; a 2xx with anything else may or may not have been performed."""
    _judge(answer, doubt=OutcomeUnknown)
    if not an_object(parsed(answer)):
        raise OutcomeUnknown(f"{answer.status} from {answer.url} without JSON: {answer.text!r}")


def judge_post(answer: Answer) -> None:
    """As `judge_write`, for an answer that must be a post; a post that waits for its media is not sent."""
    if answer.status == 422 and _NOT_YET.search(answer.text):
        raise NotSent(_said(answer), retry_after=2.0)
    judge_write(answer)
    said = an_object(parsed(answer))
    if not (said.get("id") and an_object(said.get("account"))):
        raise OutcomeUnknown(f"{answer.status} from {answer.url} holds no post: {answer.text!r}")


def judge_delete(answer: Answer) -> None:
    """Gone already is done, and so is a 2xx with JSON or nothing; a page for people says nothing about a post."""
    if answer.status not in (404, 410):
        _judge(answer, doubt=OutcomeUnknown)
        if answer.body and parsed(answer) is None:
            raise OutcomeUnknown(f"{answer.status} from {answer.url} without JSON: {answer.text!r}")


def _judge(answer: Answer, *, doubt: type[NotSent | OutcomeUnknown]) -> None:
    status, said = answer.status, _said(answer)
    if 200 <= status < 300:
        return
    if status == 401 or (status == 403 and _LOCKED_OUT.search(answer.text)) or _refuses_token(answer):
        raise AuthFailed(f"{said}; make a new token and store it under the name in the settings")
    if status == 429:
        raise NotSent(said, retry_after=_wait(answer))
    if status == 408 or status >= 500:
        raise doubt(said)
    if status < 400 and doubt is OutcomeUnknown:
        # What answers a POST with a redirect may have performed it.
        raise OutcomeUnknown(said)
    raise (Gone if status in (404, 410) else Rejected)(said)


def _refuses_token(answer: Answer) -> bool:
    # Takahe 0.11 answers a bad token with 400 and a line of text (seen 2026-11-22).
    return answer.status == 400 and parsed(answer) is None and "token" in answer.text.lower()


def _wait(answer: Answer) -> float | None:
    told = retry_after(answer)
    ms = an_object(parsed(answer)).get("retry_after_ms")
    if told is None and isinstance(ms, int | float) and 0 <= ms <= 86_400_000:
        return float(ms) / 1000
    return told


def _said(answer: Answer) -> str:
    error = an_object(parsed(answer)).get("error")
    words = error if isinstance(error, str) else re.sub(r"<[^>]*>", " ", answer.text)
    return f"{answer.status} from {answer.url or 'the server'}: {' '.join(words.split()) or 'no reason given'}"

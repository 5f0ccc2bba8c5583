"""Calls as the network spells them, and what their answers mean: sorted by `error` and status, never by message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fieldfare.plugin import (
    Answer,
    AuthFailed,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Request,
    retry_after,
    sort_read,
    sort_write,
)

_OBJECT = TypeAdapter(dict[str, Any])
_STALE = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing"})
_CLOSED = {
    "AccountTakedown": "the network has taken the account down; ask its moderators",
    "AccountSuspended": "the network has suspended the account; ask its moderators",
    "AccountDeactivated": "the account is deactivated; activate it in the app",
    "AccountNotFound": "the server does not hold this account; check the server in the settings",
    "AuthenticationRequired": "make an app password in the app's settings and store it under the secret's name",
    "AuthFactorTokenRequired": "the account wants a code by e-mail; use an app password instead of the main one",
}


class StaleToken(AuthFailed):
    """The token is not, or no longer, taken; nothing was done. An expired one is answered with 400, not with 401."""


def query(server: str, name: str, token: str = "", **params: str | int | bool | Sequence[str]) -> Request:
    """A call that reads."""
    return Request(method="GET", url=f"{server}/xrpc/{name}", headers=_bearer(token), params=params or None)


def procedure(server: str, name: str, token: str, body: Mapping[str, Any] | None) -> Request:
    """A call that does something; `body` None sends none."""
    return Request(method="POST", url=f"{server}/xrpc/{name}", headers=_bearer(token), json=body)


def upload(server: str, token: str, content: bytes, mime: str) -> Request:
    """A blob on its way in."""
    return Request(
        method="POST",
        url=f"{server}/xrpc/com.atproto.repo.uploadBlob",
        headers={**_bearer(token), "content-type": mime},
        content=content,
        timeout=60,
    )


def error_of(answer: Answer) -> str | None:
    """The error's name; None when the answer is not an error as the network writes them."""
    body = body_of(answer)
    name = body.get("error") if body is not None else None
    return name if isinstance(name, str) else None


def body_of(answer: Answer) -> dict[str, Any] | None:
    """The answer's JSON object; an empty body is an empty object, anything else is None."""
    if not answer.body:
        return {}
    try:
        return _OBJECT.validate_json(answer.body)
    except ValidationError:
        return None


def judge_read(answer: Answer) -> None:
    """What an answer to a read means; what is not the network's own JSON is `NotSent`: something else answered."""
    _judge(answer)
    if body_of(answer) is None or (answer.status >= 300 and error_of(answer) is None):
        raise NotSent(_said(answer), retry_after=retry_after(answer))
    sort_read(answer)


def judge_upload(answer: Answer) -> None:
    """What an answer to an upload means. Doubt is `NotSent`: what may have been kept is only found by its bytes."""
    _judge(answer)
    if answer.status >= 500 or answer.status == 408 or 300 <= answer.status < 400:
        raise NotSent(_said(answer), retry_after=retry_after(answer))
    sort_write(answer)
    blob = (body_of(answer) or {}).get("blob")
    if not isinstance(blob, dict) or "ref" not in blob:
        raise NotSent(f"an upload was answered without a blob: {answer.text!r}")


def judge_record(answer: Answer) -> None:
    """What an answer to `putRecord` with `swapRecord: null` means. Done is what names the record, and `InvalidSwap`:
    something stands under our key already, and `occupied` says so."""
    if occupied(answer):
        return
    _judge_write(answer)
    body = body_of(answer) or {}
    if not isinstance(body.get("uri"), str) or not isinstance(body.get("cid"), str):
        raise OutcomeUnknown(f"200 without a record from {answer.url or 'the network'}: {answer.text!r}")


def occupied(answer: Answer) -> bool:
    """Whether a record with another content than ours stood under the key, and was left alone."""
    return answer.status == 400 and error_of(answer) == "InvalidSwap"


def judge_writes(answer: Answer) -> None:
    """What an answer to `applyWrites` or `deleteRecord` means; done is any JSON object, `{}` included."""
    _judge_write(answer)
    if body_of(answer) is None or not answer.body:
        raise OutcomeUnknown(f"200 without JSON from {answer.url or 'the network'}: {answer.text!r}")


def _judge_write(answer: Answer) -> None:
    _judge(answer)
    error = error_of(answer)
    if error == "MethodNotImplemented":
        raise Rejected(_said(answer))
    if 300 <= answer.status < 500 and error is None and answer.status != 429:
        # The network's own refusals are JSON; a page from something in between proves nothing about the write.
        raise OutcomeUnknown(_said(answer))
    sort_write(answer)


def _judge(answer: Answer) -> None:
    """Raises for what is wrong with our credentials, which means the same in every call."""
    if answer.status < 400:
        return
    error = error_of(answer) or ""
    if error in _STALE:
        raise StaleToken(_said(answer))
    if error in _CLOSED and answer.status in (400, 401, 403):
        raise AuthFailed(f"{_said(answer)}; {_CLOSED[error]}")
    if answer.status == 401:
        raise AuthFailed(_said(answer))


def _said(answer: Answer) -> str:
    return f"{answer.status} {error_of(answer) or ''} from {answer.url or 'the network'}: {answer.text!r}"


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}

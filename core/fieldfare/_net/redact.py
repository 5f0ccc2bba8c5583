"""Taking secrets out of text: by their value, and by the names that people give to secrets."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import quote, quote_plus, unquote

from .._domain.errors import ConfigError

if TYPE_CHECKING:
    from structlog.typing import WrappedLogger

HIDDEN = "[hidden]"
SHORTEST = 4
"""Characters of the shortest secret; anything shorter occurs in ordinary text."""
LEARNED = 4096
"""How many values from `learn` are remembered, the latest ones."""

_KEY = (
    r"(?:[\w.-]*?(?:token|secret|password|passwd|passphrase|api[_-]?key|private[_-]?key|jwt|credentials?)"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|oauth_signature|code_verifier)"
)
_NAME = re.compile(_KEY, re.IGNORECASE)
# A quote may itself be escaped, when JSON or a repr is quoted inside another text.
_QUOTED = re.compile(
    rf"""(?P<head>(\\*["'])(?:{_KEY})\2\s*[:=]\s*b?(\\*["']))(?P<value>.*?)(?=\3)""", re.IGNORECASE | re.DOTALL
)
_HEADER = re.compile(
    r"""(?P<head>\b(?:(?:proxy-)?authorization|(?:set-)?cookie)\s*[:=]\s*["']?)(?P<value>[^"'\r\n]+)""", re.IGNORECASE
)
_PAIR = re.compile(
    rf"""(?P<head>(?<![\w.-]){_KEY}(?:=|%3D)["']?|[?&](?:code|sig|key|auth|signature)=)(?P<value>[^\s&"'<>,;)\]}}]+)""",
    re.IGNORECASE,
)
_WORDS = (
    *("token", "secret", "pass", "key", "jwt", "credential", "authorization", "cookie", "signature", "verifier"),
    *("code=", "sig=", "auth="),
)
"""Without one of these, in lower case, none of the patterns matches."""
_COUNTER = re.compile(r"[0-9]{1,9}")
"""What a fencing token looks like; hiding it would only blind the operator."""


class Redactor:
    """Takes every secret it was told of out of texts, however the text spells it; may be used from any thread.

    As the last processor of a structlog chain it cleans what the renderer made, whatever the loggers were given.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, tuple[str, ...]] = {}
        self._learned: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        return f"Redactor({len(self._told) + len(self._learned)} secrets)"

    def add(self, secret: str) -> None:
        """Hide this value from now on, for ever; raises ConfigError when it is shorter than 4 characters."""
        if len(secret) < SHORTEST:
            raise ConfigError(
                f"a secret of {len(secret)} characters cannot be told from ordinary text;"
                f" use one of at least {SHORTEST}"
            )
        with self._lock:
            if secret not in self._told:
                self._told[secret] = _forms(secret)
                self._refresh()

    def learn(self, value: str) -> None:
        """Hide a value that was seen where secrets are; of these the last 4,096 are remembered, short ones never."""
        if len(value) < SHORTEST or value in self._told:
            return
        with self._lock:
            if value in self._learned:
                self._learned.move_to_end(value)
                return
            self._learned[value] = _forms(value)
            while len(self._learned) > LEARNED:
                self._learned.popitem(last=False)
            self._refresh()

    def holds(self, text: str) -> bool:
        """Does this text carry one of the secrets, in any spelling?"""
        return any(form in text for form in self._forms) or (
            "%" in text and any(form in unquote(text) for form in self._forms)
        )

    def redact(self, text: str) -> str:
        """The text with every secret, and every value whose name says that it is one, replaced by '[hidden]'."""
        return _by_name(self._by_value(text))

    def __call__(self, logger: WrappedLogger, method: str, event: Any) -> Any:
        """The structlog processor: takes a rendered line as text or bytes, or the event before it is rendered."""
        return self._walk(event)

    def _refresh(self) -> None:
        forms = {form for made in (*self._told.values(), *self._learned.values()) for form in made}
        self._forms = tuple(forms)

    def _by_value(self, text: str) -> str:
        spans: list[tuple[int, int]] = []
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                spans.append((at, at + len(form)))
                at = text.find(form, at + 1)
        if not spans:
            return text
        # Overlapping secrets are hidden as one piece, or the tail of the second would stay.
        spans.sort()
        out: list[str] = []
        done = 0
        for start, end in spans:
            if start >= done:
                out += text[done:start], HIDDEN
            done = max(done, end)
        return "".join((*out, text[done:]))

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, bytes):
            text = value.decode("utf-8", "surrogateescape")
            return self.redact(text).encode("utf-8", "surrogateescape")
        if _is_mapping(value):
            return {key: self._entry(key, item) for key, item in value.items()}
        if _is_sequence(value):
            walked = [self._walk(item) for item in value]
            return walked if isinstance(value, list) else tuple(walked)
        shown = repr(value)
        clean = self.redact(shown)
        return value if clean == shown else clean

    def _entry(self, key: Any, item: Any) -> Any:
        if isinstance(key, str) and isinstance(item, str | bytes) and _NAME.fullmatch(key):
            return HIDDEN if isinstance(item, str) else HIDDEN.encode()
        return self._walk(item)


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def sensitive(name: str) -> bool:
    """Does this name, of a header, parameter or field, say that its value is a secret?"""
    return _NAME.fullmatch(name) is not None


def _forms(secret: str) -> tuple[str, ...]:
    """The spellings under which a secret turns up: plain, in URLs, in JSON, in a repr, in base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    quoted = (quote(raw, safe=""), quote(raw, safe="/"), quote(raw, safe="!$&'()*+,;=:@/~"), quote_plus(raw))
    forms = {
        secret,
        *quoted,
        *(re.sub(r"%[0-9A-F]{2}", lambda hit: hit[0].lower(), form) for form in quoted),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }
    return tuple(forms)


def _by_name(text: str) -> str:
    # Most lines have none of the words, and the patterns take 100 µs to find that out. Other text than ASCII is always
    # searched, because the patterns know more spellings of a letter than its lower case.
    lowered = text.lower()
    if text.isascii() and not any(word in lowered for word in _WORDS):
        return text
    for pattern in (_QUOTED, _HEADER, _PAIR):
        text = pattern.sub(_hide, text)
    return text


def _hide(hit: re.Match[str]) -> str:
    head, value = hit["head"], hit["value"]
    # A pair's value ends before ']'.
    if value in ("", HIDDEN, HIDDEN[:-1]) or ("token" in head.lower() and _COUNTER.fullmatch(value)):
        return hit[0]
    return head + HIDDEN

"""What the daemon says while it runs: text for people on a terminal, one JSON object per line elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from .._net.redact import Redactor

Format = Literal["auto", "text", "json"]
Event = MutableMapping[str, Any]

QUIET = ("aiohttp", "apscheduler", "asyncio", "httpcore", "httpx", "uvicorn", "watchfiles")
"""Libraries that tell too much: some of them write whole addresses, with what stands in them, at INFO."""


def set_up(redactor: Redactor, form: Format, level: str, stream: TextIO) -> None:
    """Send every log line of this process, those of the standard library included, to `stream`, without secrets.

    Call it again to change any of this. `auto` is text on a terminal and JSON elsewhere; NO_COLOR is obeyed.
    """
    as_text = form == "text" or (form == "auto" and stream.isatty())
    last: list[Any]
    if as_text:
        last = [_plain_text, structlog.dev.ConsoleRenderer(colors=_coloured(stream), exception_formatter=_traceback)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_name,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if as_text else "iso", utc=not as_text, key="timestamp"),
            *last,
            redactor,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_Streams(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Handler()]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Line:
    """Where a rendered line goes; keeps the name of its logger for the line itself."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            pass  # nobody reads any more: the daemon goes on

    debug = info = warning = error = critical = exception = log = msg


class _Streams:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, *names: str) -> _Line:
        return _Line(self._stream, names[0] if names else "")


class _Handler(logging.Handler):
    """Hands lines of the standard library over."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        structlog.get_logger(record.name).log(record.levelno, message, exc_info=record.exc_info)


def _add_name(logger: Any, method: str, event: Event) -> Event:
    event["logger"] = getattr(logger, "name", "")
    return event


def _plain_text(logger: Any, method: str, event: Event) -> Event:
    """Short, and nothing of what others wrote may move the cursor or colour the terminal."""
    return {
        key: value if key in ("exc_info", "exception") else _inert(value)
        for key, value in event.items()
        if value is not None and key != "logger"
    }


def _inert(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)


def _traceback(stream: TextIO, exc_info: Any) -> None:
    structlog.dev.plain_traceback(stream, exc_info)


def _coloured(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    known = os.environ if environ is None else environ
    return stream.isatty() and not known.get("NO_COLOR") and known.get("TERM") != "dumb"

"""Log lines: for people on a terminal, for programs elsewhere, and without secrets everywhere."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from fieldfare._engine.log import set_up
from fieldfare._net.redact import Redactor

CANARY = "canary-log-5e1d"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = before, level


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_elsewhere_than_on_a_terminal_each_line_is_one_json_object() -> None:
    stream = io.StringIO()
    set_up(Redactor(), "auto", "info", stream)
    structlog.get_logger("fieldfare.test").info("delivery settled", delivery="a/1/0", took_ms=12)
    (line,) = lines(stream)
    assert line.pop("timestamp")
    assert line == {
        "event": "delivery settled",
        "delivery": "a/1/0",
        "took_ms": 12,
        "level": "info",
        "logger": "fieldfare.test",
    }


def test_on_a_terminal_it_is_text() -> None:
    stream = Terminal()
    set_up(Redactor(), "auto", "info", stream)
    structlog.get_logger("fieldfare.test").warning("look", what="here", nothing=None)
    assert "look" in stream.getvalue()
    assert "nothing" not in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def test_a_terminal_is_coloured_unless_it_asked_for_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    set_up(Redactor(), "text", "info", stream)
    structlog.get_logger().info("hello")
    assert "\x1b[" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    set_up(Redactor(), "text", "info", plain)
    structlog.get_logger().info("hello")
    assert "\x1b" not in plain.getvalue()


def test_lines_of_the_standard_library_come_the_same_way() -> None:
    stream = io.StringIO()
    set_up(Redactor([CANARY]), "json", "info", stream)
    logging.getLogger("somebody.else").warning("%s said %d with %s", "it", 42, CANARY)
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == (
        "it said 42 with [hidden]",
        "somebody.else",
        "warning",
    )


def test_a_line_with_wrong_arguments_is_still_a_line() -> None:
    stream = io.StringIO()
    set_up(Redactor(), "json", "info", stream)
    logging.getLogger("somebody.else").error("%d apples", "no")
    assert lines(stream)[0]["event"] == "%d apples"


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "uvicorn.error", "aiohttp.client"])
def test_libraries_that_tell_too_much_are_held_back(name: str) -> None:
    stream = io.StringIO()
    set_up(Redactor(), "json", "debug", stream)
    logging.getLogger(name).info("GET https://social.example/?access_token=x")
    assert stream.getvalue() == ""
    logging.getLogger(name).warning("something is wrong")
    assert len(lines(stream)) == 1


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_comes_through_wherever_it_stands(form: str) -> None:
    stream = io.StringIO()
    set_up(Redactor([CANARY]), form, "debug", stream)  # type: ignore[arg-type]
    log = structlog.get_logger("fieldfare.test")
    log.info(f"event {CANARY}", key=CANARY, nested={"deep": [CANARY, {"x": CANARY}]}, raw=CANARY.encode())
    log.info("by name", url="https://x.example/?access_token=abcdefgh&y=1", headers={"Authorization": "Bearer zyxwv"})
    try:
        raise RuntimeError(f"boom {CANARY}")
    except RuntimeError as exc:
        log.error("raised", exc_info=exc)
        logging.getLogger("other").error("raised too", exc_info=exc)
    said = stream.getvalue()
    assert CANARY not in said
    assert "abcdefgh" not in said
    assert "zyxwv" not in said
    assert "boom" in said


def test_a_secret_that_is_learned_later_is_hidden_from_then_on() -> None:
    stream = io.StringIO()
    redactor = Redactor()
    set_up(redactor, "json", "info", stream)
    log = structlog.get_logger()
    redactor.add(CANARY)
    log.info("now", key=CANARY)
    assert CANARY not in stream.getvalue()


@given(st.text(), st.text())
def test_whatever_stands_in_it_one_event_is_one_line_of_json(event: str, value: str) -> None:
    stream = io.StringIO()
    set_up(Redactor(), "json", "info", stream)
    structlog.get_logger().info(event, value=value)
    assert len(stream.getvalue().split("\n")) == 2
    assert stream.getvalue().isascii()


@given(st.text())
def test_on_a_terminal_nothing_that_others_wrote_moves_the_cursor(value: str) -> None:
    stream = Terminal()
    set_up(Redactor(), "text", "info", stream)
    structlog.get_logger().info(value, value=value)
    said = stream.getvalue()
    for own in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[35m", "\x1b[36m", "\x1b[34m"):
        said = said.replace(own, "")
    assert all(character.isprintable() for character in said.rstrip("\n"))


def test_what_is_below_the_level_is_not_said() -> None:
    stream = io.StringIO()
    set_up(Redactor(), "json", "warning", stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("other").info("quiet")
    assert stream.getvalue() == ""


def test_when_nobody_reads_any_more_the_daemon_goes_on() -> None:
    stream = io.StringIO()
    set_up(Redactor(), "json", "info", stream)
    stream.close()
    structlog.get_logger().info("into the void")
    assert sys.stderr is not stream

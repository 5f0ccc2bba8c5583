"""Secrets stay out of errors, answers' addresses and logs, however they are spelt."""

from __future__ import annotations

import base64
import io
import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from fieldfare._contract.http import Answer, Request
from fieldfare._domain.errors import ConfigError, FieldfareError, NotSent, Rejected
from fieldfare._net import Client, Redactor

from .loopback import Call, Server, VirtualClock, client_of, run

CANARY = 'canary-äpfel/7f3a+"q\\x='
PLAIN = "canary-bearer-91c4"


def everything(error: BaseException) -> str:
    """All that a log could make of an error and those it came from."""
    told: list[str] = ["".join(traceback.format_exception(error))]
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        one = queue.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            told += [str(one), repr(one), repr(one.args), repr(vars(one))]
            queue += [one.__cause__, one.__context__]
    return "\n".join(told)


async def outcome(asked: Awaitable[Answer]) -> Answer | FieldfareError:
    try:
        return await asked
    except FieldfareError as error:
        return error


async def close(call: Call) -> None:
    call.close()


async def echo(call: Call) -> None:
    """A network that quotes what it was sent, as networks do."""
    await call.answer(400, b'{"error": "bad token ' + call.head.split(b"\r\n")[-3] + b'"}', x_seen=call.path)


def requests(url: str) -> list[Request]:
    return [
        Request(method="GET", url=url, params={"access_token": PLAIN}),
        Request(method="GET", url=f"{url}?token={PLAIN}"),
        Request(method="GET", url=f"{url}bot{PLAIN}/getMe"),
        Request(method="GET", url=url, headers={"Authorization": f"Bearer {PLAIN}"}),
        Request(method="GET", url=url, headers={"X-Tail": "1", "Authorization": f"Bearer {PLAIN}"}),
        Request(method="GET", url=url.replace("//", f"//user:{PLAIN}@")),
        Request(method="GET", url=f"{url}\x00{PLAIN}"),
        Request(method=f"GET {PLAIN}", url=url),
        Request(method="GET", url=url, headers={"Authorization": f"Bearer {PLAIN}\r\n"}),
        Request(method="POST", url=url, json={PLAIN: object()}),
        Request(method="GET", url=url.replace("http", PLAIN)),
        Request(method="GET", url=f"http://{PLAIN}.example@{PLAIN}/"),
    ]


@pytest.mark.parametrize("number", range(len(requests(""))))
@pytest.mark.parametrize("behave", [close, echo])
def test_no_error_carries_a_secret(behave: Any, number: int) -> None:
    async def scenario() -> None:
        async with Server(behave) as server, client_of(server.host, redactor=Redactor([PLAIN])) as client:
            request = requests(f"{server.url}/")[number]
            for ask in (client.read, client.exchange):
                told = await outcome(ask(request))
                assert PLAIN not in (told.url if isinstance(told, Answer) else everything(told))

    run(scenario())


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    request = Request(method="GET", url="https://brand:canary-77@home.example/?q=canary-78")

    async def scenario() -> None:
        async with client_of() as client:
            with pytest.raises(NotSent, match="carries a user name") as caught:
                await client.exchange(request)
            assert "canary" not in everything(caught.value)

    run(scenario())


def test_a_token_that_only_travelled_is_hidden_from_then_on() -> None:
    """As after a login: nobody registered it, the network echoes it."""
    token = "canary-session-5520"
    basic = base64.b64encode(b"brand:canary-password-11").decode()

    def handle(message: httpx.Request) -> httpx.Response:
        return httpx.Response(403, content=f"{message.headers['authorization']} is not welcome".encode())

    async def scenario() -> None:
        client = Client(hosts={"home.example"}, clock=VirtualClock(), transport=httpx.MockTransport(handle))
        for header in (f"Bearer {token}", f"Basic {basic}"):
            with pytest.raises(Rejected) as caught:
                await client.read(Request(method="GET", url="https://home.example", headers={"Authorization": header}))
            assert header.split()[1] not in everything(caught.value)
        assert client.redactor.redact("its canary-password-11 leaked") == "its [hidden] leaked"

    run(scenario())


def test_a_short_parameter_is_not_taken_for_a_secret() -> None:
    async def scenario() -> str:
        transport = httpx.MockTransport(lambda message: httpx.Response(200))
        client = Client(hosts={"home.example"}, clock=VirtualClock(), transport=transport)
        await client.read(Request(method="GET", url="https://home.example", params={"with_token": True}))
        return client.redactor.redact("it is true")

    assert run(scenario()) == "it is true"


def test_the_error_of_a_sort_is_cleaned_whatever_its_class() -> None:
    def sort(answer: Answer) -> None:
        raise ValueError(f"cannot read {answer.text}", 7)

    async def scenario() -> None:
        transport = httpx.MockTransport(lambda message: httpx.Response(200, content=PLAIN.encode()))
        client = Client(hosts=(), clock=VirtualClock(), transport=transport, redactor=Redactor([PLAIN]))
        with pytest.raises(ValueError, match="cannot read") as caught:
            await client.read(Request(method="GET", url="https://home.example"), sort=sort)
        assert caught.value.args == ("cannot read [hidden]", 7)

    run(scenario())


@pytest.mark.parametrize(
    "spelt",
    [
        CANARY,
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        quote(CANARY, safe="").lower(),
        str(httpx.URL("https://a.example", params={"q": CANARY})),
        str(httpx.URL(f"https://a.example/{quote(CANARY, safe='')}")),
        json.dumps({"q": CANARY}),
        json.dumps({"q": CANARY}, ensure_ascii=False),
        repr(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
    ],
)
def test_a_secret_is_found_in_every_spelling(spelt: str) -> None:
    redactor = Redactor([CANARY])
    shown = redactor.redact(f"before {spelt} after")
    assert "7f3a" not in shown
    assert base64.b64encode(CANARY.encode())[:12].decode() not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert redactor.holds(f"before {spelt} after")


@given(
    secrets=st.lists(st.text(st.sampled_from("abcAB%/+é"), min_size=4, max_size=9), min_size=1, max_size=4),
    noise=st.lists(st.text(st.sampled_from("abcAB%/+é "), max_size=6), min_size=1, max_size=5),
    data=st.data(),
)
def test_no_secret_survives_in_any_text(secrets: list[str], noise: list[str], data: st.DataObject) -> None:
    text = "".join(part + data.draw(st.sampled_from(["", *secrets])) for part in noise)
    shown = Redactor(secrets).redact(text)
    assert not any(secret in shown for secret in secrets)


def test_overlapping_secrets_leave_no_tail() -> None:
    assert Redactor(["abcd-efgh", "efgh-ijkl"]).redact("x abcd-efgh-ijkl y") == "x [hidden] y"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def", "Authorization: [hidden]"),
        ("{'authorization': 'Basic abc'}", "{'authorization': '[hidden]'}"),
        ('{"accessJwt": "eyJ.x.y", "did": "did:plc:1"}', '{"accessJwt": "[hidden]", "did": "did:plc:1"}'),
        (r'{"event": "{\"id_token\": \"abc\", \"a\": 1}"}', r'{"event": "{\"id_token\": \"[hidden]\", \"a\": 1}"}'),
        ("GET https://a.example/x?access_token=abc&limit=4", "GET https://a.example/x?access_token=[hidden]&limit=4"),
        ("https://a.example/cb?code=abc&state=4", "https://a.example/cb?code=[hidden]&state=4"),
        ("grant_type=x&client_secret=abc", "grant_type=x&client_secret=[hidden]"),
        ("Cookie: a=b; c=d", "Cookie: [hidden]"),
        ("X-Api-Key=abc password=hunter22 rest", "X-Api-Key=[hidden] password=[hidden] rest"),
        ("status code=404 for key=main", "status code=404 for key=main"),
        ("lease token=17 lost", "lease token=17 lost"),
        ('{"token": "17"}', '{"token": "17"}'),
        ("no secret 'brand-token' in the file", "no secret 'brand-token' in the file"),
        ("password: ask a person", "password: ask a person"),
    ],
)  # fmt: skip
def test_what_is_named_as_a_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    redactor = Redactor()
    assert redactor.redact(text) == shown
    assert redactor.redact(shown) == shown


NAMES = (
    *("token", "csrf.token", "client_secret", "password", "passwd", "passphrase", "api_key", "api-key", "apikey"),
    *("private_key", "private-key", "privatekey", "jwt", "credential", "credentials", "authorization"),
    *("proxy-authorization", "cookie", "set-cookie", "oauth_signature", "code_verifier"),
)


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
@pytest.mark.parametrize(
    "text",
    [form.format(name) for name in NAMES for form in ("a {}=v4lu3 b", 'a "{}": "v4lu3" b')]
    + [f"/a?{name}=v4lu3 b" for name in ("code", "sig", "key", "auth", "signature")],
)
def test_every_name_that_says_secret_hides_its_value(text: str, spelling: Callable[[str], str]) -> None:
    assert "v4lu3" not in Redactor().redact(spelling(text)).lower()


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_a_secret_too_short_to_hide_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ConfigError, match="cannot be told from ordinary text"):
        Redactor([secret])


def test_a_redactor_shows_no_secret_of_its_own() -> None:
    assert repr(Redactor([PLAIN])) == "Redactor(1 secrets)"


def test_what_was_learned_long_ago_is_forgotten_and_what_was_told_is_not() -> None:
    redactor = Redactor([PLAIN])
    for number in range(5000):
        redactor.learn(f"learned-{number:05}")
    assert redactor.redact("learned-00000") == "learned-00000"
    assert redactor.redact("learned-04999") == "[hidden]"
    assert redactor.redact(PLAIN) == "[hidden]"


# As a structlog processor

EVENT: dict[str, Any] = {
    "event": f"sent with {PLAIN}",
    "url": f"https://a.example/{PLAIN}",
    "authorization": "Bearer unknown",
    "token": 17,
    "nested": {"accessJwt": "unknown", "list": [PLAIN, (PLAIN, 1)], "bytes": PLAIN.encode()},
    "error": ValueError(PLAIN),
}


RENDERERS = [
    structlog.processors.JSONRenderer(),
    structlog.processors.KeyValueRenderer(),
    structlog.processors.LogfmtRenderer(),
    structlog.dev.ConsoleRenderer(colors=False),
]


@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: type(renderer).__name__)
def test_as_the_last_processor_it_cleans_the_rendered_line(renderer: Any) -> None:
    out = io.StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(out), processors=[renderer, Redactor([PLAIN])])
    fields = {key: value for key, value in EVENT.items() if key not in ("event", "nested")}
    log.info(EVENT["event"], **fields)
    line = out.getvalue()
    assert PLAIN not in line
    assert "unknown" not in line
    assert "[hidden]" in line


def test_a_rendered_json_line_is_still_json() -> None:
    out = io.StringIO()
    chain: list[Any] = [structlog.processors.JSONRenderer(), Redactor([CANARY])]
    structlog.wrap_logger(structlog.PrintLogger(out), processors=chain).info("x", said=f"a {CANARY} b", token="abc")
    assert json.loads(out.getvalue()) == {"event": "x", "said": "a [hidden] b", "token": "[hidden]"}


def test_a_traceback_in_a_line_is_cleaned() -> None:
    out = io.StringIO()
    chain: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(), Redactor([PLAIN])]
    log = structlog.wrap_logger(structlog.PrintLogger(out), processors=chain)
    try:
        raise ValueError(PLAIN)
    except ValueError:
        log.info("broke", exc_info=True)
    assert PLAIN not in out.getvalue()
    assert "ValueError: [hidden]" in out.getvalue()


def test_an_event_that_is_not_rendered_yet_keeps_its_shape() -> None:
    assert Redactor([PLAIN])(None, "info", EVENT) == {
        "event": "sent with [hidden]",
        "url": "https://a.example/[hidden]",
        "authorization": "[hidden]",
        "token": 17,
        "nested": {"accessJwt": "[hidden]", "list": ["[hidden]", ("[hidden]", 1)], "bytes": b"[hidden]"},
        "error": "ValueError('[hidden]')",
    }
    assert EVENT["nested"]["list"] == [PLAIN, (PLAIN, 1)]


def test_bytes_of_a_renderer_stay_bytes() -> None:
    assert Redactor([PLAIN])(None, "info", b"a \xff " + PLAIN.encode()) == b"a \xff [hidden]"

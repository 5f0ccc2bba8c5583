"""Who gets to see the account's credentials."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from fieldfare._contract.http import Request, Upload
from fieldfare._domain.errors import NotSent
from fieldfare._net import Client, Redactor

from .loopback import Call, Names, Server, VirtualClock, client_of, run

TOKEN = "canary-token/5d1e+9="
HOME = "https://home.example"
AWAY = "https://away.example"


def heard(*hosts: str, request: Request) -> list[httpx.Request]:
    """What a transport is given of this request, by a client that declares these hosts and holds the token."""
    seen: list[httpx.Request] = []

    def handle(message: httpx.Request) -> httpx.Response:
        seen.append(message)
        return httpx.Response(200)

    async def scenario() -> None:
        client = Client(
            hosts=hosts, clock=VirtualClock(), redactor=Redactor([TOKEN]), transport=httpx.MockTransport(handle)
        )
        await client.exchange(request)

    run(scenario())
    return seen


CARRIERS: list[dict[str, Any]] = [
    {"headers": {"Authorization": f"Bearer {TOKEN}"}},
    {"headers": {"authorization": "Bearer unknown-to-the-redactor"}},
    {"headers": {"Cookie": "session=unknown-to-the-redactor"}},
    {"headers": {"X-Api-Key": "unknown-to-the-redactor"}},
    {"headers": {"X-Anything": f"the token is {TOKEN}"}},
    {"headers": {"X-Anything": base64.b64encode(TOKEN.encode()).decode()}},
    {"params": {"access_token": TOKEN}},
    {"params": {"harmless": TOKEN}},
    {"params": {"list": ["a", TOKEN]}},
    {"json": {"text": [TOKEN]}},
    {"form": {"text": TOKEN}},
    {"content": TOKEN.encode()},
    {"files": [Upload("file", "note.txt", TOKEN.encode(), "text/plain")]},
    {"url": f"{AWAY}/bot{quote(TOKEN, safe='')}/send"},
    {"url": f"{AWAY}/bot{quote(TOKEN, safe='').lower()}/send"},
    {"url": f"{AWAY}/{''.join(f'%{ord(letter):02x}' for letter in TOKEN)}"},
]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_credential_does_not_go_to_a_host_that_is_not_declared(carrier: dict[str, Any]) -> None:
    request = Request(**{"method": "POST", "url": AWAY, **carrier})
    with pytest.raises(NotSent, match="declared") as caught:
        heard("home.example", request=request)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("carrier", CARRIERS[:13])
def test_a_credential_goes_to_the_declared_host(carrier: dict[str, Any]) -> None:
    assert len(heard("home.example", request=Request(**{"method": "POST", "url": HOME, **carrier}))) == 1


def test_a_request_without_credentials_goes_anywhere_public() -> None:
    request = Request(method="GET", url=f"{AWAY}/feed.xml?token=the-feeds-own")
    assert len(heard("home.example", request=request)) == 1


@pytest.mark.parametrize(
    ("declared", "url", "meant"),
    [
        ("home.example", "https://home.example/", True),
        ("home.example", "https://HOME.example:443/", True),
        ("home.example:443", "https://home.example/", True),
        ("HOME.example", "https://home.example/", True),
        ("home.example", "https://home.example:8443/", False),
        ("home.example:8443", "https://home.example:8443/", True),
        ("home.example:8443", "https://home.example/", False),
        ("home.example", "https://home.example.evil.example/", False),
        ("home.example", "https://evilhome.example/", False),
        ("home.example", "https://sub.home.example/", False),
        ("*.home.example", "https://sub.home.example/", True),
        ("*.home.example", "https://a.b.home.example/", True),
        ("*.home.example", "https://home.example/", False),
        ("*.home.example", "https://evilhome.example/", False),
        ("*.home.example", "https://sub.home.example:8443/", False),
        ("*.home.example:8443", "https://sub.home.example:8443/", True),
        ("*", "https://home.example/", False),
        ("", "https://home.example/", False),
        ("[2606:4700::1111]:8443", "https://[2606:4700::1111]:8443/", True),
    ],
)
def test_a_declared_host_is_matched_exactly(declared: str, url: str, meant: bool) -> None:
    request = Request(method="GET", url=url, headers={"Authorization": "Bearer canary-3b1f"})
    if meant:
        assert len(heard(declared, request=request)) == 1
    else:
        with pytest.raises(NotSent, match="declared"):
            heard(declared, request=request)


@pytest.mark.parametrize(
    "header",
    ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization", "Upgrade", "Accept-Encoding"],
)
def test_a_connector_cannot_set_how_the_message_travels(header: str) -> None:
    request = Request(method="GET", url=HOME, headers={header: "x"})
    with pytest.raises(NotSent, match="set by the client alone"):
        heard("home.example", request=request)


@pytest.mark.parametrize(
    "bad",
    [
        {"headers": {"X-A": "b\r\nX-Smuggled: 1"}},
        {"headers": {"X-A\r\nX-Smuggled": "1"}},
        {"method": "GET / HTTP/1.1\r\nX-Smuggled: 1\r\n"},
        {"json": {}, "content": b""},
        {"json": {}, "form": {"a": "b"}},
        {"json": object()},
        {"json": float("nan")},
    ],
)
def test_a_request_that_cannot_be_written_is_not_sent(bad: dict[str, Any]) -> None:
    with pytest.raises(NotSent):
        heard("home.example", request=Request(**{"method": "POST", "url": HOME, **bad}))


def test_parameters_join_those_of_the_url() -> None:
    params: dict[str, Any] = {"limit": 40, "local": True, "id[]": ["a", "b"]}
    message = heard(request=Request(method="GET", url=f"{AWAY}/x?kept=1", params=params))[0]
    assert str(message.url.query, "ascii") == "kept=1&limit=40&local=true&id%5B%5D=a&id%5B%5D=b"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_nobody_follows_it(status: int) -> None:
    async def scenario() -> None:
        async with Server() as elsewhere:

            async def send_away(call: Call) -> None:
                await call.answer(status, location=f"{elsewhere.url}/trap")

            async with Server(send_away) as server, client_of(server.host) as client:
                request = Request(method="POST", url=server.url, headers={"Authorization": f"Bearer {TOKEN}"})
                answer = await client.exchange(request)
                assert (answer.status, answer.headers["location"]) == (status, f"{elsewhere.url}/trap")
                assert (len(server.calls), elsewhere.connections) == (1, 0)

    run(scenario())


def test_cookies_are_not_kept() -> None:
    async def scenario() -> str | None:
        names = Names(shop=[["127.0.0.1"]])
        async with (
            Server(lambda call: call.answer(set_cookie="sid=1; Path=/")) as server,
            client_of(resolver=names) as client,
        ):
            for _ in range(2):
                await client.read(Request(method="GET", url=f"http://shop.example:{server.port}/"))
            return server.calls[1].header("cookie")

    assert run(scenario()) is None

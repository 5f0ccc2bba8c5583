"""What every double can be relied on for: faults that do what they say, and a record that tells the truth."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.doubles import faults
from tests.doubles.base import Clock, Double, route
from tests.doubles.faults import LIMIT_FORMS, Fault
from tests.doubles.server import Server, beside, serving
from tests.doubles.wire import Request, Response, as_json

AT = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


class Tally(Double):
    """Counts what it is told to count."""

    @route("POST", "/add/{name}")
    def add(self, request: Request, name: str) -> Response:
        self.did("add", name, body=request.body)
        return as_json({"count": len(self.effects), "name": name})

    @route("GET", "/add/all")
    def everything(self, request: Request) -> Response:
        return as_json({"all": True})

    @route("GET", "/add/{name}")
    def one(self, request: Request, name: str) -> Response:
        return as_json({"name": name, "query": request.params("q")})


@pytest.fixture
def tally() -> Tally:
    return Tally(Clock(AT))


@pytest.fixture
def server(tally: Tally) -> Iterator[Server]:
    with beside(tally) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=5, trust_env=False) as ready:
        yield ready


def test_a_request_is_performed_and_put_on_record(tally: Tally, client: httpx.Client) -> None:
    answer = client.post("/add/one", content=b"x")

    assert answer.json() == {"count": 1, "name": "one"}
    assert [(each.id, each.detail["body"]) for each in tally.done("add")] == [("one", b"x")]
    assert tally.exchanges[tally.effects[0].exchange].request.path == "/add/one"


def test_a_written_out_path_is_asked_before_a_placeholder(client: httpx.Client) -> None:
    assert client.get("/add/all").json() == {"all": True}


def test_repeated_query_parameters_are_all_seen_with_and_without_brackets(client: httpx.Client) -> None:
    assert client.get("/add/x?q[]=1&q=2").json()["query"] == ["1", "2"]


def test_another_method_on_a_known_path_is_405_and_another_path_404(client: httpx.Client) -> None:
    assert (client.delete("/add/x").status_code, client.get("/sub").status_code) == (405, 404)


def test_the_date_header_is_the_doubles_own_time(client: httpx.Client) -> None:
    assert client.get("/add/x").headers["date"] == "Wed, 25 Nov 2026 12:00:00 GMT"


def test_a_chunked_body_is_read_whole(tally: Tally, client: httpx.Client) -> None:
    client.post("/add/one", content=iter([b"ab", b"cd"]))

    assert tally.effects[0].detail["body"] == b"abcd"


def test_a_connection_is_kept_and_counted(tally: Tally, client: httpx.Client) -> None:
    client.get("/add/x")
    client.get("/add/x")

    assert [(each.connection, each.reused) for each in tally.requests()] == [(1, False), (1, True)]


@pytest.mark.parametrize(
    ("fault", "performed"),
    [
        (faults.drop(performed=False), 0),
        (faults.drop(performed=True), 1),
        (faults.reset(performed=False), 0),
        (faults.reset(performed=True), 1),
        (faults.truncated(), 1),
        (faults.truncated(performed=False), 0),
    ],
    ids=str,
)
def test_a_lost_answer_is_an_error_whether_or_not_it_was_performed(
    tally: Tally, client: httpx.Client, fault: Fault, performed: int
) -> None:
    tally.script(fault, "POST", "/add/*")

    with pytest.raises(httpx.TransportError):
        client.post("/add/one")

    assert len(tally.effects) == performed
    assert client.get("/add/x").status_code == 200


@pytest.mark.parametrize("performed", [False, True])
def test_a_5xx_comes_before_or_after_the_deed(tally: Tally, client: httpx.Client, performed: bool) -> None:
    tally.script(faults.broken(502, performed=performed))

    assert client.post("/add/one").status_code == 502
    assert len(tally.effects) == performed


@pytest.mark.parametrize("performed", [False, True])
def test_html_can_come_with_200(tally: Tally, client: httpx.Client, performed: bool) -> None:
    tally.script(faults.html(performed=performed))
    answer = client.post("/add/one")

    assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    assert len(tally.effects) == performed


def test_a_delayed_answer_is_performed_before_the_client_gives_up(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.delay(30))

    with pytest.raises(httpx.ReadTimeout):
        client.post("/add/one", timeout=0.2)
    assert len(tally.effects) == 1


def test_a_late_request_is_performed_after_the_client_gave_up(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.late(0.3))

    with pytest.raises(httpx.ReadTimeout):
        client.post("/add/one", timeout=0.1)
    assert tally.effects == []
    assert tally.wait_for(lambda: len(tally.effects) == 1)


@pytest.mark.parametrize("performed", [False, True])
def test_a_hanging_request_is_never_answered(tally: Tally, client: httpx.Client, performed: bool) -> None:
    tally.script(faults.hang(performed=performed))

    with pytest.raises(httpx.ReadTimeout):
        client.post("/add/one", timeout=0.2)
    assert len(tally.effects) == performed


def test_an_endless_body_goes_on_until_the_client_leaves(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.endless(performed=True))
    seen = 0
    with client.stream("GET", "/add/x") as answer:
        for chunk in answer.iter_raw():
            seen += len(chunk)
            if seen > 1_000_000:
                break

    assert seen > 1_000_000


def test_a_reused_connection_can_be_reset_without_performing(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.reset_reused(), "POST")
    client.post("/add/first")

    with pytest.raises(httpx.TransportError):
        client.post("/add/second")
    assert [each.id for each in tally.effects] == ["first"]


def test_a_server_can_close_every_connection_without_having_said_so(tally: Tally) -> None:
    tally.silent_close = True
    request = b"POST /add/%b HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    with beside(tally) as server, socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(request % b"first")
        heard = b""
        while piece := peer.recv(65_536):
            heard += piece
        peer.sendall(request % b"second")
        try:
            answered = peer.recv(65_536)
        except ConnectionError:
            answered = b""

    assert answered == b""
    assert b"connection: close" not in heard.lower()
    assert [each.id for each in tally.effects] == ["first"]


@pytest.mark.parametrize(
    ("form", "header", "value"),
    [
        ("retry-after", "retry-after", "90"),
        ("retry-after-date", "retry-after", "Wed, 25 Nov 2026 12:01:30 GMT"),
        ("x-ratelimit-reset-iso", "x-ratelimit-reset", "2026-11-25T12:01:30.000000Z"),
        ("x-ratelimit-reset-epoch", "x-ratelimit-reset", "1795608090"),
        ("x-ratelimit-reset-after", "x-ratelimit-reset-after", "90"),
        ("ratelimit-reset-epoch", "ratelimit-reset", "1795608090"),
        ("ratelimit-reset", "ratelimit-reset", "90"),
        ("bare", "retry-after", None),
        ("html", "retry-after", None),
    ],
)
def test_a_429_tells_its_wait_in_the_form_asked_for(
    tally: Tally, client: httpx.Client, form: str, header: str, value: str | None
) -> None:
    tally.script(faults.limited(form, 90))
    answer = client.post("/add/one")

    assert (answer.status_code, answer.headers.get(header)) == (429, value)
    assert tally.effects == []


def test_a_429_can_tell_its_wait_in_the_body_only(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.limited("retry-after-ms", 4))

    assert client.post("/add/one").json()["retry_after_ms"] == 4000


def test_an_unknown_form_of_429_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no form 'by pigeon'"):
        faults.limited("by pigeon")
    assert len(LIMIT_FORMS) == 10


def test_a_fault_strikes_its_own_requests_only_and_only_as_often_as_said(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.broken(performed=False), "POST", "/add/b*", count=2, spare=1)
    asked = ["/add/b", "/add/a", "/add/b", "/add/b", "/add/b"]

    assert [client.post(path).status_code for path in asked] == [200, 200, 503, 503, 200]
    assert client.get("/add/b").status_code == 200


def test_the_record_says_which_fault_struck_and_what_was_meant(tally: Tally, client: httpx.Client) -> None:
    tally.script(faults.broken(performed=True))
    client.post("/add/one")
    exchange = tally.exchanges[0]

    assert exchange.fault is not None
    assert exchange.fault.name == "broken 503"
    assert exchange.response is not None
    assert exchange.response.json()["count"] == 1


def test_waiting_ends_when_the_condition_holds_and_gives_up_when_it_does_not(tally: Tally) -> None:
    begun = time.monotonic()

    assert tally.wait_for(lambda: True, timeout=30)
    assert not tally.wait_for(lambda: False, timeout=0.1)
    assert time.monotonic() - begun < 10


def test_a_multipart_form_is_taken_apart(tally: Tally, client: httpx.Client) -> None:
    client.post("/add/one", files={"file": ("a.png", b"\x89PNG\r\n\r\nx", "image/png")}, data={"alt": "a dot — ö"})
    request = tally.requests("POST")[0]

    assert [(part.name, part.filename, part.mime, part.content) for part in request.parts if part.filename] == [
        ("file", "a.png", "image/png", b"\x89PNG\r\n\r\nx")
    ]
    assert request.form == (("alt", "a dot — ö"),)


def test_garbage_on_the_socket_ends_that_connection_only(tally: Tally) -> None:
    async def talk() -> tuple[bytes, int]:
        async with serving(tally) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"hello\r\n\r\n")
            heard = await reader.read()
            writer.close()
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
                return heard, (await client.get("/add/x")).status_code

    assert asyncio.run(talk()) == (b"", 200)

"""Where the client connects to, and where it never does."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare._contract.http import Request
from fieldfare._domain.errors import ConfigError, NotSent
from fieldfare._net import Client, Guard, open_transport

from .loopback import Names, Server, VirtualClock, Wall, client_of, run

CLOSED = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "::/96", "::ffff:0:0/96",
    "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8",
]  # fmt: skip
ADDRESSES = sorted({str(ip_network(cidr)[at]) for cidr in CLOSED for at in (0, -1, 1 if "128" not in cidr else 0)})

SPELLINGS = [
    "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.01",
    "127.0.0.1.", "127.0.0.1..", "localhost.", "１２７.0.0.1", "127。0。0。1", "127．0．0．1", "①②⑦.0.0.1",
    "127.0.0.1%00",
    "[fe80::1%25lo]", "[fe80::1%lo]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:0:127.0.0.1]", "user@127.0.0.1", "example.org@127.0.0.1", "user:password@example.org", "example.org:0",
    "example.org:99999", "exam ple.org", "exam%70le.org", "-a.example.org", "a..example.org", "", "*", "1.2.3.4.5",
]  # fmt: skip


def get(url: str) -> Request:
    return Request(method="GET", url=url)


async def _refused(url: str, names: Names) -> Wall:
    wall = Wall()
    async with client_of(private=(), resolver=names, sockets=wall) as client:
        for ask in (client.read, client.exchange):
            with pytest.raises(NotSent):
                await ask(get(url))
    return wall


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_not_public_is_never_connected_to(address: str, scheme: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert run(_refused(f"{scheme}://{host}/", Names())).addresses == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_name_that_leads_to_such_an_address_is_never_connected_to(address: str, scheme: str) -> None:
    assert run(_refused(f"{scheme}://trap.example/", Names(trap=[[address]]))).addresses == []


@pytest.mark.parametrize("host", SPELLINGS)
def test_a_host_in_a_disguise_is_refused_before_anyone_looks_it_up(host: str) -> None:
    names = Names()
    assert run(_refused(f"https://{host}/", names)).addresses == []
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "data:,x", "unix:///run/x", "//example.org/",
     "example.org", "ws://example.org/", "", "javascript:x", "http+unix://%2Frun/x"],
)  # fmt: skip
def test_only_http_and_https_are_spoken(url: str) -> None:
    async def scenario() -> None:
        client = Client(hosts=(), clock=VirtualClock(), transport=httpx.MockTransport(lambda _: httpx.Response(200)))
        with pytest.raises(NotSent, match="is not spoken here; use https"):
            await client.exchange(get(url))

    run(scenario())


@pytest.mark.parametrize("url", ["https:", "https:///x", "https://?x", "http:/example.org"])
def test_a_url_names_a_host(url: str) -> None:
    assert run(_refused(url, Names())).addresses == []


def test_an_address_is_refused_whatever_the_transport_would_do() -> None:
    async def scenario() -> None:
        client = Client(hosts=(), clock=VirtualClock(), transport=httpx.MockTransport(lambda _: httpx.Response(200)))
        with pytest.raises(NotSent, match="name its range in `private`"):
            await client.exchange(get("https://10.0.0.1/"))

    run(scenario())


def test_plain_http_to_a_public_address_is_refused() -> None:
    assert run(_refused("http://shop.example/", Names(shop=[["93.184.215.14"]]))).addresses == []
    assert run(_refused("http://93.184.215.14/", Names())).addresses == []


def test_a_public_address_is_connected_to_as_it_was_looked_up() -> None:
    wall = run(_refused("https://shop.example/", Names(shop=[["93.184.215.14"]])))
    assert set(wall.addresses) == {"93.184.215.14"}


def test_of_mixed_records_only_the_public_ones_are_connected_to() -> None:
    records = ["127.0.0.1", "93.184.215.14", "::1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "10.0.0.7"]
    wall = run(_refused("https://mixed.example/", Names(mixed=[records])))
    assert set(wall.addresses) == {"93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"}


def test_a_name_that_turns_private_after_the_first_look_is_not_followed() -> None:
    async def scenario() -> tuple[Names, Wall]:
        names, wall = Names(rebind=[["93.184.215.14"], ["127.0.0.1"]]), Wall()
        async with client_of(private=(), resolver=names, sockets=wall) as client:
            with pytest.raises(NotSent, match=r"127\.0\.0\.1 is loopback"):
                await client.read(get("https://rebind.example/"))
        return names, wall

    names, wall = run(scenario())
    assert wall.addresses == ["93.184.215.14"]
    assert names.asked == ["rebind.example"] * 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
def test_the_transport_alone_lets_no_address_pass_either(host: str) -> None:
    async def scenario() -> Wall:
        wall = Wall()
        transport = open_transport(sockets=wall)
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(httpx.Request("GET", f"https://{host}/"))
        await transport.aclose()
        return wall

    assert run(scenario()).addresses == []


def test_one_look_up_serves_one_connection() -> None:
    async def scenario() -> tuple[Names, int]:
        names = Names(box=[["127.0.0.1"], ["10.0.0.1"]])
        async with Server() as server, client_of(resolver=names) as client:
            for _ in range(3):
                await client.read(get(f"http://box.example:{server.port}/"))
            return names, server.connections

    names, connections = run(scenario())
    assert (names.asked, connections) == (["box.example"], 1)


def test_a_named_range_is_open_and_nothing_beside_it() -> None:
    async def scenario() -> int:
        async with Server() as server, client_of(private=["127.0.0.0/30"]) as client:
            assert (await client.read(get(server.url))).status == 200
            with pytest.raises(NotSent, match="loopback"):
                await client.read(get(f"http://127.0.0.9:{server.port}/"))
            return server.connections

    assert run(scenario()) == 1


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "::/0", "8.8.8.0/24", "2606:2800::/32", "128.0.0.0/1", "2000::/3"])
def test_no_range_opens_what_is_public(cidr: str) -> None:
    with pytest.raises(ConfigError, match="is not a private range"):
        Guard([cidr])


@pytest.mark.parametrize("cidr", ["127.0.0.1/8", "localhost", "", "10.0.0.0/33"])
def test_a_malformed_range_is_named(cidr: str) -> None:
    with pytest.raises(ConfigError, match="is no address range"):
        Guard([cidr])


@settings(max_examples=300)
@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_what_passes_is_global_and_is_no_wrapped_ipv4(ip: IPv4Address | IPv6Address) -> None:
    if Guard().refusal(str(ip), plain=False) is not None:
        return
    assert ip.is_global
    assert not ip.is_multicast
    if isinstance(ip, IPv6Address):
        assert (ip.ipv4_mapped, ip.sixtofour, ip.teredo) == (None, None, None)


@pytest.mark.parametrize("address", ["fe80::1%eth0", "", "example.org", "127.1", "2130706433"])
def test_a_resolver_that_answers_with_anything_else_is_not_believed(address: str) -> None:
    assert Guard(["127.0.0.0/8", "fe80::/10"]).refusal(address, plain=False) is not None

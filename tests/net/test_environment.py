"""What the machine around us may not change: proxies, netrc, certificates."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest

from fieldfare._contract.http import Request
from fieldfare._domain.errors import NotSent, OutcomeUnknown
from fieldfare._net import open_transport, trusted

from .loopback import CERTIFICATE, Call, Names, Server, client_of, run

LOCAL = Names(localhost=[["127.0.0.1"]])


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_in_the_environment_are_ignored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> tuple[int, int]:
        async with Server() as proxy, Server() as server, client_of() as client:
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            await client.read(Request(method="GET", url=server.url))
            with pytest.raises(NotSent):
                await client.exchange(Request(method="POST", url=f"https://{server.host}/", timeout=0.3))
            return proxy.connections, len(server.calls)

    assert run(scenario()) == (0, 1)


def test_credentials_of_a_netrc_file_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login brand password canary-netrc\ndefault login a password canary-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    async def scenario() -> str | None:
        async with Server() as server, client_of() as client:
            await client.read(Request(method="GET", url=server.url))
            return server.calls[0].header("authorization")

    assert run(scenario()) is None


def test_a_certificate_that_nobody_vouches_for_proves_that_nothing_was_sent() -> None:
    async def scenario() -> list[Call]:
        async with Server(tls=True) as server, client_of(resolver=LOCAL) as client:
            with pytest.raises(NotSent, match="the certificate is not trusted"):
                await client.exchange(Request(method="POST", url=f"https://localhost:{server.port}/"))
            return server.calls

    assert run(scenario()) == []


def _trusting_the_test_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(CERTIFICATE)
    return context


def test_a_certificate_for_another_name_proves_that_nothing_was_sent() -> None:
    async def scenario() -> list[Call]:
        trust = _trusting_the_test_certificate()
        async with Server(tls=True) as server, client_of(trust=trust) as client:
            with pytest.raises(NotSent, match="the certificate is not trusted"):
                await client.exchange(Request(method="POST", url=f"https://127.0.0.1:{server.port}/"))
            return server.calls

    assert run(scenario()) == []


def test_a_certificate_that_is_vouched_for_is_taken() -> None:
    async def scenario() -> int:
        trust = _trusting_the_test_certificate()
        async with Server(tls=True) as server, client_of(resolver=LOCAL, trust=trust) as client:
            url = f"https://localhost:{server.port}/"
            await client.exchange(Request(method="POST", url=url, content=b"x" * 200_000))
            return (await client.read(Request(method="GET", url=url))).status

    assert run(scenario()) == 200


def test_a_connection_lost_under_tls_is_unknown() -> None:
    async def close(call: Call) -> None:
        call.close()

    async def scenario() -> int:
        trust = _trusting_the_test_certificate()
        async with Server(close, tls=True) as server, client_of(resolver=LOCAL, trust=trust) as client:
            with pytest.raises(OutcomeUnknown):
                await client.exchange(Request(method="POST", url=f"https://localhost:{server.port}/"))
            return len(server.calls)

    assert run(scenario()) == 1


def test_a_context_that_does_not_verify_is_refused() -> None:
    careless, nameless, lenient = (ssl.create_default_context() for _ in range(3))
    lenient.verify_mode = ssl.CERT_OPTIONAL
    nameless.check_hostname = False
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    for context in (careless, nameless, lenient):
        with pytest.raises(ValueError, match="does not verify"):
            open_transport(trust=context)
    open_transport(trust=trusted())


def test_nothing_about_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with Server() as server, client_of(server.host) as client:
            await client.read(
                Request(method="GET", url=f"{server.url}/canary-log", headers={"Authorization": "canary-log"})
            )

    with caplog.at_level(logging.DEBUG):
        run(scenario())
    assert "canary-log" not in caplog.text

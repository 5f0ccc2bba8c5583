"""Where a request may go: address ranges, spellings of a host, and the hosts that may see credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import httpx

from .._contract.http import Params
from .._domain.errors import ConfigError, NotSent

Network: TypeAlias = IPv4Network | IPv6Network

PORTS = {"http": 80, "https": 443}

# After the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates) and RFC 5771.
# `ipaddress.is_global` is no substitute: Python 3.11 calls 224.0.0.1, 2002:7f00:1:: and 64:ff9b::7f00:1 global.
CLOSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(cidr), what)
    for cidr, what in (
        ("0.0.0.0/8", "of this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "a mapped IPv4 address"),
        ("::/96", "a compatible IPv4 address"),
        ("64:ff9b::/96", "a translated IPv4 address"),
        ("64:ff9b:1::/48", "a translated IPv4 address"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        # Everything else outside 2000::/3 is not handed out to anyone.
        ("::/3", "reserved"),
        ("4000::/2", "reserved"),
        ("8000::/1", "reserved"),
    )
)

NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A host name in lower case, with underscores where real servers have them, without a dot at the end."""
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that lets the C library read the whole host as an IPv4 address: '127.1', '0x7f000001', '2130706433'."""


class Hopeless(NotSent):
    """Not sent, and trying again at once cannot help."""


class Guard:
    """Says which addresses may be connected to; `private` are the CIDR ranges a platform named.

    Raises ConfigError for a range that is malformed or reaches beyond the ranges that need permission.
    """

    def __init__(self, private: Sequence[str] = ()) -> None:
        self._named = tuple(_named(cidr) for cidr in private)

    def refusal(self, address: str, *, plain: bool) -> str | None:
        """Why this address may not be connected to, `plain` meaning without TLS; None when it may."""
        try:
            ip = ip_address(address)
        except ValueError:
            return f"{address!r} is not an address"
        if isinstance(ip, IPv6Address) and ip.scope_id is not None:
            return f"{address!r} has a zone"
        if any(ip in network for network in self._named):
            return None
        what = _closed(ip)
        if what is not None:
            where = "of the platform, the trigger, or for Notify fieldfare.toml"
            return f"{address} is {what}; if it is meant, name its range in `private` {where}"
        if plain:
            return f"{address} is public, and http without TLS goes only to ranges named in `private`; use https"
        return None

    def literal(self, url: httpx.URL) -> None:
        """Raises Hopeless when the host is an address that may not be connected to, names pass."""
        host = url.host
        if ":" in host or NUMBER.fullmatch(host.rpartition(".")[2]):
            said = self.refusal(host, plain=url.scheme == "http")
            if said is not None:
                raise Hopeless(said)


def refused(url: str, private: Sequence[str]) -> str:
    """Why this address would not be written to, as far as it shows without asking anybody; '' when it would be."""
    try:
        place = target(url)
        local = place.host == "localhost" or place.host.endswith(".localhost")
        Guard(private).literal(place.copy_with(host="127.0.0.1") if local else place)
    except Hopeless as exc:
        return str(exc)
    return ""


def _named(cidr: str) -> Network:
    try:
        network = ip_network(cidr)
    except ValueError as error:
        raise ConfigError(f"{cidr!r} is no address range: {error}; write for example '127.0.0.0/8'") from None
    if not any(_inside(network, closed) for closed, _ in CLOSED):
        raise ConfigError(f"{cidr!r} is not a private range; public addresses need no permission")
    return network


def _inside(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and network.subnet_of(other)
    return isinstance(other, IPv6Network) and network.subnet_of(other)


def _closed(ip: IPv4Address | IPv6Address) -> str | None:
    for network, what in CLOSED:
        if ip in network:
            return what
    return None if ip.is_global else "not public"


def target(url: str, params: Params | None = None) -> httpx.URL:
    """The URL with its parameters added, its host in the one spelling that is both vetted and connected to.

    Raises Hopeless for any scheme but http and https, for a user name in the URL, and for a host that is neither
    a plain name nor an address as four decimal numbers or in IPv6 brackets.
    """
    parsed = _vetted(url)
    if not params:
        return parsed
    try:
        return parsed.copy_merge_params(
            {name: value if isinstance(value, str | int) else list(value) for name, value in params.items()}
        )
    except (httpx.InvalidURL, ValueError, TypeError):
        raise _no_url(url) from None


@lru_cache(maxsize=256)
def _vetted(url: str) -> httpx.URL:
    """As `target` without parameters: connectors write to the same few addresses over and over."""
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, TypeError):
        raise _no_url(url) from None
    if parsed.scheme not in PORTS:
        raise Hopeless(f"scheme {parsed.scheme!r} is not spoken here; use https")
    if parsed.userinfo:
        raise Hopeless(f"a url to {host!r} carries a user name; credentials go into headers")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise Hopeless(f"{parsed.port} is no port; use 1 to 65535")
    if not _proper(host):
        raise Hopeless(f"{host!r} is neither a host name nor an address in its usual form")
    return parsed


def _no_url(url: str) -> Hopeless:
    return Hopeless(f"{url.partition('?')[0][:200]!r} is no url; use https://host/path")


def _proper(host: str) -> bool:
    if ":" in host:
        return _reads(IPv6Address, host)
    if NUMBER.fullmatch(host.rpartition(".")[2]):
        return _reads(IPv4Address, host)
    return NAME.fullmatch(host) is not None


def _reads(kind: type[IPv4Address] | type[IPv6Address], host: str) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True


def declared(url: httpx.URL, hosts: Iterable[str]) -> bool:
    """Is this one of the hosts (`name`, `name:port`, `*.name`) that may see credentials? Never on a guess."""
    host = url.raw_host.decode("ascii")
    name = f"[{host}]" if ":" in host else host
    default = PORTS[url.scheme]
    port = url.port or default
    spellings = {f"{name}:{port}", name} if port == default else {f"{name}:{port}"}
    for entry in hosts:
        wanted = entry.lower()
        if wanted in spellings:
            return True
        if wanted.startswith("*.") and any(spelling.endswith(wanted[1:]) for spelling in spellings):
            return True
    return False

"""One login per account: kept, renewed in time and once, and given up with a reason a person can act on."""

from __future__ import annotations

import asyncio
import json

import pytest

from fieldfare import Draft, Publish
from fieldfare.plugin import AuthFailed, NotSent, Receipt
from fieldfare_bluesky import Bluesky
from fieldfare_bluesky._login import reaches
from tests.doubles import faults
from tests.doubles.bluesky_desk import SERVER, Desk
from tests.doubles.wire import as_json

REFRESH = "com.atproto.server.refreshSession"
CREATE = "com.atproto.server.createSession"


def publish(desk: Desk, name: str = "one") -> Receipt:
    done = desk.run(Publish(draft=Draft(text="Hello")).perform(desk.session, desk.trial(name)))
    assert isinstance(done, Receipt)
    return done


def test_an_account_logs_in_once_and_another_session_goes_on_with_the_tokens() -> None:
    desk = Desk()
    assert desk.run(desk.session.whoami()).id == desk.brand.did
    assert desk.run(desk.open().whoami()).handle == "brand.test"
    assert desk.calls(CREATE) == 1


def test_tokens_of_another_account_or_server_are_not_used() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    kept = json.loads(desk.tokens["session"])
    desk.tokens["session"] = json.dumps({**kept, "identifier": "somebody at http://elsewhere.test"})
    desk.session = desk.open()
    desk.net.clock.advance(60)
    desk.run(desk.session.whoami())
    assert desk.calls(CREATE) == 2


@pytest.mark.parametrize("kept", ["", "{}", "no json", '{"identifier": 1}'])
def test_tokens_that_cannot_be_read_are_fetched_anew(kept: str) -> None:
    desk = Desk(tokens={"session": kept})
    assert desk.run(desk.session.whoami()).id == desk.brand.did


def test_a_token_about_to_end_is_renewed_before_it_is_used() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    desk.net.clock.advance(7200 - 60)
    desk.run(desk.session.whoami())
    assert (desk.calls(REFRESH), desk.calls(CREATE)) == (1, 1)
    assert all(one.response is None or one.response.status == 200 for one in desk.net.exchanges)


def test_a_read_meets_an_expired_token_and_is_repeated_with_a_new_one() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    early = json.loads(desk.tokens["session"])
    desk.tokens["session"] = json.dumps({**early, "access": desk.net.token(desk.brand, seconds=-1), "ends": None})
    desk.session = desk.open()
    assert desk.run(desk.session.whoami()).id == desk.brand.did
    assert desk.calls(REFRESH) == 1


def test_a_write_meets_an_expired_token_and_is_performed_once() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    desk.net.script(faults.answer(as_json({"error": "ExpiredToken"}, 400), performed=False), "POST", "*putRecord")
    publish(desk)
    assert desk.calls(REFRESH) == 1
    assert len(desk.brand.posts()) == 1


def test_many_at_once_renew_once() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    desk.net.clock.advance(7200)

    async def many() -> None:
        await asyncio.gather(*(desk.session.whoami() for _ in range(8)))

    desk.run(many())
    assert desk.calls(REFRESH) == 1


def test_new_tokens_are_on_disk_before_they_are_used() -> None:
    desk = Desk()
    lent = desk.lent()
    kept_before_use: list[bool] = []

    async def keep(name: str, value: str) -> None:
        used = [one.request.bearer for one in desk.net.exchanges]
        kept_before_use.append(json.loads(value)["access"] not in used)
        lent.tokens[name] = value

    lent.keep = keep  # type: ignore[method-assign]
    session = desk.run(desk.settings.open(lent))
    desk.run(session.whoami())
    desk.net.clock.advance(7200)
    desk.run(session.whoami())
    assert kept_before_use == [True, True]


@pytest.mark.parametrize("way", ["ended", "withdrawn"])
def test_a_refresh_token_that_is_taken_no_more_means_logging_in_again(way: str) -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    if way == "withdrawn":
        desk.net.withdrawn.add(json.loads(desk.tokens["session"])["refresh"])
    desk.net.clock.advance(7200 if way == "withdrawn" else 91 * 86_400)
    desk.run(desk.session.whoami())
    assert desk.calls(CREATE) == 2


def test_logging_in_is_rare_even_when_every_token_is_refused() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    desk.net.clock.advance(7200)
    for token in ("access", "refresh"):
        desk.net.withdrawn.add(json.loads(desk.tokens["session"])[token])
    desk.run(desk.session.whoami())
    desk.net.withdrawn.add(json.loads(desk.tokens["session"])["refresh"])
    desk.net.withdrawn.add(json.loads(desk.tokens["session"])["access"])
    with pytest.raises(NotSent) as caught:
        desk.run(desk.session.whoami())
    assert 0 < (caught.value.retry_after or 0) <= 30
    assert desk.calls(CREATE) == 2


def test_a_server_that_refuses_what_it_has_just_issued_stops_the_account() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    stale = faults.answer(as_json({"error": "InvalidToken"}, 400), performed=False)
    desk.net.script(stale, "GET", "*getSession", count=2)
    with pytest.raises(AuthFailed, match="has just issued"):
        desk.run(desk.session.whoami())


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("AuthenticationRequired", "make an app password"),
        ("AccountTakedown", "ask its moderators"),
        ("AuthFactorTokenRequired", "use an app password instead"),
    ],
)
def test_a_refused_login_says_what_to_do_and_not_what_was_tried(error: str, remedy: str) -> None:
    desk = Desk()
    desk.net.script(faults.answer(as_json({"error": error}, 401), performed=False), "POST", "*createSession")
    with pytest.raises(AuthFailed, match=remedy) as caught:
        desk.run(desk.session.whoami())
    assert desk.password not in str(caught.value)


def test_a_deactivated_account_is_told_to_its_owner() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    desk.brand.closed = "AccountDeactivated"
    with pytest.raises(AuthFailed, match=r"AccountDeactivated.*activate it in the app"):
        publish(desk)
    with pytest.raises(AuthFailed, match="not active"):
        desk.run(desk.session.whoami())
    desk.tokens.clear()
    asked = desk.calls("getSession")
    with pytest.raises(AuthFailed, match="not active"):
        desk.run(desk.open().whoami())
    assert desk.calls("getSession") == asked


def test_the_server_in_the_accounts_own_document_is_used_where_we_may_talk_to_it() -> None:
    desk = Desk(server="https://bsky.social")
    desk.net.home = "https://home1.eu.host.bsky.network"
    publish(desk)
    assert [request.url.split("/xrpc/")[0] for request in desk.asked] == [
        "https://bsky.social",
        "https://home1.eu.host.bsky.network",
    ]


@pytest.mark.parametrize(
    "home", ["https://elsewhere.example", "http://bsky.social", "https://bsky.social.evil.example"]
)
def test_a_server_that_was_not_declared_gets_no_credentials(home: str) -> None:
    desk = Desk(server="https://bsky.social")
    desk.net.home = home
    desk.run(desk.session.whoami())
    assert json.loads(desk.tokens["session"])["endpoint"] == "https://bsky.social"


@pytest.mark.parametrize(
    ("hosts", "url", "may"),
    [
        ({"pds.test"}, "https://pds.test", True),
        ({"pds.test"}, "https://pds.test:443", True),
        ({"pds.test"}, "https://pds.test:8443", False),
        ({"pds.test:8443"}, "https://pds.test:8443", True),
        ({"*.pds.test"}, "https://a.pds.test", True),
        ({"*.pds.test"}, "https://pds.test", False),
        ({"*.pds.test"}, "https://evilpds.test", False),
        ({"pds.test"}, "http://pds.test", False),
        ({"pds.test"}, "", False),
    ],
)
def test_who_may_see_credentials(hosts: set[str], url: str, may: bool) -> None:
    assert reaches(frozenset(hosts), "https", url) is may


def test_the_hosts_of_an_own_server_are_that_server_alone() -> None:
    assert Bluesky(handle="a.test", server="https://pds.example").hosts == {"pds.example"}
    assert Bluesky(handle="a.test", server="http://127.0.0.1:2583").hosts == {"127.0.0.1:2583"}
    assert Bluesky(handle="a.test").hosts == {"bsky.social", "*.host.bsky.network"}


def test_a_handle_may_be_written_with_its_at_sign() -> None:
    desk = Desk()
    desk.settings = Bluesky(handle="@brand.test", server=SERVER)
    assert desk.run(desk.open().whoami()).handle == "brand.test"


def test_nothing_that_is_shown_carries_a_token() -> None:
    desk = Desk()
    desk.run(desk.session.whoami())
    login = json.loads(desk.tokens["session"])
    shown = f"{desk.settings!r} {desk.session!r} {desk.run(desk.session._keeper.login())!r}"
    assert [name for name in ("access", "refresh") if login[name] in shown] == []

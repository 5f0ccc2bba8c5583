"""`accounts`: secrets come in without being seen, and never come out."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from tests.cli.typed import typed

CANARY = "canary-playground-41c9"


@pytest.fixture
def guarded(shop: Path) -> Path:
    """A project whose account names a secret."""
    file = shop / "accounts.py"
    text = file.read_text().replace("import Account", "import Account, secret")
    file.write_text(text.replace('handle="brand"', 'handle="brand", token=secret("BRAND_TOKEN")'))
    return shop


def test_a_secret_from_stdin_is_kept_where_only_its_owner_can_read_it(guarded: Path) -> None:
    said = typed("accounts", "login", "brand", where=guarded, stdin=f"{CANARY}\n")
    assert said.code == 0
    file = guarded / "secrets.toml"
    assert tomllib.loads(file.read_text()) == {"BRAND_TOKEN": CANARY}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert CANARY not in said.out + said.err
    assert "next: fieldfare accounts test brand" in said.out


def test_a_second_login_replaces_the_first_and_leaves_the_rest(guarded: Path) -> None:
    file = guarded / "secrets.toml"
    file.write_text('# ours\nOTHER = "stays"\nBRAND_TOKEN = "old"\n')
    file.chmod(0o644)
    typed("accounts", "login", "brand", where=guarded, stdin=f"{CANARY}\n")
    assert file.read_text() == f'# ours\nOTHER = "stays"\nBRAND_TOKEN = "{CANARY}"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ['quo"te', "back\\slash", "münchen ☂", "tab\there", "del\x7f", "hash # = [x]"])
def test_any_secret_survives_the_file(guarded: Path, value: str) -> None:
    typed("accounts", "login", "brand", where=guarded, stdin=f"{value}\n")
    assert tomllib.loads((guarded / "secrets.toml").read_text())["BRAND_TOKEN"] == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('BRAND_TOKEN = """\nmany\nlines"""\n', "put 'BRAND_TOKEN' in by hand"),
        ('OTHER = """\nBRAND_TOKEN = many\n"""\n', "put 'BRAND_TOKEN' in by hand"),
        ("BRAND_TOKEN = many\n", "is not TOML"),
    ],
)
def test_a_file_of_secrets_that_cannot_be_changed_here_stays_as_it_is(guarded: Path, text: str, why: str) -> None:
    file = guarded / "secrets.toml"
    file.write_text(text)
    file.chmod(0o600)
    said = typed("accounts", "login", "brand", where=guarded, stdin=f"{CANARY}\n")
    assert said.code == 3
    assert why in said.err
    assert file.read_text() == text
    assert "many" not in said.err


@pytest.mark.parametrize(
    "words", [("--token", CANARY), (f"--token={CANARY}",), (CANARY,), (f"--password={CANARY}",), ("--secret", CANARY)]
)
def test_a_secret_in_the_arguments_is_refused_and_not_repeated(guarded: Path, words: tuple[str, ...]) -> None:
    said = typed("accounts", "login", "brand", *words, where=guarded, stdin="x-y-z-1\n")
    assert said.code == 2
    assert CANARY not in said.out + said.err
    assert "a secret is not taken from an argument" in said.err
    assert "fieldfare accounts login NAME < token.txt" in said.err
    assert not (guarded / "secrets.toml").exists()


def test_an_option_that_does_not_exist_is_said_without_its_value(guarded: Path) -> None:
    said = typed("accounts", "login", "brand", f"--tokn={CANARY}", where=guarded)
    assert said.code == 2
    assert "no option '--tokn'" in said.err
    assert CANARY not in said.err


def test_an_empty_secret_is_refused(guarded: Path) -> None:
    said = typed("accounts", "login", "brand", where=guarded, stdin="\n")
    assert said.code == 2
    assert "nothing was given for BRAND_TOKEN" in said.err


def test_an_account_that_needs_no_secret_says_so(shop: Path) -> None:
    assert "it needs no secret" in typed("accounts", "login", "brand", where=shop).out


def test_an_unknown_account_names_the_nearest(guarded: Path) -> None:
    for verb in ("login", "test"):
        said = typed("accounts", verb, "brnad", where=guarded)
        assert said.code == 3
        assert "no account is called 'brnad'; did you mean 'brand'?" in said.err


def test_the_list_says_which_secrets_are_missing(guarded: Path) -> None:
    (row,) = typed("accounts", "list", "--json", where=guarded).json
    assert row["secrets"] == {"BRAND_TOKEN": False}
    assert "BRAND_TOKEN (missing)" in typed("accounts", "list", where=guarded).out
    typed("accounts", "login", "brand", where=guarded, stdin=f"{CANARY}\n")
    (row,) = typed("accounts", "list", "--json", where=guarded).json
    assert row["secrets"] == {"BRAND_TOKEN": True}


def test_an_account_is_tried_without_a_daemon(guarded: Path) -> None:
    typed("accounts", "login", "brand", where=guarded, stdin=f"{CANARY}\n")
    found = typed("accounts", "test", "brand", "--json", where=guarded).json
    assert (found["handle"], found["platform"]) == ("brand", "playground")
    assert {"Publishes", "Replies", "ReadsMentions", "Recalls"} <= set(found["capabilities"])
    assert typed("accounts", "list", "--json", where=guarded).json[0]["handle"] == "brand"


def test_a_refused_login_ends_with_4_and_says_why(guarded: Path) -> None:
    said = typed("accounts", "test", "brand", where=guarded)
    assert said.code == 4
    assert "no source has the secret 'BRAND_TOKEN'" in said.err
    assert "Traceback" not in said.err


def test_after_a_login_that_works_a_paused_account_is_told_how_it_goes_on(guarded: Path) -> None:
    assert typed("accounts", "test", "brand", where=guarded).code == 4
    typed("accounts", "login", "brand", where=guarded, stdin=f"{CANARY}\n")
    said = typed("accounts", "test", "brand", where=guarded)
    assert said.code == 0
    assert "it is paused; to go on: fieldfare resume --account brand" in said.err
    typed("resume", "--account", "brand", where=guarded)
    assert "paused" not in typed("accounts", "test", "brand", where=guarded).err

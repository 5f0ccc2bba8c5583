"""`fieldfare.toml`, the sources of secrets, and the folder where the state is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from fieldfare._engine.secrets import SecretSource
from fieldfare._engine.settings import Settings, read_settings, state_folder
from fieldfare.plugin import ConfigError, FieldfareError

CANARY = "canary-loft-2b81"


def written(folder: Path, text: str) -> Path:
    (folder / "fieldfare.toml").write_text(text, encoding="utf-8")
    return folder


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_settings(folder)
    return [str(mistake).removeprefix(f"{folder}/") for mistake in caught.value.mistakes]


def source(folder: Path, settings: str = "", environ: dict[str, str] | None = None) -> SecretSource:
    return SecretSource(folder, read_settings(written(folder, settings)), environ or {})


def secrets_file(folder: Path, text: str, mode: int = 0o600) -> None:
    path = folder / "secrets.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    assert settings == Settings()
    assert (settings.listen_host, settings.store) == ("127.0.0.1", Path(".fieldfare/fieldfare.db"))


def test_every_table_is_read(tmp_path: Path) -> None:
    text = """
store = "state/birds.db"
ignore = ["drafts/*"]
private = ["10.1.0.0/16"]
[secrets]
environment = "BIRDS_"
[listener]
port = 9000
[log]
format = "json"
[plugins]
refuse = ["pigeon"]
[retention]
bodies = "off"
"""
    settings = read_settings(written(tmp_path, text))
    assert settings.store == Path("state/birds.db")
    assert settings.ignore == ("drafts/*",)
    assert settings.private == ("10.1.0.0/16",)
    assert settings.secrets.environment == "BIRDS_"
    assert settings.listen_port == 9000
    assert settings.log.format == "json"
    assert settings.plugins.refuse == ("pigeon",)
    assert settings.retention.bodies is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('stor = "x.db"', "fieldfare.toml:1:1: fieldfare.toml has no setting 'stor'; did you mean 'store'?"),
        ("\n[listener]\nprot = 1", "fieldfare.toml:3:1: [listener] has no setting 'prot'; did you mean 'port'?"),
        (
            "[listener]\nport = 70000",
            "fieldfare.toml:2:8: 'port' of [listener]: input should be less than or equal to 65535, not 70000",
        ),
        (
            '[log]\nformat = "xml"',
            "fieldfare.toml:2:10: 'format' of [log]: input should be 'auto', 'text' or 'json', not 'xml'",
        ),
        ("listener.port = true", "fieldfare.toml:1:17: 'port' of [listener]: it must be a whole number, not True"),
        ("[trust]", "fieldfare.toml:1:2: fieldfare.toml has no setting 'trust'; it has ignore, listener, log, "),
        ("store = ", "fieldfare.toml:1:9: this is not TOML: invalid value"),
        (
            '[retention]\nbodies = "3 weeks"',
            "fieldfare.toml:2:10: 'bodies' of [retention]: '3 weeks' is not how long; write it as ",
        ),
        ('private = ["lan"]', "fieldfare.toml:1:11: 'private' of fieldfare.toml: 'lan' is not a range of addresses; "),
    ],
)
def test_a_mistake_in_the_settings_is_shown_where_it_is(tmp_path: Path, text: str, said: str) -> None:
    [shown] = mistakes(written(tmp_path, text))
    assert shown.startswith(said)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    assert len(mistakes(written(tmp_path, "stor = 1\n[log]\nlevel = 2\n[listener]\nhots = 3"))) == 3


def test_a_secret_comes_from_the_first_source_that_has_it(tmp_path: Path) -> None:
    environ = {"FIELDFARE_SECRET_LOFT_TOKEN": "from-environment"}
    assert source(tmp_path, environ=environ).get("LOFT_TOKEN") == "from-environment"
    secrets_file(tmp_path, 'LOFT_TOKEN = "from-file"')
    assert source(tmp_path, environ=environ).get("LOFT_TOKEN") == "from-file"
    (tmp_path / "handed").mkdir()
    (tmp_path / "handed" / "LOFT_TOKEN").write_text("from-directory\n", encoding="utf-8")
    assert source(tmp_path, '[secrets]\ndirectory = "handed"', environ).get("LOFT_TOKEN") == "from-directory"


def test_the_directory_that_a_service_manager_hands_over_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "LOFT_TOKEN").write_text(CANARY, encoding="utf-8")
    assert source(tmp_path, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}).get("LOFT_TOKEN") == CANARY


def test_a_name_becomes_the_name_of_a_variable(tmp_path: Path) -> None:
    assert source(tmp_path, environ={"FIELDFARE_SECRET_NORTH_LOFT_KEY": CANARY}).get("north-loft.key") == CANARY


def test_a_secret_that_is_nowhere_names_every_source_that_was_tried(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        source(tmp_path, '[secrets]\ndirectory = "handed"').get("LOFT_TOKEN")
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "no source has the secret 'LOFT_TOKEN'; looked for the file handed/LOFT_TOKEN, LOFT_TOKEN in secrets.toml, "
        "the environment variable FIELDFARE_SECRET_LOFT_TOKEN"
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_of_secrets_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    secrets_file(tmp_path, f'LOFT_TOKEN = "{CANARY}"', mode)
    with pytest.raises(ConfigError, match=r"open to others.*; run: chmod 600 .*secrets.toml"):
        source(tmp_path).get("LOFT_TOKEN")


@pytest.mark.parametrize(
    "text", [f"LOFT_TOKEN = {CANARY}", f'LOFT_TOKEN = "{CANARY}', f'A = ["{CANARY}"]\n[LOFT_TOKEN]', "LOFT_TOKEN = 3"]
)
def test_what_is_wrong_in_a_file_of_secrets_is_said_without_the_secrets(tmp_path: Path, text: str) -> None:
    secrets_file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        source(tmp_path).get("LOFT_TOKEN")
    exc: BaseException | None = caught.value
    while exc is not None:
        assert CANARY not in f"{exc!r} {exc} {getattr(exc, 'mistakes', '')}"
        exc = exc.__cause__


def test_a_keyring_that_is_not_installed_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match="pip install keyring"):
        source(tmp_path, '[secrets]\nkeyring = "fieldfare"').get("LOFT_TOKEN")


def test_a_keyring_is_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = ModuleType("keyring")
    monkeypatch.setattr(keyring, "get_password", lambda service, name: f"{service}/{name}", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert source(tmp_path, '[secrets]\nkeyring = "birds"').get("LOFT_TOKEN") == "birds/LOFT_TOKEN"


def test_a_source_never_shows_a_value(tmp_path: Path) -> None:
    secrets_file(tmp_path, f'LOFT_TOKEN = "{CANARY}"')
    found = source(tmp_path, environ={"FIELDFARE_SECRET_OTHER": CANARY})
    assert found.get("LOFT_TOKEN") == CANARY
    assert CANARY not in repr(found)


def test_the_state_is_kept_in_a_folder_of_its_owner_alone(tmp_path: Path) -> None:
    folder = state_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert state_folder(tmp_path) == folder


def test_a_state_folder_that_others_may_enter_is_refused_with_the_remedy(tmp_path: Path) -> None:
    state_folder(tmp_path).chmod(0o755)
    with pytest.raises(FieldfareError, match=r"open to others.*; run: chmod 700"):
        state_folder(tmp_path)

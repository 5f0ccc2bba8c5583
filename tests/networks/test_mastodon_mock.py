"""The double that the Mastodon tests stand on, before any connector of ours."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.networks.mastodon_mock import REQUIREMENTS, MastodonMock, interpreters, new_enough


def test_the_double_itself_answers(mastodon_mock: MastodonMock) -> None:
    brand, fan = mastodon_mock.person(), mastodon_mock.person()
    asked = fan.post(f"@{brand.name} are you open?")
    notes = brand.call("GET", "/api/v1/notifications", **{"types[]": "mention"})
    assert [(note["type"], note["status"]["id"]) for note in notes] == [("mention", asked)]

    answer = brand.post(f"@{fan.name} we are", to=asked)
    assert [post["id"] for post in brand.answers(asked)] == [answer]


def test_a_machine_without_a_new_enough_python_is_told_so(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    found = [each for each in interpreters(path=str(tmp_path), root=tmp_path) if Path(each).parent == tmp_path]

    assert found == [str(old)]
    with pytest.raises(pytest.fail.Exception, match=r"needs Python 3\.13 or newer and this machine has none"):
        new_enough(found)


def test_every_package_is_pinned_with_hashes_and_without_addresses() -> None:
    text = REQUIREMENTS.read_text()
    pinned = [line for line in text.splitlines() if "==" in line]

    assert "mastodon-mock==0.6.1" in text
    assert len(re.findall(r"^[\w.-]+==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) == len(pinned)
    assert "://" not in text


def test_the_double_runs_in_an_environment_of_its_own(mastodon_mock: MastodonMock) -> None:
    command = Path(f"/proc/{mastodon_mock.pid}/cmdline").read_bytes().split(b"\0")[0].decode()

    assert subprocess.run([command, "-c", "import fieldfare"], capture_output=True, check=False).returncode != 0

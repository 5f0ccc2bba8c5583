"""The network that the other tests stand on, before any connector of ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.networks.bluesky_network import HERE, Network


def test_the_network_itself_answers(bluesky_network: Network) -> None:
    brand, fan = bluesky_network.person("brand"), bluesky_network.person("fan")
    text = f"Grüße 🐦 @{brand.handle}, are you open on Sunday?"
    asked = fan.post(text, mentions=[brand])
    bluesky_network.settle()
    assert [(n["reason"], n["uri"]) for n in brand.notifications()] == [("mention", asked.uri)]

    answer = brand.post("We are.", reply_to=asked)
    fan.like(answer)
    bluesky_network.settle()
    assert brand.view(answer)["likeCount"] == 1
    assert fan.view(asked)["replyCount"] == 1
    assert [r["uri"] for r in bluesky_network.replies(brand, asked)] == [answer.uri]


@pytest.mark.parametrize(("program", "package"), [("npm", "nodejs npm"), ("initdb", "postgresql")])
def test_a_machine_without_what_it_needs_is_told_what_to_install(program: str, package: str, tmp_path: Path) -> None:
    for name in ("sh", "dirname", "id", "python3", "gcc", "g++", "make", "node", "npm", "setpriv", "flock"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=False).stdout.strip()
        if found and name != program:
            (tmp_path / name).symlink_to(found)
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    env["PG_BIN"] = str(tmp_path if program == "initdb" else os.environ.get("PG_BIN", ""))
    done = subprocess.run([HERE / "setup.sh"], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 69
    assert f"{program}" in done.stderr
    assert f"apt-get install {package}" in done.stderr

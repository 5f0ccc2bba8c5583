"""A third party's stateful double of the Mastodon API (`mastodon-mock`), in an environment of its own.

It is far more forgiving than a server: it proves that we speak the protocol as somebody else read it, nothing more.
It needs Python 3.13 and brings a pytest plugin, so it never shares an environment with the tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

REQUIREMENTS = Path(__file__).with_name("mastodon-mock-requirements.txt")
NEEDS = (3, 13)
PEOPLE = 80
READY_SECONDS = 60
LAUNCH = """
import os, runpy, sys, threading
def until_the_runner_is_gone():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=until_the_runner_is_gone, daemon=True).start()
sys.argv = ["mastodon_mock", *sys.argv[1:]]
runpy.run_module("mastodon_mock", run_name="__main__", alter_sys=True)
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody with an account; every method is one call as that person and raises on an error answer."""

    network: MastodonMock
    name: str
    token: str = field(repr=False)

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """One call of the API; gives the JSON of its answer."""
        headers = {"authorization": f"Bearer {self.token}"}
        answer = self.network.http.request(method, self.network.url + path, json=body, params=params, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:400]}"
        return answer.json()

    @property
    def id(self) -> str:
        return str(self.call("GET", "/api/v1/accounts/verify_credentials")["id"])

    def post(self, text: str, *, to: str | None = None, visibility: str = "public") -> str:
        """The id of a new post."""
        body = {"status": text, "visibility": visibility, "in_reply_to_id": to}
        return str(self.call("POST", "/api/v1/statuses", {k: v for k, v in body.items() if v is not None})["id"])

    def favourite(self, id: str) -> None:
        self.call("POST", f"/api/v1/statuses/{id}/favourite")

    def own(self) -> list[dict[str, Any]]:
        """Every post and boost of this person, newest first."""
        found: list[dict[str, Any]] = []
        last: dict[str, str] = {}
        for _ in range(100):
            page = self.call("GET", f"/api/v1/accounts/{self.id}/statuses", limit=40, **last)
            if not page:
                break
            found += page
            last = {"max_id": page[-1]["id"]}
        return found

    def answers(self, to: str) -> list[dict[str, Any]]:
        """The posts with which this person answered one post: the truth of what was sent."""
        return [post for post in self.own() if post["in_reply_to_id"] == to]


@dataclass(frozen=True)
class MastodonMock:
    """The running double; `url` has no slash at the end."""

    url: str
    pid: int
    http: httpx.Client = field(repr=False)

    def person(self) -> Person:
        """Somebody whom no other test has met."""
        number = next(_numbers)
        assert number <= PEOPLE, f"only {PEOPLE} people are seeded; raise PEOPLE"
        return Person(self, f"person{number}", f"token-{number}")


def interpreters(path: str | None = None, root: Path | None = None) -> Iterator[str]:
    """Every Python that may be new enough: on the path, and where a version manager keeps those it does not offer."""
    if sys.version_info >= NEEDS:
        yield sys.executable
    names = [f"python3.{minor}" for minor in range(NEEDS[1], NEEDS[1] + 3)] + ["python3"]
    for name in names:
        if found := shutil.which(name, path=path):
            yield found
    kept = root or Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(each) for each in sorted(kept.glob("versions/3.*/bin/python3")))


def new_enough(candidates: Iterator[str] | Sequence[str]) -> str:
    """The first that runs and is new enough; fails the test with what to install when there is none."""
    check = f"import sys; sys.exit(sys.version_info < {NEEDS})"
    for candidate in candidates:
        done = subprocess.run([candidate, "-I", "-c", check], capture_output=True, check=False, timeout=30)
        if done.returncode == 0:
            return candidate
    pytest.fail(
        "mastodon-mock needs Python 3.13 or newer and this machine has none; install it, or put it on PATH",
        pytrace=False,
    )


def environment(python: str) -> Path:
    """The interpreter of an environment that holds exactly the pinned packages, made once and kept."""
    told = os.environ.get("FIELDFARE_MASTODON_MOCK")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fieldfare" / "mastodon-mock"
    home = Path(told) if told else cache
    home.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    want = hashlib.sha256(REQUIREMENTS.read_bytes() + version.encode()).hexdigest()
    stamp, venv = home / "installed", home / "venv"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != want:
            stamp.unlink(missing_ok=True)
            shutil.rmtree(venv, ignore_errors=True)
            _run([python, "-m", "venv", str(venv)])
            pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
            _run([*pip, "install", "--quiet", "--require-hashes", "-r", str(REQUIREMENTS)])
            stamp.write_text(want)
    return venv / "bin" / "python"


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        pytest.fail(f"mastodon-mock cannot be installed: {' '.join(command)}\n{done.stderr[-2000:]}", pytrace=False)


def _settings(folder: Path) -> Path:
    accounts = "".join(
        f'\n[[seed.accounts]]\nusername = "person{number}"\naccess_token = "token-{number}"\n'
        for number in range(1, PEOPLE + 1)
    )
    path = folder / "mock.toml"
    path.write_text(f'[database]\npath = "{folder / "mock.sqlite"}"\n[auth]\nenforce_scopes = false\n{accounts}')
    return path


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def mastodon_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonMock]:
    """The double on loopback, installed first if need be; where it cannot, fails with what to install."""
    python = environment(new_enough(interpreters()))
    folder = tmp_path_factory.mktemp("mastodon-mock")
    port = free_port()
    where = ["--config", str(_settings(folder)), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("w") as log, httpx.Client(timeout=30, trust_env=False) as http:
        process = subprocess.Popen(
            [str(python), "-c", LAUNCH, "serve", *where, "--log-level", "warning"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        assert process.stdin
        try:
            running = MastodonMock(f"http://127.0.0.1:{port}", process.pid, http)
            if not _answers(running, process):
                said = (folder / "log").read_text()[-3000:]
                pytest.fail(f"mastodon-mock was not ready in {READY_SECONDS} s:\n{said}", pytrace=False)
            yield running
        finally:
            process.stdin.close()  # happens by itself if the test-runner dies
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(running: MastodonMock, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if running.http.get(f"{running.url}/api/v1/instance").is_success:
                return True
        except httpx.TransportError:
            time.sleep(0.05)
    return False

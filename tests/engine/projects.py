"""Projects written into a folder, and what `load` makes of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from fieldfare._engine.load import Loaded, load
from fieldfare.plugin import ConfigError

ACCOUNTS = """
from fieldfare import Account
from fieldfare.testing import Playground

brand = Account("brand", Playground())
press = Account("press", Playground())
"""

THANKS = """
from fieldfare import Context, Mention, Reply, automation, on
from accounts import brand

@automation(on.mention(brand))
def say_thanks(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text="Thank you!")
"""


def project(folder: Path, **files: str) -> Path:
    """A folder with these files (`a_b="…"` becomes `a_b.py`) beside `accounts.py`."""
    for name, text in ({"accounts": ACCOUNTS} | files).items():
        path = folder / f"{name.replace('__', '/', 1)}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def refused(folder: Path, **files: str) -> list[str]:
    """The mistakes of a project, as shown, with paths from its folder."""
    with pytest.raises(ConfigError) as caught:
        load([project(folder, **files)])
    return [str(mistake).removeprefix(f"{folder}/") for mistake in caught.value.mistakes]


def names(loaded: Loaded) -> list[str]:
    return [placed.automation.name for placed in loaded.automations]

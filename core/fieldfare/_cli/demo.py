"""`demo`: the daemon at work, without any account."""

from __future__ import annotations

import typer

from .exits import Exit


def demo() -> None:
    """See it work, in twenty seconds. No account is needed, and nothing is asked.

    \b
      fieldfare demo

    The daemon runs the examples on the Playground, a platform in memory where people come and go; nothing leaves this
    machine. What happens is told as it happens.
    """
    from .stage import play

    code = play()
    if code != Exit.DONE:
        raise typer.Exit(code)

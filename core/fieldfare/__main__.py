"""`fieldfare` on the command line, and `python -m fieldfare`."""

import io
import os
import sys

from ._cli.app import run


def main() -> int:
    """Run what was typed, and give its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It also takes the descriptor that is free, before a store could get it and be written over.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        # What a terminal of another encoding cannot show is shown as an escape.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

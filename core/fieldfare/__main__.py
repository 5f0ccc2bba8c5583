"""`fieldfare` on the command line, and `python -m fieldfare`."""

import sys

from ._cli.app import run


def main() -> int:
    """Run what was typed, and give its exit code."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""`python -m functrace info` tells what the machine is, and what would make it faster."""

import sys

from .machine import report


def main(arguments: list[str]) -> int:
    """Run a command; the exit status."""
    if arguments != ["info"]:
        print("usage: python -m functrace info", file=sys.stderr)
        return 2
    print(report())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

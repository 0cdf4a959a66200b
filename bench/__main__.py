"""Runs the named benchmarks (all without a name) and prints their figures."""

from __future__ import annotations

import importlib
import sys

from bench.figures import machine

ALL = ("startup", "instance")


def main(names: list[str]) -> int:
    """0, or 2 for a name that is no benchmark."""
    if unknown := [name for name in names if name not in ALL]:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    print(f"# {machine()}")
    for name in names or ALL:
        for figure in importlib.import_module(f"bench.{name}").run():
            print(f"{name}  {figure.name}  {figure.value:.1f} {figure.unit}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`bench/console`: an instance of its own, 10,000 Applications and one of 5,000 objects, asked by HTTP and by a browser.

The instance is what `haori up` makes: the sandbox's API, the engine, the server with its store. The 10,000 carry
`argocd.argoproj.io/skip-reconcile` and the status that an engine would have written, so that lists are as full as in
production while the engine has no work with them; the one with the large tree is delivered like any other. The browser's
part needs Chromium (`$HAORI_CHROMIUM`, else the machine's) and is left out, and says so, where there is none.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.figures import Figure, machine
from bench.instance import instance
from bench.pages import browser
from bench.pages.fixture import TREE, deliver_tree, fill
from bench.pages.requests import measure
from bench.pages.server import Server


def main() -> int:
    """0; 2 for a wrong use."""
    options = _parse()
    print(f"# {machine()}; {options.applications} applications, a tree of {options.nodes} objects", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="haori-bench-") as folder,
        instance(options.data_dir or Path(folder) / "data") as (status, _),
    ):
        server = Server.read(Path(status["dataDir"]))
        asyncio.run(_prepare(Path(status["kubeconfig"]), status, server, Path(folder), options))
        _print(asyncio.run(measure(server, Path(status["kubeconfig"]))))
        if options.browser:
            _print(asyncio.run(browser.measure(server, TREE, Path(status["kubeconfig"]))))
        if options.hold:
            input(f"{server.url} holds them until Enter is pressed")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/console", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("-n", "--applications", type=int, default=10_000, help="how many applications (10,000)")
    parser.add_argument("--nodes", type=int, default=5_000, help="objects of the one with the large tree (5,000)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="leave the browser's part out")
    parser.add_argument("--data-dir", type=Path, help="keep the instance's data here")
    parser.add_argument("--hold", action="store_true", help="keep the instance up afterwards, to look at it")
    options = parser.parse_args()
    if options.applications < 1 or options.nodes < 1:
        parser.error("one application and one object at least")
    if options.data_dir and options.data_dir.is_dir() and any(options.data_dir.iterdir()):
        parser.error(f"{options.data_dir} is not empty: an instance is made there")
    return options


async def _prepare(
    kubeconfig: Path, status: dict[str, str], server: Server, folder: Path, options: argparse.Namespace
) -> None:
    await deliver_tree(kubeconfig, status["repository"], folder, options.nodes)
    await fill(kubeconfig, options.applications)
    await server.wait_for_rows(options.applications)
    await server.wait_for_nodes(TREE, options.nodes)


def _print(figures: list[Figure]) -> None:
    for figure in figures:
        print(f"{figure.name:62} {figure.value:10.1f} {figure.unit}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

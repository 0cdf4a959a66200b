"""`bench/deliver --kubeconfig F`: N applications of four objects on the cluster of F, beside the bare writes.

The cluster should be a real one that nothing else uses, best on this machine, since both share its processors: etcd, an
API server and the controller manager. The floor is measured on the same cluster in the same run, before the engine and once
more after it, since a machine's speed changes within minutes; `× bare` compares with the mean of both and so says how near the
engine comes to what the API allows. Requests are the engine's own, by verb, without lists and watches.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from bench.delivery import floor as bare
from bench.delivery.scenarios import Run, deliver
from bench.figures import machine
from haori.cluster import connect
from haori.delivery.controller.install import install_missing

FLOORS = {
    "create": "create",
    "commit that touches all": "change",
    "refresh, nothing changed": "refresh",
    "delete all, cascading": "delete",
}


def main() -> int:
    """0; 2 for a wrong use."""
    options = _parse()
    print(f"# {machine()}; {options.count} applications of four objects", flush=True)
    if options.data_dir:
        options.data_dir.mkdir(parents=True, exist_ok=True)
    with _folder(options.data_dir) as folder:
        asyncio.run(_run(options, folder))
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/deliver", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the cluster; it is written to")
    parser.add_argument("-n", "--count", type=int, default=300, help="how many applications (300)")
    parser.add_argument("--floor", action="store_true", help="send only the bare writes")
    parser.add_argument("--no-floor", action="store_true", help="leave the bare writes out, and so the ratios")
    parser.add_argument("--kustomize", action="store_true", help="also create them through Kustomize")
    parser.add_argument("--roll-out", action="store_true", help="also roll out a new image for all")
    parser.add_argument("--only-create", action="store_true", help="create and delete only")
    parser.add_argument("--data-dir", type=Path, help="keep the engine's data and log here")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    if not options.kubeconfig.is_file():
        parser.error(f"there is no kubeconfig {options.kubeconfig}")
    if options.data_dir and options.data_dir.is_dir() and any(options.data_dir.iterdir()):
        parser.error(f"{options.data_dir} is not empty: an engine's data and a repository are made there")
    if options.count < 2:
        parser.error("two applications at least")
    return options


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="haori-bench-") as folder:
        yield Path(folder)


async def _run(options: argparse.Namespace, folder: Path) -> None:
    async with connect(options.kubeconfig, user_agent="haori-bench") as client:
        await install_missing(client, "argocd")
        floors: list[bare.Floor] = []

        async def measure_floor() -> None:
            floors.append(await bare.measure(client, options.count))
            _print_floor(floors[-1], "before" if len(floors) == 1 else "after", options)

        if not options.no_floor:
            await measure_floor()
        if not options.floor:
            runs = await deliver(
                client,
                options.kubeconfig,
                folder,
                options.count,
                changes=not options.only_create,
                kustomize=options.kustomize,
                rolls_out=options.roll_out,
            )
            if not options.no_floor:
                await measure_floor()
            _print_runs(runs, floors, options)


def _print_floor(floor: bare.Floor, when: str, options: argparse.Namespace) -> None:
    if options.output == "json":
        print(json.dumps({"floor": asdict(floor), "when": when}))
        return
    print(
        f"bare writes {when}: create {floor.create:.1f} s ({1000 * floor.create_cpu / options.count:.1f} ms of the client an "
        f"application), change {floor.change:.1f} s, refresh {floor.refresh:.1f} s, delete {floor.delete:.1f} s",
        flush=True,
    )


def _print_runs(runs: list[Run], floors: list[bare.Floor], options: argparse.Namespace) -> None:
    if options.output == "json":
        print(json.dumps({"runs": [asdict(run) for run in runs]}))
        return
    names = ("s", "× bare", "one s", "told s", "CPU ms", "req", "looks", "renders", "peak MiB")
    print(f"{'scenario':<42}" + "".join(f"{name:>9}" for name in names))
    for run in runs:
        least = fmean(getattr(floor, FLOORS[run.name]) for floor in floors) if floors and run.name in FLOORS else None
        cells = (
            f"{run.seconds:.2f}",
            f"{run.seconds / least:.2f}" if least else "",
            f"{run.one_seconds:.2f}" if run.one_seconds is not None else "",
            f"{run.one_told_seconds:.2f}" if run.one_told_seconds is not None else "",
            f"{1000 * run.used.cpu_seconds / options.count:.1f}",
            f"{run.used.per_object_requests / options.count:.2f}",
            f"{run.used.looks / options.count:.2f}",
            f"{run.used.renders}",
            f"{run.peak_mib:.0f}",
        )
        print(f"{run.name:<42}" + "".join(f"{cell:>9}" for cell in cells))
    print("one s and told s: when the touched one was Synced and when it was told, from the first that was told")
    print("CPU ms, req and looks are an application; requests of the engine by verb:")
    for run in runs:
        print(f"  {run.name}: {', '.join(f'{verb} {count}' for verb, count in run.used.requests.items())}")


if __name__ == "__main__":
    sys.exit(main())

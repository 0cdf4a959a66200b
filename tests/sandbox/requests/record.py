"""Records what a real API server answers to the stories under cases/ (see `stories`).

    KUBEBUILDER_ASSETS=... .venv/bin/python -m tests.sandbox.requests.record [NAME ...]

Starts an etcd and a kube-apiserver of its own from that folder, in a temporary one.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import tempfile
from pathlib import Path

import yaml

from tests.controlplane.conftest import TOKEN, ControlPlane, find_assets
from tests.sandbox.requests.stories import Wire, compared, stories, told
from tests.sandbox.requests.wires import ServerWire


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        plane = ControlPlane(folder=Path(folder), assets=find_assets())
        try:
            plane.start_api()
            asyncio.run(record(wire_of(plane), sys.argv[1:]))
        finally:
            plane.stop()


def wire_of(plane: ControlPlane) -> ServerWire:
    """The way to a control plane, as its administrator."""
    return ServerWire(plane.url, ssl.create_default_context(cafile=str(plane.folder / "ca.crt")), TOKEN)


async def record(wire: Wire, wanted: list[str]) -> None:
    version = (await wire.ask("GET", "/version", {}, b"", None)).body["gitVersion"]
    for story in stories():
        if wanted and story.name not in wanted:
            continue
        for step, answer in zip(story.steps, await told(story, wire), strict=True):
            step.pop("answer", None)
            step["answer"] = compared(step, answer)
        text = yaml.dump(
            story.document | {"server": version}, Dumper=Plain, sort_keys=False, width=120, allow_unicode=True
        )
        story.path.write_text(text, encoding="utf-8")
        print(f"{story.name}: {', '.join(str(step['answer']['code']) for step in story.steps)}")


class Plain(yaml.SafeDumper):
    """Writes everything out: no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


if __name__ == "__main__":
    main()

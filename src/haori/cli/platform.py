"""The platform repository that `up` serves: the packed example or a folder of the user's.

Manifests name their own repository by URL, and the URL of the Git server that `up` runs is known only on the machine.
The example is therefore written with one stand-in URL, which is replaced while the first commit is made; a clone holds
the real one and pushes work without editing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from haori.cli.instance import InstanceError

STAND_IN_URL = "https://git.wear.example/platform.git"
"""What the example's manifests call the repository they are in."""

LARGEST_TEXT_BYTES = 4 * 1024 * 1024


def example_platform() -> Path:
    """The folder of the packed example: beside this module in a wheel, under `examples/` in a checkout."""
    packed = Path(__file__).with_name("platform")
    return packed if packed.is_dir() else Path(__file__).parents[3] / "examples" / "wear" / "platform"


def prepare_seed(source: Path, target: Path, url: str) -> None:
    """Copies `source` to `target` with the stand-in URL replaced by `url` in every text file.

    Symbolic links are copied as links, `.git` is left out. Raises InstanceError where `source` is no readable folder.
    """
    if not source.is_dir():
        raise InstanceError("platform-folder-missing", path=str(source))
    shutil.rmtree(target, ignore_errors=True)
    try:
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
        for path in _regular_files(target):
            _replace_url(path, url)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise InstanceError("platform-copy-failed", path=str(source), reason=str(error)) from error


def _regular_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _replace_url(path: Path, url: str) -> None:
    if path.stat().st_size > LARGEST_TEXT_BYTES:
        return
    content = path.read_bytes()
    if STAND_IN_URL.encode() in content:
        path.write_bytes(content.replace(STAND_IN_URL.encode(), url.encode()))


def image_rules(source: Path) -> Path | None:
    """The rule file of images that a platform brings for the sandbox (`sandbox/images.yaml`), where it has one."""
    path = source / "sandbox" / "images.yaml"
    return path if path.is_file() else None


def bootstrap_manifests(source: Path) -> list[Path]:
    """The files `up` applies once, from which everything else follows: `clusters/sandbox/root.yaml` where it exists."""
    path = source / "clusters" / "sandbox" / "root.yaml"
    return [path] if path.is_file() else []

"""The console on its way from Node.js into the checkout's server, the wheel and the source archive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from haori.server.built import built_console

ROOT = Path(__file__).parents[2]
PAGE = "haori/server/pages/index.html"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What packing reads of the repository, with one module for all."""
    root = tmp_path / "checkout"
    for folder in ("src/haori", "examples/wear/platform", "deploy", "scripts", "console"):
        (root / folder).mkdir(parents=True)
    (root / "src/haori/__init__.py").touch()
    for folder in ("examples/wear/platform", "deploy"):
        (root / folder / "README.md").touch()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE", "scripts/console"):
        shutil.copy(ROOT / name, root / name)
    return root


def pack(root: Path, kind: str, **environment: str) -> tuple[Path, str]:
    """The made file, and what was said while it was made."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(root / "out")]
    around = {name: value for name, value in os.environ.items() if name != "CI_REQUIRE_CONSOLE"}
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=100, check=False, env={**around, **environment}
    )
    assert done.returncode == 0, done.stderr
    (made,) = (root / "out").glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made, done.stdout + done.stderr


def tools_without_node(folder: Path) -> str:
    """A PATH with what a shell script needs, and no Node.js."""
    folder.mkdir()
    for name in ("bash", "cat", "dirname", "env", "find", "rm", "sha256sum", "sort", "xargs"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_a_built_console_goes_into_the_archive_and_from_there_into_the_wheel(checkout: Path, tmp_path: Path):
    (checkout / "scripts/console").unlink()
    (checkout / "console/dist/assets").mkdir(parents=True)
    (checkout / "console/dist/index.html").write_text("<!doctype html>")
    (checkout / "console/dist/assets/page.js").write_text("1")
    archive, _ = pack(checkout, "sdist")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("haori-*")

    wheel, _ = pack(unpacked, "wheel", PATH=tools_without_node(tmp_path / "bin"))

    assert {PAGE, "haori/server/pages/assets/page.js"} <= set(zipfile.ZipFile(wheel).namelist())


def test_without_nodejs_a_wheel_is_made_without_the_console_and_it_is_said(checkout: Path, tmp_path: Path):
    wheel, said = pack(checkout, "wheel", PATH=tools_without_node(tmp_path / "bin"))
    assert PAGE not in zipfile.ZipFile(wheel).namelist()
    assert "without the console" in said


def test_the_packed_console_wins_over_a_checkouts_and_none_is_none(tmp_path: Path):
    packed, checkout = tmp_path / "pages", tmp_path / "dist"
    assert built_console(packed, checkout) is None
    checkout.mkdir()
    (checkout / "index.html").touch()
    assert built_console(packed, checkout) == checkout
    packed.mkdir()
    (packed / "index.html").touch()
    assert built_console(packed, checkout) == packed


NODE = """#!/bin/sh
[ "$1" = --version ] && echo v18.0.0
exit 1
"""


@pytest.mark.parametrize(
    ("node", "said"), [(None, "Node.js 20.19 or newer is missing"), (NODE, "this is v18.0.0")], ids=["none", "old"]
)
def test_what_is_missing_is_said_and_fatal_only_where_it_is_asked_for(
    checkout: Path, tmp_path: Path, node: str | None, said: str
):
    path = tools_without_node(tmp_path / "bin")
    for name in ("node", "npm") if node else ():
        (tmp_path / "bin" / name).write_text(str(node))
        (tmp_path / "bin" / name).chmod(0o755)
    codes = []
    for arguments, required in ((["try"], {}), ([], {}), (["try"], {"CI_REQUIRE_CONSOLE": "1"})):
        done = subprocess.run(
            ["bash", str(checkout / "scripts/console"), "build", *arguments],
            env={"PATH": path, **required}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert said in done.stderr
        codes.append(done.returncode)
    assert codes == [0, 1, 1]


NPM = """#!/bin/sh
echo "$@" >>calls
mkdir -p node_modules dist && echo page >dist/index.html
"""


def test_a_build_is_repeated_only_after_a_change(checkout: Path, tmp_path: Path):
    path = tools_without_node(tmp_path / "bin")
    for name in ("echo", "mkdir"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    for name, script in (("node", "#!/bin/sh\nexit 0\n"), ("npm", NPM.replace(">>calls", f">>{tmp_path}/calls"))):
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("package-lock.json", "package.json", ".npmrc"):
        (checkout / "console" / name).touch()

    def build() -> list[str]:
        (tmp_path / "calls").write_text("")
        subprocess.run(["bash", str(checkout / "scripts/console"), "build"], env={"PATH": path}, check=True, timeout=60)
        return [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()]

    assert build() == ["ci", "run"]
    assert build() == []
    (checkout / "console/page.tsx").touch()
    assert build() == ["run"]
    shutil.rmtree(checkout / "console/dist")
    assert build() == ["run"]

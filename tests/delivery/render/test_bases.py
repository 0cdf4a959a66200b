"""Remote bases in every spelling, brought by us under a policy, pinned in the key."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from haori.delivery.render import Bases, BaseSettings, Renderer, RenderError, RendererSettings
from haori.delivery.render import bases as bases_module
from haori.delivery.render.base_urls import RemoteFile, RemoteFolder, is_remote, parse_remote
from haori.delivery.render.tools import Tool, ToolMissingError, find_tool
from haori.git import Repositories, RepositorySettings
from haori.outbound import OutboundPolicy
from tests.delivery.render.conftest import CONFIG_MAP, Library
from tests.git.conftest import Origin

HERE = OutboundPolicy(allow_loopback=True)


@pytest.mark.parametrize(
    ("entry", "url", "revision", "path"),
    [
        pytest.param(
            "https://github.com/org/repo//a/b?ref=v1", "https://github.com/org/repo", "v1", "a/b", id="double-slash"
        ),
        pytest.param("https://github.com/org/repo?ref=v1", "https://github.com/org/repo", "v1", "", id="root"),
        pytest.param(
            "https://github.com/org/repo/a/b?ref=v1", "https://github.com/org/repo", "v1", "a/b", id="two-parts"
        ),
        pytest.param(
            "https://git.example/team/repo.git/a?ref=main",
            "https://git.example/team/repo.git",
            "main",
            "a",
            id="git-suffix",
        ),
        pytest.param(
            "https://git.example/x/y/repo.git//a?version=main",
            "https://git.example/x/y/repo.git",
            "main",
            "a",
            id="version",
        ),
        pytest.param(
            "https://dev.azure.com/org/p/_git/repo/a?ref=x",
            "https://dev.azure.com/org/p/_git/repo",
            "x",
            "a",
            id="azure",
        ),
        pytest.param("github.com/org/repo/a?ref=v1", "https://github.com/org/repo", "v1", "a", id="no-scheme"),
        pytest.param("github.com/org/repo", "https://github.com/org/repo", "HEAD", "", id="no-ref"),
        pytest.param("gh:org/repo/a", "https://github.com/org/repo", "HEAD", "a", id="gh"),
        pytest.param("git@github.com:org/repo.git//a?ref=v1", "git@github.com:org/repo.git", "v1", "a", id="scp"),
        pytest.param("git@github.com:org/repo/a", "git@github.com:org/repo", "HEAD", "a", id="scp-two-parts"),
        pytest.param(
            "org-1@github.com:org/repo.git", "org-1@github.com:org/repo.git", "HEAD", "", id="scp-another-user"
        ),
        pytest.param(
            "ssh://git@git.example:22/org/repo.git//a?ref=v1",
            "ssh://git@git.example:22/org/repo.git",
            "v1",
            "a",
            id="ssh",
        ),
        pytest.param(
            "git::https://git.example/org/repo.git//a", "https://git.example/org/repo.git", "HEAD", "a", id="forced-git"
        ),
        pytest.param(
            "https://github.com/org/repo//a?ref=v1&submodules=false&timeout=9s",
            "https://github.com/org/repo",
            "v1",
            "a",
            id="options",
        ),
        pytest.param("file:///srv/repo//a?ref=v1", "file:///srv/repo", "v1", "a", id="file-scheme"),
        pytest.param(
            "https://git.example/org/repo//a.yaml?ref=v1",
            "https://git.example/org/repo",
            "v1",
            "a.yaml",
            id="a-name-like-a-file-s",
        ),
    ],
)
def test_folders_of_repositories(entry, url, revision, path):
    assert is_remote(entry)
    assert parse_remote(entry) == RemoteFolder(url=url, revision=revision, path=path)


@pytest.mark.parametrize(
    "entry", ["https://raw.example/org/repo/main/a.yaml", "http://x.example/a.json", "https://x.example/a.yml?x=1"]
)
def test_files(entry):
    assert is_remote(entry)
    assert parse_remote(entry) == RemoteFile(url=entry)


@pytest.mark.parametrize("entry", ["../base", "base", "a.yaml", "./x@y", "deep/github.com/x"])
def test_paths_are_paths(entry):
    assert not is_remote(entry)


@pytest.mark.parametrize("entry", ["https://", "https://git.example/org/repo.git//../..", "github.com/"])
def test_what_means_nothing(entry):
    assert parse_remote(entry) is None


@pytest.fixture(autouse=True)
def tools() -> None:
    try:
        find_tool(Tool.KUBECTL)
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def upstream(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "upstream")


@pytest_asyncio.fixture
async def make_bases(tmp_path: Path) -> AsyncIterator[Callable[..., Bases]]:
    made: list[Bases] = []

    def make(policy: OutboundPolicy = HERE, *, allow_file: bool = True, **settings) -> Bases:
        repositories = Repositories(RepositorySettings(folder=tmp_path / "bases", allow_file=allow_file, policy=policy))
        made.append(Bases(BaseSettings(repositories=repositories, policy=policy, **settings)))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


def renderer_with(bases: Bases, folder: Path) -> Renderer:
    return Renderer(RendererSettings(folder=folder / "cache", key=bytes(32)), bases=bases)


def names(rendered) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in rendered.manifests]


def base(origin: Origin, name: str = "one", folder: str = "k") -> str:
    return origin.commit(
        {f"{folder}/kustomization.yaml": "resources: [m.yaml]\n", f"{folder}/m.yaml": CONFIG_MAP % name}
    )


async def overlay(library: Library, *entries: str, **parts):
    text = "namePrefix: p-\nresources:\n" + "".join(f"- {entry}\n" for entry in entries)
    return await library.request(await library.commit({"app/kustomization.yaml": text}), path="app", **parts)


async def test_a_base_in_a_repository(library: Library, upstream: Origin, make_bases, tmp_path) -> None:
    base(upstream)
    request = await overlay(library, f"{upstream.url}//k?ref=main")
    rendered = await renderer_with(make_bases(), tmp_path).render(request)
    assert names(rendered) == ["p-one"]
    assert rendered.places == (f"base+{upstream.url}",)


async def test_a_branch_that_moves_renders_anew_and_a_commit_does_not(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    first = base(upstream)
    bases = make_bases()
    renderer = renderer_with(bases, tmp_path)
    moving = await overlay(library, f"{upstream.url}//k?ref=main")
    pinned = await overlay(library, f"{upstream.url}//k?ref={first}")
    before = [names(await renderer.render(each)) for each in (moving, pinned)]
    base(upstream, "two")
    await bases.refresh(f"base+{upstream.url}")

    after = [await renderer.render(each) for each in (moving, pinned)]

    assert (before, [names(each) for each in after]) == ([["p-one"], ["p-one"]], [["p-two"], ["p-one"]])
    assert after[1].places == ()


async def test_what_a_base_does_not_read_renders_nothing(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    base(upstream)
    bases = make_bases()
    renderer = renderer_with(bases, tmp_path)
    request = await overlay(library, f"{upstream.url}//k?ref=main")
    await renderer.render(request)
    upstream.commit({"README.md": "new"})
    await bases.refresh(f"base+{upstream.url}")
    await renderer.render(request)
    assert renderer.statistics()["renders"] == 1


async def test_bases_of_bases_and_two_of_one_repository(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    far = Origin(tmp_path / "far")
    base(far, "far", "f")
    base(upstream, "two", "k2")
    base(upstream, "one", "k")
    text = f"resources: [m.yaml, '{far.url}//f?ref=main', ../k2]\nnameSuffix: -s\n"
    upstream.commit({"k/kustomization.yaml": text})
    request = await overlay(library, f"{upstream.url}//k?ref=main")
    assert sorted(names(await renderer_with(make_bases(), tmp_path).render(request))) == [
        "p-far-s",
        "p-one-s",
        "p-two-s",
    ]


async def test_components_and_the_options_of_the_application(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    kind = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    upstream.commit({"c/kustomization.yaml": f"{kind}commonAnnotations: {{a: b}}\n"})
    text = f"resources: [m.yaml]\ncomponents: ['{upstream.url}//c?ref=main']\n"
    sha = await library.commit({"app/kustomization.yaml": text, "app/m.yaml": CONFIG_MAP % "m"})
    request = await library.request(sha, path="app", kustomize={"namePrefix": "new-"})
    (made,) = (await renderer_with(make_bases(), tmp_path).render(request)).manifests
    assert (made["metadata"]["name"], made["metadata"]["annotations"]) == ("new-m", {"a": "b"})


async def serve(body: bytes, asked: list[str]) -> tuple[asyncio.Server, int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def test_a_file_at_a_url(library: Library, make_bases, tmp_path) -> None:
    asked: list[str] = []
    server, port = await serve((CONFIG_MAP % "web").encode(), asked)
    async with server:
        request = await overlay(library, f"http://127.0.0.1:{port}/x/m.yaml")
        renderer = renderer_with(make_bases(), tmp_path)
        assert names(await renderer.render(request)) == ["p-web"]
        await renderer.render(request)
    assert asked == ["/x/m.yaml"]


METADATA = [
    "https://169.254.169.254/org/repo?ref=main",
    "http://169.254.169.254/latest/meta-data/a.yaml",
    "https://[fe80::1]/org/repo",
    "git@169.254.169.254:org/repo.git",
    "ssh://git@[::ffff:169.254.169.254]/org/repo.git",
    "https://100.100.100.200/a/b",
]


@pytest.mark.parametrize("entry", METADATA)
async def test_metadata_services_are_never_asked(library: Library, make_bases, tmp_path, entry) -> None:
    request = await overlay(library, f"'{entry}'")
    with pytest.raises(RenderError) as raised:
        await renderer_with(make_bases(OutboundPolicy(allow_loopback=True, allow_private=True)), tmp_path).render(
            request
        )
    assert raised.value.code == "render-base-failed"
    assert any(part in str(raised.value) for part in ("metadata service", "link-local")), str(raised.value)
    assert raised.value.parameters["path"] == "app"


async def test_loopback_is_asked_only_where_it_is_allowed(library: Library, make_bases, tmp_path) -> None:
    asked: list[str] = []
    server, port = await serve(b"", asked)
    async with server:
        for entry in (
            f"http://127.0.0.1:{port}/m.yaml",
            f"http://127.0.0.1:{port}/org/repo",
            f"http://localhost:{port}/a/b",
        ):
            with pytest.raises(RenderError, match="loopback"):
                await renderer_with(make_bases(OutboundPolicy()), tmp_path).render(await overlay(library, entry))
    assert asked == []


async def test_git_dials_the_address_that_was_judged(library: Library, make_bases, tmp_path, monkeypatch) -> None:
    """A name that leads elsewhere the second time gains nothing: git does not ask for it again."""
    asked: list[str] = []
    server, port = await serve(b"", asked)
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def once(host, *arguments, **options):
        if host == "base.invalid":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        return await real(host, *arguments, **options)

    monkeypatch.setattr(loop, "getaddrinfo", once)
    monkeypatch.setattr("haori.git.urls._LOOPBACK", ("base.invalid",))
    async with server:
        request = await overlay(library, f"http://base.invalid:{port}/org/repo?ref=main")
        with pytest.raises(RenderError):
            await renderer_with(make_bases(), tmp_path).render(request)
    assert asked[0].startswith("/org/repo/info/refs")


async def test_a_file_repository_is_no_base_unless_it_is_allowed(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    base(upstream)
    request = await overlay(library, f"{upstream.url}//k?ref=main")
    with pytest.raises(RenderError) as raised:
        await renderer_with(make_bases(allow_file=False), tmp_path).render(request)
    assert raised.value.code == "render-base-failed"


async def test_a_repository_of_another_project_is_not_read(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    base(upstream)
    request = await overlay(library, f"{upstream.url}//k?ref=main")
    with pytest.raises(RenderError) as raised:
        await renderer_with(make_bases(projects_for=lambda url: frozenset({"secret"})), tmp_path).render(request)
    assert raised.value.code == "render-base-project"


async def test_bases_that_build_on_each_other_for_ever_end(
    library: Library, upstream: Origin, make_bases, tmp_path
) -> None:
    for number in range(bases_module.DEEPEST + 2):
        upstream.commit({f"k{number}/kustomization.yaml": f"resources: ['{upstream.url}//k{number + 1}?ref=main']\n"})
    request = await overlay(library, f"{upstream.url}//k0?ref=main")
    with pytest.raises(RenderError) as raised:
        await renderer_with(make_bases(), tmp_path).render(request)
    assert raised.value.code == "render-base-bounds"


async def test_many_bases_are_too_many(library: Library, upstream: Origin, make_bases, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("haori.delivery.render.elsewhere.MOST_BASES", 2)
    for number in range(3):
        base(upstream, f"m{number}", f"k{number}")
    request = await overlay(library, *[f"{upstream.url}//k{number}?ref=main" for number in range(3)])
    with pytest.raises(RenderError) as raised:
        await renderer_with(make_bases(), tmp_path).render(request)
    assert raised.value.code == "render-base-bounds"


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        pytest.param(
            {"k/kustomization.yaml": "resources: [../../../app]\n"}, ["../../../app", "leads out"], id="climbs-out"
        ),
        pytest.param(
            {"k/kustomization.yaml": "resources: [/etc/hostname]\n"}, ["/etc/hostname", "leads out"], id="absolute"
        ),
        pytest.param({"k/other.yaml": "x"}, ["k", "kustomization.yaml"], id="no-kustomization"),
    ],
)
async def test_a_base_reads_nothing_of_its_reader_or_this_machine(
    library: Library, upstream: Origin, make_bases, tmp_path, files, parts
) -> None:
    upstream.commit(files)
    request = await overlay(library, f"{upstream.url}//k?ref=main")
    with pytest.raises(RenderError) as raised:
        await renderer_with(make_bases(), tmp_path).render(request)
    assert [part for part in parts if part not in str(raised.value)] == []


async def test_an_unknown_revision_is_named(library: Library, upstream: Origin, make_bases, tmp_path) -> None:
    base(upstream)
    request = await overlay(library, f"{upstream.url}//k?ref=nowhere")
    with pytest.raises(RenderError, match="nowhere"):
        await renderer_with(make_bases(), tmp_path).render(request)

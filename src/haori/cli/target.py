"""Which cluster and which engine a command talks to, and the options that say so.

Without options it is the instance of `haori up`; `--data-dir` names another one, `--kubeconfig` or `--context` a cluster
directly. The engine is always that of the data folder, so where a cluster was named that the folder's instance does not
drive, no engine is asked: its answer would be about another cluster.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haori.cli.instance import Instance, InstanceError
from haori.cli.options import data_dir_option
from haori.cli.settings import load_settings, resolve_kubeconfig
from haori.words import text

if TYPE_CHECKING:
    from haori.cli.engine_client import EngineClient
    from haori.cluster import HttpClient

CONTROL_NAMESPACE = "argocd"
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What `--data-dir`, `--kubeconfig`, `--context` and `--app-namespace` chose."""

    instance: Instance
    kubeconfig: str | None = None
    context: str | None = None
    namespace: str = CONTROL_NAMESPACE
    """Where Applications are, unless a name says `NAMESPACE/NAME`."""

    def split(self, name: str) -> tuple[str, str]:
        """(namespace, name) of an application written `NAME` or `NAMESPACE/NAME`."""
        namespace, slash, plain = name.rpartition("/")
        return (namespace, plain) if slash else (self.namespace, name)

    def cluster(self) -> tuple[str | None, str]:
        """(kubeconfig, context) to connect by; raises InstanceError where nothing says which."""
        if self.kubeconfig is not None or self.context is not None:
            return resolve_kubeconfig(self.kubeconfig), self.context or ""
        settings = load_settings(self.instance)
        if settings is None:
            raise InstanceError("no-instance", path=str(self.instance.data_dir))
        if settings.uses_sandbox:
            return str(self.instance.kubeconfig), ""
        return settings.kubeconfig, settings.context or ""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[HttpClient]:
        """A client of the cluster. Raises InstanceError, KubeconfigError."""
        from haori.cluster import connect

        kubeconfig, context = self.cluster()
        async with connect(kubeconfig, context) as client:
            yield client

    def engine(self) -> EngineClient:
        """The engine to ask. Raises EngineUnreachableError where none runs for this cluster."""
        from haori.cli.engine_client import EngineUnreachableError, engine_client

        settings = load_settings(self.instance)
        if (self.kubeconfig, self.context) != (None, None) and settings is not None:
            driven = (settings.kubeconfig, settings.context)
            if settings.uses_sandbox:
                driven = (str(self.instance.kubeconfig), None)
            if (resolve_kubeconfig(self.kubeconfig), self.context) != driven:
                raise EngineUnreachableError("engine-unreachable", path=str(self.instance.data_dir))
        return engine_client(self.instance)


def target_options(function: Function) -> Function:
    """The four options, given to the command as `target`."""

    @functools.wraps(function)
    def wrapped(
        *args: Any, instance: Instance, kubeconfig: str | None, context: str | None, app_namespace: str, **kwargs: Any
    ) -> Any:
        target = Target(instance=instance, kubeconfig=kubeconfig, context=context, namespace=app_namespace)
        return function(*args, target=target, **kwargs)

    options = (
        click.option("--kubeconfig", metavar="FILE", help=text("cli.option.kubeconfig")),
        click.option("--context", metavar="NAME", help=text("cli.option.context")),
        click.option(
            "-N", "--app-namespace", metavar="NAMESPACE", default=CONTROL_NAMESPACE, show_default=True,
            help=text("cli.option.app-namespace"),
        ),
        data_dir_option,
    )  # fmt: skip
    decorated: Any = wrapped
    for option in options:
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def application_argument(*, many: bool = False, required: bool = True) -> Callable[[Function], Function]:
    """The argument APPLICATION (`name`, or `names` where `many`), completed by those the cluster has."""
    metavar = "APPLICATION..." if many else "APPLICATION"
    return click.argument(
        "names" if many else "name",
        metavar=metavar if required else f"[{metavar}]",
        nargs=-1 if many else 1,
        required=required,
        shell_complete=complete_application,
    )


def complete_application(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The applications whose names begin with what was typed; nothing where no cluster answers in time."""
    import asyncio

    from haori.cluster.well_known import APPLICATIONS
    from haori.errors import HaoriError

    target = completion_target(context)

    async def names() -> list[str]:
        async with asyncio.timeout(COMPLETION_SECONDS), target.connect() as client:
            listed = await client.list(APPLICATIONS, target.namespace)
            return sorted(item["metadata"]["name"] for item in listed.items)

    try:
        return [name for name in asyncio.run(names()) if name.startswith(incomplete)]
    except (HaoriError, OSError, TimeoutError):
        return []


COMPLETION_SECONDS = 2.0


def completion_target(context: click.Context) -> Target:
    """The target by the options typed so far."""
    given = context.params
    return Target(
        instance=given.get("instance") or _default_instance(),
        kubeconfig=given.get("kubeconfig"),
        context=given.get("context"),
        namespace=given.get("app_namespace") or CONTROL_NAMESPACE,
    )


def _default_instance() -> Instance:
    from haori.cli.instance import default_data_dir

    return Instance(Path(default_data_dir()).expanduser().absolute())

"""The numbers of a moment: taken in the event loop, in no time; made into text elsewhere (`families`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from haori.delivery.model import Application
from haori.delivery.model.problems import Problem
from haori.objects import ResourceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNumbers:
    """One cluster that is watched."""

    server: str
    name: str
    kube_version: str
    is_up: bool
    objects: int
    types: int
    events: Mapping[tuple[str, str], int]
    """Watch events so far by (group, kind)."""
    flow: Mapping[str, float] = field(default_factory=dict)
    """Requests at once: window, in_flight, waiting, throttled, usual_seconds."""
    noisy: Sequence[tuple[ResourceKey, int]] = ()
    """The objects that change most, and about how often they did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is told of an engine beside the measures of its process."""

    applications: tuple[Application, ...] = ()
    clusters: tuple[ClusterNumbers, ...] = ()
    is_leading: bool = False
    is_ready: bool = False
    term: int = 0
    queue: Mapping[str, int] = field(default_factory=dict)
    render: Mapping[str, int | float] = field(default_factory=dict)
    in_flight: int = 0
    """Requests to clusters that are under way."""
    throttled: int = 0
    """Answers so far that said: not so quick."""
    scripts: Mapping[str, Any] = field(default_factory=dict)
    isolation: str = ""
    slow: Sequence[tuple[str, str, float]] = ()
    """(namespace, name, seconds of a look) of the applications that take longest."""
    settings: Sequence[Problem] = ()
    """What of the settings cannot be read."""

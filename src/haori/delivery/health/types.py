"""What health is, and which of two is worse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from haori.resources.argo import HealthStatus
from haori.words import Language, Sentence

_RANK = {status: rank for rank, status in enumerate(HealthStatus)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether something works; `sentence` says why where it is not simply healthy."""

    status: HealthStatus
    sentence: Sentence | None = None

    @property
    def message(self) -> str:
        """The sentence in English, as `status.health.message` carries it; empty where there is none."""
        return "" if self.sentence is None else self.sentence.text(Language.ENGLISH)

    def to_json(self) -> dict[str, Any]:
        """{"status", "message"?} as it stands in a status."""
        message = {} if self.sentence is None else {"message": self.message}
        return {"status": self.status.value, **message}


HEALTHY = Health(status=HealthStatus.HEALTHY)


def health(status: HealthStatus, code: str, /, **parameters: Any) -> Health:
    """A health with its reason."""
    return Health(status=status, sentence=Sentence(code=code, parameters=parameters))


def is_worse(first: HealthStatus, second: HealthStatus) -> bool:
    """Whether `first` is worse than `second`, in Argo CD's order from Healthy to Unknown."""
    return _RANK[first] > _RANK[second]


def worst(statuses: Iterable[HealthStatus]) -> HealthStatus:
    """The worst of them, Healthy of none."""
    return max(statuses, key=_RANK.__getitem__, default=HealthStatus.HEALTHY)

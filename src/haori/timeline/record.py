"""One fact of the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from haori.objects import ResourceKey
from haori.objects.times import format_micro_time
from haori.words import Language, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What happened (`code` and `parameters` of a sentence), who did it, at which revision, to which objects, when.

    Parameters are masked by the one who records: nothing here looks for secrets.
    """

    code: str
    time: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    who: str = ""
    """A user's name, `automated` for the engine's own decisions; empty where nobody acted (a change of health)."""
    revision: str = ""
    objects: tuple[ResourceKey, ...] = ()
    cluster: str = ""

    @property
    def sentence(self) -> Sentence:
        """What a person reads."""
        return Sentence(code=self.code, parameters=self.parameters)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, with the English text for readers that hold no words."""
        return {
            "time": format_micro_time(self.time),
            **self.sentence.to_json(Language.ENGLISH),
            "who": self.who,
            "revision": self.revision,
            "objects": [dict(key._asdict()) for key in self.objects],
            "cluster": self.cluster,
        }

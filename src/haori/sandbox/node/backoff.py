"""How long to wait before a container, or an image, is tried again.

The kubelet's rule: the first restart is at once, then 10 s, doubling to five minutes; a container that ran for twice the
longest pause starts from the beginning. see: kubernetes pkg/kubelet/kuberuntime `doBackOff`, client-go `flowcontrol`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """Where one container or image stands; `after_failure` gives the pause and the next standing."""

    first_seconds: float = 10.0
    longest_seconds: float = 300.0
    failures: int = 0

    @classmethod
    def within(cls, pause_seconds: float, *, first_seconds: float, longest_seconds: float) -> BackOff:
        """The standing of what is in a pause of that length: `after_end` gives the same pause again."""
        failures = 1
        while failures < 31 and first_seconds * (1 << (failures - 1)) < min(pause_seconds, longest_seconds):
            failures += 1
        return cls(first_seconds=first_seconds, longest_seconds=longest_seconds, failures=failures)

    def after_end(self, ran_seconds: float) -> tuple[float, BackOff]:
        """The pause before the next start of a container that ran for so long, and the back-off from then on."""
        failures = 0 if ran_seconds > 2 * self.longest_seconds else self.failures
        pause = 0.0 if failures == 0 else self._pause(failures - 1)
        return pause, self._with(failures + 1)

    def after_failure(self) -> tuple[float, BackOff]:
        """The pause after an attempt that came to nothing, such as a pull: never at once."""
        return self._pause(self.failures), self._with(self.failures + 1)

    def _pause(self, doublings: int) -> float:
        return min(self.longest_seconds, self.first_seconds * float(1 << min(doublings, 30)))

    def _with(self, failures: int) -> BackOff:
        return BackOff(first_seconds=self.first_seconds, longest_seconds=self.longest_seconds, failures=failures)

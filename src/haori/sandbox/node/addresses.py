"""An address for each Pod.

On a cluster whose Services have loopback addresses, Pods have too: all of 127/8 can be bound on Linux, so each process
listens on its Pod's own address. Elsewhere a loopback address would be refused in EndpointSlices; there the Pod is
announced with a private address, and a process listens on the loopback address of the same offset.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

LOOPBACK_RANGE = ipaddress.ip_network("127.80.0.0/12")
PRIVATE_RANGE = ipaddress.ip_network("10.80.0.0/12")


def is_loopback(address: str) -> bool:
    """Whether a text is an IPv4 loopback address."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network("127.0.0.0/8")
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAddress:
    """What the Pod's status says, and what a process of it can bind."""

    announced: str
    bindable: str
    offset: int
    """Its number in the range; no two Pods share it."""


class Addresses:
    """Hands out addresses, no two Pods the same; the same Pod gets the same one where nobody has it."""

    def __init__(self, *, loopback: bool) -> None:
        self._range = LOOPBACK_RANGE if loopback else PRIVATE_RANGE
        self._taken: dict[int, str] = {}

    def take(self, uid: str, wanted: str = "") -> PodAddress:
        """An address for the Pod `uid`: `wanted` (what its status says already) where it is free and ours."""
        offset = self._offset_of(wanted)
        if offset is None or self._taken.get(offset, uid) != uid:
            size = self._range.num_addresses - 2
            offset = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8], "big") % size + 1
            while self._taken.get(offset, uid) != uid:
                offset = offset % size + 1
        self._taken[offset] = uid
        return PodAddress(announced=str(self._range[offset]), bindable=str(LOOPBACK_RANGE[offset]), offset=offset)

    def release(self, uid: str) -> None:
        """The Pod is gone."""
        self._taken = {offset: owner for offset, owner in self._taken.items() if owner != uid}

    def _offset_of(self, address: str) -> int | None:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        return int(parsed) - int(self._range.network_address) if parsed in self._range else None

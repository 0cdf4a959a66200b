"""Small listeners for informers."""

from __future__ import annotations

from collections.abc import Callable

from haori.sandbox.controllers.informers import Listener, Object
from haori.sandbox.controllers.ownership import Key, key_of_object


def asks(ask: Callable[[Key], None]) -> Listener:
    """Asks for the object itself whenever it appears or changes."""

    def listen(before: Object | None, after: Object | None) -> None:
        if after is not None:
            ask(key_of_object(after))

    return listen


def asks_also_when_gone(ask: Callable[[Key], None]) -> Listener:
    """Asks for the object itself whenever it appears, changes or goes."""

    def listen(before: Object | None, after: Object | None) -> None:
        item = after if after is not None else before
        if item is not None:
            ask(key_of_object(item))

    return listen

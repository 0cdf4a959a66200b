"""The cookie of a session: never read by a page, never sent by another site's requests that change something.

Its name is Argo CD's, since clients of its REST API send that. `Secure` wherever the browser came by https, as the request
or a proxy says; a proxy that lies only makes the cookie stricter.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.responses import Response

from haori.access.entrance import COOKIE
from haori.server.asking import Ask


def set_session(ask: Ask, response: Response, secret: str, lasts: timedelta) -> None:
    """Gives the browser the cookie."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(lasts.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(ask),
    )


def clear_session(ask: Ask, response: Response) -> None:
    """Takes it away."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=is_https(ask))


def is_https(ask: Ask) -> bool:
    """Whether the browser speaks https with whoever is in front of us."""
    headers = ask.request.headers
    if ask.request.url.scheme == "https" or headers.get("x-forwarded-proto", "").lower() == "https":
        return True
    url = urlsplit(str(ask.context.entrance.book.config.get("url") or ""))
    return url.scheme == "https" and url.netloc.lower() == headers.get("host", "").lower()

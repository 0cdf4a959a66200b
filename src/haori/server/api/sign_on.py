"""Signing in and out by the identity provider, as a browser goes through it: Argo CD's paths.

see: argoproj/argo-cd `util/oidc/oidc.go`, `server/logout/logout.go` (3.x).
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from starlette.responses import RedirectResponse, Response

from haori.access.errors import ProviderAwayError, SignInError
from haori.access.sign_on import FLOW_LASTS
from haori.objects.errors import YamlError
from haori.objects.yaml import load
from haori.server.asking import Ask
from haori.server.cookies import clear_session, is_https, set_session
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Open, Query, Route

FLOW_COOKIE, FLOW_PATH = "haori.signing-in", "/auth"
CALLBACK = "/auth/callback"
SEE_OTHER = 303


async def _begin(ask: Ask) -> Response:
    base, asked = base_of(ask), _own_base(ask)
    back = page_within(ask.text("return_url"), base, asked)
    if base != asked:
        # The cookie has to be of the very host that the provider sends the browser back to.
        return _redirect(f"{base}/auth/login")
    url, cookie = await ask.context.entrance.sign_on.begin(redirect_uri=f"{base}{CALLBACK}", back=back)
    response = _redirect(url)
    response.set_cookie(
        FLOW_COOKIE,
        cookie,
        max_age=int(FLOW_LASTS.total_seconds()),
        path=FLOW_PATH,
        httponly=True,
        samesite="lax",
        secure=is_https(ask),
    )
    return response


async def _finish(ask: Ask) -> Response:
    ask.about = "Account at the identity provider"
    entrance = ask.context.entrance
    # Else whoever calls this again and again fills the audit, and keeps the provider busy.
    entrance.limits.begin(None, ask.address)
    if problem := ask.text("error"):
        raise SignInError("oidc-refused", reason=problem[:100])
    cookie = ask.request.cookies.get(FLOW_COOKIE, "")
    signed_on, flow = await entrance.sign_on.finish(
        cookie, state=ask.text("state"), code=ask.text("code"), issuer=ask.text("iss")
    )
    entrance.limits.succeed(None, ask.address)
    signed_in = await entrance.begin_signed_on(signed_on)
    ask.about = f"Account {signed_in.identity.subject}"
    ask.actor = signed_in.identity
    response = _redirect(flow.back)
    set_session(ask, response, signed_in.secret, signed_in.lasts)
    response.delete_cookie(FLOW_COOKIE, path=FLOW_PATH, httponly=True, samesite="lax", secure=is_https(ask))
    return response


async def _sign_out(ask: Ask) -> Response:
    site = ask.request.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        raise RefusedError(Kind.FORBIDDEN, "request-from-elsewhere", origin=site[:50])
    headers = ask.request.headers.get("authorization"), ask.request.cookies
    session = await ask.context.entrance.sign_out(*headers)
    back = f"{base_of(ask)}/"
    url = None
    if session is not None:
        try:
            url = await ask.context.entrance.sign_on.logout_url(session, back)
        except ProviderAwayError:
            # Signed out here all the same.
            url = None
    response = _redirect(url or back)
    clear_session(ask, response)
    return response


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, status_code=SEE_OTHER, headers={"Cache-Control": "no-store"})


def base_of(ask: Ask) -> str:
    """Where browsers find this server: `url` of `argocd-cm`, or the one of `additionalUrls` that was asked, else as asked."""
    asked = _own_base(ask)
    known = list(_known_urls(ask))
    return asked if asked in known or not known else known[0]


def _own_base(ask: Ask) -> str:
    scheme = "https" if is_https(ask) else ask.request.url.scheme
    return f"{scheme}://{ask.request.headers.get('host', '')}"


def _known_urls(ask: Ask) -> Iterator[str]:
    config = ask.context.entrance.book.config
    if url := str(config.get("url") or ""):
        yield url.rstrip("/")
    try:
        listed = load(str(config.get("additionalUrls") or "[]"))
    except YamlError:
        return
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, str):
            yield each.rstrip("/")


def page_within(url: str, *bases: str) -> str:
    """`url` if it is a page below one of `bases`, made whole; the first page where it is empty. Raises RefusedError.

    Browsers read `\\` as `/` and pass over tabs and line ends: such a URL is nobody's page.
    """
    found = urljoin(f"{bases[0]}/", url)
    is_plain = url.isascii() and url.isprintable() and "\\" not in url
    wanted = urlsplit(found)
    places = [urlsplit(base) for base in bases]
    if not is_plain or not any((wanted.scheme, wanted.netloc) == (place.scheme, place.netloc) for place in places):
        raise RefusedError(Kind.INVALID, "return-url-foreign", url=url[:200])
    return found


ROUTES = (
    Route(
        method="GET",
        path="/auth/login",
        handler=_begin,
        access=Open.PUBLIC,
        summary="Leads to the identity provider",
        query=(Query(name="return_url", help="Where to go afterwards: a page of this server."),),
    ),
    Route(
        method="GET",
        path=CALLBACK,
        handler=_finish,
        access=Open.PUBLIC,
        summary="Where the identity provider leads back to",
        deed="session/sign-in",
        query=(Query(name="error", help="Why nobody was signed in."),),
        changes=True,
    ),
    Route(
        method="GET",
        path="/auth/logout",
        handler=_sign_out,
        access=Open.PUBLIC,
        summary="Signs out, at the identity provider as well",
        deed="session/sign-out",
        changes=True,
    ),
)

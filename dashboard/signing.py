"""Signing in and out: a page of its own that needs neither Dash nor a script, a form that it posts, and the way to an OpenID Connect
provider and back.

The API gives the session; this passes its cookie on to the browser, so that it is the same where pages are served apart from the
API. The gate has seen to it that a form of another site posts nothing here (its Origin is foreign).
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from backend.errors import CrossliftError
from dashboard import links, visitor
from dashboard.client import Client

MOST_BYTES = 8192  # of the form
LONGEST_ONWARD = 1000  # that travels along to a provider and back
_KEPT = {"Cache-Control": "no-store"}

PAGE = """<!DOCTYPE html>
<html lang="en" dir="ltr">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Sign in · Crosslift</title>
    <link rel="icon" type="image/svg+xml" href="/assets/mark.svg">
    <script src="/assets/scheme.js"></script>
    <link rel="stylesheet" href="/assets/crosslift.css">
    <link rel="stylesheet" href="/assets/account.css">
  </head>
  <body class="sign-in">
    <main>
      <p class="sign-in-mark"><span class="mark" aria-hidden="true"></span> Crosslift</p>
      <h1>Sign in</h1>
      {said}
      {provider}
      <form method="post" action="{action}">
        <label for="name">Name</label>
        <input id="name" name="name" value="{name}" autocomplete="username" autocapitalize="none" spellcheck="false"
          maxlength="64" required{name_focus}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" maxlength="200"
          required{password_focus}>
        <button type="submit">Sign in</button>
      </form>
      <p class="soft">Accounts are made by whoever runs this installation: <code>crosslift user add NAME</code>.
        A link that was shared with you opens without one.</p>
    </main>
  </body>
</html>"""


WITH = """<a class="sign-in-with" href="{begin}">Sign in with {provider}</a>
      <p class="sign-in-or"><span>or with a name and password</span></p>"""


def page(onward: str, *, name: str = "", said: str = "", provider: str | None = None) -> str:
    """The page as HTML; whatever was typed is escaped. ``provider``: that one may sign in by, too."""
    begin = f"{links.SIGN_IN_BEGIN}?{urlencode({'next': onward})}"
    return PAGE.format(
        provider=WITH.format(begin=escape(begin), provider=escape(provider)) if provider else "",
        action=escape(f"{links.SIGN_IN}?{urlencode({'next': onward})}"),
        name=escape(name, quote=True),
        said=f'<p class="sign-in-said" role="alert">{escape(said)}</p>' if said else "",
        name_focus="" if name or provider else " autofocus",
        password_focus=" autofocus" if name else "",
    )


def install(app: FastAPI, api: Client) -> None:
    """Add the routes; before those of the pages, which answer whatever is left."""

    async def again(onward: str, status: int, said: str, *, name: str = "") -> Response:
        return HTMLResponse(page(onward, name=name, said=said, provider=await _provider(api)), status, _KEPT)

    @app.get(links.SIGN_IN_BEGIN, include_in_schema=False)
    async def begin(request: Request) -> Response:
        onward = links.within(request.query_params.get("next", ""))
        try:
            url, cookies = await api.begin_sign_in(onward if len(onward) <= LONGEST_ONWARD else links.OVERVIEW)
        except CrossliftError as error:
            return await again(onward, error.status, error.detail)
        return _with(cookies, RedirectResponse(url, 303, _KEPT))

    @app.get(links.SIGN_IN_BACK, include_in_schema=False)
    async def back(request: Request) -> Response:
        sent = {name: request.query_params[name] for name in ("code", "state", "iss") if name in request.query_params}
        if "code" not in sent:  # somebody said no there, or this is no way back at all
            return await again(links.OVERVIEW, 401, "The sign-in ended without a result. Begin again.")
        try:
            onward, cookies = await api.finish_sign_in(sent)
        except CrossliftError as error:
            said = error.detail if error.status != 422 else "The sign-in ended without a result. Begin again."
            return await again(links.OVERVIEW, error.status if error.status != 422 else 401, said)
        return _with(cookies, RedirectResponse(links.within(onward), 303, _KEPT))

    @app.get(links.SIGN_IN, include_in_schema=False)
    async def form(request: Request) -> Response:
        onward = links.within(request.query_params.get("next", ""))
        if visitor.present().name:
            return RedirectResponse(onward, 303, _KEPT)
        return HTMLResponse(page(onward, provider=await _provider(api)), headers=_KEPT)

    @app.post(links.SIGN_IN, include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        onward = links.within(request.query_params.get("next", ""))
        typed = await _form(request)
        if typed is None:
            return await again(onward, 400, "The form could not be read.")
        name, password = typed
        try:
            cookies = await api.sign_in(name, password)
        except CrossliftError as error:
            status, said = error.status, error.detail
            if status == 422:
                status, said = 401, "Name or password is wrong, or the account is disabled."
            return await again(onward, status, said, name=name[:64])
        return _with(cookies, RedirectResponse(onward, 303, _KEPT))

    @app.post(links.SIGN_OUT, include_in_schema=False)
    async def sign_out() -> Response:
        try:
            cookies = await api.sign_out()
        except CrossliftError:  # there is none to end
            cookies = []
        return _with(cookies, RedirectResponse(links.SIGN_IN, 303, _KEPT))


async def _provider(api: Client) -> str | None:
    """What the button says; None where there is none to show, or nobody who knows."""
    try:
        return (await api.ways()).provider
    except CrossliftError:
        return None


def _with(cookies: list[str], response: Response) -> Response:
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


async def _form(request: Request) -> tuple[str, str] | None:
    """Name and password, as browsers send a form; None for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    try:
        found = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=8, errors="strict")
        [name], [password] = found["name"], found["password"]
    except (ValueError, KeyError):
        return None
    return name, password

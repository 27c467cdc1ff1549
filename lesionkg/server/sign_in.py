"""Where a browser gives a token and becomes a session: plain HTML, without any script."""

from __future__ import annotations

import asyncio
from html import escape
from string import Template
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lesionkg.cli.context import RESEARCH_USE_ONLY
from lesionkg.server.attempts import DELAY_S, Attempts
from lesionkg.server.audit import Action
from lesionkg.server.people import NOBODY, User
from lesionkg.server.security import cookie_name, credential_of
from lesionkg.server.users import SESSION_HOURS
from lesionkg.server.workplace import Workplace

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_MOST_BYTES = 8192

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - lesionkg</title>
<link rel="icon" href="/favicon.ico">
<style>
:root { color-scheme: light dark; --paper: #f6f7f8; --surface: #fff; --ink: #17212b; --quiet: #55636f;
  --line: #ccd4da; --accent: #0b6e78; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12181d; --surface: #1b2329; --ink: #e6ebef; --quiet: #a3b0bb; --line: #3a4650;
    --accent: #4fb3bd; --bad: #f2b8b5; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--surface); border: 1px solid var(--line);
  border-radius: 8px; padding: 2rem; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
p { margin: 0 0 1.25rem; color: var(--quiet); font-size: .9rem; }
.bad { color: var(--bad); }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input { width: 100%; font: inherit; padding: .55rem .7rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--paper); color: inherit; }
button { width: 100%; margin-top: 1rem; font: inherit; font-weight: 600; padding: .6rem; border: 0; border-radius: 6px;
  background: var(--accent); color: var(--surface); cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
footer { margin-top: 1.5rem; color: var(--quiet); font-size: .8rem; }
</style>
</head>
<body>
<main>
<h1>Sign in to lesionkg</h1>
$said
<form method="post" action="/sign-in">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus maxlength="200">
<input type="hidden" name="next" value="$next">
<button type="submit">Sign in</button>
</form>
<footer>$notice</footer>
</main>
</body>
</html>
""")


@router.get("/sign-in")
async def show(request: Request) -> Response:
    """The page that asks for a token; whoever needs none goes on."""
    following = local_path(request.query_params.get("next", "/"))
    if request.state.user is not NOBODY:
        return RedirectResponse(following, 303)
    return _page(following)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Take a token and answer with the cookie of a new session."""
    workplace: Workplace = request.app.state.workplace
    attempts: Attempts = request.app.state.attempts
    form = await _form(request)
    following = local_path(form.get("next", "/"))
    user = await run_in_threadpool(workplace.users.with_token, form.get("token", "").strip())
    if user is not None:
        value = await run_in_threadpool(workplace.users.open_session, user)
        await run_in_threadpool(workplace.audit.record, user, Action.SIGN_IN, user.name)
        answer = RedirectResponse(following, 303)
        answer.set_cookie(
            cookie_name(request.scope),
            value,
            max_age=SESSION_HOURS * 3600,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer
    address = request.client.host if request.client else ""
    if attempts.note(address):
        return _page(following, "Too many wrong tokens; wait a minute.", 429)
    await run_in_threadpool(workplace.audit.record, NOBODY, Action.REFUSED, "wrong token", address=address)
    await asyncio.sleep(DELAY_S)
    return _page(following, "This is no token of this server. An admin gives you a new one.", 401)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    workplace: Workplace = request.app.state.workplace
    user: User = request.state.user
    if session := credential_of(request).session:
        await run_in_threadpool(workplace.users.close_session, session)
        await run_in_threadpool(workplace.audit.record, user, Action.SIGN_OUT, user.name)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(
        cookie_name(request.scope), secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
    return answer


def local_path(text: str) -> str:
    """Where to go on: a path of this server, or its first page when the text names another place."""
    parts = urlsplit(text.replace("\\", "/"))
    is_local = not parts.scheme and not parts.netloc and text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_local and text.isprintable() and text.isascii() and not text.startswith("/sign-") else "/"


async def _form(request: Request) -> dict[str, str]:
    """The fields of a short form."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _page(following: str, said: str = "", status: int = 200) -> HTMLResponse:
    message = f'<p class="bad" role="alert">{escape(said)}</p>' if said else "<p>The token an admin gave you.</p>"
    page = _PAGE.substitute(said=message, next=escape(following, quote=True), notice=escape(RESEARCH_USE_ONLY))
    return HTMLResponse(page, status, {"Content-Security-Policy": POLICY})

"""Who may ask: host, origin, token, size; and the headers that every answer carries.

A server on 127.0.0.1 is within reach of every web page that this machine's browser shows. Such
a page can send requests here, though not read the answers, and with a name that it points at
127.0.0.1 (DNS rebinding) it could read them, too. So the `Host` must be one of ours, what
changes anything must come from our own origin, and the page's own requests carry a token that
no other page can know (`app`). Programs send neither `Origin` nor cookies and need nothing.
"""

import hmac
import http.cookies
import ipaddress
import socket
import urllib.parse
from collections.abc import Iterable

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_SAFE = ("GET", "HEAD")
_OPEN = ("/healthz",)  # a watchdog has no token
_LONGEST_PATH = 1000  # Python refuses to read numbers of more than 4300 digits
_LINGER_S, _LINGER_BYTES = 10.0, 2**30  # of a refused body, read so that the refusal arrives

_ENTER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>kinpaint</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/static/style.css">
<body class="plain"><main><h1>kinpaint</h1><p>{said}</p><form action="/" method="get">
<label>Token <input name="token" type="password" autofocus required autocomplete="off"></label>
<button class="primary">Enter</button></form></main></body></html>"""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """ASGI middleware.

    Args:
        app: what is guarded.
        port: listened on; part of the cookie's name, since cookies know no ports.
        token: that a visitor must know; empty: none is asked for.
        names: host names that are ours, besides addresses, localhost and this machine's name.
        most_bytes: of a request's body.
    """

    def __init__(
        self,
        app: ASGIApp,
        port: int,
        token: str = "",
        names: Iterable[str] = (),
        most_bytes: int = 2**28,
    ):
        self._app, self._token, self._most = app, token, most_bytes
        self._cookie = f"kinpaint_token_{port}"
        machine = socket.gethostname().lower()
        self._names = {"localhost", machine, f"{machine}.local", *(n.lower() for n in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what is refused, hands on the rest."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._bounded(scope, receive, send_with_headers)
        else:
            await _read_away(scope, receive)
            await refusal(scope, receive, send_with_headers)

    def _refusal(self, scope):
        """The answer to a request that is refused; None for a welcome one."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            name = host[:100]
            return _no(421, f"this server is not {name!r}: start it with --host_name, if it is")
        if len(scope["path"]) > _LONGEST_PATH:
            return _no(414, "no address here is so long")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most:
            return _no(413, f"larger than {self._most // 2**20} megabytes")
        if scope["method"] not in _SAFE:
            origin, site = headers.get("origin"), headers.get("sec-fetch-site")
            if origin is not None and _netloc(origin) != host:
                return _no(403, "requests of other origins are refused")
            if site not in (None, "same-origin", "none"):
                return _no(403, "requests of other sites are refused")
        if self._token and scope["path"] not in _OPEN:
            return self._without_token(scope, headers)
        return None

    def _is_ours(self, host):
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name.lower().rstrip(".") in self._names:
            return True
        try:
            ipaddress.ip_address(name)  # rebinding needs a name
        except ValueError:
            return False
        return True

    def _without_token(self, scope, headers):
        asked = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        given = asked.get("token", [""])[0]
        if scope["path"] == "/" and scope["method"] in _SAFE and self._is_token(given):
            answer = RedirectResponse("/", 303)  # the address bar forgets the token
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return answer
        cookies = http.cookies.SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except http.cookies.CookieError:
            cookies.clear()
        kept = cookies[self._cookie].value if self._cookie in cookies else ""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        bearer = bearer.strip() if scheme.lower() == "bearer" else ""
        if self._is_token(kept) or self._is_token(bearer):
            return None
        if scope["path"] == "/static/style.css":
            return None
        if scope["path"] == "/":
            said = "That is not the token." if given else "The server asks for its token."
            return HTMLResponse(_ENTER.format(said=said), 401)
        return _no(
            401, "send the token: Authorization: Bearer TOKEN", {"www-authenticate": "Bearer"}
        )

    def _is_token(self, text):
        return bool(text) and hmac.compare_digest(text.encode(), self._token.encode())

    async def _bounded(self, scope, receive, send):
        """Hands on a body whose length, where it was not announced, is counted."""
        read = 0

        async def counted():
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                if message.get("more_body"):
                    await _read_away(scope, receive)
                raise HTTPException(413, f"larger than {self._most // 2**20} megabytes")
            return message

        await self._app(scope, counted, send)


def _netloc(origin):
    try:
        return urllib.parse.urlsplit(origin).netloc
    except ValueError:  # no address at all, such as http://[
        return None


def _no(status, why, headers=None):
    return JSONResponse({"error": why}, status, headers=headers)


async def _read_away(scope, receive):
    """Reads a refused body for a while: a client that still sends would miss the answer."""
    if scope["method"] in _SAFE or "expect" in Headers(scope=scope):
        return
    left = _LINGER_BYTES
    with anyio.move_on_after(_LINGER_S):
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return

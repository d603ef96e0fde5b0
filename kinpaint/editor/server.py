"""Starts the server: the port first, then the page; the model loads once the page is up."""

import contextlib
import dataclasses
import os
import pathlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping

import uvicorn

from kinpaint.editor import app, engine, models
from kinpaint.editor.guard import is_loopback
from kinpaint.editor.options import DemoOptions
from pipelines.base.errors import UserError

_PREFIX = "kinpaint-page-"
_GOODBYE_S = 3  # that open requests have when the server is told to end


def serve(
    offered: Mapping[str, models.Model],
    options: DemoOptions,
    loader: str = engine.LOADER,
    ready: Callable[[uvicorn.Server, str], None] | None = None,
) -> None:
    """Serves the page until the process is interrupted or terminated.

    Args:
        offered: from `models.offered`.
        options: `options.DemoOptions`.
        loader: for `engine.Engine`.
        ready: called with the uvicorn server and the URL before it starts; default: the URL is
            printed.

    Raises:
        UserError: the address cannot be listened on.
    """
    listening = listen(options.host, options.port)
    port = listening.getsockname()[1]
    token = options.token
    if not token and not is_loopback(options.host):
        token = secrets.token_urlsafe(12)
    options = dataclasses.replace(options, port=port, token=token)
    with listening, private_folder() as folder:
        config = uvicorn.Config(
            app.build(offered, options, folder, loader),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GOODBYE_S,
        )
        server, url = uvicorn.Server(config), address(options.host, port, token)
        (ready or _say)(server, url)
        server.run(sockets=[listening])


def _say(_, url):
    print(f"{url} - Ctrl-C ends it", flush=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, so that a port in use is known before anything is loaded."""
    if not 0 <= port <= 65535:
        raise UserError(f"--port={port} is no port: 1 to 65535, or 0 for any free one")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(place)
            listening.listen(512)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        why = error.strerror or error
        raise UserError(
            f"cannot listen on {host}:{port}: {why}: choose another --port (0: any free one)"
        ) from error
    return listening


def address(host: str, port: int, token: str) -> str:
    """The URL to open."""
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """A folder that only this person can read, gone with the process.

    What a killed server left behind is removed by the next one.
    """
    for left in pathlib.Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        yield folder


def _is_left_behind(folder):
    """Whether a folder is ours and the process that its name tells of has ended."""
    pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
    try:
        if not pid.isdigit() or folder.stat().st_uid != os.getuid():
            return False
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False

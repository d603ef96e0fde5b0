"""HTTP with manners: a name, bounds on every answer, and waits where asking again can help.

An answer is bounded in its declared length, in the bytes that arrive, in what they unpack to,
and in total time (ten times `--timeout_s`), headers included; bytes are counted as they arrive,
whatever becomes of them. Redirects are followed one request at a time: the API's to the same
scheme and host only, each counted and paced; a photo's to any host, never to another scheme.

What may pass (busy, unreachable, cut off, no answer to what was asked) is `Passing`. The API is
then asked again after growing waits, and after the last of them the run stops in one line. 401
and 403 of the API mean a block: stop and say so. Other 4xx are our own mistake.
"""

import datetime
import email.utils
import http.client
import queue
import random
import re
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import requests
import urllib3

from pipelines.base.errors import UserError
from pipelines.inaturalist.limits import Clock, Limits
from pipelines.inaturalist.schema import Unfit, plain

API_BYTES = 64 * 2**20  # unpacked; 50 observations of v1 are up to 8 MB
PHOTO_BYTES = 32 * 2**20  # an original has at most 2048 px a side
WAITS = 9  # 2 to 512 intervals, doubling: 19 minutes at the default pace
UNFIT_WAITS = 4  # of an answer that came whole but is none: 30 intervals
_HOPS = 5
_BUSY = {408, 425, 429}
_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST_S = 3600
_PIECE = 65536
_FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,  # a host name that is none
)


class Passing(Exception):
    """A failure that may pass.

    Attributes:
        retry_after: seconds that the service asks to wait, or None.
        busy: whether it said that we ask too often.
    """

    def __init__(self, reason: str, retry_after: float | None = None, busy: bool = False):
        super().__init__(reason)
        self.retry_after, self.busy = retry_after, busy


class Client:
    """Requests to the API, from the main thread, and to the photo store, from any.

    Args:
        contact: e-mail or page of the person responsible, for the User-Agent.
        timeout_s: seconds to wait for a connection and for each piece of an answer; a whole
            answer has ten times as long.
        interval_s: the unit of the waits between tries.
        limits: asked before every API request; told of every byte.
        clock: what waits are taken from.
    """

    def __init__(
        self, contact: str, timeout_s: float, interval_s: float, limits: Limits, clock: Clock
    ):
        self._agent = f"kinpaint (photo inpainting research; {plain(contact)})"
        self._agent = self._agent.encode("ascii", "replace").decode()  # a header has no more
        self._timeout_s, self._unit_s = timeout_s, max(interval_s, 0.001)
        self._limits, self._clock = limits, clock
        self._sessions = queue.LifoQueue()  # a Session is not made for two threads at a time

    @property
    def longest_s(self) -> float:
        """Seconds after which an answer is given up, however it trickles."""
        return 10 * self._timeout_s

    def ask(self, url: str, params: Mapping[str, Any], read: Callable[[bytes], Any]) -> Any:
        """What `read` makes of an API answer; asked again while it fails or is `Unfit`.

        Raises:
            UserError: the service refuses, sends us elsewhere, or the last try failed.
        """
        number = 0
        while True:
            try:
                return read(self._api_body(url, params))
            except Unfit as error:
                passing, most = Passing(f"the answer does not fit: {error}"), UNFIT_WAITS
            except Passing as error:
                passing, most = error, WAITS
            if number >= most:
                raise UserError(
                    f"{plain(url)} failed {number + 1} times, the last with {passing}: nothing "
                    "is lost, run again later"
                ) from passing
            self._clock.wait(self.delay(number, passing), f"the API ({passing})")
            number += 1

    def photo(self, url: str) -> tuple[int, str, bytes]:
        """One try at a photo, redirects followed: (status, content type, body).

        Raises:
            Passing: no whole answer came, or the server was busy.
        """
        session = self._session()
        for _ in range(_HOPS + 1):
            status, headers, body = self._get(session, url, None, PHOTO_BYTES, "identity")
            if status not in _REDIRECTS:
                self._sessions.put(session)  # one that failed is not used again
                return status, headers.get("Content-Type", ""), body
            target = _target(url, headers)
            if urllib.parse.urlsplit(target).scheme != urllib.parse.urlsplit(url).scheme:
                raise Passing(f"redirected to {plain(target, 60)!r}, another scheme")
            url = target
        raise Passing(f"redirected more than {_HOPS} times")

    def delay(self, number: int, passing: Passing) -> float:
        """Seconds to wait after try `number` (from 0).

        `Retry-After` is honoured, but never less than two intervals waited. Without it 50
        intervals, doubling to 500, where the service says that we ask too often, and two
        intervals, doubling, otherwise; both jittered.

        Raises:
            UserError: the service asks for more than an hour.
        """
        if passing.retry_after is not None:
            if passing.retry_after > _LONGEST_S:
                hours = passing.retry_after / 3600
                raise UserError(
                    f"the service asks to come back in {hours:,.1f} hours: nothing is lost, "
                    "run again then"
                )
            return max(passing.retry_after, 2 * self._unit_s)
        intervals = min(50 * 2**number, 500) if passing.busy else 2 * 2**number
        return intervals * self._unit_s * random.uniform(1.0, 1.25)

    def _session(self):
        try:
            return self._sessions.get_nowait()
        except queue.Empty:
            session = requests.Session()
            session.headers["User-Agent"] = self._agent
            return session

    def _api_body(self, url, params):
        """The body of one API answer of status 200, each redirect a request of its own."""
        start = urllib.parse.urlsplit(url)
        for _ in range(_HOPS + 1):
            self._limits.before_request()
            status, headers, body = self._in_time(url, params)
            if status not in _REDIRECTS:
                _check_api(url, status, body)
                return body
            target = _target(url, headers)
            there = urllib.parse.urlsplit(target)
            if (there.scheme, there.netloc) != (start.scheme, start.netloc):
                raise UserError(
                    f"{plain(url)} redirects to {plain(target)}, another place: if that is "
                    "right, give it as --api_url"
                )
            url, params = target, None
        raise UserError(f"{plain(url)} redirects in a circle: look at --api_url")

    def _in_time(self, url, params):
        """`_get` in a thread that is left behind when it does not end in time.

        A socket's time-out starts anew with every byte of a header that trickles in.
        """
        landed, session = queue.SimpleQueue(), self._session()

        def fetch():
            try:
                landed.put(self._get(session, url, params, API_BYTES, "gzip"))
            except BaseException as error:
                landed.put(error)

        threading.Thread(target=fetch, daemon=True).start()
        try:
            answer = landed.get(timeout=self.longest_s + self._timeout_s)
        except queue.Empty:
            raise Passing(f"no whole answer within {self.longest_s:g} s") from None
        if isinstance(answer, BaseException):
            raise answer
        self._sessions.put(session)
        return answer

    def _get(self, session, url, params, most, encoding):
        """(status, headers, body) of one request, no redirect followed."""
        ends = time.monotonic() + self.longest_s
        request = requests.Request("GET", url, {"Accept-Encoding": encoding}, params=params)
        try:
            # Not `session.get`: that reads the bodies of redirects whole, followed or not.
            prepared = session.prepare_request(request)
            usual = session.merge_environment_settings(prepared.url, {}, True, None, None)
            adapter = session.get_adapter(prepared.url)
            with adapter.send(prepared, timeout=self._timeout_s, **usual) as response:
                body = self._body(response, most, ends)
                status, headers = response.status_code, response.headers
        except _FAILURES as error:
            raise Passing(f"no whole answer: {type(error).__name__}") from error
        if status in _BUSY or status >= 500:
            raise Passing(f"status {status}", retry_after(headers), status == 429)
        return status, headers, body

    def _body(self, response, most, ends):
        declared = response.headers.get("Content-Length", "")
        declared = int(declared) if re.fullmatch(r"[0-9]{1,15}", declared) else None
        if declared is not None and declared > most:
            raise Passing(f"an answer of {declared:,} bytes, more than {most:,}")
        kind = response.headers.get("Content-Encoding", "identity").strip().lower()
        if kind not in ("identity", "", "gzip", "x-gzip"):
            raise Passing(f"an answer packed as {plain(kind, 20)!r}, which was not asked for")
        unpack = zlib.decompressobj(31) if kind.endswith("gzip") else None
        body, arrived = bytearray(), 0
        while piece := response.raw.read1(_PIECE, decode_content=False):
            arrived += len(piece)
            self._limits.add_bytes(len(piece))
            if unpack:
                try:
                    piece = unpack.decompress(piece, most + 1 - len(body))
                except zlib.error as error:
                    raise Passing("a damaged gzip answer") from error
            body += piece
            if len(body) > most:
                raise Passing(f"an answer of more than {most:,} bytes")
            if time.monotonic() > ends:
                raise Passing(f"no whole answer within {self.longest_s:g} s")
        if (declared is not None and arrived < declared) or (unpack and not unpack.eof):
            raise Passing(f"an answer cut off after {arrived:,} bytes")
        return bytes(body)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the header asks to wait (0 if past), or None without a readable one."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,12}", value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
        if when.tzinfo is None:  # no zone, or the unknown one, -0000
            when = when.replace(tzinfo=datetime.UTC)
        return max(0.0, (when - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def check_address(name: str, url: str) -> None:
    """Raises UserError unless a flag's value is an address that can be asked."""
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or plain(url, len(url) + 1) != url:
        raise UserError(f"--{name}={plain(url)}: give an address like https://host/path")


def _target(url, headers):
    """The absolute address of a redirect."""
    try:
        target = urllib.parse.urljoin(url, headers.get("Location", ""))
        parts = urllib.parse.urlsplit(target)
    except ValueError as error:
        raise Passing("redirected to an address that is none") from error
    if not parts.hostname:
        raise Passing(f"redirected to {plain(target, 60)!r}, which leads nowhere")
    return target


def _check_api(url, status, body):
    if status == 200:
        return
    said = f"{plain(url)} answered {status}: {plain(body[:400].decode('utf-8', 'replace'))}"
    if status in (401, 403):
        raise UserError(
            f"{said} - the service refuses this client; stop, and write to help@inaturalist.org"
        )
    if status >= 400:
        raise UserError(f"{said} - the request is wrong and was not retried")
    raise Unfit(f"status {status}")

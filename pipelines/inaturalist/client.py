"""HTTP with manners: a name, a time-out, retries where they can help.

429 honours `Retry-After` (seconds or a date), else waits 50 intervals, doubling
to 500 (about one to ten minutes at the default pace). 5xx, cut-off bodies and
stalled sockets back off from two intervals. Both are jittered. 422 is our own
mistake and never retried; 401 and 403 from the API mean a block: stop and say so.
"""

import datetime
import email.utils
import random
import threading
import time

import requests

from pipelines.base.errors import UserError

TRIES = 6
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_S = 3600
_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


class Passing(Exception):
    """A failure that may pass; kept after the last try as the reason."""

    def __init__(self, reason, response=None):
        super().__init__(reason)
        self.response = response


class Client:
    """Requests to the API and to the photo store.

    Args:
        contact: e-mail or page of the person responsible, for the User-Agent.
        timeout_s: seconds to wait for a connection and for each piece of a body.
        interval_s: the unit of the waits between tries.
    """

    def __init__(self, contact, timeout_s, interval_s):
        if not contact.strip():
            raise UserError("--contact is required: iNaturalist asks who is asking")
        self._agent = f"kinpaint (photo inpainting research; {contact.strip()})"
        self._timeout_s = timeout_s
        self._interval_s = interval_s
        self._local = threading.local()  # a requests.Session is not made for several threads

    def get_json(self, url, params, before=lambda: None):
        """One JSON answer; `before` is called before every try.

        Raises:
            UserError: the service refuses, or every try failed.
        """

        def attempt():
            before()
            response = self._session().get(url, params=params, timeout=self._timeout_s)
            _check_api(response)
            try:
                return response.json()
            except ValueError as error:
                raise Passing("cut-off JSON", response) from error

        try:
            return self.retry(attempt)
        except Passing as error:
            raise UserError(
                f"{url} failed {TRIES} times ({error}): nothing is lost, run again later"
            ) from error

    def get_bytes(self, url):
        """One GET of a file: (status, content type, body).

        Raises:
            Passing: the answer was cut off, stalled, or the server was busy.
        """
        response = self._session().get(url, timeout=self._timeout_s)
        if response.status_code in _PASSING:
            raise Passing(f"status {response.status_code}", response)
        return response.status_code, response.headers.get("Content-Type", ""), response.content

    def retry(self, attempt):
        """Calls `attempt` until it passes; the last `Passing` is raised."""
        for number in range(TRIES):
            try:
                return attempt()
            except _BAD_ADDRESS as error:
                raise UserError(f"{error}: give an address like https://host/path") from error
            except requests.RequestException as error:
                passing = Passing(type(error).__name__)
            except Passing as error:
                passing = error
            if number < TRIES - 1:
                time.sleep(self._delay(number, passing.response))
        raise passing

    def _session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers["User-Agent"] = self._agent
        return self._local.session

    def _delay(self, number, response):
        asked = retry_after(response.headers) if response is not None else None
        if asked is not None:
            if asked > _LONGEST_S:
                raise UserError(f"the service asks to come back in {asked / 3600:.1f} hours")
            return asked
        busy = response is not None and response.status_code == 429
        intervals = min(50 * 2**number, 500) if busy else 2 * 2**number
        return intervals * self._interval_s * random.uniform(1.0, 1.25)


def retry_after(headers):
    """Seconds the header asks to wait (0 if past), or None without a readable one."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:  # no zone, or the unknown one, -0000
        when = when.replace(tzinfo=datetime.UTC)
    return max(0.0, (when - datetime.datetime.now(datetime.UTC)).total_seconds())


def _check_api(response):
    status = response.status_code
    if status in _PASSING:
        raise Passing(f"status {status}", response)
    said = f"{response.url} answered {status}: {' '.join(response.text[:200].split())}"
    if status in (401, 403):
        raise UserError(
            f"{said} - the service refuses this client; stop, and write to help@inaturalist.org"
        )
    if status >= 400:
        raise UserError(f"{said} - the request is wrong and was not retried")

"""A loopback iNaturalist: v1, v2 and the photo store, with their oddities and faults.

Answers are made from real ones (tests/golden/inaturalist), so their shape is the
service's. `faults=True` adds what a long scrape meets: 429 with and without
Retry-After, 5xx, cut-off JSON, stalled sockets, truncated and HTML bodies.
`api_fault` and `photo_fault` are switches: functions that name a fault of
`_Handler` for a request, or give an answer of their own.

    python -m tests.pipelines.fake_inaturalist 8099
"""

import collections
import dataclasses
import email.utils
import gzip
import http.server
import json
import random
import re
import sys
import threading
import time
import urllib.parse

from tests.pipelines.fake_world import (
    ROOTS,
    SPECIES,
    make_world,
    photo_extension,
    picture,
    taxon_answer,
    tiny_picture,
)


@dataclasses.dataclass
class Seen:
    """One request as the server saw it."""

    time: float
    path: str
    params: dict
    agent: str
    served: bool = False  # answered in full and without a fault
    size: int = 0  # bytes of the body that was sent


class FakeINaturalist(http.server.ThreadingHTTPServer):
    """Serves on 127.0.0.1 until closed; `seen` is the log of requests.

    Args:
        unit: scales the supply of every species.
        faults: whether to misbehave.
        latency_s: seconds before each answer.
        port: 0 picks a free one.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, unit=4, faults=False, latency_s=0.0, port=0, renamed=None):
        super().__init__(("127.0.0.1", port), _Handler)
        self.names = {taxon: entry[0] for taxon, entry in SPECIES.items()} | ROOTS
        self.names |= renamed or {}
        self.observations = make_world(unit)
        self.photos = {p["id"]: (o, p) for o in self.observations for p in o["photos"]}
        self.faults, self.latency_s = faults, latency_s
        self.api_fault = lambda path, params: None  # a fault's name, or another answer
        self.photo_fault = lambda photo_id: None  # a fault's name
        self.withdrawn = set()  # photo ids the store no longer has
        self.clock, self.picture = time.time, picture
        self.sent = 0  # bytes of bodies
        self.seen = []
        self.arrived = threading.Condition()
        self._random = random.Random(7)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def note(self, seen):
        with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()

    def misfortune(self, kinds):
        """A fault for about one request in eight, else None."""
        with self.arrived:
            return self._random.choice(kinds) if self._random.random() < 0.12 else None

    def handle_error(self, *_):
        """A client that was killed is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        params = dict(urllib.parse.parse_qsl(address.query))
        seen = Seen(self.server.clock(), address.path, params, self.headers["User-Agent"])
        self.server.note(seen)
        self.seen = seen
        time.sleep(self.server.latency_s)
        serve = self._photo if address.path.startswith("/photos/") else self._api
        seen.served = serve(address.path, params)

    def _api(self, path, params):
        version, _, rest = path.lstrip("/").partition("/")
        fault = self.server.faults and self.server.misfortune(
            ("429", "429 seconds", "429 date", "500", "503", "cut", "stall", "short")
        )
        status, answer = answer_of(self.server, version, rest, params)
        switched = self.server.api_fault(rest, params)
        if isinstance(switched, str):
            fault = switched
        elif switched is not None:
            answer = switched
        body = answer
        if not isinstance(answer, bytes):
            body = json.dumps(answer, ensure_ascii=False).encode()
        if not fault:
            return self._send(status, body, "application/json; charset=utf-8")
        return self._fault(fault, version, body)

    def _fault(self, fault, version, body):
        """One of: a status; and what goes wrong with an answer of status 200, or behind it."""
        if fault.startswith("429"):
            later = email.utils.formatdate(time.time() + 1, usegmt=True)
            header = {"429 seconds": "0", "429 date": later, "429 a day": "86400"}.get(fault)
            return self._error(version, 429, "Normal throttling", header)
        if fault.isdecimal():
            return self._error(version, int(fault), "refused")
        getattr(self, f"_{fault.replace(' ', '_')}")(body)
        return False

    def _stall(self, _):
        time.sleep(2.0)
        self.close_connection = True

    def _cut(self, body):  # the right length of half an answer
        self._send(200, body[: len(body) // 2], "application/json")

    def _short(self, body):
        self._send(200, body[: len(body) // 2], "application/json", length=len(body))

    def _html(self, _):
        self._send(200, b"<html>Are you human?</html>", "text/html")

    def _placeholder(self, _):
        self._send(200, tiny_picture(1, 1), "image/jpeg")

    def _other_size(self, _):
        self._send(200, tiny_picture(9000, 9000), "image/jpeg")

    def _circle(self, _):
        self._send(302, b"", "text/html", headers={"Location": self.path})

    def _nowhere(self, _):
        self._send(301, b"", "text/html", headers={"Location": "http://[::1"})

    def _other_scheme(self, _):
        self._send(302, b"", "text/html", headers={"Location": "ftp://127.0.0.1/photo.jpg"})

    def _other_host(self, _):
        port = self.server.server_address[1]
        there = self.path.replace("/photos/", "/photos/mirror/").replace("/v2/", "/v1/")
        there = f"http://localhost:{port}{there}"
        self._send(302, b"moved", "text/html", headers={"Location": there})

    def _declared(self, _):
        self._send(200, b"x" * 1000, "image/jpeg", length=10**12)

    def _bomb(self, _):
        body = gzip.compress(b" " * 10**8, 1)
        self._send(200, body, "application/json", headers={"Content-Encoding": "gzip"})

    def _endless(self, _):
        """A body without a length that does not end."""
        self._start_body()
        while True:
            self.wfile.write(b" " * 2**20)
            self.server.sent += 2**20

    def _trickle(self, _):
        self._start_body()
        while True:
            self.wfile.write(b" ")
            time.sleep(0.02)

    def _trickled_headers(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            self.wfile.write(b"a")
            self.wfile.flush()
            time.sleep(0.02)

    def _start_body(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _photo(self, path, _):
        match = re.fullmatch(
            r"/photos/(?:mirror/)?(\d+)/(small|medium|large|original)\.(\w*)", path
        )
        found = match and self.server.photos.get(int(match[1]))
        if not found or photo_extension(found[1]) != match[3] or not found[1]["license_code"]:
            return self._send(403, b"<Error>AccessDenied</Error>", "application/xml")
        if int(match[1]) in self.server.withdrawn:
            return self._send(404, b"<Error>NoSuchKey</Error>", "application/xml")
        body, kind = self.server.picture(int(match[1]), match[2], match[3])
        fault = self.server.faults and self.server.misfortune(
            ("503", "429", "html", "cut", "short", "stall")
        )
        if "mirror" not in path:
            fault = self.server.photo_fault(int(match[1])) or fault
        return self._fault(fault, "v1", body) if fault else self._send(200, body, kind)

    def _error(self, version, status, message, retry_after=None):
        headers = {"Retry-After": retry_after} if retry_after else {}
        body = json.dumps(error_body(version, status, message)).encode()
        self._send(status, body, "application/json", headers=headers)
        return False

    def _send(self, status, body, kind, length=None, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.server.sent += len(body)
        self.seen.size = len(body)
        if length:
            self.close_connection = True
            return False
        return status == 200


def error_body(version, status, message):
    if version == "v1":
        return {"error": message, "status": status}
    return {"status": str(status), "errors": [{"errorCode": str(status), "message": message}]}


def answer_of(server, version, path, params):
    """(status, answer) of an API path."""
    if path.startswith("taxa/"):
        return 200, shape(version, [taxon_answer(server, int(path[5:]))], 1, params)
    if path not in ("observations", "observations/species_counts"):
        return 404, error_body(version, 404, "Not Found")
    if params.get("order_by", "id") not in ("id", "created_at", "random"):
        return 422, error_body(version, 422, "Unknown order_by")
    page, per_page = int(params.get("page", 1)), int(params.get("per_page", 30))
    if page * min(per_page, 200) > 10_000:
        status = 403 if version == "v1" else 500
        return status, error_body(version, status, "Result window is too large")
    found = [o for o in server.observations if matches(o, params)]
    if path.endswith("species_counts"):
        counts = collections.Counter(o["taxon"]["id"] for o in found if o["taxon"])
        rows = [{"count": n, "taxon": taxon_answer(server, t)} for t, n in counts.most_common()]
        per_page = min(per_page, 500)
    else:
        rows, per_page = found, min(per_page, 200)  # lowered without a word
    return 200, shape(version, rows[(page - 1) * per_page : page * per_page], len(rows), params)


def shape(version, results, total, params):
    if version == "v2":
        wanted = parse_rison(params["fields"]) if "fields" in params else {"uuid": True}
        results = [chosen(result, wanted) for result in results]
    return {"total_results": total, "page": 1, "per_page": 200, "results": results}


def parse_rison(text):
    """(id:!t,user:(login:!t)) as a nested dict."""
    return json.loads(
        re.sub(r"(\w+):", r'"\1":', text.replace("!t", "true"))
        .replace("(", "{")
        .replace(")", "}")
        if "(" in text
        else "{}"
    )


def chosen(value, wanted):
    if isinstance(value, list):
        return [chosen(item, wanted) for item in value]
    if wanted is True or not isinstance(value, dict):
        return value
    return {key: chosen(value[key], inner) for key, inner in wanted.items() if key in value}


def matches(observation, params):
    taxon = observation["asked_taxon"]
    ids = {taxon, SPECIES[taxon][2]}
    if "taxon_id" in params and int(params["taxon_id"]) not in ids:
        return False
    if params.get("without_taxon_id") and int(params["without_taxon_id"]) in ids:
        return False
    if "photo_license" in params:
        wanted = params["photo_license"].split(",")
        if not any(p["license_code"] in wanted for p in observation["photos"]):
            return False
    grades = params.get("quality_grade", "research").split(",")
    above = int(params.get("id_above", 0))
    return observation["quality_grade"] in grades and observation["id"] > above


if __name__ == "__main__":
    with FakeINaturalist(port=int(sys.argv[1]), faults=True, latency_s=0.01) as fake:
        print(fake.url, flush=True)
        threading.Event().wait()

"""One photo: fetched to a temporary name, decoded in full, hashed, renamed."""

import dataclasses
import datetime
import hashlib
import os
import threading

from pipelines import quality
from pipelines.inaturalist.client import Passing
from pipelines.inaturalist.observations import TOO_SMALL

_JPEG = ("JPEG", "MPO")  # MPO: a JPEG with further pictures behind the first


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one candidate.

    Attributes:
        row: the complete manifest row, or None.
        failure: the failure row, or None.
        size: bytes that came over the line, failed tries included.
    """

    row: dict | None
    failure: dict | None
    size: int


class Downloader:
    """Fetches candidates; called from several threads.

    Args:
        client: a `client.Client`.
        photo_url: what stands before /photos/ID/SIZE.EXT.
        out_dir: the directory of the manifest.
        min_side: least short side of a photo whose size the source did not state.
    """

    def __init__(self, client, photo_url, out_dir, min_side):
        self._client = client
        self._url = photo_url.rstrip("/")
        self._out_dir = out_dir
        self._min_side = min_side

    def __call__(self, row):
        """Returns the `Outcome` of a candidate row."""
        final = self._out_dir / row["path"]
        url = f"{self._url}/photos/{row['photo_id']}/{row['size']}.{row['extension']}"
        row = row | {"url": url}
        if final.exists():  # renamed by a run that was killed before it wrote the row
            try:
                return self._accept(row, final.read_bytes(), 0)
            except quality.Unreadable:
                final.unlink()
        return self._fetch(row, url)

    def _fetch(self, row, url):
        sizes = []

        def attempt():
            status, kind, body = self._client.get_bytes(url)
            sizes.append(len(body))
            if status != 200:
                return status, None
            try:
                quality.decode(body)
            except quality.Unreadable as error:
                raise Passing(f"{error} ({kind or 'no content type'})") from error
            return status, body

        try:
            status, body = self._client.retry(attempt)
        except Passing as error:
            return Outcome(None, _failure(row, str(error), may_pass=True), sum(sizes))
        if body is None:
            gone = "withdrawn or relicensed" if status in (403, 404, 410) else "refused"
            failure = _failure(row, f"{gone} (status {status})", may_pass=False)
            return Outcome(None, failure, sum(sizes))
        return self._accept(row, body, sum(sizes))

    def _accept(self, row, body, size):
        picture = quality.decode(body)
        if not row["original_width"] and min(picture.size) < self._min_side:
            return Outcome(None, _failure(row, TOO_SMALL, may_pass=False), size)
        if picture.format not in _JPEG:
            body = quality.encode_jpeg(picture, 95)
        self._store(row, body)
        facts = {
            "width": picture.width,
            "height": picture.height,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "phash": f"{quality.perceptual_hash(quality.grey(picture)):016x}",
            "fetched_at": _now(),
        }
        return Outcome(row | facts, None, size)

    def _store(self, row, body):
        final = self._out_dir / row["path"]
        part = (
            self._out_dir / ".scrape" / "parts" / f"{row['photo_id']}.{threading.get_ident()}"
        )
        with open(part, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        final.parent.mkdir(exist_ok=True)
        os.replace(part, final)


def _failure(row, reason, may_pass):
    kept = ("photo_id", "observation_uuid", "class", "species_name", "url")
    reason = {"reason": reason, "may_pass": may_pass, "time": _now()}
    return {key: row[key] for key in kept} | reason


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

"""One photo: fetched, decoded in full, hashed, written under a temporary name.

Runs in a thread of its own and decides nothing: the main thread gives the file its final name,
so that a download left behind by a stop never shows up later.
"""

import dataclasses
import hashlib
import io
import os
import pathlib

from PIL import Image

from pipelines import quality
from pipelines.inaturalist.client import Client, Passing
from pipelines.inaturalist.plan import LONG_SIDE, TOO_SMALL, variant_size

GOOD = "good"  # a whole picture of the size that was asked for
OWN = "own"  # evidence against this photo alone: 404, 410, or truly too small
REFUSED = "refused"  # another answer of the 4xx kind: a relicensed photo, or a block
ILL = "ill"  # what a healthy service does not send: 5xx, HTML, another picture, nothing
_JPEG = ("JPEG", "MPO")  # MPO: a JPEG with further pictures behind the first


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes:
        kind: `GOOD`, `OWN`, `REFUSED` or `ILL`.
        reason: why it is not good.
        facts: of a good photo what the manifest adds to the candidate's row.
        part: the file to rename; None where it already has its final name.
        passing: the failure, with what the service asks for, of an ill answer.
    """

    kind: str
    reason: str = ""
    facts: dict | None = None
    part: pathlib.Path | None = None
    passing: Passing | None = None


class Downloader:
    """Fetches candidates; called from several threads.

    Args:
        client: a `client.Client`.
        photo_url: what stands before /photos/ID/SIZE.EXT.
        out_dir: the directory of the manifest.
        min_side: least short side of a photo, in pixels.
    """

    def __init__(self, client: Client, photo_url: str, out_dir: pathlib.Path, min_side: int):
        self._client, self._url = client, photo_url.rstrip("/")
        self._out_dir, self._min_side = out_dir, min_side

    @property
    def longest_s(self) -> float:
        """Seconds after which a try is given up."""
        return self._client.longest_s

    def url(self, row: dict) -> str:
        """Where a candidate's picture is."""
        return f"{self._url}/photos/{row['photo_id']}/{row['size']}.{row['extension']}"

    def __call__(self, row: dict, part: pathlib.Path) -> Outcome:
        """One try at a candidate row; `part` is where its file is written to."""
        final = self._out_dir / row["path"]
        if final.is_file():  # renamed by a run that was killed before it wrote the row
            adopted = self.examine(row, final.read_bytes(), None)
            if adopted.kind == GOOD:
                return adopted
        return self.fetch(row, part)

    def fetch(self, row: dict, part: pathlib.Path) -> Outcome:
        """One try at a candidate row, whether or not its file is there already."""
        try:
            status, kind, body = self._client.photo(self.url(row))
        except Passing as error:
            return Outcome(ILL, str(error), passing=error)
        if status in (404, 410):
            return Outcome(OWN, f"withdrawn (status {status})")
        if status >= 400:
            return Outcome(REFUSED, f"refused (status {status})")
        if status != 200:
            return Outcome(ILL, f"status {status}", passing=Passing(f"status {status}"))
        return self.examine(row, body, part, kind)

    def examine(
        self, row: dict, body: bytes, part: pathlib.Path | None, kind: str = ""
    ) -> Outcome:
        """What a body is: the photo that was asked for, or why not.

        Args:
            row: the candidate.
            body: the file's bytes.
            part: where to write it; None: it already lies under its final name.
            kind: the content type that came with it, for the reason.
        """
        try:
            longest = _longest_side(body)
            if longest > 1.1 * LONG_SIDE[row["size"]]:  # refused by its header, not decoded
                raise quality.Unreadable(f"a picture of {longest} px, not {row['size']}")
            picture = quality.decode(body)
            self._check_size(row, picture)
        except quality.Unreadable as error:
            reason = f"{error} ({kind})" if kind and "not a whole" in str(error) else str(error)
            return Outcome(ILL, reason, passing=Passing(reason))
        if min(picture.size) < self._min_side:
            return Outcome(OWN, TOO_SMALL)
        if picture.format not in _JPEG:
            if part is None:
                return Outcome(ILL, "no JPEG", passing=Passing("no JPEG"))
            body = quality.encode_jpeg(picture, 95)
        if part is not None:
            with open(part, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        facts = {
            "width": picture.width,
            "height": picture.height,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "phash": f"{quality.perceptual_hash(quality.grey(picture)):016x}",
        }
        return Outcome(GOOD, facts=facts, part=part)

    def _check_size(self, row, picture):
        """A picture whose sides are not those stated, either way up, is another picture."""
        if not (row.get("original_width") and row.get("original_height")):
            return
        stated = variant_size(row["original_width"], row["original_height"], row["size"])
        ways = (stated, stated[::-1])
        if not any(_near(picture.width, w) and _near(picture.height, h) for w, h in ways):
            raise quality.Unreadable(
                f"a picture of {picture.width} x {picture.height} px where "
                f"{stated[0]} x {stated[1]} were stated"
            )


def _near(side, stated):
    """Services round, and state sizes that were edited a little since."""
    return abs(side - stated) <= max(3, 0.1 * stated)


def _longest_side(body):
    try:
        with Image.open(io.BytesIO(body)) as picture:
            return max(picture.size)
    except Exception as error:  # Pillow raises a dozen kinds on damaged files
        raise quality.Unreadable(f"not a whole picture: {type(error).__name__}") from error

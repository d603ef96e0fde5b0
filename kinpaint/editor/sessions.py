"""Who has which photo open, and for how long.

A session is a browser (a cookie), a photo is one opened file. Both are known by random ids; no
name that a client sends ever becomes a path. Pixels lie on disk. A photo goes when its page
lets go of it, when nobody used it for a while, or when the disk's share is used up, the
longest unused first: the page of such a photo still has the file and sends it again by itself.
"""

import dataclasses
import hmac
import pathlib
import secrets
import shutil
import time
from collections.abc import Collection

from kinpaint.completion import files
from kinpaint.editor import pictures
from pipelines.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Step:
    """A state of a photo: the photo itself ("0"), or its parent with one more filling."""

    id: str
    parent: "Step | None"
    layer: pictures.Layer

    @property
    def layers(self) -> list[pictures.Layer]:
        """From the photo to this step."""
        return [*(self.parent.layers if self.parent else []), self.layer]

    def described(self) -> dict:
        """What the page is told."""
        layer = self.layer
        box = [layer.left, layer.top, layer.width, layer.height]
        return {"id": self.id, "parent": self.parent and self.parent.id, "box": box}


@dataclasses.dataclass
class Photo:
    """An opened photograph.

    Attributes:
        id: random.
        folder: its own.
        name: the file's, for people.
        format: Pillow's name of it.
        icc: colour profile for the tiles, or None.
        target: (suffix, format) of the download.
        note: what a download will not hold, in words; empty: it holds everything.
        depth: of the pyramid.
        steps: by id.
        used: `time.monotonic()` of the last request.
        size: bytes on disk.
    """

    id: str
    folder: pathlib.Path
    name: str
    format: str
    icc: bytes | None
    target: tuple[str, str]
    note: str
    depth: int
    steps: dict[str, Step]
    used: float = 0.0
    size: int = 0

    @property
    def original(self) -> pathlib.Path:
        """The uploaded file."""
        return self.folder / "original"

    @property
    def width(self) -> int:
        """In pixels, upright."""
        return self.steps["0"].layer.width

    @property
    def height(self) -> int:
        """In pixels, upright."""
        return self.steps["0"].layer.height

    def described(self) -> dict:
        """What the page is told."""
        return {
            "id": self.id,
            "name": self.name,
            "format": self.format,
            "width": self.width,
            "height": self.height,
            "depth": self.depth,
            "tile": pictures.TILE,
            "download": f"{pathlib.PurePath(self.name).stem}-filled{self.target[0]}",
            "note": self.note,
            "steps": [step.described() for step in self.steps.values()],
        }

    def new_folder(self) -> pathlib.Path:
        """A path in the photo's folder that does not exist."""
        return self.folder / secrets.token_hex(8)

    def add(self, parent: Step, layer: pictures.Layer) -> Step:
        """A new Step."""
        step = Step(layer.folder.name, parent, layer)
        self.steps[step.id] = step
        self.size = _bytes_in(self.folder)
        return step


def written_as(photo: files.Photo, name: str) -> tuple[tuple[str, str], str]:
    """How the download of a photo is written: its own format where that is possible, else PNG.

    Returns:
        ((suffix, format), what the file will not hold, in words).
    """
    suffix = pathlib.PurePath(name).suffix
    if files.SUFFIXES.get(suffix.lower()) != photo.format:
        own = [s for s, file_format in files.SUFFIXES.items() if file_format == photo.format]
        suffix = own[0] if own else ".png"
    try:
        target = suffix, files.SUFFIXES[suffix.lower()]
        notes = files.left_out(photo, target[1])
    except UserError:  # it was read, but cannot be written: PNG holds the most
        target = ".png", "PNG"
        notes = files.left_out(photo, "PNG")
    note = [f"The download will not hold {', '.join(notes)}."] if notes else []
    if target[1] != photo.format:
        note.insert(0, f"{photo.format} cannot be written here: the download is a PNG.")
    return target, " ".join(note)


def _bytes_in(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def open_photo(folder: pathlib.Path, name: str) -> Photo:
    """Reads the file `folder/original` and stores its pyramid; a Photo.

    Raises:
        UserError: it is no picture, or too large.
    """
    photo = files.read(folder / "original")
    pixels = photo.rgb
    height, width = pixels.shape[:2]
    depth = pictures.depth_of(width, height)
    layer = pictures.store(folder / "0", pixels, depth)
    steps = {"0": Step("0", None, layer)}
    icc = photo.about.icc or None if photo.samples.ndim == 3 else None
    target, note = written_as(photo, name)
    opened = Photo(folder.name, folder, name, photo.format, icc, target, note, depth, steps)
    opened.size = _bytes_in(folder)
    return opened


def export(photo: Photo, step: Step, path: pathlib.Path) -> None:
    """Writes a step as a file of the photo's own kind, with all that belongs to it."""
    hole = pictures.hole_of(step.layers)
    if not hole.any():
        files.copy(photo.original, path)
        return
    original = files.read(photo.original)
    filled = original.with_hole(pictures.whole(step.layers), hole)
    files.write(filled, path, photo.target[1])


@dataclasses.dataclass
class Session:
    """One browser's photos, by id."""

    id: str
    photos: dict[str, Photo] = dataclasses.field(default_factory=dict)
    used: float = dataclasses.field(default_factory=time.monotonic)


class Sessions:
    """All sessions of one server.

    Args:
        folder: private; each photo has a folder in it.
        keep_s: seconds without use after which a photo is removed.
        disk_bytes: that all photos together may take.
    """

    def __init__(self, folder: str | pathlib.Path, keep_s: float, disk_bytes: int):
        self._folder, self._keep_s, self._disk_bytes = pathlib.Path(folder), keep_s, disk_bytes
        self._sessions, self._secret = {}, secrets.token_bytes(32)

    def get(self, session_id: str) -> Session | None:
        """The session, or None."""
        session = self._sessions.get(session_id)
        if session:
            session.used = time.monotonic()
        return session

    def new(self) -> Session:
        """A new session."""
        session = Session(secrets.token_urlsafe(24))
        self._sessions[session.id] = session
        return session

    def csrf(self, session: Session) -> str:
        """What the session's page must send along with whatever changes something."""
        return hmac.digest(self._secret, session.id.encode(), "sha256").hex()

    def photo(self, session: Session, photo_id: str) -> Photo | None:
        """A photo of the session's, or None; notes the use."""
        photo = session.photos.get(photo_id)
        if photo:
            photo.used = time.monotonic()
        return photo

    def folder_for_photo(self) -> pathlib.Path:
        """A new private folder for one photo."""
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        return folder

    def add(self, session: Session, photo: Photo) -> None:
        """Takes a photo in."""
        photo.used = time.monotonic()
        session.photos[photo.id] = photo

    def forget(self, session: Session, folder: pathlib.Path) -> None:
        """Removes the folder of a photo that could not be opened or is done with."""
        session.photos.pop(folder.name, None)
        shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, busy: Collection[str] = ()) -> None:
        """Removes what is too old or too much, but no photo whose id is in `busy`."""
        now = time.monotonic()
        held = sorted(
            ((p, s) for s in self._sessions.values() for p in s.photos.values()),
            key=lambda pair: pair[0].used,
        )
        total = sum(photo.size for photo, _ in held)
        for photo, session in held[: None if total <= self._disk_bytes else -1]:
            idle = now - photo.used
            if photo.id not in busy and (idle > self._keep_s or total > self._disk_bytes):
                total -= photo.size
                self.forget(session, photo.folder)
        for session in [s for s in self._sessions.values() if not s.photos]:
            if now - session.used > self._keep_s:
                del self._sessions[session.id]

    def check_room(self, size: int) -> None:
        """Raises a UserError when the disk has no room for an upload of `size` bytes."""
        if shutil.disk_usage(self._folder).free < size * 8 + 256 * 2**20:
            raise UserError("the server's disk is full: try again later")

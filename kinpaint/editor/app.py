"""What can be asked of the server: the page, its own requests, and the small API for programs.

`static/openapi.json` describes it, and `/docs` shows that to people. Handlers that touch
pixels run in a few threads, so that memory is bounded by how many run at once, not by how many
ask.
"""

import asyncio
import contextlib
import functools
import importlib.resources
import io
import json
import pathlib
import re
import secrets
import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping

import anyio
import numpy as np
from PIL import Image, UnidentifiedImageError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import kinpaint
from kinpaint.completion import files
from kinpaint.editor import jobs, models, pictures, select, sessions
from kinpaint.editor.guard import Guard
from kinpaint.editor.options import DemoOptions
from kinpaint.inpainting import halo
from pipelines import stored
from pipelines.base.errors import UserError
from pipelines.listing import MAX_PIXELS

STATIC = pathlib.Path(str(importlib.resources.files("kinpaint.editor"))) / "static"
MOST_SAMPLES = 6  # fillings of one hole
_SWEEP_S = 10.0
_SAMPLES = {"cat": "chelsea", "astronaut": "astronaut", "coffee": "coffee"}  # of scikit-image
_FOR_EVER = {"cache-control": "private, max-age=86400, immutable"}


class Server:
    """The application's state and handlers.

    Args:
        offered: models by name, the default first.
        options: with the port that is really listened on.
        folder: private, for photos.
        loader: for `engine.Engine`.
    """

    def __init__(
        self,
        offered: Mapping[str, models.Model],
        options: DemoOptions,
        folder: str | pathlib.Path,
        loader: str,
    ):
        self.models, self.options, self.loader = offered, options, loader
        self.sessions = sessions.Sessions(
            folder, options.keep_minutes * 60, options.disk_gigabytes * 2**30
        )
        self.started = secrets.token_hex(8)  # tells a page that the server is another one
        self.cookie = f"kinpaint_{options.port}"
        self.heavy = anyio.CapacityLimiter(2)  # threads that hold whole photographs
        self.light = anyio.CapacityLimiter(4)  # threads that hold a tile
        self.queue = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Starts the queue and loads the default model; ends both."""
        self.queue = jobs.Queue(self.models, self.options.queue, self.loader)
        self.queue.load(next(iter(self.models.values())))
        sweeping = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            self.queue.close()

    async def _sweep(self):
        while True:
            await asyncio.sleep(_SWEEP_S)
            self.queue.sweep()
            self.sessions.sweep(self.queue.busy())

    # Helpers of the handlers.

    def session(self, request: Request, *, changing: bool = True) -> sessions.Session:
        """The session of the request's cookie; what changes something must bring the token."""
        session = self.sessions.get(request.cookies.get(self.cookie, ""))
        if session is None:
            raise HTTPException(401, "no session: GET /api/session first")
        if changing:
            token = request.headers.get("x-csrf-token", "")
            if not secrets.compare_digest(token.encode(), self.sessions.csrf(session).encode()):
                raise HTTPException(403, "the x-csrf-token header is missing or wrong")
        return session

    def photo(
        self, request: Request, *, changing: bool = True
    ) -> tuple[sessions.Session, sessions.Photo]:
        """(session, photo) of a request's path."""
        session = self.session(request, changing=changing)
        photo = self.sessions.photo(session, request.path_params["photo"])
        if photo is None:
            raise HTTPException(404, "no such photo: send it again")
        return session, photo

    def step(
        self, request: Request, *, changing: bool = True
    ) -> tuple[sessions.Session, sessions.Photo, sessions.Step]:
        """(session, photo, step) of a request's path."""
        session, photo = self.photo(request, changing=changing)
        step = photo.steps.get(request.path_params["step"])
        if step is None:
            raise HTTPException(404, "no such step: send the photo again")
        return session, photo, step

    def model(self, name: str) -> models.Model:
        """A model by name; the default one for no name."""
        if not name:
            return next(iter(self.models.values()))
        if name not in self.models:
            known = ", ".join(self.models)
            raise HTTPException(404, f"no model {name[:100]!r}: there are {known}")
        return self.models[name]

    async def hold(self, function: Callable, *args: object) -> object:
        """Runs what holds whole photographs in a thread."""
        return await anyio.to_thread.run_sync(function, *args, limiter=self.heavy)

    # For everyone.

    async def page(self, _: Request) -> Response:
        """The editor."""
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    async def docs(self, _: Request) -> Response:
        """The API's description for people."""
        return FileResponse(STATIC / "docs.html", headers={"cache-control": "no-cache"})

    async def openapi(self, _: Request) -> Response:
        """The API's description for programs."""
        return FileResponse(STATIC / "openapi.json", headers={"cache-control": "no-cache"})

    async def healthz(self, _: Request) -> Response:
        """Whether the server lives, and what its default model does."""
        model = self.model("")
        return JSONResponse(
            {
                "status": "ok",
                "started": self.started,
                "version": kinpaint.__version__,
                "model": {"name": model.name, "state": model.state},
            }
        )

    async def describe_models(self, _: Request) -> Response:
        """The models with their cards."""
        return JSONResponse({"models": [m.described() for m in self.models.values()]})

    async def fill_files(self, request: Request) -> Response:
        """`POST /api/fill`: a photo and its mask to the filled file."""
        owner = self._owner(request)
        async with request.form(max_files=2, max_fields=4) as form:
            image, mask = form.get("image"), form.get("mask")
            if not hasattr(image, "file") or not hasattr(mask, "file"):
                raise HTTPException(
                    422, "send two files, image and mask, as multipart/form-data"
                )
            model = self.model(form.get("model") or "")
            grow = halo.checked(form.get("grow") or "0")
            folder = self.sessions.folder_for_photo()
            session = self.sessions.new()  # of this request alone
            try:
                photo = await self.hold(_received, folder, image.file, image.filename)
                self.sessions.add(session, photo)
                hole = await self.hold(_hole_of_file, photo, mask.file, request.query_params)
                step = photo.steps["0"]
                if hole.any():
                    step = await self._filled(request, owner, photo, model, hole, grow)
                made = folder / "made"
                await self.hold(sessions.export, photo, step, made)
                body = await anyio.to_thread.run_sync(made.read_bytes)
            finally:
                await self.hold(self.sessions.forget, session, folder)
        return _download(photo, Response(body))

    def _owner(self, request):
        """Whose turn in the queue a program's request takes; a page's must have its token."""
        if self.cookie in request.cookies:
            return self.session(request).id
        return request.client.host if request.client else ""

    async def _filled(self, request, owner, photo, model, hole, grow):
        """Waits for a filling, and stops it when the client has gone."""
        mask = await self.hold(jobs.save_mask, photo.folder, hole)
        job = jobs.Job(owner, photo, photo.steps["0"], model, mask, grow=grow)
        self._queued(job)
        while not job.over.is_set():
            with anyio.move_on_after(1.0):
                await job.over.wait()
            self.queue.get(job.id, owner)  # somebody watches
            if await request.is_disconnected():
                self.queue.cancel(job)
        if job.state != "done":
            raise HTTPException(500, job.problem or "the filling was stopped")
        return job.steps[0]

    def _queued(self, job):
        try:
            self.queue.add(job)
        except UserError as error:
            job.mask.unlink(missing_ok=True)
            raise HTTPException(503, str(error), {"retry-after": "30"}) from error

    # For the page.

    async def enter(self, request: Request) -> Response:
        """The session: a cookie, the token that goes with it, and what the server allows."""
        session = self.sessions.get(request.cookies.get(self.cookie, ""))
        session = session or self.sessions.new()
        answer = JSONResponse(
            {
                "csrf": self.sessions.csrf(session),
                "started": self.started,
                "upload_bytes": self.options.upload_megabytes * 2**20,
                "max_pixels": MAX_PIXELS,
                "max_samples": MOST_SAMPLES,
                "formats": sorted(stored.FORMATS),
                "suffixes": sorted(files.PICTURES),
                "samples": list(_SAMPLES),
            },
            headers={"cache-control": "no-store"},
        )
        answer.set_cookie(self.cookie, session.id, httponly=True, samesite="strict")
        return answer

    async def load_model(self, request: Request) -> Response:
        """Has a model loaded."""
        self.session(request)
        model = self.model(request.path_params["name"])
        self.queue.load(model)
        return JSONResponse(model.described(), 202)

    async def sample(self, request: Request) -> Response:
        """A sample photograph."""
        name = request.path_params["name"]
        if name not in _SAMPLES:
            raise HTTPException(404, f"no such sample: there are {', '.join(_SAMPLES)}")
        body = await self.hold(_sample, name)
        return Response(body, media_type="image/png", headers=_FOR_EVER)

    async def open_photo(self, request: Request) -> Response:
        """Takes a photo in; the body is the file."""
        session = self.session(request)
        folder = self.sessions.folder_for_photo()
        try:
            self.sessions.check_room(int(request.headers.get("content-length", 0)))
            with open(folder / "original", "wb") as file:
                async for chunk in request.stream():
                    file.write(chunk)
            name = _clean(request.query_params.get("name", ""))
            photo = await self.hold(sessions.open_photo, folder, name)
        except BaseException:
            await self.hold(self.sessions.forget, session, folder)
            raise
        self.sessions.add(session, photo)
        self.sessions.sweep(self.queue.busy())  # older ones make room
        return JSONResponse(photo.described(), 201)

    async def describe_photo(self, request: Request) -> Response:
        """A photo and its steps."""
        _, photo = self.photo(request, changing=False)
        return JSONResponse(photo.described())

    async def close_photo(self, request: Request) -> Response:
        """Lets go of a photo."""
        session, photo = self.photo(request)
        for job in self.queue.of_photo(photo):
            self.queue.cancel(job)
        await self.hold(self.sessions.forget, session, photo.folder)
        return Response(status_code=204)

    async def tile(self, request: Request) -> Response:
        """What is shown: a square of a level of a step, as JPEG."""
        _, photo, step = self.step(request, changing=False)
        level, column, row = (request.path_params[k] for k in ("level", "column", "row"))
        width, height = pictures.level_size(photo.width, photo.height, min(level, photo.depth))
        if (
            level > photo.depth
            or column * pictures.TILE >= width
            or row * pictures.TILE >= height
        ):
            raise HTTPException(404, "no such tile")
        body = await anyio.to_thread.run_sync(
            _tile, step.layers, photo.icc, level, column, row, limiter=self.light
        )
        return Response(body, media_type="image/jpeg", headers=_FOR_EVER)

    async def download(self, request: Request) -> Response:
        """A step as a file of the photo's own kind, at full size."""
        _, photo, step = self.step(request, changing=False)
        made = photo.new_folder()
        await self.hold(sessions.export, photo, step, made)
        return _download(photo, _TemporaryFile(made))

    async def patch(self, request: Request) -> Response:
        """What a step changed, as a PNG whose transparent pixels it left alone."""
        _, _, step = self.step(request, changing=False)
        if step.parent is None:
            raise HTTPException(404, "the photo itself changed nothing")
        body = await self.hold(_patch, step.layer)
        return Response(body, media_type="image/png", headers=_FOR_EVER)

    async def add_patch(self, request: Request) -> Response:
        """Takes a step's patch back, after the server lost it."""
        _, photo, step = self.step(request)
        place = [_number(request, name) for name in ("left", "top")]
        body = await request.body()
        layer = await self.hold(_patched, photo, step, body, *place)
        return JSONResponse(photo.add(step, layer).described(), 201)

    async def mask(self, request: Request) -> Response:
        """A mask file, as the page's packed bits."""
        _, photo = self.photo(request)
        body = await request.body()
        hole = await self.hold(_hole_of_file, photo, io.BytesIO(body), request.query_params)
        return await self.hold(_bits, hole)

    async def select(self, request: Request) -> Response:
        """Clicks to an object's outline, as packed bits."""
        _, photo, step = self.step(request)
        try:
            asked = json.loads(await request.body())
            keep, remove, box, grow = _clicks(asked)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise HTTPException(422, f"not clicks: {error}") from error
        return await self.hold(_selected, photo, step, keep, remove, box, grow)

    async def fill(self, request: Request) -> Response:
        """Puts a filling into the queue; the body is the mask, a PNG of one bit a pixel."""
        session, photo, step = self.step(request)
        model = self.model(request.query_params.get("model", ""))
        samples = _number(request, "samples", 1)
        if not 1 <= samples <= MOST_SAMPLES:
            raise HTTPException(422, f"samples must be 1 to {MOST_SAMPLES}")
        grow = halo.checked(request.query_params.get("grow", "0"))
        if photo.id in self.queue.busy():
            raise HTTPException(409, "this photo is being filled: wait, or cancel that first")
        body = await request.body()
        mask = await self.hold(_mask_for_job, photo, body)
        job = jobs.Job(session.id, photo, step, model, mask, samples, grow)
        self._queued(job)
        return JSONResponse(self._told(job), 202)

    async def describe_job(self, request: Request) -> Response:
        """How a filling goes."""
        return JSONResponse(self._told(self._job(request, changing=False)))

    async def cancel_job(self, request: Request) -> Response:
        """Stops a filling."""
        job = self._job(request)
        self.queue.cancel(job)
        return JSONResponse(self._told(job))

    def _job(self, request, *, changing=True):
        session = self.session(request, changing=changing)
        job = self.queue.get(request.path_params["job"], session.id)
        if job is None:
            raise HTTPException(404, "no such filling")
        return job

    def _told(self, job):
        job.photo.used = max(job.photo.used, job.asked)
        return {
            "id": job.id,
            "state": job.state,
            "ahead": self.queue.ahead(job),
            "done": job.done,
            "total": job.total,
            "problem": job.problem,
            "steps": [step.described() for step in job.steps],
        }

    def routes(self) -> list[Route]:
        """All routes, as `static/openapi.json` describes them."""
        step = "/api/photos/{photo}/steps/{step}"
        table = [
            ("GET", "/", self.page),
            ("GET", "/docs", self.docs),
            ("GET", "/healthz", self.healthz),
            ("GET", "/api/openapi.json", self.openapi),
            ("GET", "/api/models", self.describe_models),
            ("POST", "/api/fill", self.fill_files),
            ("GET", "/api/session", self.enter),
            ("POST", "/api/models/{name}/load", self.load_model),
            ("GET", "/api/samples/{name}", self.sample),
            ("POST", "/api/photos", self.open_photo),
            ("GET", "/api/photos/{photo}", self.describe_photo),
            ("DELETE", "/api/photos/{photo}", self.close_photo),
            ("POST", "/api/photos/{photo}/mask", self.mask),
            ("GET", step + "/tiles/{level:int}/{column:int}/{row:int}", self.tile),
            ("GET", step + "/file", self.download),
            ("GET", step + "/patch", self.patch),
            ("POST", step + "/patch", self.add_patch),
            ("POST", step + "/select", self.select),
            ("POST", step + "/fill", self.fill),
            ("GET", "/api/jobs/{job}", self.describe_job),
            ("DELETE", "/api/jobs/{job}", self.cancel_job),
        ]
        return [Route(path, handler, methods=[method]) for method, path, handler in table]


def build(
    offered: Mapping[str, models.Model],
    options: DemoOptions,
    folder: str | pathlib.Path,
    loader: str,
) -> Starlette:
    """The ASGI application.

    Args:
        offered: from `models.offered`.
        options: with the port that is really listened on.
        folder: private, for photos.
        loader: for `engine.Engine`.
    """
    server = Server(offered, options, folder, loader)
    guard = Middleware(
        Guard,
        port=options.port,
        token=options.token,
        names=options.host_name,
        most_bytes=options.upload_megabytes * 2**20,
    )
    return Starlette(
        routes=[*server.routes(), Mount("/static", StaticFiles(directory=STATIC))],
        lifespan=server.lifespan,
        middleware=[guard],
        exception_handlers={
            HTTPException: _refused,
            UserError: _user_error,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )


async def _refused(_, error):
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _user_error(_, error):
    return JSONResponse({"error": str(error)}, 422)


async def _gone(_, __):
    return Response(status_code=499)


async def _failed(_, __):
    return JSONResponse({"error": "the server made a mistake; its log says which"}, 500)


class _TemporaryFile(FileResponse):
    """A file that is removed once it is sent, or could not be."""

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        finally:
            pathlib.Path(self.path).unlink(missing_ok=True)


def _download(photo, answer):
    """The answer as a download under the photo's name."""
    name = photo.described()["download"]
    plain = re.sub(r'[^\w.\- ]|["\\]', "_", name, flags=re.ASCII)
    quoted = urllib.parse.quote(name, safe="")
    answer.headers["content-disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quoted}"
    )
    answer.headers["content-type"] = Image.MIME[photo.target[1]]
    answer.headers["cache-control"] = "private, no-store"
    return answer


def _clean(name):
    """A file's name for people: its last part, printable, not long."""
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(c for c in name if c.isprintable())
    stem, dot, suffix = name.rpartition(".")
    name = f"{stem[:100]}.{suffix[:10]}" if dot else name[:100]
    return name.strip(". ") or "photo"


def _number(request, name, default=0):
    text = request.query_params.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise HTTPException(422, f"{name} must be a whole number, not {text[:20]!r}")
    return int(text)


def _received(folder, file, name):
    """An uploaded file of a form, opened."""
    with open(folder / "original", "wb") as kept:
        while chunk := file.read(2**20):
            kept.write(chunk)
    return sessions.open_photo(folder, _clean(name or ""))


def _hole_of_file(photo, file, settings):
    """A mask file to bool [H, W], by the rules of `completion.files`."""
    invert = settings.get("invert") == "1"
    return files.read_mask(file.read(), files.read(photo.original), invert)


@contextlib.contextmanager
def _png(body, kind):
    """A request's body as an open picture."""
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            yield image
    except UnidentifiedImageError as error:  # its own words name an object in memory
        raise UserError(f"not a {kind}: send a PNG file") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"not a {kind}: {error}") from error


def _mask_for_job(photo, body):
    """The page's mask, checked and saved for the engine; its path."""
    with _png(body, "mask") as image:
        if image.mode != "1" or image.size != (photo.width, photo.height):
            raise UserError("the mask must be a PNG of one bit a pixel and the photo's size")
        hole = np.asarray(image)
    if not hole.any():
        raise UserError("paint over what should go first")
    return jobs.save_mask(photo.folder, hole)


def _tile(layers, icc, level, column, row):
    left, top = column * pictures.TILE, row * pictures.TILE
    part = pictures.region(layers, level, left, top, left + pictures.TILE, top + pictures.TILE)
    file = io.BytesIO()
    Image.fromarray(part).save(file, "JPEG", quality=93, subsampling=0, icc_profile=icc)
    return file.getvalue()


def _patch(layer):
    pixels, hole = layer.part(0)[2], np.load(layer.folder / "hole.npy")
    file = io.BytesIO()
    painted = np.dstack([pixels * hole[..., None], np.where(hole, 255, 0).astype(np.uint8)])
    Image.fromarray(painted).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _patched(photo, step, body, left, top):
    """A patch file to the layer it once was."""
    with _png(body, "patch") as image:
        width, height = image.size
        if left + width > photo.width or top + height > photo.height:
            raise UserError("the patch is larger than the photo")
        if image.mode != "RGBA":
            raise UserError("a patch is a PNG with transparency")
        patch = np.asarray(image)
    before = pictures.whole(step.layers)
    hole = np.zeros(before.shape[:2], bool)
    box = slice(top, top + height), slice(left, left + width)
    hole[box] = patch[..., 3] > 0
    if not hole.any():
        raise UserError("the patch changes nothing")
    after = before.copy()
    after[box] = patch[..., :3]
    return pictures.store_filling(photo.new_folder(), before, after, hole, photo.depth)


def _bits(hole):
    """A hole as the bits of its bounding box, rows padded to bytes, and where it lies."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    if not rows.size:
        return Response(
            b"", headers={"x-box": "0,0,0,0"}, media_type="application/octet-stream"
        )
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    packed = np.packbits(hole[top:bottom, left:right], axis=1)
    box = ",".join(map(str, (left, top, right - left, bottom - top)))
    return Response(
        packed.tobytes(), headers={"x-box": box}, media_type="application/octet-stream"
    )


def _clicks(asked):
    """(keep, remove, box, grow) of a request's JSON, checked."""
    keep, remove = ([_point(p) for p in asked.get(name, [])] for name in ("keep", "remove"))
    box = asked.get("box")
    if box is not None:
        left, top, right, bottom = (_share(value) for value in box)
        box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
    if not keep and box is None:
        raise ValueError("click the object first")
    if len(keep) + len(remove) > 100:
        raise ValueError("more than 100 clicks")
    grow = float(asked.get("grow", 0))
    if not 0 <= grow <= 200:
        raise ValueError("grow must be 0 to 200 pixels")
    return keep, remove, box, grow


def _point(pair):
    x, y = pair
    return _share(x), _share(y)


def _share(value):
    value = float(value)
    if not 0 <= value <= 1:
        raise ValueError("places are shares of the width and height, 0 to 1")
    return value


def _selected(photo, step, keep, remove, box, grow):
    level = select.reduced_level(photo.width, photo.height, photo.depth)
    found = select.outline(pictures.whole(step.layers, level), keep, remove, box)
    return _bits(select.enlarged(found, photo.width, photo.height, grow))


@functools.cache
def _sample(name):
    """A public-domain photograph of scikit-image as PNG."""
    import skimage.data

    file = io.BytesIO()
    Image.fromarray(getattr(skimage.data, _SAMPLES[name])()).save(file, "PNG")
    return file.getvalue()

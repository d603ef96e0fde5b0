"""The server without a browser: exact pixels, the queue, sessions, hostile requests."""

import concurrent.futures
import json
import pathlib
import re
import socket
import tempfile
import urllib.parse

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import requests
from PIL import Image

from kinpaint.completion import files
from kinpaint.editor import app
from pipelines import stored
from tests.completion.test_files import PROFILE, hostile, save
from tests.editor.serving import Visitor, pixels, png, serving, smooth, stubs, until


@pytest.fixture
def visitor(url):
    return Visitor(url)


def hole_in(height, width, top=0.3, left=0.25):
    hole = np.zeros((height, width), bool)
    rows = slice(int(top * height), int((top + 0.2) * height))
    hole[rows, int(left * width) : int((left + 0.3) * width)] = True
    return hole


# ---- fillings


def test_fillings_on_fillings_change_their_holes_and_nothing_else(visitor):
    before = smooth(300, 413)
    photo = visitor.open(png(before), "my cat.png")
    first, second = hole_in(300, 413), hole_in(300, 413, 0.4, 0.4)
    (step,) = visitor.fill(photo, first)
    (last,) = visitor.fill(photo, second, step["id"])
    once = np.where(first[..., None], 255 - before, before)
    twice = np.where(second[..., None], 255 - once, once)
    answer = visitor.file(photo, last["id"])
    assert answer.headers["content-type"] == "image/png"
    assert 'filename="my cat-filled.png"' in answer.headers["content-disposition"]
    for wanted, state in ((twice, last), (once, step), (before, {"id": "0"})):
        np.testing.assert_array_equal(pixels(visitor.file(photo, state["id"]).content), wanted)
    assert visitor.file(photo).content == png(before)  # the file itself, byte for byte


def test_what_a_model_writes_beside_the_hole_is_dropped(visitor):
    before, hole = smooth(60, 80), hole_in(60, 80)
    photo = visitor.open(png(before))
    (step,) = visitor.fill(photo, hole, model="wild")
    after = pixels(visitor.file(photo, step["id"]).content)
    np.testing.assert_array_equal(after, np.where(hole[..., None], 255 - before, before))


def test_the_hole_is_grown_where_that_is_asked_for(visitor, url):
    before, hole = smooth(60, 80), hole_in(60, 80)
    photo = visitor.open(png(before))
    (step,) = visitor.fill(photo, hole, grow=4)
    changed = (pixels(visitor.file(photo, step["id"]).content) != before).any(axis=-1)
    rows, columns = np.ogrid[0:60, 0:80]
    wanted = np.zeros_like(hole)
    for row, column in np.argwhere(hole):
        wanted |= (rows - row) ** 2 + (columns - column) ** 2 <= 16
    assert (changed ^ wanted).sum() <= 8  # OpenCV's distances are within a few per cent
    visitor.fill(photo, hole, grow="auto")
    visitor.begin(photo, hole, grow="far", status=422)
    both = {"image": png(before), "mask": png(hole)}
    grown = requests.post(f"{url}api/fill", files=both, data={"grow": "4"}, timeout=60)
    assert grown.content == visitor.file(photo, step["id"]).content


def test_several_fillings_are_drawn_where_the_model_can(visitor):
    photo, hole = visitor.open(png(smooth(60, 80))), hole_in(60, 80)
    steps = visitor.fill(photo, hole, model="many", samples=3)
    bodies = {visitor.file(photo, step["id"]).content for step in steps}
    assert len(bodies) == 3
    assert visitor.follow(visitor.begin(photo, hole, model="quick", samples=3))["problem"] == (
        "this model has one answer: ask for one filling"
    )
    visitor.begin(photo, hole, model="many", samples=7, status=422)
    visitor.begin(photo, ~(hole | ~hole), status=422)  # nothing is to be filled
    visitor.begin(photo, hole[:-1], status=422)
    visitor.begin(photo, hole, model="nobody", status=404)


def test_tiles_show_every_step(visitor):
    before, hole = smooth(700, 1100), hole_in(700, 1100)
    photo = visitor.open(png(before))
    assert photo["depth"] == 2
    (step,) = visitor.fill(photo, hole)
    after = np.where(hole[..., None], 255 - before, before)
    for state, wanted in (("0", before), (step["id"], after)):
        path = f"/api/photos/{photo['id']}/steps/{state}/tiles"
        tile = pixels(visitor.ask("GET", f"{path}/0/1/0").content)
        assert np.abs(tile.astype(int) - wanted[:512, 512:1024]).mean() < 2
        assert pixels(visitor.ask("GET", f"{path}/2/0/0").content).shape == (175, 275, 3)
        for nowhere in ("3/0/0", "0/3/0", "0/0/2", "99/0/0", "2/1/0"):
            visitor.ask("GET", f"{path}/{nowhere}", 404)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif", ".heic"])
def test_the_download_is_the_photos_own_kind_with_what_belongs_to_it(visitor, tmp_path, suffix):
    if {".avif": "AVIF", ".heic": "HEIF"}.get(suffix, "PNG") not in stored.FORMATS:
        pytest.skip(f"nothing here reads {suffix}")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "on the fence"
    shape = (60, 40)  # upright
    if suffix == ".heic":  # turned by a box of its own; its EXIF's orientation means nothing
        shape = (40, 60)
    source = save(
        tmp_path / f"a{suffix}", smooth(40, 60), exif=exif, icc_profile=PROFILE, quality=88
    )
    photo = visitor.open(source.read_bytes(), f"a{suffix}")
    assert (photo["height"], photo["width"]) == shape
    (step,) = visitor.fill(photo, hole_in(*shape))
    answer = visitor.file(photo, step["id"])
    assert f"a-filled{suffix}" in answer.headers["content-disposition"]
    out = tmp_path / f"b{suffix}"
    out.write_bytes(answer.content)
    filled = Image.open(out)
    assert filled.format == Image.open(source).format and filled.size == shape[::-1]
    assert filled.info["icc_profile"] == PROFILE
    assert filled.getexif()[0x010E] == "on the fence"
    assert filled.getexif().get(0x0112, 1) == 1


def test_what_cannot_be_written_comes_back_as_a_png_and_that_is_said(visitor, tmp_path):
    before, hole = smooth(40, 60), hole_in(40, 60)
    for suffix in (".bmp", ".gif"):
        source = save(tmp_path / f"a{suffix}", before)
        photo = visitor.open(source.read_bytes(), f"a{suffix}")
        assert photo["download"] == "a-filled.png" and "PNG" in photo["note"]
        (step,) = visitor.fill(photo, hole)
        after, known = pixels(visitor.file(photo, step["id"]).content), files.read(source).rgb
        np.testing.assert_array_equal(after, np.where(hole[..., None], 255 - known, known))
    assert visitor.open(png(before))["note"] == ""


def test_a_mask_file_comes_back_as_the_bits_of_its_box(visitor):
    photo = visitor.open(png(smooth(30, 50)))
    hole = hole_in(30, 50)
    path = f"/api/photos/{photo['id']}/mask"
    for body, params, wanted in (
        (png(hole.astype(np.uint8) * 255), {}, hole),
        (png(hole), {"invert": "1"}, ~hole),
    ):
        answer = visitor.ask("POST", path, data=body, params=params)
        left, top, width, height = map(int, answer.headers["x-box"].split(","))
        bits = np.frombuffer(answer.content, np.uint8).reshape(height, -1)
        found = np.zeros_like(hole)
        found[top : top + height, left : left + width] = np.unpackbits(
            bits, axis=1, count=width
        )
        np.testing.assert_array_equal(found, wanted)
    empty = visitor.ask("POST", path, data=png(np.zeros((30, 50), np.uint8)))
    assert empty.headers["x-box"] == "0,0,0,0" and not empty.content
    wrong = visitor.ask("POST", path, 422, data=png(np.zeros((50, 40), np.uint8)))
    assert "40x50" in wrong.json()["error"]


def test_a_step_that_the_server_lost_is_put_back_by_its_patch(visitor, url):
    before, hole = smooth(200, 300), hole_in(200, 300)
    photo = visitor.open(png(before))
    (step,) = visitor.fill(photo, hole)
    patch = visitor.ask("GET", f"/api/photos/{photo['id']}/steps/{step['id']}/patch").content
    other = Visitor(url)
    again = other.open(png(before))
    left, top, *_ = step["box"]
    path = f"/api/photos/{again['id']}/steps/0/patch"
    put = other.ask("POST", path, params={"left": left, "top": top}, data=patch).json()
    assert put["box"] == step["box"]
    assert other.file(again, put["id"]).content == visitor.file(photo, step["id"]).content
    for params in ({"left": 299}, {"left": "-1"}, {"top": "x"}, {"left": "1" * 30}):
        other.ask("POST", path, 422, params=params, data=patch)
    other.ask("POST", path, 422, data=png(before))


# ---- the queue


def test_cancelling_stops_the_work_and_the_next_goes_on(visitor, url, stub_log):
    stub_log.write_text("")
    photo, hole = visitor.open(png(smooth(60, 80))), hole_in(60, 80)
    job = visitor.begin(photo, hole, model="slow")
    path = f"/api/jobs/{job['id']}"
    until(lambda: visitor.ask("GET", path).json()["done"] >= 2)
    visitor.begin(photo, hole, status=409)
    other = Visitor(url)
    behind = other.open(png(smooth(60, 80)))
    waiting = other.begin(behind, hole, model="quick")
    assert (waiting["state"], waiting["ahead"]) == ("waiting", 1)
    assert visitor.ask("DELETE", path).json()["state"] == "cancelled"
    # One after the other: when the second is done, the first has ended or was stopped.
    assert other.follow(waiting)["state"] == "done"
    assert "slow" not in stub_log.read_text() and "quick" in stub_log.read_text()
    assert len(visitor.ask("GET", f"/api/photos/{photo['id']}").json()["steps"]) == 1
    assert len(visitor.fill(photo, hole)) == 1


def test_work_that_looks_up_from_nothing_is_ended_with_its_process(monkeypatch):
    from kinpaint.editor import jobs

    monkeypatch.setattr(jobs, "GRACE_S", 0.2)
    with serving(stubs("stuck", "quick")) as url:
        visitor = Visitor(url)
        photo, hole = visitor.open(png(smooth(60, 80))), hole_in(60, 80)
        job = visitor.begin(photo, hole, model="stuck")
        until(lambda: visitor.ask("GET", f"/api/jobs/{job['id']}").json()["state"] == "running")
        visitor.ask("DELETE", f"/api/jobs/{job['id']}")
        assert len(visitor.fill(photo, hole, model="quick")) == 1


def test_work_that_nobody_waits_for_any_more_is_dropped(monkeypatch, stub_log):
    from kinpaint.editor import jobs

    stub_log.write_text("")
    monkeypatch.setattr(app, "_SWEEP_S", 0.1)
    monkeypatch.setattr(jobs, "_UNWATCHED_S", 1.5)
    hole = hole_in(60, 80)
    with serving(stubs("slow", "quick")) as url:
        gone, here = Visitor(url), Visitor(url)
        job = gone.begin(gone.open(png(smooth(60, 80))), hole)  # and the page is closed
        with pytest.raises(requests.exceptions.ReadTimeout):  # a program that hangs up
            both = {"image": png(smooth(60, 80)), "mask": png(hole)}
            requests.post(f"{url}api/fill", files=both, timeout=0.6)
        assert here.fill(here.open(png(smooth(60, 80))), hole, model="quick")
        assert gone.ask("GET", f"/api/jobs/{job['id']}").json()["state"] == "cancelled"
    assert stub_log.read_text().split() == ["quick"]


@pytest.mark.parametrize(
    "model, words",
    [("dies", "process ended"), ("raises", "out of paint"), ("broken", "no such")],
)
def test_a_model_that_fails_says_so_and_the_next_filling_works(visitor, model, words):
    photo, hole = visitor.open(png(smooth(60, 80))), hole_in(60, 80)
    job = visitor.follow(visitor.begin(photo, hole, model=model))
    assert job["state"] == "failed" and words in job["problem"]
    assert len(visitor.fill(photo, hole)) == 1
    told = {m["name"]: m for m in visitor.ask("GET", "/api/models").json()["models"]}
    assert told["quick"]["state"] == "ready"
    if model == "broken":
        assert told["broken"]["state"] == "failed" and words in told["broken"]["problem"]


def test_sixteen_at_once_wait_their_turn_and_keep_their_own_pictures(url):
    shapes = [(40 + 2 * k, 90 - 3 * k) for k in range(16)]

    def person(shape):
        visitor, before, hole = Visitor(url), smooth(*shape), hole_in(*shape)
        photo = visitor.open(png(before))
        (step,) = visitor.fill(photo, hole)
        after = pixels(visitor.file(photo, step["id"]).content)
        np.testing.assert_array_equal(after, np.where(hole[..., None], 255 - before, before))

    with concurrent.futures.ThreadPoolExecutor(16) as people:
        list(people.map(person, shapes))


def test_turns_go_round_and_a_full_queue_asks_to_come_back():
    hole = hole_in(60, 80)
    with serving(stubs("slow", "quick"), queue=3) as url:
        greedy, modest = Visitor(url), Visitor(url)
        photos = [greedy.open(png(smooth(60, 80))) for _ in range(3)]
        mine = modest.open(png(smooth(60, 80)))
        running, *rest = [greedy.begin(photo, hole, model="slow") for photo in photos]
        job = modest.begin(mine, hole, model="quick")
        ahead = lambda who, what: who.ask("GET", f"/api/jobs/{what['id']}").json()["ahead"]  # noqa: E731
        assert [ahead(greedy, job) for job in rest] == [1, 3]
        assert ahead(modest, job) == 2
        late = Visitor(url)
        answer = late.ask(
            "POST",
            f"/api/photos/{late.open(png(smooth(60, 80)))['id']}/steps/0/fill",
            503,
            data=png(hole),
        )
        assert "many people" in answer.json()["error"] and answer.headers["retry-after"]
        for job_ in (running, *rest):
            greedy.ask("DELETE", f"/api/jobs/{job_['id']}")
        assert modest.follow(job)["state"] == "done"


# ---- who may


def test_nobody_sees_what_is_anothers(visitor, url):
    photo = visitor.open(png(smooth(60, 80)))
    (step,) = visitor.fill(photo, hole_in(60, 80))
    job = visitor.begin(photo, hole_in(60, 80))
    other = Visitor(url)
    base = f"/api/photos/{photo['id']}"
    for method, path in (
        ("GET", base),
        ("DELETE", base),
        ("GET", f"{base}/steps/0/file"),
        ("GET", f"{base}/steps/{step['id']}/patch"),
        ("GET", f"{base}/steps/0/tiles/0/0/0"),
        ("POST", f"{base}/steps/0/fill"),
        ("GET", f"/api/jobs/{job['id']}"),
        ("DELETE", f"/api/jobs/{job['id']}"),
    ):
        other.ask(method, path, 404)
    visitor.follow(job)
    stranger = requests.get(f"{visitor.url}{base}", timeout=30)
    assert stranger.status_code == 401


def test_other_origins_other_names_and_requests_without_the_token_are_refused(visitor):
    body = png(smooth(20, 30))
    for headers, status in (
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": visitor.url.replace("127.0.0.1", "localhost")}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"x-csrf-token": ""}, 403),
        ({"x-csrf-token": "é" * 20}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": visitor.url}, 201),
    ):
        headers = {k: v.encode() for k, v in headers.items()}
        visitor.ask("POST", "/api/photos", status, data=body, headers=headers)
    for path in ("/", "/healthz", "/api/models", "/api/session"):  # also for reading
        answer = visitor.ask("GET", path, 421, headers={"Host": "rebound.example:80"})
        assert "rebound.example" in answer.json()["error"]
    answer = requests.options(
        f"{visitor.url}/api/photos",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        timeout=30,
    )
    assert not answer.ok
    page = visitor.ask("GET", "/", headers={"Origin": "https://evil.example"})
    assert not [name for name in page.headers if name.lower().startswith("access-control")]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_token_lets_in_and_nothing_else_does():
    with serving(stubs("quick"), token="open sesame") as url:
        address, _, query = url.partition("?")
        assert urllib.parse.parse_qs(query) == {"token": ["open sesame"]}
        ask = lambda path="", **s: requests.get(address + path, timeout=30, **s)  # noqa: E731
        assert ask("healthz").ok
        assert ask().status_code == ask("?token=wrong").status_code == 401
        assert "token" in ask().text and ask("static/style.css").ok
        for path in ("api/session", "api/models", "docs", "static/main.js", "api/photos/x"):
            assert ask(path).status_code == 401
            assert ask(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert ask("api/models", headers={"Authorization": "Bearer open sesame"}).ok
        browser = requests.Session()
        assert "token" not in browser.get(url, timeout=30).url
        assert browser.get(address + "api/models", timeout=30).ok


# ---- what may come


def test_oversized_bodies_are_refused_before_and_while_they_come(visitor):
    most = visitor.limits["upload_bytes"]
    large = visitor.ask("POST", "/api/photos", 413, data=bytes(most + 1))
    assert "4 megabytes" in large.json()["error"]

    def unannounced():
        for _ in range(most // 2**16 + 2):
            yield bytes(2**16)

    assert visitor.ask("POST", "/api/photos", 413, data=unannounced()).json()["error"]
    host, port = visitor.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(
            f"POST /api/photos HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\n"
            "Content-Length: 99999999999\r\n\r\n".encode()
        )
        assert b" 413 " in line.recv(4096)  # without a byte of it


def test_what_is_no_photo_is_refused_in_words_and_leaves_nothing(visitor, tmp_path):
    (tmp_path / "bad").mkdir()
    words = hostile(tmp_path / "bad")
    for name, said in words.items():
        body = (tmp_path / "bad" / name).read_bytes()
        if len(body) < visitor.limits["upload_bytes"]:
            answer = visitor.ask("POST", "/api/photos", 422, params={"name": name}, data=body)
            assert said in answer.json()["error"]
    visitor.ask("POST", "/api/photos", 422, data=b"")
    step = f"/api/photos/{visitor.open(png(smooth(20, 30)))['id']}/steps/0"
    for kind, path in (("mask", "fill?model=quick"), ("patch", "patch")):
        answer = visitor.ask("POST", f"{step}/{path}", 422, data=b"GIF89a")
        assert answer.json()["error"] == f"not a {kind}: send a PNG file"


@pytest.mark.parametrize(
    "name, shown",
    [
        ("../../etc/passwd.png", "passwd-filled.png"),
        ("..\\..\\boot.png", "boot-filled.png"),
        ("/abs/olute.png", "olute-filled.png"),
        ("..", "photo-filled.png"),
        ("", "photo-filled.png"),
        ("a\r\nX-Evil: 1.png", "aX-Evil: 1-filled.png"),
        ('q"uo;te.png', 'q"uo;te-filled.png'),
        ("Käthe 猫.png", "Käthe 猫-filled.png"),
        ("x" * 5000 + ".png", "x" * 100 + "-filled.png"),
        ("not a png.jpg", "not a png-filled.png"),
    ],
)
def test_names_are_words_and_never_paths(visitor, name, shown):
    photo = visitor.open(png(smooth(20, 30)), name)
    assert photo["download"] == shown
    header = visitor.file(photo).headers["content-disposition"]
    assert urllib.parse.unquote(header.partition("UTF-8''")[2]) == shown


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/demo.py",
        "/static//etc/passwd",
        "/api/samples/..%2f..%2fdemo",
        "/api/photos/..%2f..",
        "/api/photos/%00/steps/0/file",
    ],
)
def test_paths_lead_nowhere_else(visitor, path):
    host, port = visitor.url.removeprefix("http://").split(":")
    cookie = "; ".join(f"{c.name}={c.value}" for c in visitor.http.cookies)
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(
            f"GET {path} HTTP/1.0\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        status = line.recv(4096).split()[1]
    assert status in (b"404", b"400", b"405"), status


def test_a_number_too_long_to_be_read_is_refused(visitor):
    photo = visitor.open(png(smooth(20, 30)))
    for number, status in (("9" * 900, 404), ("9" * 5000, 414)):
        for place in (f"{number}/0/0", f"0/{number}/0", f"0/0/{number}"):
            path = f"/api/photos/{photo['id']}/steps/0/tiles/{place}"
            assert visitor.ask("GET", path, status).json()["error"]


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
clicks = st.fixed_dictionaries(
    {}, optional={name: anything for name in ("keep", "remove", "box", "grow")}
)


@pytest.fixture(scope="module")
def opened(url):
    visitor = Visitor(url)
    return visitor, visitor.open(png(smooth(20, 30)))


@hypothesis.settings(max_examples=60, deadline=None, database=None)
@hypothesis.given(clicks | anything)
def test_no_json_makes_the_server_fail(opened, asked):
    visitor, photo = opened
    path = f"{visitor.url}/api/photos/{photo['id']}/steps/0/select"
    answer = visitor.http.post(path, data=json.dumps(asked), timeout=60)
    assert answer.status_code in (200, 422), answer.text


@hypothesis.settings(max_examples=60, deadline=None, database=None)
@hypothesis.given(st.data())
def test_no_bytes_make_the_server_fail(opened, data):
    visitor, photo = opened
    good = png(hole_in(20, 30))
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    body = data.draw(st.sampled_from([bytes(broken), good[: len(good) // 2], b"\x89PNG", b"{"]))
    base = f"{visitor.url}/api/photos/{photo['id']}"
    for path in ("/steps/0/select", "/steps/0/patch", "/mask"):
        answer = visitor.http.post(base + path, data=body, timeout=60)
        assert answer.status_code in (200, 201, 422), (path, answer.text)
    for params in ({"samples": "x"}, {"samples": "0"}, {"model": "\0"}):
        answer = visitor.http.post(f"{base}/steps/0/fill", data=body, params=params, timeout=60)
        assert answer.status_code in (404, 422)


# ---- for programs


def test_the_api_fills_a_file(url, tmp_path):
    before, hole = smooth(90, 120), hole_in(90, 120)
    source = save(tmp_path / "cat.jpg", before, quality=95)
    ask = lambda **s: requests.post(f"{url}api/fill", timeout=60, **s)  # noqa: E731
    mask = png(hole.astype(np.uint8) * 255)
    answer = ask(files={"image": ("cat.jpg", source.read_bytes()), "mask": ("m.png", mask)})
    assert answer.headers["content-type"] == "image/jpeg"
    (tmp_path / "out.jpg").write_bytes(answer.content)
    known = files.read(source).rgb
    want = files.read(source).with_hole(255 - known, hole)
    files.write(want, tmp_path / "want.jpg", "JPEG")
    assert answer.content == (tmp_path / "want.jpg").read_bytes()
    none = ask(files={"image": source.read_bytes(), "mask": png(np.zeros((90, 120), np.uint8))})
    assert none.content == source.read_bytes()


def test_the_api_says_what_is_wrong(url):
    ask = lambda **s: requests.post(f"{url}api/fill", timeout=60, **s)  # noqa: E731
    image, mask = png(smooth(20, 30)), png(hole_in(20, 30))
    both = {"image": image, "mask": mask}
    for sent, status in (
        ({}, 422),
        ({"data": {"image": "a", "mask": "b"}}, 422),
        ({"files": {"image": image}}, 422),
        ({"files": {"image": mask[:30], "mask": mask}}, 422),
        ({"files": {"image": image, "mask": png(hole_in(30, 20, 0.1))[:-9]}}, 422),
        ({"files": both | {"more": image}}, 400),
        ({"files": both, "data": {"model": "nobody"}}, 404),
        ({"files": both, "data": {"model": "raises"}}, 500),
        ({"files": both, "headers": {"Origin": "https://evil.example"}}, 403),
        (
            {
                "data": b"\r\n--x",
                "headers": {"content-type": "multipart/form-data; boundary=x"},
            },
            None,
        ),
        ({"data": b"{}", "headers": {"content-type": "application/json"}}, 422),
    ):
        answer = ask(**sent)
        assert answer.json()["error"]
        assert answer.status_code == status or (status is None and answer.status_code < 500)
    assert requests.get(f"{url}api/fill", timeout=30).status_code == 405
    # A page's session does not open it to other pages.
    visitor = Visitor(url)
    del visitor.http.headers["x-csrf-token"]
    visitor.ask("POST", "/api/fill", 403, files=both)


def test_the_description_is_of_what_there_is(visitor):
    spec = visitor.ask("GET", "/api/openapi.json").json()
    described = {
        (method.upper(), path) for path, told in spec["paths"].items() for method in told
    }
    routes = {
        (method, re.sub(r":int\}", "}", route.path))
        for route in app.Server(stubs("quick"), _Options, ".", "").routes()
        for method in route.methods - {"HEAD"}
    }
    assert described == routes
    names = set(re.findall(r'"#/components/(?:schemas|responses)/(\w+)"', json.dumps(spec)))
    assert (
        names == spec["components"]["schemas"].keys() | spec["components"]["responses"].keys()
    )
    health = visitor.ask("GET", "/healthz").json()
    assert health.keys() == spec["components"]["schemas"]["Health"]["properties"].keys()
    photo = visitor.open(png(smooth(20, 30)))
    assert photo.keys() == spec["components"]["schemas"]["Photo"]["properties"].keys()
    job = visitor.begin(photo, hole_in(20, 30))
    assert job.keys() == spec["components"]["schemas"]["Job"]["properties"].keys()
    (model, *_) = visitor.ask("GET", "/api/models").json()["models"]
    assert model.keys() == spec["components"]["schemas"]["Model"]["properties"].keys()
    visitor.follow(job)


class _Options:
    keep_minutes = disk_gigabytes = port = 1


# ---- what stays


def test_photos_go_when_closed_when_unused_and_when_there_is_no_room(tmp_path):
    from kinpaint.editor import sessions

    kept = sessions.Sessions(tmp_path, keep_s=100, disk_bytes=20_000)

    def opened(session):
        folder = kept.folder_for_photo()
        (folder / "original").write_bytes(png(smooth(40, 60)))
        photo = sessions.open_photo(folder, "a.png")
        kept.add(session, photo)
        kept.sweep()
        return photo

    one, two = kept.new(), kept.new()
    first, second, third = opened(one), opened(two), opened(one)
    assert 2 * first.size < 20_000 < 3 * first.size
    assert kept.photo(one, first.id) is None and not first.folder.exists()  # the oldest
    assert kept.photo(two, second.id) and kept.photo(one, third.id)
    assert kept.photo(one, second.id) is None  # another's
    second.used -= 200
    kept.sweep(busy={second.id})
    assert second.folder.exists()
    kept.sweep()
    assert not second.folder.exists() and third.folder.exists()
    kept.forget(one, third.folder)
    assert not list(tmp_path.iterdir())
    one.used -= 200
    kept.sweep()
    assert kept.get(one.id) is None and kept.get(two.id)


def test_nothing_is_left_of_requests_that_are_over(visitor):
    photo = visitor.open(png(smooth(60, 80)))
    (folder,) = pathlib.Path(tempfile.gettempdir()).glob(f"kinpaint-page-*/{photo['id']}")
    job = visitor.begin(photo, hole_in(60, 80))
    (step,) = visitor.follow(job)["steps"]
    visitor.file(photo, step["id"])
    until(lambda: {p.name for p in folder.iterdir()} == {"original", "0", step["id"]})
    visitor.ask("DELETE", f"/api/photos/{photo['id']}", 204)
    assert not folder.exists()
    visitor.ask("GET", f"/api/photos/{photo['id']}", 404)

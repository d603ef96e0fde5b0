"""What stands behind the page: strokes, models, fillings, attention and the upload's limit."""

import contextlib

import numpy as np
import pytest
import requests

from kinpaint import models as networks
from kinpaint.completion import files
from kinpaint.page import work
from kinpaint.page.attention import attention_picture
from kinpaint.serving.stub_server import StubServer
from kinpaint.training import session
from pipelines.base.errors import UserError
from tests.completion.test_files import pixels, save
from tests.demo.pages import smooth
from tests.training.test_session import settings


def test_strokes_are_enlarged_to_the_photo_and_masks_shrunk_to_the_preview(tmp_path):
    opened = work.opened(save(tmp_path / "a.png", smooth(1500, 3000)))
    assert opened.preview.shape == (512, 1024, 3)
    layer = np.zeros((512, 1024, 4), np.uint8)
    layer[100:200, 300:400] = 255
    hole = work.hole_of([layer], opened.photo)
    assert hole.shape == (1500, 3000)
    assert hole.mean() == pytest.approx(100 * 100 / (512 * 1024), rel=0.01)
    thin = np.zeros((1500, 3000), bool)
    thin[700] = True
    assert work.strokes_of(thin, opened.preview)[..., 3].any(axis=0).all()


def test_models_are_named_and_without_one_it_is_that_in_the_box(
    exported, tmp_path, monkeypatch
):
    models = work.Models([str(exported.parent), f"mine={exported}"])
    assert models.names == ["tiny", "mine"]
    with pytest.raises(UserError, match="nowhere does not exist"):
        work.Models(["nowhere"]).get("nowhere")
    monkeypatch.chdir(tmp_path)
    assert work.Models([]).names == ["kinpaint-small"]


def check_filling(models, tmp_path):
    opened, hole = opened_with_hole(tmp_path)
    model, before = models.get(models.names[0]), opened.photo.rgb
    (filling,) = work.fillings(model, opened, hole)
    filled = files.read(filling.path).rgb
    np.testing.assert_array_equal(filled[~hole], before[~hole])
    assert (filled[hole] != before[hole]).any()
    return model, opened, hole


def opened_with_hole(tmp_path):
    opened = work.opened(save(tmp_path / "a.png", smooth(40, 60)))
    hole = np.zeros((40, 60), bool)
    hole[10:20, 10:30] = True
    return opened, hole


def test_several_fillings_differ_and_known_pixels_stay(pluralistic, tmp_path):
    opened, hole = opened_with_hole(tmp_path)
    model, before = work.Models([str(pluralistic)]).get("1"), opened.photo.rgb
    assert work.why_one(model) == ""
    several = [files.read(f.path).rgb for f in work.fillings(model, opened, hole, 3)]
    assert len({filled.tobytes() for filled in several}) == 3
    for filled in several:
        np.testing.assert_array_equal(filled[~hole], before[~hole])
    again = [files.read(f.path).rgb for f in work.fillings(model, opened, hole, 4)]
    np.testing.assert_array_equal(again[:3], several)


def test_a_model_with_one_answer_says_so(model, tmp_path):
    with pytest.raises(UserError, match="has one answer"):
        work.fillings(model, *opened_with_hole(tmp_path), 2)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_server_stands_behind_the_page(exported, tmp_path, protocol):
    with contextlib.closing(StubServer(exported.parent)) as server:
        url = getattr(server, f"{protocol}_url")
        remote, *photo = check_filling(work.Models([f"remote={url}"]), tmp_path)
        with pytest.raises(UserError, match="has one answer"):
            work.fillings(remote, *photo, 2)


def test_a_server_draws_several_for_the_page(pluralistic, tmp_path):
    with contextlib.closing(StubServer(pluralistic.parent)) as server:
        remote, *photo = check_filling(work.Models([server.grpc_url]), tmp_path)
        paths = [filling.path for filling in work.fillings(remote, *photo, 2)]
    first, second = (files.read(path).rgb for path in paths)
    assert (first != second).any()


@pytest.mark.slow
def test_a_run_directory_stands_behind_the_page(sample_dir, tmp_path):
    run = settings(sample_dir, tmp_path / "run", steps=1, checkpoint_every=1)
    session.train(run)
    model, *_ = check_filling(work.Models([str(tmp_path / "run")]), tmp_path)
    assert "has one answer" in work.why_one(model)


def test_attention_needs_a_network_that_has_one(model):
    with pytest.raises(UserError, match="no attention"):
        attention_picture(model, pixels(20, 20), np.ones((20, 20), bool))


@pytest.mark.slow
def test_attention_colours_the_hole_only():
    from kinpaint import loading

    gated = loading.Completer(None, lambda: networks.build("gated", width=4), {})
    image, hole = smooth(64, 96), np.zeros((64, 96), bool)
    hole[20:40, 30:60] = True
    picture = attention_picture(gated, image, hole)
    np.testing.assert_array_equal(picture[~hole], image[~hole])
    assert len(np.unique(picture[hole], axis=0)) > 1


def test_an_upload_over_the_limit_is_refused(page_url):
    def upload(megabytes):
        files_ = {"files": ("big.png", b"0" * (megabytes * 1_000_000))}
        return requests.post(f"{page_url.rstrip('/')}/gradio_api/upload", files=files_)

    assert upload(25).status_code == 413  # the fixture's limit is 20
    assert upload(1).status_code == 200

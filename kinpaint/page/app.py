"""What the page shows: a Gradio application over `work`."""

import functools
import os
import pathlib

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: it asks nobody
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
import numpy as np

from kinpaint.page import work
from kinpaint.page.attention import attention_picture
from pipelines.cli import UserError

WHITE = "#ffffff"
HINT = "Open or paste a photo, paint over what should go, press **Fill**."


def upload(**settings):
    """An image whose file reaches the server as it is; `completion.files` judges it."""
    image = gr.Image(type="filepath", **settings)
    image.preprocess = lambda payload: payload.path if payload else None
    return image


def kindly(function):
    """Shows a UserError as a message on the page."""

    @functools.wraps(function)
    def guarded(*args):
        try:
            return function(*args)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return guarded


@kindly
def open_photo(path):
    """An upload to (state, canvas), and the old result away."""
    if path is None:
        return None, None, None, None, None
    opened = work.opened(path)
    return opened, _canvas(opened.preview), None, None, None


def _canvas(preview, layers=()):
    return {"background": preview, "layers": list(layers), "composite": None}


@kindly
def open_mask(path, opened):
    """A mask file to strokes on the canvas."""
    if path is None:
        return gr.skip()
    if opened is None:
        raise UserError("Open a photo first: the mask belongs to it.")
    hole = work.files.read_mask(path, opened.photo)
    return _canvas(opened.preview, [work.strokes_of(hole, opened.preview)])


def _hole(canvas, opened):
    if opened is None:
        raise UserError("Open a photo first.")
    return work.hole_of((canvas or {}).get("layers") or [], opened.photo)


@kindly
def save_mask(canvas, opened):
    """The strokes as a mask file of the photo's size."""
    return work.saved_mask(_hole(canvas, opened), opened.stem)


def fill_with(models):
    """The function behind the Fill button."""

    @kindly
    def fill(canvas, opened, name):
        hole = _hole(canvas, opened)
        photo = work.filled(models.get(name), opened.photo, hole)
        after = work.preview_of(photo)
        return (opened.preview, after), work.saved(photo, opened.stem)

    return fill


def explain_with(models):
    """The function behind the attention button."""

    @kindly
    def explain(canvas, opened, name):
        hole = _hole(canvas, opened)
        return attention_picture(models.get(name), opened.photo.rgb, hole)

    return explain


def build(models, samples=()):
    """The page.

    Args:
        models: `work.Models`.
        samples: paths of pictures to start from.

    Returns:
        gr.Blocks, with its queue set up by the caller.
    """
    with gr.Blocks(title="kinpaint", analytics_enabled=False) as page:
        opened = gr.State()
        gr.Markdown("# kinpaint\n" + HINT)
        with gr.Row():
            with gr.Column(scale=1, min_width=220):
                photo = upload(
                    label="Photo",
                    sources=["upload", "clipboard"],
                    height=220,
                    elem_id="photo",
                )
                name = gr.Dropdown(models.names, value=models.names[0], label="Model")
                if samples:
                    gr.Examples([str(s) for s in samples], photo, label="Samples")
                mask = upload(
                    label="Mask file (white: hole)",
                    sources=["upload"],
                    height=120,
                    elem_id="mask",
                )
                make_mask = gr.Button("Save this mask", size="sm", elem_id="save_mask")
                mask_file = gr.File(
                    label="Mask", interactive=False, height=90, elem_id="mask_file"
                )
            with gr.Column(scale=3):
                canvas = gr.ImageEditor(
                    label="Paint the hole",
                    sources=(),
                    type="numpy",
                    image_mode="RGBA",
                    format="png",
                    brush=gr.Brush(24, [WHITE], WHITE, "fixed"),
                    eraser=gr.Eraser(24),
                    layers=False,
                    transforms=(),
                    height=560,
                    elem_id="canvas",
                )
                run = gr.Button("Fill", variant="primary", elem_id="fill")
                result = gr.ImageSlider(
                    label="Before and after", format="png", height=560, elem_id="result"
                )
                result_file = gr.File(
                    label="PNG at full resolution", interactive=False, elem_id="result_file"
                )
                with gr.Accordion("Where the network looked", open=False):
                    explain = gr.Button("Show attention", size="sm", elem_id="explain")
                    attention = gr.Image(label="Attention", format="png", elem_id="attention")
        photo.change(open_photo, photo, [opened, canvas, result, result_file, attention])
        mask.upload(open_mask, [mask, opened], canvas)
        make_mask.click(save_mask, [canvas, opened], mask_file)
        inputs = [canvas, opened, name]
        run.click(fill_with(models), inputs, [result, result_file], concurrency_id="model")
        explain.click(explain_with(models), inputs, attention, concurrency_id="model")
    return page


def launch(models, options, block=True):
    """Serves the page; returns (page, local URL)."""
    page = build(models, samples()).queue(max_size=options.queue, default_concurrency_limit=4)
    _, url, _ = page.launch(
        server_name=options.host,
        server_port=options.port or None,
        max_file_size=f"{options.upload_megabytes}mb",
        share=False,
        quiet=True,
        show_error=True,
        footer_links=[],
        theme=gr.themes.Base(font=["sans-serif"], font_mono=["monospace"]),
        prevent_thread_lock=not block,
    )
    return page, url


def samples():
    """Public-domain photographs to start from, written to a temporary folder."""
    import skimage.data
    from PIL import Image

    folder = pathlib.Path(work.tempfile.mkdtemp(prefix="kinpaint-samples-"))
    pictures = {"cat": skimage.data.chelsea, "astronaut": skimage.data.astronaut}
    pictures |= {"coffee": skimage.data.coffee}
    for name, picture in pictures.items():
        Image.fromarray(np.asarray(picture())).save(folder / f"{name}.png")
    return sorted(folder.glob("*.png"))

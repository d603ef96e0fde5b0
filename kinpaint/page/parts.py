"""What stands on the page: Gradio components with their settings, wired by `app`."""

import pathlib
import tempfile

import gradio as gr
import numpy as np

from kinpaint.page import FOLDER

WHITE = "#ffffff"


def upload(**settings):
    """An image whose file reaches the server as it is; `completion.files` judges it."""
    image = gr.Image(type="filepath", **settings)
    image.preprocess = lambda payload: payload.path if payload else None
    return image


def photo(samples):
    """Where a photo is opened, with `samples` (paths) to start from."""
    opened = upload(label="Photo", sources=["upload", "clipboard"], height=220, elem_id="photo")
    if samples:
        gr.Examples([str(s) for s in samples], opened, label="Samples")
    return opened


def mask():
    """What a mask file is opened with, the button that makes one, and where it appears."""
    opened = upload(
        label="Mask file (white: hole)", sources=["upload"], height=120, elem_id="mask"
    )
    button = gr.Button("Save this mask", size="sm", elem_id="save_mask")
    made = gr.File(label="Mask", interactive=False, height=90, elem_id="mask_file")
    return opened, button, made


def editor():
    """Where the hole is painted."""
    return gr.ImageEditor(
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


def results():
    """Fillings to choose from, the chosen one beside the photo, and its file."""
    gallery = gr.Gallery(
        label="Fillings: click the one you want",
        format="png",
        columns=3,
        height=320,
        object_fit="contain",
        allow_preview=False,
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="fillings",
    )
    result = gr.ImageSlider(
        label="Before and after", format="png", height=560, elem_id="result"
    )
    made = gr.File(label="PNG at full resolution", interactive=False, elem_id="result_file")
    return gallery, result, made


def samples():
    """Public-domain photographs to start from, written to a temporary folder."""
    import skimage.data
    from PIL import Image

    folder = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    pictures = {"cat": skimage.data.chelsea, "astronaut": skimage.data.astronaut}
    pictures |= {"coffee": skimage.data.coffee}
    for name, picture in pictures.items():
        Image.fromarray(np.asarray(picture())).save(folder / f"{name}.png")
    return sorted(folder.glob("*.png"))

"""What the page shows: a Gradio application over `work`."""

import functools

import gradio as gr

from kinpaint.page import parts, work
from kinpaint.page.attention import attention_picture
from pipelines.base.errors import UserError

MOST = 6  # fillings to choose from
HINT = "Open or paste a photo, paint over what should go, press **Fill**."


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
    """An upload to (state, canvas), and everything of the old photo away."""
    away = (None, None, None, None, gr.update(value=None, visible=False))
    if path is None:
        return None, None, *away
    opened = work.opened(path)
    return opened, _canvas(opened.preview), *away


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
    def fill(canvas, opened, name, count):
        hole = _hole(canvas, opened)
        fillings = work.fillings(models.get(name), opened, hole, int(count))
        shown = [filling.preview for filling in fillings]
        gallery = gr.update(value=shown, visible=len(shown) > 1, selected_index=0)
        return *_chosen(opened, fillings[0]), fillings, gallery

    return fill


@kindly
def pick(opened, fillings, event: gr.SelectData):
    """The filling that was clicked becomes the result."""
    return _chosen(opened, fillings[event.index])


def _chosen(opened, filling):
    """What is compared and what is downloaded."""
    return (opened.preview, filling.preview), filling.path


def counts_with(models):
    """The function that tells how many fillings a model may be asked for."""

    @kindly
    def counts(name):
        why_one = work.why_one(models.get(name))
        if why_one:
            return gr.update(value=1, interactive=False, info=why_one)
        return gr.update(interactive=True, info="to choose from")

    return counts


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
        opened, fillings = gr.State(), gr.State()
        gr.Markdown("# kinpaint\n" + HINT)
        with gr.Row():
            with gr.Column(scale=1, min_width=220):
                photo = parts.photo(samples)
                name = gr.Dropdown(models.names, value=models.names[0], label="Model")
                count = gr.Slider(1, MOST, 1, step=1, label="Fillings", elem_id="count")
                mask, make_mask, mask_file = parts.mask()
            with gr.Column(scale=3):
                canvas = parts.editor()
                run = gr.Button("Fill", variant="primary", elem_id="fill")
                gallery, result, result_file = parts.results()
                with gr.Accordion("Where the network looked", open=False):
                    explain = gr.Button("Show attention", size="sm", elem_id="explain")
                    attention = gr.Image(label="Attention", format="png", elem_id="attention")
        results = [result, result_file]
        photo.change(
            open_photo, photo, [opened, canvas, *results, attention, fillings, gallery]
        )
        mask.upload(open_mask, [mask, opened], canvas)
        make_mask.click(save_mask, [canvas, opened], mask_file)
        gr.on([page.load, name.change], counts_with(models), name, count)
        inputs = [canvas, opened, name]
        run.click(
            fill_with(models),
            [*inputs, count],
            [*results, fillings, gallery],
            concurrency_id="model",
        )
        gallery.select(pick, [opened, fillings], results)
        explain.click(explain_with(models), inputs, attention, concurrency_id="model")
    return page


def launch(models, options, block=True):
    """Serves the page and, unless `block` is false, says where and stays; (page, local URL)."""
    page = build(models, parts.samples()).queue(
        max_size=options.queue, default_concurrency_limit=4
    )
    _, url, _ = page.launch(
        server_name=options.host,
        server_port=options.port or None,
        max_file_size=f"{options.upload_megabytes}mb",
        share=False,
        quiet=True,
        show_error=True,
        footer_links=[],
        theme=gr.themes.Base(font=["sans-serif"], font_mono=["monospace"]),
        prevent_thread_lock=True,
    )
    if block:
        print(f"{url} - Ctrl-C ends it", flush=True)
        page.block_thread()
    return page, url

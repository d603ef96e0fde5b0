r"""Explains what a model does on given pictures: one page a picture.

    python -m kinpaint.explain --model=runs/first --data_dir=PHOTOS --image_size=64 \
        --masks=strokes --show='*cat*' --limit=4 --out_dir=out/explain
    python -m kinpaint.explain --model=saved_models/first --image=photo.jpg \
        --mask=hole.png --train_dir=PHOTOS --out_dir=out/explain

Writes NAME.html (errors, attention flow, gates, partial masks, what the filling depends
on, nearest training patches), index.html, figures/*.png and explain.json. Pictures and
holes of --data_dir are those that kinpaint.eval scores.
"""

from kinpaint.interpretation.options import ExplainOptions
from pipelines import cli
from pipelines.options import PhotoOptions


def main(argv):
    """Writes the pages."""
    del argv
    photo, options = cli.read(PhotoOptions), cli.read(ExplainOptions)
    if options.image:
        cli.refuse({"seed": "with --data_dir"})
    else:
        cli.refuse(dict.fromkeys(("mask", "side"), "with --image"))

    from kinpaint.interpretation import subjects

    subjects.check(photo, options)  # before TensorFlow is loaded
    from kinpaint.interpretation.session import explain

    for path in explain(photo, options):
        print(path)


if __name__ == "__main__":
    cli.run(main, ExplainOptions, PhotoOptions)

"""Reading checkpoints: a whole run, a start from other weights, or the generator alone.

Tensors are found by group and name (see `checkpoints`), so nothing but the
wanted variables need exist.
"""

import pathlib

import tensorflow as tf

from kinpaint.training import checkpoints
from pipelines import terms
from pipelines.base.errors import UserError

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def restore(path, state):
    """Reads a checkpoint's tensors into the variables of `state`.

    Raises:
        UserError: names or shapes differ; they are listed and nothing is assigned.
    """
    values, problems = {}, []
    for group, variables in state.items():
        found, wrong = _read(path, group, variables)
        values.update({(group, name): value for name, value in found.items()})
        problems += [f"{group}/{text}" for text in wrong]
    if problems:
        raise UserError(f"{path} does not fit this run: {'; '.join(problems[:8])}")
    for (group, name), value in values.items():
        state[group][name].assign(value)


def _read(path, group, variables):
    """Values of one group by name, and what does not fit, in words."""
    reader = tf.train.load_checkpoint(str(pathlib.Path(path) / "state"))
    shapes = reader.get_variable_to_shape_map()
    values, problems = {}, []
    for name, variable in variables.items():
        key = f"{group}/{name.replace('/', '.S')}{_SUFFIX}"
        if key not in shapes:
            problems.append(f"{name} is missing")
        elif list(shapes[key]) != list(variable.shape):
            problems.append(f"{name} is {shapes[key]}, wanted {list(variable.shape)}")
        else:
            values[name] = reader.get_tensor(key)
    return values, problems


def warm_start(path, network, log=print):
    """Copies what fits by name and shape into `network`; lists what does not.

    Returns:
        Number of variables copied.

    Raises:
        UserError: nothing fits.
    """
    variables = checkpoints.named(network)
    values, problems = _read(path, "network", variables)
    if not values:
        raise UserError(f"nothing in {path} fits {network.name}: {'; '.join(problems[:4])}")
    for name, value in values.items():
        variables[name].assign(value)
    for problem in problems:
        log(f"warm start: {problem}; kept as initialised")
    return len(values)


def flags_of(run_dir):
    """The flags of a run, {name: text}; true flags hold "true", absent booleans are missing.

    Raises:
        UserError: the directory holds no run.
    """
    path = pathlib.Path(run_dir) / "flags.txt"
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise UserError(f"{run_dir} is no run directory: {path} cannot be read") from error
    return named_flags(lines)


def named_flags(lines):
    """{name: text} of a flagfile's lines, as `flags_of` tells them."""
    pairs = (line.removeprefix("--").partition("=") for line in lines)
    return {name: text if equals else "true" for name, equals, text in pairs}


def restore_generator(run_dir, weights="raw", checkpoint="newest", log=print):
    """Builds a run's generator in float32 and reads its weights.

    Args:
        run_dir: the run's directory.
        weights: "raw", or "ema" for the averaged generator.
        checkpoint: "newest" for the newest whole one, "best" for the best by the run's
            validations (`--best_by`).
        log: called with a line for each damaged checkpoint passed over.

    Returns:
        The network, and a dict that tells `model`, `model_settings`, `image_size`, `step`,
        `weights`, `data_dir` and all `flags`.

    Raises:
        UserError: no run, no checkpoint, or no averaged weights there.
    """
    from kinpaint import models

    flags = flags_of(run_dir)
    path = _checkpoint(run_dir, checkpoint, log)
    if weights not in ("raw", "ema"):
        raise UserError(f"weights must be raw or ema, not {weights!r}")
    term = terms.parse(flags["model"], what="--model")[0]
    network = models.build(term.name, dtype="float32", **term.settings)
    restore(path, {"network": checkpoints.named(network)})
    if weights == "ema":
        if not float(flags.get("ema", 0)):
            raise UserError(f"{run_dir} keeps no averaged generator: use weights=raw")
        restore(path, {"ema": {checkpoints.name_of(w): w for w in network.weights}})
    info = {
        "model": term.name,
        "model_settings": term.settings,
        "image_size": int(flags.get("image_size", 256)),
        "step": checkpoints.step_of(path),
        "weights": weights,
        "data_dir": flags.get("data_dir", ""),
        "flags": flags,
    }
    return network, info


def _checkpoint(run_dir, which, log):
    newest = checkpoints.newest(run_dir, log)
    if newest is None:
        raise UserError(f"{run_dir} has no checkpoint yet")
    if which == "newest":
        return newest
    step = checkpoints.note(newest).get("best_step")
    if step is None:
        raise UserError(f"{run_dir} has no best checkpoint: it was never validated")
    best = newest.with_name(checkpoints.name(step))
    try:
        checkpoints.verify(best)
    except OSError as error:
        raise UserError(f"the best checkpoint {best} is damaged ({error})") from error
    return best

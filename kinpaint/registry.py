"""Making a class found by name, with errors that list what there is."""

import inspect

from pipelines.base.errors import UserError


def make(classes, kind, name, **settings):
    """`classes[name](**settings)`, called `name` and built.

    Keras would number a process's second network of a class, and the names of a
    checkpoint's tensors with it: no run could be resumed beside another.

    Args:
        classes: dict of name to Keras class.
        kind: what the names are, for the message.
        name: the wanted one.
        **settings: constructor arguments.

    Returns:
        The built model.

    Raises:
        UserError: for an unknown name or an unknown or refused setting.
    """
    if name not in classes:
        raise UserError(f"unknown {kind} {name!r}; known: {', '.join(sorted(classes))}")
    known = {"dtype", "name"} | _arguments(classes[name])
    unknown = sorted(set(settings) - known)
    if unknown:
        raise UserError(
            f"{kind} {name!r} has no setting {', '.join(unknown)}; "
            f"known: {', '.join(sorted(known - {'dtype', 'name'}))}"
        )
    try:
        model = classes[name](**{"name": name, **settings})
        model.build()
    except (ValueError, TypeError, IndexError) as error:
        given = ", ".join(f"{k}={v}" for k, v in settings.items() if k != "dtype")
        reason = str(error).partition("\n")[0]
        raise UserError(f"{kind} {name!r} cannot be built of ({given}): {reason}") from error
    return model


def _arguments(wanted):
    """Optional constructor arguments of a class and of our own bases."""
    return {
        name
        for base in wanted.__mro__
        if base.__module__.startswith("kinpaint.")
        for name, parameter in inspect.signature(base.__init__).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }

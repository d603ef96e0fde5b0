"""What pages are made of: each is one file, its text escaped and its pictures inlined."""

import base64

import jinja2


def environment(package, **filters):
    """The Jinja templates in a package's folder `templates`.

    Everything is escaped unless a template says `safe`; a name that is not there is an error.

    Args:
        package: dotted name.
        **filters: functions by the name that templates use.
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters.update(filters)
    return made


def data_uri(content, kind):
    """A picture's bytes, of `kind` "png", "jpeg" or "webp", as an address that holds them."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"

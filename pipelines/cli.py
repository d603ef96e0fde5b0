"""How every binary talks: flags from dataclasses, one-line errors, progress.

A binary names its option classes and hands over its `main`:

    @dataclasses.dataclass(frozen=True)
    class EvalOptions(cli.Options):
        limit: int = cli.option(0, "score at most this many pictures; 0: all", low=0)

    def main(argv):
        options = cli.read(EvalOptions)

    if __name__ == "__main__":
        cli.run(main, EvalOptions)

Flags come into being only in `run`, so that any two binaries can be imported
into one process. Library code takes the dataclasses and never reads flags. What a field
may be stands where it is defined and is checked whenever an object is made, from flags or
in Python.
"""

import contextlib
import dataclasses
import math
import numbers
import os
import re
import sys
import textwrap
import typing

from absl import app, flags, logging
from tqdm import tqdm

from pipelines.base import quiet
from pipelines.base.errors import UserError

flags.disclaim_key_flags()  # the binary, not this module, owns what it defines

_DEFINERS = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}

SCREEN = 40  # lines of what --helpshort prints
_COLUMNS, _FLAG_COLUMNS = 100, 34

_PLAIN_LINE = "{desc}: {n_fmt}/{total_fmt} {rate_fmt} {remaining} left {postfix}\n"


def option(
    default,
    help,  # noqa: A002
    *,
    low=None,
    high=None,
    above=None,
    below=None,
    choices=None,
    multiple=False,
    check=None,
    was="",
):
    """A dataclass field that is also a flag.

    Args:
        default: its value where none is given; None: not told, for fields of `X | None`.
        help: a phrase for `--help`.
        low: smallest number that will do.
        high: largest one.
        above: a number that the value must exceed.
        below: a number that it must stay under.
        choices: the only values.
        multiple: makes a repeatable flag whose value is a tuple of strings.
        check: function of a value (each one of a repeatable flag) that raises a UserError.
        was: its name in records of earlier versions; see `current`.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below}
    metadata = {"help": help, "choices": choices, "multiple": multiple, "check": check}
    metadata["was"] = was
    return dataclasses.field(default=default, metadata=metadata | bounds)


class Options:
    """What option classes inherit: a value that cannot be is refused where it is made.

    Raises:
        UserError: a field's value is of the wrong kind, out of its range or no choice.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is None and field.default is None:
                continue
            if problem := _problem(field, value):
                raise UserError(f"--{field.name}={value}: {problem}")
            if check := field.metadata["check"]:
                for one in value if field.metadata["multiple"] else [value]:
                    check(one)


def _kind(field):
    """The type of a field's values: int of `int | None`."""
    return next((t for t in typing.get_args(field.type) if t is not type(None)), field.type)


def _problem(field, value):
    """What to write instead of a field's value; empty where it will do."""
    kind, choices = _kind(field), field.metadata["choices"]
    if choices and value not in choices:
        return f"write one of {', '.join(filter(None, choices))}"
    if kind in (int, float):
        wanted, abstract = {
            int: ("a whole number", numbers.Integral),
            float: ("a number", numbers.Real),
        }[kind]
        good = isinstance(value, abstract) and not isinstance(value, bool)
        good = good and math.isfinite(value) and _in_range(value, field.metadata)
        return "" if good else " ".join(["write", wanted, *_range(field.metadata)])
    if not isinstance(value, kind):
        return f"write a {kind.__name__}, not a {type(value).__name__}"
    return ""


def _in_range(value, bounds):
    return (
        (bounds["low"] is None or value >= bounds["low"])
        and (bounds["high"] is None or value <= bounds["high"])
        and (bounds["above"] is None or value > bounds["above"])
        and (bounds["below"] is None or value < bounds["below"])
    )


def _range(bounds):
    """The words of a range: "of at least 1", "below 1"."""
    words = {"low": "of at least", "above": "above", "high": "at most", "below": "below"}
    told = [f"{text} {bounds[k]}" for k, text in words.items() if bounds[k] is not None]
    return [" and ".join(told)] if told else []


def define(*option_classes):
    """Defines the flags of the option classes as key flags of the caller."""
    for option_class in option_classes:
        for field in dataclasses.fields(option_class):
            if field.name in flags.FLAGS:
                flags.declare_key_flag(field.name)
            else:
                _define_flag(field)


def _define_flag(field, into=None):
    into = flags.FLAGS if into is None else into
    text = field.metadata["help"]
    if field.metadata["multiple"]:
        flags.DEFINE_multi_string(field.name, list(field.default), text, into)
    elif field.metadata["choices"]:
        choices = list(field.metadata["choices"])
        flags.DEFINE_enum(field.name, field.default, choices, text, into)
    else:
        _DEFINERS[_kind(field)](field.name, field.default, text, flag_values=into)


def parsed(words, *option_classes):
    """Flags of another binary, parsed as it would parse them: an absl `FlagValues`.

    Args:
        words: as on its command line, without the program.
        option_classes: its groups of flags.

    Raises:
        UserError: it has no such flag, or the flag no such value.
    """
    known = flags.FlagValues()
    for option_class in option_classes:
        for field in dataclasses.fields(option_class):
            _define_flag(field, known)
    try:
        known(["", *words])
    except flags.Error as error:
        raise UserError(str(error)) from error
    return known


def read(option_class, known=None):
    """The parsed flags as one frozen dataclass; of `parsed` where its answer is given."""
    known = flags.FLAGS if known is None else known
    values = {}
    for field in dataclasses.fields(option_class):
        value = known[field.name].value
        values[field.name] = tuple(value) if field.metadata["multiple"] else value
    return option_class(**values)


def refuse(without_effect):
    """Refuses flags of this command line that would do nothing.

    What a flagfile holds may: a recipe is a start that later flags change.

    Args:
        without_effect: {name: when the flag would do something, "with --other"}.

    Raises:
        UserError: such a flag is there; all of them are named.
    """
    words = {word.lstrip("-").partition("=")[0] for word in sys.argv[1:] if word[:1] == "-"}
    idle = [name for name in without_effect if name in words or f"no{name}" in words]
    if idle:
        told = "; ".join(
            f"--{name} does nothing except {without_effect[name]}" for name in idle
        )
        raise UserError(
            f"{told}: leave it out" if len(idle) == 1 else f"{told}: leave them out"
        )


def flag(name):
    """The value of one parsed flag."""
    return flags.FLAGS[name].value


def lines(options):
    """A dataclass of options as the lines of a flagfile."""
    written = []
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if value is None:
            continue
        if isinstance(value, bool):
            written.append(f"--{field.name}" if value else f"--no{field.name}")
        else:
            values = value if field.metadata["multiple"] else [value]
            written += [f"--{field.name}={v}" for v in values]
    return written


def current(recorded, path, *option_classes, log=print):
    """The lines of a record, flags of earlier versions under the names they have now.

    Args:
        recorded: lines of `lines`.
        path: the record's file, for what is said.
        option_classes: the groups of flags there are now.
        log: called with one line where a name was translated.
    """
    fields = _fields(option_classes)
    now = {field.metadata["was"]: field.name for field in fields if field.metadata["was"]}
    translated, old = [], []
    for line in recorded:
        name, equals, text = line.removeprefix("--").partition("=")
        old += [name] if name in now else []
        translated.append(f"--{now[name]}{equals}{text}" if name in now else line)
    if old:
        log(f"{path}: " + ", ".join(f"--{name} is --{now[name]} now" for name in old))
    return translated


def _fields(option_classes):
    return [field for group in option_classes for field in dataclasses.fields(group)]


def recorded(path, *option_classes):
    """{name: value} of the flags in a record of `lines` that the option classes still have."""
    words = path.read_text().splitlines()
    words = current(words, path, *option_classes, log=lambda _: None)
    known = {field.name for c in option_classes for field in dataclasses.fields(c)}
    names = [_name_and_text(word)[0] for word in words]
    mine = [word for word, name in zip(words, names, strict=True) if name in known]
    values = parsed(mine, *option_classes)
    found = {}
    for option_class in option_classes:
        found |= vars(read(option_class, values))
    return {name: value for name, value in found.items() if name in names}


def adopt(recorded, path, changeable, same=lambda name, now, then: False):
    """Takes over flags recorded by `lines`, for going on with what they began.

    A flag not set now takes its recorded value. Recorded flags that the program no longer
    has are left out, and named.

    Args:
        recorded: lines of the record.
        path: the record's file, for the message.
        changeable: names of flags that may differ from the record.
        same: (flag's name, value now, value then) -> whether two different values mean
            one thing, such as two spellings of a folder.

    Raises:
        UserError: a flag set now differs from the record; all such are named. Or the
            record has a value that is none.
    """
    changed, gone, texts = [], [], {}
    for line in recorded:
        name, text = _name_and_text(line)
        texts.setdefault(name, []).append(text)
    for name in texts:
        if name not in flags.FLAGS:
            gone.append(name)
            continue
        known = flags.FLAGS[name]
        old = _parsed(known, texts[name], path)
        if not known.present:
            known.value = old
        elif known.value != old and name not in changeable and not same(name, known.value, old):
            changed.append(f"--{name} is {known.value!r}, was {old!r}")
    if gone:
        named = [line for line in recorded if _name_and_text(line)[0] in gone]
        print(f"{path}: there are no such flags any more, left out: {' '.join(named)}")
    if changed:
        raise UserError(f"{path} was made with other flags: {'; '.join(changed)}")


def _parsed(known, texts, path):
    """A flag's value from its recorded texts: all of a repeatable flag, the last of others."""
    try:
        values = [known.parser.parse(text) for text in texts]
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged: --{known.name}: {error}") from error
    return values if isinstance(known, flags.MultiFlag) else values[-1]


def _name_and_text(line):
    name, equals, text = line.removeprefix("--").partition("=")
    if not equals:
        negated = name.startswith("no") and name not in flags.FLAGS
        return (name[2:], "false") if negated else (name, "true")
    return name, text


def help_text(about, option_classes, screen=0):
    """The program's docstring, then one entry a flag, grouped by option class.

    Args:
        about: the docstring.
        option_classes: the program's groups of flags.
        screen: most lines; the largest groups then shrink to flags and defaults until the
            text fits. 0: everything.
    """
    groups = {group: _described(group) for group in option_classes}
    for group in sorted(groups, key=lambda g: -len(groups[g])):
        size = sum(len(lines_) + 2 for lines_ in groups.values())
        if screen and len(about.strip().splitlines()) + size > screen:
            groups[group] = _named(group)
    titles = {group: group.__doc__.strip().splitlines()[0] for group in groups}
    blocks = ["\n".join([titles[group], *lines_]) for group, lines_ in groups.items()]
    return "\n\n".join([about.strip(), *blocks])


def _described(option_class):
    """Lines that say what each flag of a group means."""
    rows = [_flag_and_help(field) for field in dataclasses.fields(option_class)]
    width = min(max(len(name) for name, _ in rows), _FLAG_COLUMNS)
    described = []
    for name, text in rows:
        start = f"  {name:{width}}  "
        if len(name) > width:
            described.append(f"  {name}")
            start = " " * (width + 4)
        described += textwrap.wrap(
            text, _COLUMNS, initial_indent=start, subsequent_indent=" " * (width + 4)
        )
    return described


def _named(option_class):
    """Lines that name the flags of a group with their defaults."""
    names = [_flag_and_help(field)[0] for field in dataclasses.fields(option_class)]
    names = " ".join([*names, "(--help describes them)"])
    return textwrap.wrap(
        names,
        _COLUMNS,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _flag_and_help(field):
    choices = field.metadata["choices"]
    kinds = f" ({', '.join(filter(None, choices))})" if choices else ""
    if field.type is bool:
        return f"--[no]{field.name}", f"{field.metadata['help']} [{str(field.default).lower()}]"
    default = "" if field.default in ((), None) else field.default
    return f"--{field.name}={default}", field.metadata["help"] + kinds


# Packages that only an extra of pyproject.toml brings, by what is imported.
_EXTRAS = {
    "data": ("requests", "urllib3", "msgspec"),
    "report": ("scipy", "skimage", "matplotlib", "jinja2", "markdown_it", "imageio_ffmpeg"),
    "demo": ("starlette", "uvicorn", "python_multipart"),
    "serve": ("grpc", "tensorflow_serving"),
    "beam": ("apache_beam", "google_crc32c"),
}


@contextlib.contextmanager
def naming_extras():
    """Within, a package that is not installed ends in one line that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        for extra, packages in _EXTRAS.items():
            if missing in packages:
                print(
                    f'error: this needs {missing}: pip install "kinpaint[{extra}]"',
                    file=sys.stderr,
                )
                sys.exit(1)
        raise


def run(main, *option_classes, words=False):
    """Defines the flags, parses them, runs `main`.

    A UserError ends in one line, and so does what the file system refuses.

    Args:
        main: takes the words of the command line, the program first.
        option_classes: the program's groups of flags.
        words: whether it takes words that are no flags (`scrape plan`).
    """
    if {"--help", "--helpshort", "-h"} & set(sys.argv[1:]):
        screen = SCREEN if "--helpshort" in sys.argv else 0
        print(help_text(sys.modules["__main__"].__doc__ or "", option_classes, screen))
        return
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
    define(*option_classes)
    quiet.on_import("tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", quiet.log_level())

    def guarded(argv):
        logging.set_verbosity(logging.WARNING)  # TensorFlow's Python parts log through absl
        try:
            if argv[1:] and not words:
                raise UserError(f"{argv[1]!r} is no flag: settings are given as --name=value")
            with naming_extras():
                return main(argv)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except OSError as error:
            if error.errno is None:
                raise
            where = f"{error.filename}: " if error.filename is not None else ""
            print(f"error: {where}{error.strerror}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130

    app.run(guarded, flags_parser=lambda argv: _parse(argv, option_classes))


def _parse(argv, option_classes):
    """The words that are no flags; a flag that cannot be read ends in one line."""
    try:
        return flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        old, fields = error.flagname, _fields(option_classes)
        now = [
            f"--{old} is --{field.name} now" for field in fields if field.metadata["was"] == old
        ]
        print("error:", *(now or [error]), file=sys.stderr)
        sys.exit(1)
    except flags.Error as error:
        said = " ".join(str(error).split()).removeprefix("flag ")
        for words, wanted in (("invalid literal", "whole number"), ("could not", "number")):
            said = re.sub(f": {words}.*", f": write a {wanted}", said)
        print(f"error: {said}", file=sys.stderr)
        sys.exit(1)


def progress(items=None, *, total=None, desc="", unit="it", initial=0):
    """A tqdm bar on a terminal; a plain line about every ten seconds otherwise."""
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        total=total,
        desc=desc,
        unit=unit,
        initial=initial,
        ascii=None if terminal else " .",
        dynamic_ncols=terminal,
        mininterval=0.2 if terminal else 10.0,
        maxinterval=10.0 if terminal else 60.0,
        bar_format=None if terminal else _PLAIN_LINE,
        leave=terminal,
    )

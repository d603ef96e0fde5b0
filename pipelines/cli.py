"""How every binary talks: flags from dataclasses, one-line errors, progress.

A binary names its option classes and hands over its `main`:

    @dataclasses.dataclass(frozen=True)
    class EvalOptions:
        limit: int = cli.option(0, "score at most this many pictures; 0: all")

    def main(argv):
        options = cli.read(EvalOptions)

    if __name__ == "__main__":
        cli.run(main, EvalOptions)

Flags come into being only in `run`, so that any two binaries can be imported
into one process. Library code takes the dataclasses and never reads flags.
"""

import dataclasses
import os
import sys
import textwrap

from absl import app, flags, logging
from tqdm import tqdm

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


def option(default, help, *, choices=None, multiple=False):  # noqa: A002
    """A dataclass field that is also a flag.

    `choices` limits the values; `multiple` makes a repeatable flag whose value
    is a tuple of strings.
    """
    metadata = {"help": help, "choices": choices, "multiple": multiple}
    return dataclasses.field(default=default, metadata=metadata)


def define(*option_classes):
    """Defines the flags of the option classes as key flags of the caller."""
    for option_class in option_classes:
        for field in dataclasses.fields(option_class):
            if field.name in flags.FLAGS:
                flags.declare_key_flag(field.name)
            else:
                _define_flag(field)


def _define_flag(field):
    text = field.metadata["help"]
    if field.metadata["multiple"]:
        flags.DEFINE_multi_string(field.name, list(field.default), text)
    elif field.metadata["choices"]:
        choices = list(field.metadata["choices"])
        flags.DEFINE_enum(field.name, field.default, choices, text)
    else:
        _DEFINERS[field.type](field.name, field.default, text)


def read(option_class):
    """The parsed flags as one frozen dataclass."""
    values = {}
    for field in dataclasses.fields(option_class):
        value = flags.FLAGS[field.name].value
        values[field.name] = tuple(value) if field.metadata["multiple"] else value
    return option_class(**values)


def given(name):
    """Whether the person set this flag, on the command line or in a flagfile."""
    return bool(flags.FLAGS[name].present)


def flag(name):
    """The value of one parsed flag."""
    return flags.FLAGS[name].value


def lines(options):
    """A dataclass of options as the lines of a flagfile."""
    written = []
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if isinstance(value, bool):
            written.append(f"--{field.name}" if value else f"--no{field.name}")
        else:
            values = value if field.metadata["multiple"] else [value]
            written += [f"--{field.name}={v}" for v in values]
    return written


def adopt(recorded, path, changeable):
    """Takes over flags recorded by `lines`, for going on with what they began.

    A flag not set now takes its recorded value.

    Args:
        recorded: lines of the record.
        path: the record's file, for the message.
        changeable: names of flags that may differ from the record.

    Raises:
        UserError: a flag set now differs from the record; all such are named. Or the
            record has a value that is none.
    """
    changed, texts = [], {}
    for line in recorded:
        name, text = _name_and_text(line)
        texts.setdefault(name, []).append(text)
    for name in texts:
        if name not in flags.FLAGS:
            continue
        known = flags.FLAGS[name]
        old = _parsed(known, texts[name], path)
        if not known.present:
            known.value = old
        elif known.value != old and name not in changeable:
            changed.append(f"--{name} is {known.value!r}, was {old!r}")
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
    default = "" if field.type is tuple else field.default
    return f"--{field.name}={default}", field.metadata["help"] + kinds


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
    define(*option_classes)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # start-up chatter; errors still raise

    def guarded(argv):
        logging.set_verbosity(logging.WARNING)  # TensorFlow's Python parts log through absl
        try:
            if argv[1:] and not words:
                raise UserError(f"{argv[1]!r} is no flag: settings are given as --name=value")
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

    app.run(guarded)


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

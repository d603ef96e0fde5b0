"""One command for everything: `kinpaint train ...` is `python -m kinpaint.train ...`."""

import ast
import pathlib
import runpy
import sys

from pipelines import cli

ROOT = pathlib.Path(__file__).parent


def commands() -> dict[str, tuple[str, pathlib.Path]]:
    """{command: (module, file)} of all that runs through `cli.run`; nothing is imported."""
    found = {}
    for package in (ROOT, ROOT.parent / "pipelines"):
        for path in sorted(package.rglob("*.py"), key=lambda p: (len(p.parts), p)):
            if path == pathlib.Path(__file__) or "\n    cli.run(main" not in path.read_text():
                continue
            parts = path.relative_to(package).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__main__")
            found[name] = (f"{package.name}.{name}", path)
    return found


def usage() -> str:
    """The commands with the first line of what each says of itself."""
    lines = [__doc__.strip(), "", "kinpaint COMMAND --helpshort shows a command's flags.", ""]
    for name, (_, path) in commands().items():
        about = ast.get_docstring(ast.parse(path.read_text())) or ""
        lines.append(f"  {name:22}{about.splitlines()[0]}")
    return "\n".join(lines)


def main() -> int:
    """Runs the command that the first word names, as `python -m` would."""
    word = sys.argv[1] if len(sys.argv) > 1 else "--help"
    known = commands()
    if word in ("--help", "-h", "--helpshort", "help"):
        print(usage())
        return 0
    if word == "--version":
        import kinpaint

        print(f"kinpaint {kinpaint.__version__}")
        return 0
    if word not in known:
        names = ", ".join(known)
        print(f"error: there is no command {word!r}: write one of {names}", file=sys.stderr)
        return 1
    del sys.argv[1]
    with cli.naming_extras():
        runpy.run_module(known[word][0], run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

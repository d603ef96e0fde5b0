"""Rules of the house that a reader would otherwise have to check by hand."""

import ast
import functools
import re

import pytest

from tests.binaries import ROOT

PACKAGES = ("kinpaint", "pipelines")


def modules(*folders):
    """{path below the root: syntax tree} of all Python files in these folders."""
    paths = sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))
    return {p.relative_to(ROOT).as_posix(): ast.parse(p.read_text()) for p in paths}


@functools.cache
def code():
    return modules(*PACKAGES)


@functools.cache
def all_code():
    return code() | modules("tests")


def nodes(kind):
    """(path, node) of every node of a kind in what is shipped."""
    for path, tree in code().items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node


def imported(tree):
    """Dotted names that a module imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_every_module_opens_with_what_it_is_for():
    silent = [path for path, tree in all_code().items() if not ast.get_docstring(tree)]
    assert not [path for path in silent if (ROOT / path).stat().st_size]


def test_pipelines_never_imports_kinpaint():
    found = [(p, name) for p, tree in modules("pipelines").items() for name in imported(tree)]
    assert not [pair for pair in found if pair[1].split(".")[0] == "kinpaint"]


def test_nothing_shipped_imports_the_tests():
    found = [(p, name) for p, tree in code().items() for name in imported(tree)]
    assert not [pair for pair in found if pair[1].split(".")[0] == "tests"]


def test_only_binaries_read_flags():
    """Flags are read through `cli.read`, `flag`, `refuse` or `adopt`: in a `main` only.

    `cli.read` of flags that `cli.parsed` took from a text reads none of the process.
    """
    readers = {"cli.read", "cli.flag", "cli.refuse", "cli.adopt"}
    for path, tree in code().items():
        mains = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "main"]
        allowed = {id(node) for main in mains for node in ast.walk(main)}
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        allowed |= {id(call.func) for call in calls if len(call.args) == 2}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in readers:
                assert id(node) in allowed, f"{path}:{node.lineno}"
        if path != "pipelines/cli.py":
            assert "absl.flags.FLAGS" not in set(imported(tree)), path
            assert not [n for n in ast.walk(tree) if _is_flags(n)], path


def _is_flags(node):
    return isinstance(node, ast.Attribute) and node.attr == "FLAGS"


def test_every_option_and_field_is_read_somewhere():
    """A field nobody reads, as an attribute, key, argument or in a template, does nothing."""
    templates = [path.read_text() for p in PACKAGES for path in (ROOT / p).rglob("*.j2")]
    read = {name for text in templates for name in re.findall(r"\.(\w+)", text)}
    read |= {n.attr for _, n in nodes(ast.Attribute) if isinstance(n.ctx, ast.Load)}
    read |= {n.arg for _, n in nodes(ast.arg)}
    read |= {n.value for _, n in nodes(ast.Constant) if isinstance(n.value, str)}
    for template in (ROOT / "kinpaint").rglob("*.j2"):
        read |= {*re.findall(r"\.(\w+)", template.read_text())}
    unread = []
    for path, node in nodes(ast.ClassDef):
        if any("dataclass" in ast.unparse(d) for d in node.decorator_list):
            fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
            unread += [f"{path} {name}" for name in fields if name not in read]
    assert not unread


def test_everything_public_is_used_somewhere():
    """A function or class that neither code nor a test names is dead."""
    names = set()
    for path, tree in all_code().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and not path.endswith("__init__.py"):
                names.update(alias.name for alias in node.names)
    dead = []
    for path, tree in code().items():
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name not in names:
                dead.append(f"{path} {node.name}")
    assert not [name for name in dead if not name.endswith("__getattr__")]


def test_every_module_is_reached():
    """A module that no other imports and nobody runs is dead."""
    names = {path: set(imported(tree)) for path, tree in all_code().items()}
    texts = {path: (ROOT / path).read_text() for path in code()}
    named = "".join(texts.values())  # modules that are loaded by name
    for path, text in texts.items():
        module = path.removesuffix(".py").replace("/", ".")
        runs = "\n    cli.run(main" in text or path.endswith(("__init__.py", "__main__.py"))
        users = (p for p, its in names.items() if p != path and _imports(its, module))
        assert runs or any(users) or f'"{module}"' in named, path


def _imports(names, module):
    return any(name == module or name.startswith(f"{module}.") for name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_say_what_is_in_them(package):
    bare = [
        p for p in (ROOT / package).rglob("*.py") if not (p.parent / "__init__.py").exists()
    ]
    assert not bare

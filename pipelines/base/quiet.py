"""TensorFlow's start without its chatter.

Its C++ parts write to stderr while they are imported (which CPU instructions were found,
that there is no GPU), before any setting of theirs is heard. `while_importing` puts a small
process between that stream and the terminal which drops lines of information and lets
everything else through at once, also the last words of a crash.
"""

import contextlib
import importlib.abc
import importlib.machinery
import os
import re
import subprocess
import sys

# "I0000 00:00:1795726897.207461   18509 port.cc:153] oneDNN custom operations are on." and
# what is written before the severity of lines is known; a line of its own goes on from it.
_CHATTER = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] |"
    rb"WARNING: All log messages before absl::InitializeLog|"
    rb"To enable the following instructions:"
)


def is_chatter(line):
    """Whether a line of bytes only informs; errors (E) and fatal ones (F) never do."""
    return bool(_CHATTER.match(line))


def log_level():
    """The least severity that TensorFlow's C++ parts show once loaded, for its environment.

    Errors where there is a GPU. Without one its only error at a start is that, and what
    goes wrong later is raised in Python.
    """
    return "2" if os.path.exists("/dev/nvidiactl") else "3"


def on_import(package):
    """From now on the first import of a package runs without chatter."""
    if package not in sys.modules:
        sys.meta_path.insert(0, _Finder(package))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one package, as the path does, and imports it quietly."""

    def __init__(self, package):
        self._package = package

    def find_spec(self, fullname, path=None, target=None):
        """The spec of the package, its loader wrapped; None of any other."""
        del target
        if fullname != self._package:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None:
            run = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _quietly(run, module)
        return spec


def _quietly(run, module):
    with while_importing():
        run(module)


@contextlib.contextmanager
def while_importing():
    """Within, information on stderr (of C++ too) is dropped, the rest passes."""
    sys.stderr.flush()
    kept = os.dup(2)
    command = [sys.executable, "-S", "-E", __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=kept) as sieve:
        os.dup2(sieve.stdin.fileno(), 2)
        sieve.stdin.close()
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)  # the last writer is gone: the sieve ends
            os.close(kept)


if __name__ == "__main__":
    for line in iter(sys.stdin.buffer.readline, b""):
        if not is_chatter(line):
            os.write(2, line)

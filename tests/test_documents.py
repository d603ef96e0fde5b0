"""The documents can't rot: their commands are run, and every flag they show exists.

Shell blocks of README.md and BUILD_NOTES.md are read as they stand. A command is run
in a scratch folder with a few tiny photographs, one after another, with the flags of
`SMALL` behind it where its binary has them (the last flag wins); what cannot run here is
named in `elsewhere` with its reason, and has its flags checked all the same.
"""

import contextlib
import dataclasses
import functools
import re
import shlex

import numpy as np
import pytest
from PIL import Image

from kinpaint import models
from kinpaint.weights import deepfill, lama
from tests import binaries
from tests.weights import torch_like

DOCUMENTS = ("README.md", "BUILD_NOTES.md")
README = binaries.ROOT / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLAG = re.compile(r"(?<![\w-])--(?:\[no\])?([A-Za-z]\w*)")
# Placeholders of the documents, and what stands there here.
PLACES = {"PHOTOS": "photos", "runs/other": "runs/first", "PREFIX_OR_NPZ": "published.npz"}
SMALL = {
    "batch_size": 2,
    "image_size": 32,
    "limit": 2,
    "limit_cpu_minutes": 1,
    "lpips": "none",
    "per_class": 2,
    "shards": 2,
    "steps": 2,
    "validation_pictures": 2,
}
FOR = {
    "kinpaint.train": {
        "model": "gated(width=4)",
        "checkpoint_every": 2,
        "warmup_steps": 0,
    },
    "pipelines.build": {"level": 1},
    "pipelines.shard": {"level": 1},
}
EXCUSES = {
    "kinpaint.ablate": "trains for hours, even small; its own tests run it",
    "kinpaint.demo": "serves until it is stopped; its own tests open it",
    "kinpaint.metrics.lpips_weights": "downloads",
    "kinpaint.report": "gathers the study that is not run; its own tests run it",
}
# Flags in the documents that belong to other programs.
FOREIGN = {
    "allow_version_labels_for_unavailable_models",
    "batching_parameters_file",
    "enable_batching",
    "flink_master",
    "grpc_max_threads",
    "help",
    "helpshort",
    "flagfile",
    "logdir",
    "model_config_file",
    "rest_api_timeout_in_ms",
    "runner",
}


@dataclasses.dataclass(frozen=True)
class Command:
    """One command of a document: where it stands, its words, what is set before it."""

    place: str
    words: tuple
    environment: tuple = ()

    @property
    def module(self):
        """What `python -m` runs; "" of other commands."""
        return self.words[2] if self.words[:2] == ("python", "-m") else ""

    @property
    def elsewhere(self):
        """Why it is not run here; "" if it is."""
        if not self.module:
            return f"{self.words[0]} is not ours"
        if self.module not in binaries.names():
            return "run by hand"
        if "..." in " ".join(self.words):
            return "shortened in the document"
        if self.environment:
            return "needs several hosts"
        if self.module in EXCUSES:
            return EXCUSES[self.module]
        if "--beam=--runner=FlinkRunner" in self.words:
            return "needs a cluster"
        return ""


def commands(document):
    """The commands in the shell blocks of a document, in order."""
    text = (binaries.ROOT / document).read_text()
    for block in BLOCK.finditer(text):
        if block[1] not in ("sh", "bash"):
            continue
        line = text[: block.start()].count("\n") + 2
        for row in block[2].replace("\\\n", " ").splitlines():
            words = shlex.split(row, comments=True)
            before = [word for word in words[:1] if re.match(r"[A-Z_]+=", word)]
            if words and not words[0].startswith("-"):
                place = f"{document}:{line}"
                yield Command(place, tuple(words[len(before) :]), tuple(before))


ALL = [command for document in DOCUMENTS for command in commands(document)]
OURS = [command for command in ALL if command.module in binaries.names()]


@functools.cache
def defined():
    """{module: names of its flags}."""
    with pytest.MonkeyPatch.context() as patch:
        return {
            name: {
                field.name
                for group in binaries.options_of(name, patch)
                for field in dataclasses.fields(group)
            }
            for name in binaries.names()
        }


@pytest.mark.parametrize("command", OURS, ids=lambda c: f"{c.place} {c.module}")
def test_a_command_gives_flags_that_its_binary_has(command):
    for word in command.words[3:]:
        if word.startswith("--"):
            name = word[2:].partition("=")[0]
            known = defined()[command.module] | {"flagfile", "help", "helpshort"}
            assert name in known or name.removeprefix("no") in known, word


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_flag_in_a_document_exists(document):
    text = (binaries.ROOT / document).read_text()
    known = set().union(*defined().values()) | FOREIGN | _of_benchmarks()
    shown = set(FLAG.findall(text))
    assert not {name for name in shown - known if name.removeprefix("no") not in known}


def _of_benchmarks():
    """Flags of the programs in tests/benchmarks and tools that the documents name."""
    texts = [p.read_text() for p in (binaries.ROOT / "tests/benchmarks").glob("*.py")]
    named = {name for text in texts for name in FLAG.findall(text)}
    return named | {"no_sign_request"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_links_to_are_there(document):
    text = (binaries.ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert not [link for link in links if not (binaries.ROOT / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_that_a_document_names_can_be_run(document):
    text = (binaries.ROOT / document).read_text()
    for module in set(re.findall(r"python -m ((?:kinpaint|pipelines|tests)[\w.]*\w)", text)):
        path = binaries.ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_python_in_the_documents_is_python():
    for document in DOCUMENTS:
        for kind, text in BLOCK.findall((binaries.ROOT / document).read_text()):
            if kind == "python":
                compile(text, document, "exec")


def photographs(folder, count, side):
    """Smooth coloured noise as JPEGs in two classes."""
    for k in range(count):
        coarse = np.random.default_rng(k).integers(0, 256, (7, 9, 3), np.uint8)
        path = folder / ("cats", "birds")[k % 2] / f"{k}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(path)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder in which the placeholders of the documents exist."""
    folder = tmp_path_factory.mktemp("documents")
    photographs(folder / "photos", 30, 64)
    photo = np.asarray(Image.open(folder / "photos/cats/0.jpg"))
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:40, 20:40] = 255
    for name in ("hole.png", "mask.png"):
        Image.fromarray(mask).save(folder / name)
    Image.fromarray(photo).save(folder / "photo.jpg")
    (folder / "masks").mkdir()
    for path in (folder / "photos").rglob("*.jpg"):
        place = folder / "masks" / path.relative_to(folder / "photos").with_suffix(".png")
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(mask).save(place)
    network = models.build("gated")
    arrays = {
        name: piece.variable.numpy()
        for name, piece in deepfill.NAMING.pieces(network, ()).items()
    }
    np.savez(folder / "published.npz", **arrays)
    small = lama.NAMING.pieces(models.build("lama", width=4, blocks=1), ())
    drawn = {name: np.full(piece.shape, 0.1, "float32") for name, piece in small.items()}
    torch_like.save_torchscript(
        folder / "big-lama.pt", {f"generator.{name}": array for name, array in drawn.items()}
    )
    for name in ("kinpaint", "docs"):  # flagfiles are named from the root of the project
        (folder / name).symlink_to(binaries.ROOT / name)
    return folder


@pytest.fixture(scope="module")
def services():
    """A web service of this machine for commands that would ask the world's."""
    from tests.pipelines.fake_inaturalist import FakeINaturalist

    with FakeINaturalist() as fake:
        yield {"api_url": f"{fake.url}/v2", "photo_url": fake.url, "interval_s": 0.01}


@pytest.fixture(scope="module")
def runner():
    return binaries.Runner()


@contextlib.contextmanager
def served(words, scratch):
    """The words with the address of a stub server in place of the documents' own."""
    if not any("localhost:" in word for word in words):
        yield words
        return
    from kinpaint.serving.stub_server import StubServer

    with contextlib.closing(StubServer(scratch / "saved_models/first")) as server:
        address = {"http": server.rest_url, "grpc": server.grpc_url}
        pattern = r"(http|grpc)://localhost:\d+/first"
        yield [re.sub(pattern, lambda found: address[found[1]], word) for word in words]


def shrunk(command, services):
    """The words that are run: placeholders replaced, small settings behind."""
    words = list(command.words[2:])
    for there, here in PLACES.items():
        words = [re.sub(rf"(?<![\w/]){re.escape(there)}(?!\w)", here, word) for word in words]
    small = SMALL | services | FOR.get(command.module, {})
    given = defined()[command.module]
    return words + [f"--{name}={value}" for name, value in small.items() if name in given]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [command for command in OURS if not command.elsewhere],
    ids=lambda c: f"{c.place} {c.module}",
)
def test_a_command_runs_as_documented(command, scratch, services, runner):
    """In the order of the documents: a command finds what those before it wrote."""
    with served(shrunk(command, services), scratch) as words:
        code, printed = runner(words, scratch)
    assert code == 0, f"{shlex.join(words)}\n{printed[-3000:]}"
    assert "Traceback" not in printed


@pytest.mark.slow
def test_python_of_the_readme_runs_on_what_the_commands_made(scratch, monkeypatch):
    if not (scratch / "saved_models/first").exists():
        pytest.skip("the commands were not run: choose the whole file")
    monkeypatch.chdir(scratch)
    picture = np.asarray(Image.open("photo.jpg"))
    names = {"image": picture, "mask": np.asarray(Image.open("hole.png"))}
    (text,) = (t for kind, t in BLOCK.findall(README.read_text()) if kind == "python")
    exec(compile(text, "README.md", "exec"), names)
    assert names["filled"].shape == picture.shape


def test_what_is_not_run_is_known():
    """A new command is run, or excused here by name."""
    reasons = {command.elsewhere for command in ALL} - {""}
    assert reasons <= {
        "curl is not ours", "docker is not ours", "make is not ours", "tensorboard is not ours",
        *EXCUSES.values(),
        "run by hand", "shortened in the document", "needs several hosts", "needs a cluster",
    }  # fmt: skip
    assert sum(not command.elsewhere for command in OURS) >= 12

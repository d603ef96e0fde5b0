"""A few hundred damaged files a reader; `python -m tests.benchmarks.fuzz` reads 10,000."""

import pytest

from tests import fuzzing

STEP = 40
MOVING = ("moving.gif", "moving.webp")
UNREADABLE = {  # whole files that a reader refuses
    *((reader, name) for reader in ("complete.read", "complete.mask") for name in MOVING),
    # What TensorFlow does not read: TIFF, AVIF, WebP with alpha or frames.
    *(
        (reader, name)
        for reader in fuzzing.GRAPHS
        for name in ("colour.tiff", "deep.tiff", "colour.avif", "lossless.webp", "moving.webp")
    ),
    ("torch_files", "weights.npz"),
}


@pytest.fixture(scope="module")
def fuzz():
    return fuzzing.Fuzz()


@pytest.mark.parametrize("first", range(0, 400, STEP))
def test_damaged_files_are_read_or_refused_in_words(fuzz, first):
    counts = fuzz.run(range(first, first + STEP))
    assert any(outcome == "refused" for _, outcome in counts)


def test_whole_files_pass_every_reader(fuzz, tmp_path):
    """What is refused above is refused for its damage: the files themselves are read."""
    for kind, group in fuzz.files:
        for name, data in group:
            path = tmp_path / name
            path.write_bytes(data)
            for label, reader in fuzz.readers(kind, name).items():
                if (label, name) not in UNREADABLE:
                    reader.read(path)


def test_inputs_are_numbered_and_damaged(fuzz):
    again = fuzzing.Fuzz()
    whole = {data for _, group in fuzz.files for _, data in group}
    inputs = [fuzz.input_of(n) for n in range(200)]
    assert inputs == [again.input_of(n) for n in range(200)]
    assert sum(data in whole for *_, data in inputs) < 10
    assert len({name for _, name, _ in inputs}) > 15

"""What report.html owes its reader: the files' figures, allowed pictures only, no requests."""

import csv
import fnmatch
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kinpaint.evaluation.pages import number
from kinpaint.metrics import aggregate
from kinpaint.models import MODELS
from kinpaint.reporting import ladder, runs
from kinpaint.reporting.evaluations import Evaluation
from kinpaint.reporting.sections import method
from pipelines.base.errors import UserError
from tests.reporting import html
from tests.reporting.conftest import CREDIT, HOSTILE, SHOWN


def metrics(scored):
    return json.loads((scored / "metrics.json").read_text())


def test_figures_of_the_tables_are_those_of_the_json(page, scored, study):
    reader = html.read(page(ablation=(str(study),)))
    models = metrics(scored)["models"]
    table = next(t for t in reader.tables if t[0][0] == ["model"] and len(t) == 1 + len(models))
    ordered = Evaluation(str(scored)).metrics
    for (name, *_), *cells in table[1:]:
        assert len(cells) == len(ordered)
        for metric, (text, *small) in zip(ordered, cells, strict=True):
            entry = models[name][metric]
            low, high = entry["ci95"]
            assert [text, *small] == [
                number(entry["mean"]),
                f"{number(low)} … {number(high)}",
            ], (name, metric)
    variants = json.loads((study / "ablation.json").read_text())["variants"]
    table = next(t for t in reader.tables if t[0][0] == ["variant"])
    for row in table[1:]:
        variant = variants[row[0][0]]
        assert row[2] == ["12.3 k"] and row[3] == ["6.7 M"]
        entry = variant["metrics"]["psnr_hole"]
        assert row[7][0] == number(entry["mean"])
        if versus := variant["versus_base"]:
            low, high = versus["psnr_hole"]["ci95"]
            figures = [
                number(versus["psnr_hole"]["difference"]),
                f"{number(low)} … {number(high)}",
            ]
            assert row[8] == figures


def holes(scored):
    lines = (scored / "holes.jsonl").read_text().splitlines()[1:]
    return {row["index"]: row["image"] for row in map(json.loads, lines)}


def true_pictures(scored, allowed):
    """Bytes of the true pictures whose names may (not) be shown."""
    found = {}
    for index, image in holes(scored).items():
        shown = any(fnmatch.fnmatchcase(image.split("/")[-1], p) for p in SHOWN)
        if shown == allowed:
            path = scored / "pictures" / "truth" / f"{index:06d}.png"
            found[image] = np.asarray(Image.open(path).convert("RGB")).tobytes()
    return found


def test_only_pictures_that_may_be_shown_are_in_the_page(page, scored):
    allowed, forbidden = (true_pictures(scored, wanted) for wanted in (True, False))
    assert len(allowed) == 4 and len(forbidden) == 4

    def embedded(**changes):
        return {array.tobytes() for array in html.pictures(html.read(page(**changes)))}

    here = embedded()
    assert set(allowed.values()) <= here and not set(forbidden.values()) & here
    assert set(forbidden.values()) <= embedded(show=("*",))  # the planted ones would be seen
    assert not embedded(show=(), credit=())


def test_the_page_asks_for_nothing_and_runs_nothing(page, trained, study, tmp_path):
    text = tmp_path / "text"
    text.mkdir()
    (text / "method.md").write_text(
        "Ours <script>alert(3)</script> ![p](http://evil.example/p.png) "
        "[x](javascript:alert(4)) [paper](https://example.org/paper)"
    )
    everything = page(
        run=(str(trained),),
        ablation=(str(study),),
        story=str(trained),
        text=str(text),
        title="</title><script>alert(2)</script>",
    )
    reader = html.read(everything)
    assert all(a.startswith("data:image/") for a in reader.addresses) and not reader.scripts
    assert "https://example.org/paper" in reader.links  # followed by a person, if at all
    assert not [link for link in reader.links if link.startswith("javascript")]
    assert "@import" not in everything and "url(" not in everything.replace("url(#", "")
    said = "".join(reader.text)
    for words in ("alert(2)", "alert(3)", HOSTILE):  # shown as text
        assert words in said


def test_what_was_not_given_is_named(page, trained):
    bare = "".join(html.read(page(show=(), credit=())).text)
    for flag in ("--run", "--ablation", "--explore", "--explain", "--story", "--show"):
        assert f"(no {flag})" in bare
    assert "No photograph is shown." in bare
    more = "".join(html.read(page(run=(str(trained),), story=str(trained))).text)
    assert "(no --run)" not in more and "(no --story)" not in more
    assert "(no --explain)" in more and CREDIT[0] in more


def test_a_ladder_that_falls_is_said_to(page, scored):
    said = "".join(html.read(page()).text)
    assert "The ladder is not monotone in PSNR in the hole: gated scores below cnn." in said
    evaluation = Evaluation(str(scored))
    pair = aggregate.paired(
        evaluation.scores["gated"]["psnr_hole"],
        evaluation.scores["cnn"]["psnr_hole"],
        "psnr_hole",
    )
    recorded = evaluation.pair("gated", "cnn", "psnr_hole")  # the file has cnn before gated
    assert pair["mean"] == pytest.approx(recorded["mean"], rel=1e-4)
    assert pair["ci95"] == pytest.approx(recorded["ci95"], rel=1e-4)
    told = f"gated after cnn: {pair['mean']:.2f} dB".replace("-", "\N{MINUS SIGN}")
    assert told in said and pair["ci95"][1] < 0


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (
            "psnr_hole",
            "The ladder is monotone in PSNR in the hole: every step's interval is above",
        ),
        ("l1_hole", "The ladder is not monotone in L1 in the hole: cnn scores above mlp."),
    ],
)
def test_a_ladder_knows_which_way_is_up(metric, said):
    values = {"mlp": np.linspace(1.0, 2.0, 20), "cnn": np.linspace(1.5, 2.6, 20)}
    rungs = [ladder.Rung(name, name, {}, v) for name, v in values.items()]
    assert ladder.Ladder(rungs, metric, "", None).sentences()[0].startswith(said)
    turned = ladder.Ladder(rungs[::-1], "l1_hole", "", None)
    assert turned.sentences()[0].endswith("every step's interval is below zero.")


def test_a_run_that_has_only_begun_is_no_obstacle(page, trained, tmp_path):
    run = tmp_path / "begun"
    run.mkdir()
    shutil.copy(trained / "flags.txt", run)
    (run / "history.jsonl").touch()
    said = "".join(html.read(page(run=(str(run),))).text)
    assert "Trained for 0 minutes of CPU time" in said and "not finished: begun" in said


def test_errors_are_related_to_the_photos_complexity(page, scored, tmp_path):
    directory = tmp_path / "explored"
    directory.mkdir()
    facts = {"1 Totals": {"files": 8, "bytes": 4_000_000, "unreadable": ["x"]}}
    (directory / "report.json").write_text(json.dumps(facts))
    scores = Evaluation(str(scored)).scores["cnn"]["psnr_hole"]
    with open(directory / "photos.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "complexity"])
        for index, image in holes(scored).items():  # complexity falls as the score rises
            writer.writerow([image, -scores[index]])
    reader = html.read(page(explore=str(directory)))
    table = next(t for t in reader.tables if t[0][0] == ["measure"])
    row = next(row for row in table if row[0] == ["complexity of the whole photo"])
    assert row[1] == ["+1.00"]
    assert "8 photographs (4 MB) were explored. Found: 1 unreadable file." in "".join(
        reader.text
    )


def test_own_text_takes_the_place_of_the_generated_one(page, tmp_path):
    (tmp_path / "limits.md").write_text("# Ours\n\n- Only *cats*.\n- Never dogs.\n")
    said = "".join(html.read(page(text=str(tmp_path))).text)
    assert "Only cats." in said and "The intervals are over pictures" not in said
    assert "The intervals are over pictures" in "".join(html.read(page()).text)


def test_the_story_is_the_runs_pictures(page, trained):
    frames = html.film(html.read(page(story=str(trained))))
    assert len(frames) == 3  # steps 2, 4, 6
    assert all((a != b).any() for a, b in zip(frames, frames[1:], strict=False))
    story = runs.film(runs.Run(trained))
    assert [label.split()[1] for label in story.labels] == ["2", "4", "6"]
    top, middle, bottom = np.array_split(np.asarray(story.frames[-1], int), 3)
    assert np.abs(middle[:32] - bottom[:32]).mean() < np.abs(top[:32] - bottom[:32]).mean()
    lines = map(json.loads, (trained / "history.jsonl").read_text().splitlines())
    last = [line["val_psnr_hole"] for line in lines if "val_psnr_hole" in line][-1]
    assert story.labels[-1].endswith(f"{last:.2f} dB")


def test_explanations_show_allowed_photos_and_no_training_patches(page, tmp_path):
    figures = tmp_path / "explained" / "figures"
    figures.mkdir(parents=True)
    planted = {}
    entries = []
    for k, image in enumerate(("animals/chelsea_001.jpg", "people/astronaut_000.jpg")):
        entry = {"name": f"p{k}", "image": image, "figures": {}}
        for section in ("dependence", "nearest"):
            planted[k, section] = np.full((8, 20, 3), 10 * k + len(section), np.uint8)
            path = f"figures/p{k}_{section}.png"
            Image.fromarray(planted[k, section]).save(tmp_path / "explained" / path)
            entry["figures"][section] = [path]
        entry["dependence"] = {"block_px": 4, "occlusion": {"radius90_px": 2.0 + 4.0 * k}}
        entries.append(entry)
    (tmp_path / "explained" / "explain.json").write_text(json.dumps({"pictures": entries}))
    reader = html.read(page(explain=(str(tmp_path / "explained"),)))
    shown = {array.tobytes() for array in html.pictures(reader)}
    there = {key for key, array in planted.items() if array.tobytes() in shown}
    assert there == {(0, "dependence")}
    row = next(r for t in reader.tables for r in t if "radius of 90 %" in r[0][0])
    assert [cell[0] for cell in row[1:]] == ["4.000", "2.000", "6.000"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"out_dir": ""}, "--out_dir"),
        ({"eval": ()}, "--eval=DIR"),
        ({"eval": ("nowhere",)}, "nowhere has no metrics.json"),
        ({"ablation": ("list",)}, "list has no readable ablation.json"),
        ({"run": ("nowhere",)}, "nowhere has no flags.txt"),
        ({"ablation": ("nowhere",)}, "nowhere has no readable ablation.json"),
        ({"explain": ("nowhere",)}, "nowhere has no readable explain.json"),
        ({"explore": "nowhere"}, "run pipelines.explore"),
        ({"story": "nowhere"}, "nowhere has no flags.txt"),
        ({"text": "nowhere"}, "--text=nowhere"),
        ({"credit": ()}, "--credit"),
    ],
)
def test_bad_settings_are_told_in_one_line(changes, said, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("list").mkdir()
    pathlib.Path("list/ablation.json").write_text("[]")
    with pytest.raises(UserError) as error:
        page(**changes)
    assert said in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_two_evaluations_of_one_name_are_refused(page, scored):
    with pytest.raises(UserError, match="label="):
        page(eval=(f"a={scored}", f"a={scored}"))


def test_the_command_answers_and_fails_in_one_line(tmp_path):
    command = [sys.executable, "-m", "kinpaint.report"]
    done = subprocess.run([*command, f"--out_dir={tmp_path}"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert [line for line in done.stderr.splitlines() if line.startswith("error: nothing was")]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_network_is_told_of_in_whole_sentences(name):
    told = method._about(name)
    assert told.endswith(".") and told.count('"') % 2 == 0
    assert not any(part[0].islower() for part in told.split(". "))

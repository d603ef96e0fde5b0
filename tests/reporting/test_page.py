"""What report.html owes its reader: the files' figures, allowed pictures only, no requests."""

import csv
import dataclasses
import fnmatch
import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from kinpaint import models
from kinpaint.evaluation.figures import Figures, rank_interval, verdict
from kinpaint.evaluation.table import ScoreTable
from kinpaint.metrics import aggregate, registry
from kinpaint.reporting import chapters, networks, sources
from pipelines.base.errors import UserError
from tests.reporting import html
from tests.reporting.conftest import CREDIT, HOSTILE, SHOWN


def metrics(scored):
    return json.loads((scored / "metrics.json").read_text())


def said(text):
    return " ".join("".join(html.read(text).text).split())


def test_figures_of_the_tables_are_those_of_the_json(page, scored, study):
    reader = html.read(page(ablation=(str(study),)))
    found = metrics(scored)["models"]
    tables = [t for t in reader.tables if t[0][0] == ["model"] and len(t) == 1 + len(found)]
    table = max(tables, key=lambda t: len(t[0]))  # the appendix has every metric
    had = [m for m in registry.METRICS if found["cnn"].get(m, {}).get("mean") is not None]
    assert len(table[0]) == 1 + len(had)
    for (name, *_), *cells in table[1:]:
        for metric, (text, *small) in zip(had, cells, strict=True):
            digits, entry = registry.of(metric).digits, found[name][metric]
            ends = " … ".join(map(digits, entry["ci95"]))
            assert [text, *small] == [digits(entry["mean"]), ends], (name, metric)
    variants = json.loads((study / "ablation.json").read_text())["variants"]
    table = next(t for t in reader.tables if t[0][0] == ["variant"])
    for row in table[1:]:
        variant = variants[row[0][0]]
        assert ["12.3 k"] in row and ["6.7 M"] in row
        assert row[1][0] == f"{variant['metrics']['psnr_hole']['mean']:.2f}"


def images(scored):
    lines = (scored / "holes.jsonl").read_text().splitlines()[1:]
    return {row["index"]: row["image"] for row in map(json.loads, lines)}


def true_pictures(scored, allowed):
    """{photo: bytes} of the kept true pictures whose names may (not) be shown."""
    found = {}
    for path in sorted((scored / "gallery" / "truth").glob("*.png")):
        image = images(scored)[int(path.stem)]
        shown = any(fnmatch.fnmatchcase(image.split("/")[-1], p) for p in SHOWN)
        if shown == allowed:
            found[image] = np.asarray(Image.open(path).convert("RGB")).tobytes()
    return found


def test_only_pictures_that_may_be_shown_are_in_the_page(page, scored):
    allowed, forbidden = (true_pictures(scored, wanted) for wanted in (True, False))
    assert len(allowed) == 4 and len(forbidden) == 4

    def embedded(**changes):
        return {array.tobytes() for array in html.pictures(html.read(page(**changes)))}

    here = embedded()
    assert set(allowed.values()) & here and not set(forbidden.values()) & here
    assert set(forbidden.values()) & embedded(show=("*",))  # the planted ones would be seen
    assert not embedded(show=("nothing_*",))
    assert embedded(show=(), credit=())  # one's own folder: pictures by default


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
    assert "alert(2)" in said(everything) and "alert(3)" in said(everything)  # shown as text


def test_what_was_not_given_is_named(page, trained):
    bare = said(page(show=("none",)))
    for flag in ("--run", "--ablation", "--explore", "--explain"):
        assert f"({flag})" in bare
    more = said(page(run=(str(trained),)))
    assert "(--run)" not in more and "(--explain)" in more and CREDIT[0] in more


def test_the_runs_behind_the_scored_models_are_found(scored, trained, options):
    data = metrics(scored)
    data["settings"]["models"]["cnn"]["source"] = f"{trained}:ema"
    figures = Figures(data)
    evaluation = sources.Evaluation("e", figures, scored, None, None)
    (run,) = sources._runs((), [evaluation])
    assert (run.label, run.dir) == ("cnn", trained) and run.step == 6


def test_a_ladder_that_falls_is_said_to(page, scored):
    table = ScoreTable.load(scored / "per_image.csv")
    columns = [table.column(name, "psnr_hole") for name in ("gated", "cnn")]
    pair = aggregate.paired(*columns, "psnr_hole")
    assert pair["ci95"][1] < 0
    told = f"gated is worse than cnn by {abs(pair['mean']):.2f} dB"
    assert f"The ladder does not rise throughout: {told}" in said(page())


@pytest.mark.parametrize(
    ("metric", "lead", "told"),
    [
        ("psnr_hole", 0.5, "The ladder rises with every step, beyond chance."),
        ("l1_hole", 0.5, "The ladder does not rise throughout: cnn is worse than mlp by"),
        ("l1_hole", -0.5, "The ladder rises with every step, beyond chance."),
        ("psnr_hole", 0.0, "No step of the ladder falls, but some are not told apart."),
    ],
)
def test_a_ladder_knows_which_way_is_up(metric, lead, told):
    values = {"mlp": np.random.default_rng(0).normal(20, 1, 30)}
    values["cnn"] = values["mlp"] + lead + np.linspace(-0.2, 0.2, 30)

    def pair(first, second):
        return aggregate.paired(values[first], values[second], metric)

    entries = {name: aggregate.summarise(v[:, None])[0] for name, v in values.items()}
    ladder = chapters.Ladder(entries, registry.of(metric), pair, "mlp", "", None)
    assert ladder.sentences()[0].startswith(told)


def figures_of(ours, theirs):
    """Figures of one trained and one classical model with these values."""
    pair = aggregate.paired(ours, theirs, "psnr_hole")
    entries = [aggregate.summarise(v[:, None])[0] for v in (ours, theirs)]
    names = {"ours": "runs/a", "telea": "baseline:telea"}
    return Figures(
        {
            "settings": {
                "rank_by": "psnr_hole",
                "models": {name: {"source": source} for name, source in names.items()},
            },
            "models": {n: {"psnr_hole": e} for n, e in zip(names, entries, strict=True)},
            "paired": [
                {"first": "telea", "second": "ours", "metrics": {"psnr_hole": flip(pair)}}
            ],
        }
    )


def flip(pair):
    low, high = pair["ci95"]
    return {**pair, "mean": -pair["mean"], "ci95": [-high, -low]}


@pytest.mark.parametrize(
    ("lead", "way", "told"),
    [(1.0, "better", "better than telea"), (-1.0, "worse", "no trained model reaches telea")],
)
def test_a_clear_lead_is_said_with_its_interval(lead, way, told):
    base = np.random.default_rng(1).normal(20, 3, 40)
    figures = figures_of(base + lead + np.linspace(-0.1, 0.1, 40), base)
    assert figures.verdict("ours", "telea", "psnr_hole") == way
    sentence = figures.headline("psnr_hole")
    assert told in sentence and "1.00 dB (0.98 to 1.02)" in sentence


def test_where_the_interval_holds_zero_nobody_wins():
    rng = np.random.default_rng(2)
    base = rng.normal(20, 3, 40)
    figures = figures_of(base + rng.normal(0.05, 1, 40), base)
    assert "is not told apart from telea" in figures.headline("psnr_hole")
    assert figures.top("psnr_hole") == []  # both or none: a mark on all would say nothing
    table = figures.score_table(["psnr_hole"], "x")
    assert not any(cell.best for row in table.rows for cell in row)


def test_a_difference_without_interval_decides_nothing():
    assert verdict({"mean": 3.0, "ci95": None}, "psnr") == "open" == verdict(None, "psnr")
    assert verdict({"mean": 3.0, "ci95": [1.0, 5.0]}, "l1") == "worse"


def test_the_interval_of_a_rank_correlation_covers_it():
    rng = np.random.default_rng(3)
    covered, n, rho = 0, 60, 0.5
    truth = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of a normal pair
    for _ in range(400):
        x, noise = rng.normal(size=(2, n))
        r = stats.spearmanr(x, rho * x + np.sqrt(1 - rho**2) * noise).statistic
        low, high = rank_interval(r, n)
        covered += low <= truth <= high
    assert 0.91 <= covered / 400 <= 0.98
    assert rank_interval(None, 60) is None and rank_interval(0.9, 5) is None


def test_a_run_that_has_only_begun_is_no_obstacle(page, trained, tmp_path):
    run = tmp_path / "begun"
    run.mkdir()
    shutil.copy(trained / "flags.txt", run)
    (run / "history.jsonl").touch()
    reader = html.read(page(run=(f"ours={run}",)))
    row = next(r for t in reader.tables for r in t if r[0] == ["ours"])
    assert row[-2:] == [["0"], ["–"]]


def test_errors_are_related_to_the_photos_complexity(scored, options, tmp_path):
    gathered = sources.gather(options)
    evaluation = gathered.evaluations[0]
    values = evaluation.table.column("cnn", "psnr_hole")
    names = [f"photo{k}" for k in range(20)]
    evaluation.table.pictures["image"] = names
    worse = np.argsort(np.argsort(-np.resize(values, 20) + 1e-6 * np.arange(20)))
    photos = [
        {"path": n, "complexity": str(float(w))} for n, w in zip(names, worse, strict=True)
    ]
    table = ScoreTable(
        ["cnn"], ["psnr_hole"], {"image": names}, np.resize(values, 20).reshape(20, 1, 1)
    )
    gathered = dataclasses.replace(gathered, photos=photos)
    evaluation = dataclasses.replace(evaluation, table=table)
    found = chapters._complexity(gathered, evaluation, "cnn")
    assert found["complexity of the whole photograph"] == (pytest.approx(1.0, abs=0.05), 20)


def test_the_exploration_is_told(page, tmp_path):
    directory = tmp_path / "explored"
    directory.mkdir()
    facts = {
        "1 Totals": {"files": 8, "unreadable": ["x"]},
        "2 Balance": {"classes": {"cats": 8}, "splits": {"cats": {"train": 6, "val": 2}}},
    }
    (directory / "report.json").write_text(json.dumps(facts))
    with open(directory / "photos.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "class", "brightness", "spatial_information"])
        writer.writerows([[f"cats/{k}.jpg", "cats", 100 + k, 40 + k] for k in range(8)])
    told = said(page(explore=str(directory)))
    assert "The data are 8 photographs: 8 cats." in told and "1 unreadable file" in told
    assert "A map of the classes" in told


def test_own_text_takes_the_place_of_the_generated_one(page, tmp_path):
    (tmp_path / "limits.md").write_text("# Ours\n\n- Only *cats*.\n- Never dogs.\n")
    told = said(page(text=str(tmp_path)))
    assert "Only cats." in told and "The intervals are over pictures" not in told
    assert "The intervals are over pictures" in said(page())
    (tmp_path / "limit.md").touch()
    with pytest.raises(UserError, match="no chapter for limit.md"):
        page(text=str(tmp_path))


def test_the_story_is_the_runs_pictures(page, trained):
    frames = html.film(html.read(page(story=str(trained))))
    assert len(frames) == 3  # steps 2, 4, 6
    assert all((a != b).any() for a, b in zip(frames, frames[1:], strict=False))
    story = sources.read_run(str(trained)).film()
    assert [label.split()[1] for label in story.labels] == ["2", "4", "6"]
    top, middle, bottom = np.array_split(np.asarray(story.frames[-1], int), 3)
    assert np.abs(middle[:32] - bottom[:32]).mean() < np.abs(top[:32] - bottom[:32]).mean()
    lines = map(json.loads, (trained / "history.jsonl").read_text().splitlines())
    last = [line["val_psnr_hole"] for line in lines if "val_psnr_hole" in line][-1]
    assert story.labels[-1].endswith(f"{last:.2f} dB")


def test_explanations_show_allowed_photos_and_no_training_patches(page, tmp_path):
    figures = tmp_path / "explained" / "figures"
    figures.mkdir(parents=True)
    planted, entries = {}, []
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
    ("changes", "told"),
    [
        ({"out_dir": ""}, "--out_dir"),
        ({"eval": ()}, "--eval=DIR"),
        ({"eval": ("nowhere",)}, "nowhere has no metrics.json"),
        ({"eval": ("list/ablation.json",)}, "list/ablation.json"),
        ({"ablation": ("list",)}, "list/ablation.json"),
        ({"run": ("nowhere",)}, "nowhere has no flags.txt"),
        ({"ablation": ("nowhere",)}, "nowhere/ablation.json"),
        ({"explain": ("nowhere",)}, "nowhere/explain.json"),
        ({"explore": "nowhere"}, "run pipelines.explore"),
        ({"story": "nowhere"}, "nowhere has no flags.txt"),
        ({"text": "nowhere"}, "--text=nowhere"),
        ({"credit": ()}, "--credit"),
    ],
)
def test_bad_settings_are_told_in_one_line(changes, told, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("list").mkdir()
    pathlib.Path("list/ablation.json").write_text("[]")
    with pytest.raises(UserError) as error:
        page(**changes)
    assert told in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_figures_alone_make_a_report_too(page, scored, tmp_path):
    shutil.copy(scored / "metrics.json", tmp_path / "elsewhere.json")
    both = page(eval=(f"first={scored}", str(tmp_path / "elsewhere.json")))
    assert "Scores: elsewhere" in said(both) and "in every setting" in said(both)
    alone = html.read(page(eval=(str(tmp_path / "elsewhere.json"),)))
    assert not html.pictures(alone)


def test_two_evaluations_of_one_name_are_refused(page, scored):
    with pytest.raises(UserError, match="label="):
        page(eval=(f"a={scored}", f"a={scored}"))


def test_the_command_answers_and_fails_in_one_line(tmp_path):
    command = [sys.executable, "-m", "kinpaint.report"]
    done = subprocess.run([*command, f"--out_dir={tmp_path}"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert [line for line in done.stderr.splitlines() if line.startswith("error: nothing was")]
    assert "Traceback" not in done.stderr


def test_a_network_is_drawn_as_it_is():
    parameters, layers = networks.traced("cnn(width=4, depth=3)", 64)
    assert parameters == models.build("cnn", width=4, depth=3).count_params()
    sides = [layer.side for layer in layers]
    assert min(sides) == 64 // 2**3 and sides[0] == sides[-1] == 64
    assert layers[0].channels == 4 and layers[-1].channels == 3
    _, gated = networks.traced("gated(width=4)", 64)
    assert {"gated convolution", "attention"} <= {layer.kind for layer in gated}


def test_one_model_has_one_colour_in_every_chart(page, scored, tmp_path):
    data = metrics(scored)
    turned = dict(reversed(data["models"].items()))
    (tmp_path / "other.json").write_text(json.dumps({**data, "models": turned}))
    specs = (f"a={scored}", str(tmp_path / "other.json"))
    found = sources._coloured([sources._evaluation(spec, ()) for spec in specs])
    first, second = (e.figures.styles for e in found)
    assert first == second and len({tuple(s.items()) for s in first.values()}) == len(first)


def test_captions_end_and_tables_are_named(page, study):
    text = page(ablation=(str(study),))
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text, re.DOTALL)
    assert captions and all(c.rstrip().endswith(".") and len(c.split()) > 4 for c in captions)


def test_names_of_photographs_are_text_on_the_evaluations_page(scored):
    text = (scored / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in text and HOSTILE in said(text)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off(page, scored, study, trained, tmp_path, width):
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed"
    )
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("chromium is not installed")
    report = tmp_path / "report.html"
    report.write_text(page(ablation=(str(study),), run=(str(trained),)), encoding="utf-8")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": 800})
        for path in (report, scored / "report.html"):
            tab.goto(path.as_uri())
            tab.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            assert tab.evaluate("document.documentElement.scrollWidth") == width
            cut = tab.evaluate(
                "[...document.querySelectorAll('table, svg, img')].filter("
                "e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)"
            )
            assert not cut
        browser.close()

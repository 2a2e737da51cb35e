"""The page of `compare --html`: what it holds, that it is one file, and that its figures answer."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_helpers import shown, swept, trained
from try_it_browser import OUTPUTS, SECTION, SETTLED, TRY, Browser

from mnistlab.experiment.model import load_model
from mnistlab.pages import comparison_page
from mnistlab.pages.comparison_page import write_comparison_page
from mnistlab.store.browse.selection import groups_of, selected, sorted_runs
from mnistlab.store.metrics import read_metrics
from mnistlab.store.predictions import read_predictions
from mnistlab.support.errors import DataError, UsageError
from tools import chromium
from tools.many_runs import many_runs

SWEEP = """\
name: seeds
run: {data: {source: digits, train_limit: 200}, model: {type: softmax}, training: {epochs: 3}}
parameters: {optimizer.lr: [0.1, 0.001]}
seeds: 3
"""
# 20 and 21 steps, 40 and 42.
ALMOST_THE_SAME_STEPS = """\
name: steps
run: {data: {source: digits, train_limit: 210, validation: 0}, training: {epochs: 2}}
parameters: {training.batch_size: [10, 11]}
metric: {name: train_accuracy}
"""
MOST_BYTES = 4_000_000


def written(folder: Path, paths, keys=("optimizer.lr",), data_dir=None, **options) -> Path:
    found = selected(paths, **options)
    path = folder / "comparison.html"
    groups = groups_of(found, list(keys))
    write_comparison_page(path, sorted_runs(found), groups, data_dir=data_dir)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def sweep(home) -> Path:
    return swept(home, SWEEP)


@pytest.fixture(scope="module")
def trials(sweep) -> list[Path]:
    return sorted((sweep / "trials").iterdir())


@pytest.fixture(scope="module")
def page(home, sweep, trials) -> Path:
    return written(home, [sweep], data_dir=home, against=trials[3])


def data_of(page: Path):
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>',
        page.read_text(encoding="utf-8"),
    )
    return json.loads(found[1])


def test_the_best_group_comes_first_with_its_interval(page):
    text = page.read_text()
    assert "The best of 2 groups by validation accuracy: lr 0.1, " in text
    assert "over 3 runs, 95\u00a0% interval of the mean " in text
    table = text[text.index('id="table-groups"') :].split("</table>")[0]
    assert table.count("<tr>") == 3
    assert "baseline" in table
    assert table.index('data-value="0.1"') < table.index('data-value="0.001"')
    runs = text[text.index('id="table-runs"') :].split("</table>")[0]
    assert runs.count("<tr>") == 7


def test_curves_are_the_mean_and_deviation_over_the_seeds(page, trials):
    curve = data_of(page)["curves"]["val_accuracy"][0]
    rows = [read_metrics(trial / "metrics.csv") for trial in trials[:3]]
    values = np.array([[row.val_accuracy for row in one] for one in rows])
    assert curve["epochs"] == [1, 2, 3]
    np.testing.assert_allclose(curve["means"], values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(curve["deviations"], values.std(axis=0, ddof=1), rtol=1e-5)


def test_confusions_and_disputed_images_are_those_of_the_predictions(page, trials):
    found = [read_predictions(trial / "predictions.csv") for trial in trials]
    data = data_of(page)
    for group, own in enumerate((found[:3], found[3:])):
        pairs = [(one.labels == 3) & (one.predicted == 5) for one in own]
        assert data["confusions"][group][3][5] == pytest.approx(
            np.mean([p.sum() for p in pairs]), abs=0.01
        )
    share = np.mean([one.predicted == one.labels for one in found], axis=0)
    first = int(re.search(r'alt="Image (\d+)"', page.read_text())[1])
    assert abs(share[first] - 0.5) == np.abs(share - 0.5).min()
    assert page.read_text().count("data:image/png") == 40


def test_without_the_dataset_the_page_says_why_it_shows_no_images(tmp_path, sweep, monkeypatch):
    def missing(*_):
        raise DataError("there is no dataset")

    monkeypatch.setattr("mnistlab.experiment.artefacts.load_data", missing)
    text = written(tmp_path, [sweep]).read_text()
    assert "The images are not shown: there is no dataset" in text
    assert "data:image/png" not in text
    assert "<small>image " in text


def test_runs_without_curves_or_predictions_are_on_the_page_nevertheless(tmp_path, trials):
    for number, trial in enumerate(trials[:2]):
        shutil.copytree(trial, tmp_path / "runs" / f"{number}")
        (tmp_path / "runs" / f"{number}" / "predictions.csv").unlink()
        (tmp_path / "runs" / f"{number}" / "metrics.csv").write_text("damaged")
    page = written(tmp_path, [tmp_path / "runs"])
    assert data_of(page)["curves"] == {}
    assert 'id="images"' not in page.read_text()
    assert page.read_text().count("metrics.csv:1: the header is damaged") == 2


def test_a_group_whose_images_no_other_group_predicts_is_not_compared(tmp_path, trials):
    other = trained(tmp_path, data={"source": "digits", "classes": [0, 1, 2]})
    text = written(tmp_path, [trials[0], other], keys=["data.classes"]).read_text()
    assert "Only one group has predictions of these images: classes " in text
    assert "Only one run has predictions of these images: there is nothing to compare." in text
    assert "agree on" not in text
    assert 'id="confusion-chart"' not in text


def test_runs_that_agree_are_counted(tmp_path, sweep, monkeypatch):
    monkeypatch.setattr(comparison_page, "disputed", lambda known: np.zeros(0, np.int64))
    text = shown(written(tmp_path, [sweep]))
    assert "6 runs predict these images, and agree on each." in text


def test_a_class_that_does_not_exist_is_reported(tmp_path, trials):
    run = Path(shutil.copytree(trials[0], tmp_path / "runs" / "a"))
    record = json.loads((run / "run.json").read_text())
    del record["sha256"], record["files"]
    (run / "run.json").write_text(json.dumps(record))
    (run / "predictions.csv").write_text("index,label,predicted,probability\n0,3,77,0.5\n")
    text = written(tmp_path, [tmp_path / "runs"]).read_text()
    assert "predictions.csv: has a class that is none of its 10 classes" in text
    assert 'id="images"' not in text


def test_a_name_cannot_end_the_script_nor_become_markup(tmp_path, trials):
    shutil.copytree(trials[0], tmp_path / "runs" / "a<script>")
    page = written(tmp_path, [tmp_path / "runs"])
    assert "a<script>" not in page.read_text()
    assert data_of(page)["runs"] == ["a<script>"]


def test_a_file_of_the_user_is_not_overwritten(tmp_path, sweep):
    (tmp_path / "comparison.html").write_text("mine")
    with pytest.raises(UsageError, match="was not written by mnistlab"):
        written(tmp_path, [sweep])
    assert (tmp_path / "comparison.html").read_text() == "mine"


@pytest.mark.slow
def test_the_page_of_a_thousand_runs_is_a_small_file(tmp_path):
    many_runs(tmp_path, 1_000)
    keys = ("optimizer.lr", "model.hidden")
    page = written(tmp_path, [tmp_path / "runs"], keys, data_dir=tmp_path / "data")
    assert page.stat().st_size < MOST_BYTES
    assert len(data_of(page)["runs"]) == 1_000


def test_without_two_networks_that_see_the_same_images_there_is_no_place_to_draw(
    tmp_path, trials, home
):
    assert "try-it" not in written(tmp_path, [trials[0]], keys=[]).read_text()
    small = trained(tmp_path, name="small", data={"source": "digits", "resize": [14, 14]})
    text = written(tmp_path, [trials[0], small], keys=["data.resize"], data_dir=home).read_text()
    assert "try-it" not in text


def test_networks_that_do_not_fit_are_left_to_the_view(tmp_path, sweep, home, monkeypatch):
    monkeypatch.setattr(comparison_page, "MOST_BYTES", 320_000)
    page = written(tmp_path, [sweep], data_dir=home)
    assert re.search(
        r"networks do not answer on this page: its weights .* `mnistlab view`", page.read_text()
    )
    assert page.stat().st_size < 320_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if chromium.EXECUTABLE is None:
        pytest.skip("no Chromium is installed to open the page with")
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def opened(browser, page):
    browser.look(width=1280)
    browser.open(page)
    return browser


def count(selector):
    return f"document.querySelectorAll('{selector}').length"


def choose(select, value):
    return (
        f"(() => {{ const one = document.getElementById('{select}'); one.value = '{value}'; "
        "one.dispatchEvent(new Event('change')); })()"
    )


def point(selector, kind):
    return (
        f"(() => {{ const one = document.querySelector('{selector}'); "
        "const place = one.getBoundingClientRect(); "
        f"one.dispatchEvent(new PointerEvent('{kind}', {{bubbles: true, "
        "clientX: place.left + place.width / 2, clientY: place.top + place.height / 2})); })()"
    )


def tip(chart):
    return f"document.querySelector('#{chart} .tip:not([hidden])')?.innerText"


def test_the_figures_are_drawn_from_the_page_alone(opened, page):
    asked = [url for url in opened.requests if not url.startswith("data:")]
    assert asked == [page.as_uri()]
    assert opened.complaints == []
    assert opened.value(count("#curves-chart path[stroke-width]")) == 2
    assert opened.value(count("#scatter-chart circle")) == 6
    assert opened.value(count("#parallel-chart path")) == 6
    assert opened.value(count("#confusion-chart rect")) == 100


def test_what_is_pointed_at_is_told(opened):
    opened.value(point("#curves-chart svg", "pointermove"))
    told = opened.value(tip("curves-chart"))
    assert re.match(r"step \d+, epoch \d\n\d+\.\d\d ± \d+\.\d\d % lr 0\.1\n", told)
    opened.value(point("#scatter-chart circle", "pointerenter"))
    assert "validation accuracy: " in opened.value(tip("scatter-chart"))
    opened.value(point("#parallel-chart path", "pointerenter"))
    assert "optimizer.lr: " in opened.value(tip("parallel-chart"))
    opened.value(point("#confusion-chart rect", "pointerenter"))
    assert "true 0, predicted 0" in opened.value(tip("confusion-chart"))
    assert opened.complaints == []


def test_axes_groups_and_tables_can_be_chosen(opened):
    opened.value(choose("scatter-x", "seed"))
    assert "seed" in opened.value("document.querySelector('#scatter-chart svg').textContent")
    opened.value(choose("curves-metric", "train_loss"))
    assert "training loss" in opened.value(
        "document.querySelector('#curves-chart svg').textContent"
    )
    opened.value("document.querySelectorAll('#curves-legend button')[1].click()")
    assert opened.value(count("#curves-chart path[stroke-width]")) == 1
    before = opened.value("document.querySelector('#confusion-chart').textContent")
    opened.value(choose("confusion-one", "1"))
    assert opened.value("document.querySelector('#confusion-chart').textContent") != before
    cells = (
        "[...document.querySelectorAll('#table-runs tbody tr')].map(r => +r.cells[3].dataset.value)"
    )
    opened.value("document.querySelectorAll('#table-runs thead button')[3].click()")
    found = opened.value(cells)
    assert found == sorted(found)
    assert opened.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window_in_both_schemes(browser, page, width, scheme):
    browser.look(width=width, scheme=scheme)
    browser.open(page)
    root = "document.documentElement"
    assert browser.value(f"{root}.scrollWidth <= {root}.clientWidth")
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    ink = "getComputedStyle(document.querySelector('#curves-chart text:not(.tick)')).fill"
    assert browser.value(ink) == browser.value("getComputedStyle(document.body).color")


def test_groups_of_many_keys_fit_a_phone_and_are_told_apart_by_name(browser, tmp_path, sweep):
    keys = ("model.type", "init.type", "optimizer.type", "optimizer.lr", "training.batch_size")
    browser.look(width=390)
    browser.open(written(tmp_path, [sweep], keys=keys))
    root = "document.documentElement"
    assert browser.value(f"{root}.scrollWidth <= {root}.clientWidth")
    legend = browser.value("document.querySelector('#curves-legend button').innerText")
    assert legend.startswith(
        "model.type softmax, init.type he_normal, optimizer.type sgd, lr 0.1, "
    )


def test_the_metric_of_groups_and_of_runs_is_on_the_screen_of_a_phone(browser, tmp_path, sweep):
    keys = ("model.type", "init.type", "optimizer.type", "optimizer.lr", "training.batch_size")
    browser.look(width=390)
    browser.open(written(tmp_path, [sweep], keys=keys))
    for table in ("table-groups", "table-runs"):
        heads = f"[...document.querySelectorAll('#{table} th')]"
        found = browser.value(
            f"{heads}.filter(one => one.getBoundingClientRect().right <= 390)"
            ".map(one => one.innerText.trim())"
        )
        assert any(head.startswith("validation accuracy") for head in found)


def test_the_steps_below_curves_do_not_stand_on_each_other(browser, tmp_path):
    sweep = swept(tmp_path, ALMOST_THE_SAME_STEPS)
    browser.look(width=390)
    browser.open(written(tmp_path, [sweep], keys=["training.batch_size"]))
    ticks = "[...document.querySelectorAll('#curves-chart .tick[text-anchor=middle]')]"
    boxes = f"{ticks}.map(one => one.getBoundingClientRect()).map(one => [one.left, one.right])"
    places = browser.value(boxes)
    assert len(places) == 2
    assert places[0][1] < places[1][0]


def test_the_best_network_and_the_baseline_answer_one_drawing(opened, page, trials):
    other = "document.getElementById('try-it-other')"
    opened.value(SETTLED)
    titles = "[...document.querySelectorAll('.try-pair > div > h3')].map((h) => h.textContent)"
    pair = (trials[0], trials[3])
    named = zip(opened.value(titles), pair, ("lr 0.1", "lr 0.001"), strict=True)
    assert all(title == f"{trial.name}: {of}" for title, trial, of in named)
    opened.use(opened.part("clear"))
    opened.draw([(0.3, 0.25), (0.7, 0.25), (0.45, 0.85)])
    opened.value(SETTLED.replace("try-it-section", "try-it-other"))
    seen = opened.bytes_of(f"{TRY}.active.seen").reshape(1, 28, 28)
    for trial, section in zip(pair, (SECTION, other), strict=True):
        said = opened.value(OUTPUTS.replace(SECTION, section))
        np.testing.assert_allclose(said, load_model(trial).outputs(seen)[0], atol=1e-4)
    assert opened.complaints == []
    assert page.stat().st_size < MOST_BYTES

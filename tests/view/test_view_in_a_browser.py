"""`mnistlab view` in a browser: the table, live curves, the network's answers, a phone."""

import shutil
import threading
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
from report_helpers import swept
from try_it_browser import OUTPUTS, SECTION, SETTLED, TRY, Browser
from view_helpers import id_in
from view_process import viewing

from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.model import load_model
from mnistlab.store.browse.summary import read_run
from mnistlab.store.notes import change_tags, set_note
from tools import chromium
from tools.many_runs import many_runs
from tools.short_runs import train

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        chromium.EXECUTABLE is None, reason="no Chromium is installed to open the page with"
    ),
]
COUNT = 40  # of the runs: 4 rates, 5 widths, 2 seeds
ROWS = "[...document.querySelectorAll('#list .runs tbody tr')]"
NAMES = f"{ROWS}.map((row) => row.querySelector('.name > span > *').textContent)"
LINES = "[...document.querySelectorAll('{} .line')]"
# How many evaluations each line of a chart has.
POINTS = f"{LINES}.map((line) => line.getAttribute('d').split('L').length)"
RIGHT, ESCAPE = ("ArrowRight", 39), ("Escape", 27)


def part(what, of="#list"):
    return f"document.querySelector('{of} [data-part=\"{what}\"]')"


def head(name):
    heads = "[...document.querySelectorAll('#list .runs thead button')]"
    return f"{heads}.find((one) => one.textContent === '{name}')"


def row_of(folder):
    return f"{ROWS}.find((row) => row.textContent.includes('{folder.name}'))"


def column(name):
    """The text of each row's cell in a column."""
    place = f"[...{head(name)}.closest('tr').cells].indexOf({head(name)}.closest('th'))"
    return f"{ROWS}.map((row) => row.cells[{place}].innerText.trim())"


class Visit:
    """The view of some runs in a browser."""

    def __init__(self, browser, address, runs):
        self.browser, self.address, self.runs = browser, address, runs
        self.is_refused = False  # whether the view refuses something in this test

    def opened(self, place=""):
        """Open the view, or a run in it, and wait for its first answer."""
        self.browser.open("about:blank")  # otherwise only the part behind # would change
        self.browser.open(f"{self.address}{place}")
        self.browser.until(f"{ROWS}.length > 0" if not place else "Boolean(entry?.row)")
        return self.browser

    def excuses(self, complaint):
        """Whether it is the browser's own word that the view answered with an error."""
        entry = complaint.get("entry", {})
        return self.is_refused and (entry.get("source"), entry.get("level")) == ("network", "error")

    @property
    def strangers(self):
        """The addresses that were asked, other than the view's own."""
        host = urlsplit(self.address).netloc
        asked = [url for url in self.browser.requests if urlsplit(url).scheme != "data"]
        assert asked
        return [url for url in asked if urlsplit(url).netloc != host]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = Browser(tmp_path_factory.mktemp("profile"))
    page.look(width=1280)
    yield page
    page.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    runs = many_runs(folder, COUNT)
    with viewing(folder / "runs", "--data-dir", str(folder / "data")) as view:
        yield SimpleNamespace(folder=folder, runs=runs, address=view.address)


@pytest.fixture
def visit(browser, home):
    """At its end, the view has caused no error and asked nobody else."""
    made = Visit(browser, home.address, home.runs)
    yield made
    assert [one for one in browser.complaints if not made.excuses(one)] == []
    assert made.strangers == []


def test_the_search_and_a_condition_leave_the_rows_that_match(visit):
    page = visit.opened()
    assert page.value(f"{ROWS}.length") == COUNT
    page.write(part("text"), "lr=0.03 FINISHED")
    page.until(f"{ROWS}.length === {COUNT // 4}")
    assert set(page.value(column("optimizer.lr"))) == {"0.03"}
    page.write(part("text"), "")
    page.write(part("where"), "optimizer.lr == 0.3 and val_accuracy > 0.93")
    best = [read_run(run) for run in visit.runs]
    expected = [
        run.path.name
        for run in best
        if run.record.config["optimizer"]["lr"] == 0.3 and run.record.metrics["val_accuracy"] > 0.93
    ]
    page.until(f"{ROWS}.length === {len(expected)}")
    assert 0 < len(expected) < COUNT // 4
    assert sorted(page.value(NAMES)) == sorted(expected)


def test_a_head_sorts_by_its_column_and_then_the_other_way(visit):
    page = visit.opened()
    page.click(head("test accuracy"))
    falling = [float(text.split()[0]) for text in page.value(column("test accuracy"))]
    assert falling == sorted(falling, reverse=True)
    assert page.value(f"{head('test accuracy')}.closest('th').ariaSort") == "descending"
    page.click(head("test accuracy"))
    rising = [float(text.split()[0]) for text in page.value(column("test accuracy"))]
    assert rising == falling[::-1]


def test_seeds_are_grouped_with_their_mean_and_deviation(visit):
    page = visit.opened()
    first, other = visit.runs[5], visit.runs[25]  # the same but for the seed
    accuracies = [read_run(run).record.metrics["test_accuracy"] for run in (first, other)]
    page.click(part("grouped"))
    # The run that the others are copies of and one copy have no partner.
    page.until(f"{ROWS}.length === {2 + (COUNT - 2) // 2}")
    shown = dict(zip(page.value(NAMES), page.value(column("test accuracy")), strict=True))
    (text,) = (shown[run.name] for run in (first, other) if run.name in shown)
    assert text == f"{100 * np.mean(accuracies):.2f} ± {100 * np.std(accuracies, ddof=1):.2f} %"


def test_a_new_tag_and_note_appear_and_the_tag_selects_its_run(visit):
    page = visit.opened()
    change_tags(visit.runs[7], ["thick.pens"])
    set_note(visit.runs[7], "<b>bold</b>")
    page.until(f"{part('tag')}.options.length === 2")
    assert "<b>bold</b>" in page.value(f"{row_of(visit.runs[7])}.innerText")
    page.value(f"{part('tag')}.focus()")
    page.value(f"{part('tag')}.value = 'thick.pens'")
    page.value(f"{part('tag')}.dispatchEvent(new Event('input'))")
    assert page.value(NAMES) == [visit.runs[7].name]


def test_any_key_becomes_a_column(visit):
    page = visit.opened()
    page.write(part("keys"), "training.batch_size, model.hidden")
    page.until(f"Boolean({head('training.batch_size')})")
    assert set(page.value(column("training.batch_size"))) == {"9"}
    assert {"[16]", "[4096]"} < set(page.value(column("model.hidden")))


def test_the_curves_of_chosen_runs_are_drawn_together(visit):
    page = visit.opened()
    chart = '#list [data-part="chart"]'
    for count, run in enumerate(visit.runs[3:6], 1):
        page.click(f"{row_of(run)}.querySelector('input')")
        page.until(f"{LINES.format(chart)}.length === {count}")
    assert page.value(POINTS.format(chart)) == [10, 10, 10]
    colours = page.value(f"{LINES.format(chart)}.map((one) => getComputedStyle(one).stroke)")
    assert len(set(colours)) == 3
    legend = page.value(f"{part('legend')}.innerText")
    assert all(run.name in legend for run in visit.runs[3:6])
    page.mouse("mouseMoved", *page.place_of(f"document.querySelector('{chart} svg')"), held=0)
    tip = page.value(f"document.querySelector('{chart} .tip').innerText")
    assert tip.startswith("step ")
    assert tip.count(" % ") == 3
    page.click(part("none"))
    page.until(f"{part('overlay')}.hidden")


class Gate(RunCallback):
    """Holds a training after each evaluation until it is let through."""

    def __init__(self):
        self.passes = threading.Semaphore(0)

    def on_row(self, row):
        self.passes.acquire()  # the test lets everything through at its end


def test_the_curve_of_a_training_appears_and_grows_until_it_has_finished(visit, home):
    page = visit.opened()
    gate, epochs = Gate(), 4
    sections = {"name": "live", "training": {"epochs": epochs}}
    training = threading.Thread(target=train, args=(home.folder, sections, gate))
    training.start()
    try:
        live = f"{ROWS}.find((row) => row.querySelector('.name').innerText.includes('-live-'))"
        page.until(f"{live}?.innerText.includes('1 of {epochs} epochs')")
        page.click(f"{live}.querySelector('a')")
        for epoch in range(1, epochs + 1):
            page.until(f"{POINTS.format('#accuracy')}[1] === {epoch}")
            gate.passes.release()
        page.until("document.getElementById('entry-status').innerText.includes('finished')")
    finally:
        gate.passes.release(epochs)
        training.join()
        for run in (home.folder / "runs").glob("*-live-*"):
            shutil.rmtree(run)


def test_the_network_of_a_run_answers_what_predict_says(visit):
    run = visit.runs[0]
    page = visit.opened(f"#run={id_in(run)}")
    page.until("Boolean(document.getElementById('try'))")
    page.click("document.getElementById('try')")
    page.until(f"{SECTION}?.tryIt?.network.engineAnswers > 0")
    page.use(page.part("clear"))
    page.draw([(0.3, 0.25), (0.7, 0.25), (0.55, 0.55), (0.45, 0.85)])
    seen = page.bytes_of(f"{TRY}.active.seen").reshape(1, 28, 28)
    assert seen.any()
    model = load_model(run)
    np.testing.assert_array_equal(page.value(OUTPUTS), model.outputs(seen)[0])


def test_runs_that_are_deleted_or_damaged_while_they_are_shown_do_no_harm(visit, home):
    gone, damaged = (home.folder / "runs" / name for name in ("gone", "<i>damaged"))
    for copy in (gone, damaged):
        shutil.copytree(visit.runs[9], copy)
    page = visit.opened()
    page.until(f"Boolean({row_of(gone)} && {row_of(damaged)})")  # the view may have looked before
    page.click(f"{row_of(gone)}.querySelector('input')")
    page.until(f"{part('legend')}.innerText.includes('gone')")
    page.click(f"{row_of(gone)}.querySelector('a')")
    page.until("Boolean(document.querySelector('#accuracy .line'))")
    visit.is_refused = True
    (damaged / "run.json").write_text('{"status": "fini')
    shutil.rmtree(gone)
    page.until("document.getElementById('fault').innerText.includes('the run is gone')")
    page.click("document.getElementById('home')")
    page.until(f"!{NAMES}.includes('gone') && {row_of(damaged)}.innerText.includes('run.json')")
    assert page.value(f"{ROWS}.length") == COUNT + 1
    assert "cannot be read" in page.value(f"{row_of(damaged)}.innerText")
    assert page.value(f"{part('overlay')}.hidden")
    shutil.rmtree(damaged)
    page.until(f"{ROWS}.length === {COUNT}")
    page.until("document.getElementById('fault').hidden")


def test_the_lecture_shows_one_run_after_the_other_by_the_keys(visit):
    page = visit.opened()
    names = page.value(NAMES)
    page.click("document.getElementById('lecture')")
    title = "document.getElementById('title').textContent"
    page.until(f"{title} === '{names[0]}'")
    page.press(*RIGHT)
    page.until(f"{title} === '{names[1]}'")
    size = "parseFloat(getComputedStyle(document.body).fontSize)"
    assert page.value(size) >= 20
    page.press(*ESCAPE)
    page.until(f"{size} === 16")
    assert page.value(title) == names[1]


def test_a_sweep_has_its_ranking_and_the_curves_of_its_trials(visit, home):
    sweep_dir = swept(home.folder, plots=False)
    try:
        page = visit.opened(f"#run={id_in(sweep_dir)}")
        ranks = "[...document.querySelectorAll('#entry-ranking tbody tr')]"
        page.until(f"{ranks}.length === 4")
        chart = '#entry-inside [data-part="chart"]'
        page.until(f"{LINES.format(chart)}.length === 3")  # one trial diverged before an evaluation
        assert "diverged" in page.value("document.getElementById('entry-inside').innerText")
    finally:
        shutil.rmtree(sweep_dir)


@pytest.fixture
def phone(visit):
    visit.browser.look(width=390, touch=True)
    yield visit
    visit.browser.look(width=1280)


def test_a_phone_shows_the_table_a_run_and_its_network_to_a_finger(phone):
    def is_narrow():
        return page.value("document.documentElement.scrollWidth <= innerWidth")

    run = phone.runs[0]
    page = phone.opened()
    assert page.value("innerWidth") == 390
    assert is_narrow()
    page.touch(page.place_of(f"{row_of(run)}.querySelector('a')"))
    page.until("document.getElementById('try')?.offsetWidth > 0")
    page.until("Boolean(document.querySelector('#loss .line'))")
    assert is_narrow()
    page.touch(page.place_of("document.getElementById('try')"))
    page.until(f"{SECTION}?.tryIt?.network.engineAnswers > 0")
    page.touch(page.place_of(page.part("clear")))
    page.until(f"{page.part('verdict')}.textContent === 'Draw something.'")
    page.touch(*(page.place_of(page.part("paper"), (0.5, y)) for y in (0.2, 0.4, 0.6, 0.8)))
    page.until(f"{page.part('verdict')}.textContent.startsWith('It says')")
    page.value(SETTLED)
    seen = page.bytes_of(f"{TRY}.active.seen").reshape(1, 28, 28)
    np.testing.assert_array_equal(page.value(OUTPUTS), load_model(run).outputs(seen)[0])
    assert is_narrow()

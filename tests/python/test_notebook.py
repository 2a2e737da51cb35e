"""Notebooks: what objects show there, progress in one line, and an interrupted kernel."""

import os
import re
import signal
import threading
import time
from html.parser import HTMLParser

import pytest
from library_helpers import TINY

import mnistlab
from mnistlab.pages.notebook import address_of

pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The elements of a fragment, and its text outside of style and SVG."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], "an element is not closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href" and tag == "a"]
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.text += data


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    rates = {"optimizer.lr": [0.1, 0.01]}
    options = {"runs_dir": folder, "data_dir": folder, "plots": False, "quiet": True}
    from tools.here_executor import trials_in_this_process

    with trials_in_this_process():
        return mnistlab.sweep(TINY, rates, seeds=2, **options)


def test_a_run_shows_its_metrics_and_its_learning_curves(trained):
    page = Page(trained._repr_html_())
    assert "tiny run, finished" in " ".join(page.text.split())
    assert f"{100 * trained.final_metrics['test_accuracy']:.2f} %" in page.text
    assert page.tags.count("svg") == 1
    assert str(trained.path) in page.text
    assert page.links == []  # it has no page yet


def test_a_link_leads_to_a_page_below_the_working_folder_or_by_its_whole_address(
    trained, monkeypatch
):
    page = trained.path / "report.html"
    page.touch()
    try:
        monkeypatch.chdir(trained.path.parent)
        assert Page(trained._repr_html_()).links == [f"{trained.path.name}/report.html"]
        monkeypatch.chdir("/")
        assert address_of(page) == str(page)[1:]
        monkeypatch.chdir(trained.path / "plots" if (trained.path / "plots").exists() else "/usr")
        assert Page(trained._repr_html_()).links == [page.as_uri()]
    finally:
        page.unlink()


def test_a_run_that_has_just_begun_or_is_damaged_says_so(trained, tmp_path):
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "config.yaml").write_bytes((trained.path / "config.yaml").read_bytes())
    page = Page(mnistlab.load_run(begun)._repr_html_())
    assert "svg" not in page.tags
    assert "interrupted" in page.text
    assert f"mnistlab.resume({str(begun)!r})" in page.text
    (begun / "run.json").write_text("{")
    assert "run.json:1:2" in Page(mnistlab.load_run(begun)._repr_html_()).text


def test_a_sweep_shows_its_answer_and_its_ranking(swept):
    page = Page(swept._repr_html_())
    assert "Trials: 4 finished." in page.text
    assert f"optimizer.lr = {swept.ranking['optimizer.lr'].iloc[0]}:" in page.text
    assert page.tags.count("tr") == 3
    assert page.tags.count("svg") == 1


def test_comparisons_show_short_names_metrics_and_curves(swept, trained):
    compared = mnistlab.compare([swept, trained])
    page = Page(compared._repr_html_())
    assert page.tags.count("tr") == 6
    assert page.tags.count("svg") == 1
    best = compared["val_accuracy"].max()
    assert f"{100 * best:.2f} %" in page.text
    groups = mnistlab.compare(swept, group_by="optimizer.lr", against=swept.best)
    page = Page(groups._repr_html_())
    assert "baseline" in page.text
    mean = groups["val_accuracy_mean"].iloc[0]
    assert f"{100 * mean:.2f}" in page.text
    page = Page(mnistlab.runs(swept)._repr_html_())
    assert "4 entries" in page.text
    assert page.tags.count("tr") == 5


def test_what_is_derived_from_a_comparison_is_a_plain_table(swept):
    compared = mnistlab.compare(swept)
    assert "mnistlab" not in compared[["val_accuracy"]]._repr_html_()
    del compared["status"]
    assert 'class="mnistlab"' not in compared._repr_html_()


def test_an_evaluation_shows_each_class_and_the_confusion_matrix(trained):
    scores = trained.evaluate("test")
    page = Page(scores._repr_html_())
    assert f"{100 * scores.accuracy:.2f} % of 360 test images correct" in page.text
    assert page.tags.count("tr") == 22
    assert len(repr(scores)) < 120
    assert f"accuracy {scores.accuracy:.4f}" in repr(scores)


def test_a_dataset_shows_its_images(digits):
    assert repr(digits) == (
        "<Dataset digits: 1,437 training and 360 test images of 28 × 28 pixels, 10 classes>"
    )
    page = Page(digits._repr_html_())
    assert page.tags.count("img") == 1
    assert "1,437" in page.text


def test_a_hostile_text_is_shown_and_not_executed(trained, swept, tmp_path):
    trained.note = HOSTILE
    try:
        tables = mnistlab.runs(trained.path.parent), mnistlab.compare([trained, swept])
        for shown in (trained, *tables):
            page = Page(shown._repr_html_())
            assert "script" not in page.tags
        assert HOSTILE in Page(trained._repr_html_()).text
        assert HOSTILE in Page(tables[0]._repr_html_()).text
    finally:
        trained.note = None
    names = {"class_names": [HOSTILE, *"123456789"]}
    data = {**TINY["data"], **names}
    run = mnistlab.train({**TINY, "data": data}, runs_dir=tmp_path, plots=False, quiet=True)
    page = Page(run.evaluate("test")._repr_html_())
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 2


def test_two_figures_of_a_notebook_share_no_id(trained, swept):
    ids = [set(re.findall(r' id="([^"]+)"', shown._repr_html_())) for shown in (trained, swept)]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]


def cell(code: str):
    return nbformat.v4.new_code_cell(code)


def executed(home, *cells: str, interrupt_when=None):
    """The outputs of a notebook of these cells, executed in a folder. As soon as `interrupt_when`
    holds, its kernel is interrupted as by the stop button; it has written its number to `pid`.
    """
    notebook = nbformat.v4.new_notebook(cells=[cell(code) for code in cells])
    resources = {"metadata": {"path": str(home)}}
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources, allow_errors=True
    )
    done = threading.Event()

    def interrupt():
        while not done.is_set() and not interrupt_when():
            time.sleep(0.05)
        if not done.is_set():
            # Jupyter signals the whole group: the kernel, and the workers of a sweep.
            os.killpg(os.getpgid(int((home / "pid").read_text())), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    if interrupt_when is not None:
        watcher.start()
    try:
        client.execute()
    finally:
        done.set()
        if interrupt_when is not None:
            watcher.join()
    return [cell.outputs for cell in notebook.cells]


SETUP = f"""
import os, pathlib
import mnistlab
pathlib.Path("pid").write_text(str(os.getpid()))
CONFIG = {TINY!r}
"""


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # the libraries of Jupyter warn of their own matters
def test_progress_is_one_output_and_figures_are_shown(home):
    (_, training, figure, quiet, sweep) = executed(
        home,
        SETUP,
        "run = mnistlab.train(CONFIG, plots=False)",
        "run.figure('learning_curves')",
        "mnistlab.train(CONFIG, plots=False, quiet=True).status",
        "mnistlab.sweep(CONFIG, {'optimizer.lr': [0.1, 0.2]}, plots=False, workers=1)",
    )
    (progress,) = training
    assert set(progress.data) == {"text/plain"}
    last = progress.data["text/plain"].splitlines()[-1]
    assert re.fullmatch(r"epoch 3/3 ━{20}  \S+ s  test acc \S+%  val acc .*", last)
    (shown,) = figure
    assert "image/png" in shown.data
    (status,) = quiet
    assert status.data["text/plain"] == "'finished'"
    progress, result = sweep
    assert progress.data["text/plain"].splitlines()[-1].startswith("2/2 trials ━━━━")
    assert "text/html" in result.data


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # the libraries of Jupyter warn of their own matters
def test_an_interrupted_kernel_saves_a_checkpoint_and_says_how_to_resume(home):
    length = "training.epochs"
    runs = home / "runs"

    def trains():
        return any(len(path.read_bytes().splitlines()) > 3 for path in runs.glob("*/metrics.csv"))

    _, stopped, resumed = executed(
        home,
        SETUP,
        f"mnistlab.train(CONFIG, {{{length!r}: 10_000_000}}, plots=False)",
        "run = mnistlab.load_run('runs/latest'); run",
        interrupt_when=trains,
    )
    progress, error = stopped
    assert re.search(r"epoch \d+/10000000 ─{20}", progress.data["text/plain"])
    folder = (runs / "latest").resolve()
    assert error.ename == "KeyboardInterrupt"
    assert f"mnistlab.resume({str(folder)!r}) resumes it" in error.evalue
    assert list(folder.glob("checkpoints/last*.safetensors"))
    (shown,) = resumed
    assert "interrupted" in shown.data["text/plain"]
    assert f"mnistlab.resume(&#39;{folder}&#39;)" in shown.data["text/html"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the libraries of Jupyter warn of their own matters
def test_an_interrupted_sweep_says_how_to_resume_and_is_resumed(home):
    runs = home / "runs"

    def has_finished_a_trial():
        return any("finished" in path.read_text() for path in runs.glob("*/trials.csv"))

    rates = [0.1 / n for n in range(1, 200)]
    _, stopped, shown = executed(
        home,
        SETUP,
        f"mnistlab.sweep(CONFIG, {{'optimizer.lr': {rates}}}, plots=False)",
        "mnistlab.load_sweep('runs/latest')",
        interrupt_when=has_finished_a_trial,
    )
    progress, error = stopped
    assert re.match(r"\d+/199 trials", progress.data["text/plain"].splitlines()[-1])
    folder = (runs / "latest").resolve()
    assert error.ename == "KeyboardInterrupt"
    assert f"mnistlab.resume({str(folder)!r}) resumes it" in error.evalue
    (display,) = shown
    assert "interrupted" in display.data["text/plain"]
    assert f"mnistlab.resume(&#39;{folder}&#39;) continues it" in display.data["text/html"]

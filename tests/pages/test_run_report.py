"""A run's page: the numbers on it are the run's, it is one file, and it is small."""

import html
import json
import re
import shutil

import numpy as np
import pytest
from report_helpers import trained
from sklearn.metrics import precision_recall_fscore_support

from mnistlab.config import load_run_config
from mnistlab.figures.gallery import QUICK
from mnistlab.figures.run import RUN_FIGURES
from mnistlab.python.commands.visualize import visualize
from mnistlab.store.predictions import read_predictions
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import write_run_json


@pytest.fixture(scope="session")
def text(run_page):
    return run_page.read_text()


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


def words(text: str) -> str:
    """What a reader sees: no tags, one space between words."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_first_sentence_has_the_network_the_data_and_the_result(text, run_dir):
    record = record_of(run_dir)
    accuracy = f"{100 * record['metrics']['test_accuracy']:.2f} %"
    lead = words(re.search(r'<p class="lead">(.*?)</p>', text, re.S)[1])
    assert lead == (
        "An MLP with 1 hidden layer (9), 7,165 parameters, trained on 300 images of digits for "
        f"3 epochs (30 steps), classifies {accuracy} of 360 test images correctly "
        f"(loss {record['metrics']['test_loss']:.4f})."
    )


def test_metrics_layers_and_provenance_are_those_of_the_run(text, run_dir):
    seen, record = words(text), record_of(run_dir)
    for key in ("train", "val", "test"):
        assert f"{100 * record['metrics'][f'{key}_accuracy']:.2f} %" in seen
    for layer in record["layers"]:
        shape = " × ".join(map(str, layer["output_shape"]))
        assert shape in seen
    assert "dropout1 rate = 0.1" in seen
    assert record["dataset"]["sha256"] in seen
    assert f"numpy {record['versions']['numpy']}" in seen


def test_stated_values_are_beside_measured_ones(text, run_dir):
    measured = record_of(run_dir)["metrics"]["test_accuracy"]
    row = re.search(r"<tr><th>test_accuracy</th>(.*?)</tr>", text, re.S)[1]
    assert words(row) == f"51.234 % {100 * measured:.2f} % {100 * (measured - 0.51234):+.2f} %"
    # What a user wrote is text, never part of the page.
    assert "in A &lt;b&gt;bold&lt;/b&gt; claim &amp; more" in text


def test_every_class_has_its_precision_recall_and_f1(text, run_dir):
    found = read_predictions(run_dir / "predictions.csv")
    table = text[text.index('id="classes"') :].split("</table>")[0]
    rows = [words(row).split() for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)[1:]]
    expected = precision_recall_fscore_support(found.labels, found.predicted, zero_division=np.nan)
    assert len(rows) == 11
    for label, (precision, recall, f1, images) in enumerate(zip(*expected, strict=True)):
        told = [f"{100 * v:.2f} %" if v == v else "–" for v in (precision, recall, f1)]
        assert rows[label] == [str(label), str(images), *" ".join(told).split()]
    assert rows[-1][:2] == ["mean", "360"]


def test_the_configuration_on_the_page_is_the_runs_and_can_be_saved(text, run_dir, tmp_path):
    import base64

    address = re.search(r'download="config.yaml" href="data:text/yaml;base64,([^"]+)"', text)[1]
    (tmp_path / "config.yaml").write_bytes(base64.b64decode(address))
    assert load_run_config(tmp_path / "config.yaml") == load_run_config(run_dir / "config.yaml")
    changed = re.findall(r'<span class="changed">(.*?)</span>', text)
    assert [line.strip() for line in changed if "hidden" in line] == ["hidden: [9]"]
    assert not any("momentum" in line for line in changed)


def test_training_leaves_a_page_with_its_few_figures_each_read_in_a_line(text):
    names = re.findall(r'<figure id="(\w+)">', text)
    assert set(names) == set(QUICK) - {"last_steps"}  # which it has if it diverged
    for name in names:
        figure = text[text.index(f'<figure id="{name}">') :].split("</figure>")[0]
        assert len(words(re.search(r"<figcaption>(.*?)</figcaption>", figure, re.S)[1])) > 40
        assert '<svg role="img"' in figure
        assert "<img" not in figure


def test_the_page_names_nothing_outside_itself(text):
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "url(" not in text.replace("url(#", "")
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_every_figure_that_is_drawn_is_on_the_page_in_little_space(run_dir):
    # t-SNE alone would take as long as all the others.
    done = visualize(run_dir, only=[name for name in RUN_FIGURES if name != "tsne"])
    assert done.report == run_dir / "report.html"
    text = done.report.read_text()
    assert set(re.findall(r'<figure id="(\w+)">', text)) == set(done.figures)
    assert set(done.missed) == {"it has no convolution"}
    assert "1 figure left out" in text
    assert len(text) < 2_000_000
    visualize(run_dir, only=["weights"], report=False)
    assert done.report.read_text() == text


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("interrupted", None, "The run was interrupted and can be resumed"),
        ("diverged", "the loss stopped being finite. Try a smaller rate.", "Try a smaller rate."),
        ("running", None, "The run has not ended yet"),
    ],
)
def test_the_page_of_an_unfinished_run_begins_with_a_warning(
    run_dir, tmp_path, status, reason, expected
):
    copy = copy_of(run_dir, tmp_path)
    record = {**record_of(copy), "status": status, "reason": reason, "finished": None}
    write_run_json(RunDir(copy), record)
    visualize(copy, only=["learning_curves"])
    text = (copy / "report.html").read_text()
    assert expected in words(re.search(r"<header>(.*?)</header>", text, re.S)[1])
    assert ("diverged in training" in text) == (status == "diverged")


def test_a_damaged_table_is_named_and_the_rest_is_there(run_dir, tmp_path):
    copy = copy_of(run_dir, tmp_path)
    lines = (copy / "metrics.csv").read_text().splitlines()
    (copy / "metrics.csv").write_text("\n".join([*lines[:-1], "3,x,1\n"]))
    done = visualize(copy, only=["weights"])
    text = done.report.read_text()
    assert "metrics.csv:4: 3 values where" in text
    assert '<figure id="weights">' in text


def test_a_damaged_record_leaves_the_page_out_and_is_named(run_dir, tmp_path):
    copy = copy_of(run_dir, tmp_path)
    (copy / "run.json").write_text("{")
    done = visualize(copy, only=["learning_curves"])
    assert done.report is None
    assert any("run.json:1:2" in one.why for one in done.left_out if one.name == "report")


def test_a_run_without_test_or_validation_shows_its_training_metrics(tmp_path):
    folder = trained(
        tmp_path,
        data={"source": "digits", "train_limit": 100, "validation": 0},
        model={"type": "softmax"},
        training={"epochs": 1, "test": "never"},
        reference=None,
    )
    seen = words((folder / "report.html").read_text())
    assert "Softmax regression, 7,850 parameters, trained on 100 images" in seen
    assert "of 100 training images correctly" in seen
    assert "The test set was not evaluated." in seen


def test_a_long_table_is_thinned_to_its_last_row(tmp_path):
    folder = trained(
        tmp_path,
        data={"source": "digits", "train_limit": 40, "validation": 0.1},
        training={"steps": 450, "batch_size": 10, "evaluate_every": 1, "test": "never"},
    )
    text = (folder / "report.html").read_text()
    assert "150 of 450 evaluations, the rest is in metrics.csv" in text
    table = text[text.index("150 of 450") :].split("</table>")[0]
    steps = [words(row).split()[1] for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)[1:]]
    assert len(steps) == 150
    assert steps[-1] == "450"

"""`mnistlab reproduce`, and `resume` of it, as a user meets them."""

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from cli_helpers import Terminal, mnistlab, process_arguments

from mnistlab.reproduce.known import KINDS, known

MANIFEST = """\
title: Two learning rates
source: A report
setting: Digits, few of them.
quick: {training.epochs: 1}
experiments:
  rates: {seeds: 2, budget: {training.epochs: 2}}
  alone: {}
tables:
  - title: Learning rate
    experiment: rates
    finding: >-
      At 0.1 it is {{ measured('rates', 'test_accuracy', {'optimizer.lr': 0.1}) | percent }}.
  - title: One run
    experiment: alone
figures:
  - {experiment: rates, figure: table, caption: Both rates}
  - {experiment: rates, figure: curves, caption: Both rates by epoch}
  - {experiment: rates, parameters: {optimizer.lr: 0.1}, figure: learning_curves, caption: At 0.1}
"""
RUN = """\
name: tiny
data: {source: digits, train_limit: 60, validation: 0}
model: {type: softmax}
training: {epochs: 3, batch_size: 10}
"""
RATES = """\
base: alone.yaml
parameters: {optimizer.lr: [0.1, 0.001]}
metric: {name: test_accuracy}
reference:
  - {parameters: {optimizer.lr: 0.1}, source: Table 2, test_accuracy: 0.0500, seconds: 90}
  - {parameters: {optimizer.lr: 0.001}, test_accuracy: 0.99}
"""


@pytest.fixture
def report(home, trials_here):
    folder = home / "mine"
    folder.mkdir()
    (folder / "report.yaml").write_text(MANIFEST)
    (folder / "alone.yaml").write_text(RUN)
    (folder / "rates.yaml").write_text(RATES)
    return folder


def test_every_stated_value_is_compared_with_the_mean_of_its_runs(report):
    outcome = mnistlab("reproduce", report, "--json", "--workers", 1)
    assert outcome.exit_code == 0
    assert "report mine, 1 of 2: rates" in outcome.stderr
    assert outcome.document["trials"] == {"finished": 5, "diverged": 0, "failed": 0}
    (found,) = outcome.document["reports"]
    folder = Path(found["report_dir"])
    assert re.fullmatch(r"\d{8}-\d{6}-report-mine", folder.name)
    fast, slow = found["tables"][0]["rows"]
    metrics = [
        json.loads((run / "run.json").read_text())["metrics"]["test_accuracy"]
        for run in sorted((folder / "experiments" / "rates" / "trials").iterdir())
    ]
    assert fast["metrics"]["test_accuracy"]["mean"] == pytest.approx(sum(metrics[:2]) / 2)
    assert fast["metrics"]["test_accuracy"]["std"] is not None
    # Student's t for one degree of freedom is 12.706; two values have a deviation of their mean
    # of half their distance.
    half = 12.7062 * abs(metrics[0] - metrics[1]) / 2
    assert fast["metrics"]["test_accuracy"]["half_interval"] == pytest.approx(half, rel=1e-4)
    assert [fast["metrics"]["test_accuracy"]["stated"], fast["stated_seconds"]] == [0.05, 90]
    assert fast["epochs"] == 2
    assert fast["full_length"] == {"epochs": 3, "images": 60, "validation": 0}
    assert fast["full_length_seconds"] == pytest.approx(fast["seconds"] * 3 / 2)
    text = Path(found["markdown"]).read_text(encoding="utf-8")
    mean = f"{100 * fast['metrics']['test_accuracy']['mean']:.2f}"
    assert f"At 0.1 it is {mean} %." in text
    assert f"| 0.1 | 5.00 % | {mean} ± {100 * half:.2f} % | 2 | Table 2 | " in text
    assert "95 % confidence interval" in text
    assert "2 of 3 epochs" in text
    assert "| alone | " in text
    low = slow["metrics"]["test_accuracy"]["mean"]
    below = f"lr 0.001: test accuracy {100 * low:.2f} % where 99 % is stated"
    told = "1 of 2 stated accuracies reached or passed, 0 within the 95 % interval"
    assert f"{told}; farthest below: {below}" in text
    plots = {path.name for path in (folder / "plots").iterdir()}
    assert plots == {"01-rates-table.png", "02-rates-curves.png", "03-rates-learning_curves.png"}
    page = Path(found["html"]).read_text(encoding="utf-8")
    assert page.count("<figure") == 3
    assert f"{mean} ± " in page


def test_full_lifts_the_budget_and_quick_sets_its_own(report):
    full = mnistlab("reproduce", report, "--full", "--json", "--quiet", "--workers", 1)
    row = full.document["reports"][0]["tables"][0]["rows"][0]
    assert (row["epochs"], row["full_length"]) == (3, None)
    quick = mnistlab(
        "reproduce",
        report,
        "--quick",
        "--json",
        "--quiet",
        "--workers",
        1,
        "training.batch_size=20",
    )
    (document,) = quick.document["reports"]
    row = document["tables"][0]["rows"][0]
    assert (row["epochs"], row["statuses"]) == (1, ["finished"])  # one seed
    text = Path(document["markdown"]).read_text(encoding="utf-8")
    assert "cannot be compared with the stated ones" in text
    assert "At 0.1 it is" not in text
    assert "batch_size: 20" in (Path(row["run_dir"]) / "config.yaml").read_text()


def test_a_stopped_reproduction_is_resumed_to_the_same_figures(report, home):
    ended = mnistlab("reproduce", report, "--json", "--quiet", "--workers", 1)
    whole = ended.document["reports"][0]["tables"]
    with subprocess.Popen(
        **process_arguments("reproduce", report, "--workers", 1),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("1/4"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130
    resume = re.search(r"mnistlab resume (\S+)", rest)
    assert resume is not None
    carried_on = mnistlab("resume", resume[1], "--json", "--workers", 1)
    assert carried_on.exit_code == 0
    (found,) = carried_on.document["reports"]
    figures = [[row["metrics"] for row in table["rows"]] for table in found["tables"]]
    assert figures == [[row["metrics"] for row in table["rows"]] for table in whole]
    again = mnistlab("resume", resume[1])
    assert again.exit_code == 0
    assert "nothing left to do" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["z"], "z: no such report or paper; there are reports (a, b, c, d, e), papers ("),
        (["a", "--full", "--quick"], "--full and --quick: give one of the two"),
        (["training.epochs=1"], "REPORT: must be given"),
        (["mine", "training.epoch=1"], "unknown key 'epoch'"),
        (["a", "data.validation=60000"], "data.validation"),
    ],
)
def test_what_is_wrong_is_named_before_there_is_a_folder(report, home, arguments, message):
    outcome = mnistlab("reproduce", *arguments, "data.source=digits")
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert not (home / "runs").exists()


def test_a_mistake_in_a_manifest_names_its_place(report, home):
    manifest = report / "report.yaml"
    manifest.write_text(MANIFEST.replace("experiment: alone", "experiment: lone"))
    outcome = mnistlab("reproduce", report)
    assert outcome.exit_code == 2
    assert re.search(r"report\.yaml:14:17: tables\.1\.experiment: found 'lone'", outcome.stderr)
    manifest.write_text(MANIFEST.replace("'test_accuracy'", "'tset_accuracy'"))
    outcome = mnistlab("reproduce", report, "--quiet", "--quick", "--workers", 1)
    assert outcome.exit_code == 2
    assert "there is no metric 'tset_accuracy'" in outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize("group", KINDS)
@pytest.mark.usefixtures("home", "trials_here", "few_images_in_tsne")
def test_every_report_and_paper_runs_scaled_down_on_digits(group):
    few = ("data.source=digits", "data.train_limit=200", "data.validation=100")
    outcome = mnistlab("reproduce", group, "--quick", *few, "--json", "--quiet")
    assert outcome.exit_code == 0
    reports = outcome.document["reports"]
    assert [one["report"] for one in reports] == [one.name for one in known(group)]
    for one in reports:
        assert all(table["rows"] for table in one["tables"])
        measured = [
            metric["mean"]
            for table in one["tables"]
            for row in table["rows"]
            for metric in row["metrics"].values()
            if set(row["statuses"]) == {"finished"}
        ]
        assert measured
        assert None not in measured
        assert "![" in Path(one["markdown"]).read_text(encoding="utf-8")


def test_a_page_that_was_edited_is_not_written_again(report):
    ended = mnistlab("reproduce", report, "--quick", "--json", "--quiet", "--workers", 1)
    folder = Path(ended.document["reports"][0]["report_dir"])
    assert mnistlab("resume", folder, "--workers", 1).exit_code == 0  # its own are renewed
    for name in ("report.md", "report.json", "report.html"):
        written = (folder / name).read_text()
        (folder / name).write_text(written + "and a note of mine")
        outcome = mnistlab("resume", folder, "--workers", 1)
        assert outcome.exit_code == 2
        assert outcome.stderr.startswith(f"{folder / name}: exists and was not written by mnistlab")
        (folder / name).write_text(written)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("'rates', 'test_accuracy', {'optimizer.lr': 0.1}", "'rates', 'accuracy'", "no metric"),
        ("{{ measured(", "{{ measured.func(", "is not allowed"),
        ("| percent }}", "/ 0 }}", "division by zero"),
        ("parameters: {optimizer.lr: 0.1}", "parameters: {optimizer.lr: 7}", "no point of rates"),
        ("figure: learning_curves", "figure: learning_curve", "no figure is called"),
        ("  alone: {}", "  ../alone: {file: alone.yaml}", "must be of letters from a to z, digits"),
    ],
)
def test_what_no_page_could_be_written_of_is_refused_before_training(
    report, home, old, new, message
):
    text = MANIFEST.replace(old, new, 1)
    assert text != MANIFEST
    (report / "report.yaml").write_text(text)
    outcome = mnistlab("reproduce", report, "--workers", 1)
    assert outcome.exit_code == 2
    assert re.search(rf"{report}/report\.yaml:\d+:\d+: .*{message}", outcome.stderr)
    assert not (home / "runs").exists()


def test_a_finding_in_a_strangers_folder_is_refused_before_it_is_resumed(report):
    ended = mnistlab("reproduce", report, "--quick", "--json", "--quiet", "--workers", 1)
    folder = Path(ended.document["reports"][0]["report_dir"])
    plan = folder / "report.yaml"
    text = plan.read_text()
    changed = text.replace("{{ measured(", "{{ measured.func(")
    assert changed != text
    plan.write_text(changed.partition("\n")[2] if changed.startswith("# sha256") else changed)
    outcome = mnistlab("resume", folder, "--workers", 1)
    assert outcome.exit_code == 2
    assert "is not allowed" in outcome.stderr


def test_an_optional_paper_without_its_dataset_is_left_out_of_its_group(
    home, report, tmp_path, monkeypatch
):
    from mnistlab.reproduce import known

    papers = tmp_path / "published" / "papers"
    papers.mkdir(parents=True)
    shutil.copytree(report, papers / "here")
    shutil.copytree(report, papers / "elsewhere")
    manifest = papers / "elsewhere" / "report.yaml"
    manifest.write_text(f"optional: true\n{MANIFEST}")
    for name in ("alone", "rates"):
        path = papers / "elsewhere" / f"{name}.yaml"
        path.write_text(path.read_text().replace("source: digits", "source: idx, path: nowhere"))
    monkeypatch.setattr(known, "FOLDER", papers.parent)
    outcome = mnistlab("reproduce", "papers", "--quick", "--json", "--workers", 1)
    assert outcome.exit_code == 0
    assert "paper elsewhere is left out: " in outcome.stderr
    assert [one["report"] for one in outcome.document["reports"]] == ["here"]
    assert mnistlab("reproduce", "elsewhere", "--quick").exit_code == 4
    shutil.rmtree(papers / "here")
    assert mnistlab("reproduce", "papers", "--quick").exit_code == 4


def test_the_first_run_of_an_earlier_experiment_teaches_a_later_one(report):
    (report / "taught.yaml").write_text(RUN + "loss: {type: cross_entropy, teacher: {run: x}}\n")
    (report / "report.yaml").write_text(
        MANIFEST.replace("  alone: {}", "  alone: {}\n  taught: {teacher: alone}").replace(
            "figures:", "  - {title: Taught, experiment: taught}\nfigures:"
        )
    )
    outcome = mnistlab("reproduce", report, "--json", "--quiet", "--workers", 1)
    assert outcome.exit_code == 0
    (document,) = outcome.document["reports"]
    alone, taught = (table["rows"][0] for table in document["tables"][1:])
    config = (Path(taught["run_dir"]) / "config.yaml").read_text()
    assert f"run: {alone['run_dir']}\n" in config


@pytest.mark.parametrize("columns", [60, 80])
def test_the_list_has_a_title_of_each_experiment_on_a_narrow_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = mnistlab("reproduce", "--list", screen=Terminal).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert any(re.match(r"nielsen +\d+ +\d+  Nielsen 2015", line) for line in lines)

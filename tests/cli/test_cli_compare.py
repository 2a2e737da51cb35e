import csv
import io
import re
import sys

import pytest
import yaml
from cli_helpers import Terminal, mnistlab
from test_cli_help import imported_by

from mnistlab.store.browse.comparison import flattened


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of two runs and a sweep of two trials."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "tiny.yaml").write_text(
        "data: {source: digits, train_limit: 43}\nmodel: {hidden: [4]}\ntraining: {epochs: 1}\n"
    )
    common = (folder / "tiny.yaml", "--quiet", "--no-plots", "--runs-dir", folder / "runs")
    for lr in (0.1, 0.01):
        assert mnistlab("train", *common, f"optimizer.lr={lr}").exit_code == 0
    assert mnistlab("sweep", *common, "model.hidden=[5],[6]").exit_code == 0
    return folder / "runs"


def test_compare_prints_a_line_for_each_run_with_what_differs(trained):
    outcome = mnistlab("compare", trained)
    head, *lines = outcome.stdout.splitlines()
    assert outcome.exit_code == 0
    assert head.split()[:3] == ["run", "model.hidden", "optimizer.lr"]
    assert "status" not in head  # all have finished
    assert sorted(line.split()[1:3] for line in lines) == [
        ["[4]", "0.01"],
        ["[4]", "0.1"],
        ["[5]", "0.1"],
        ["[6]", "0.1"],
    ]


def test_compare_writes_csv_with_exact_values(trained):
    document = mnistlab("compare", trained, "--json").document
    table = list(csv.DictReader(io.StringIO(mnistlab("compare", trained, "--csv").stdout)))
    assert [row["run_dir"] for row in table] == [run["run_dir"] for run in document["runs"]]
    for row, run in zip(table, document["runs"], strict=True):
        for name in document["metrics"]:
            assert float(row[name]) == run["metrics"][name]


def test_csv_has_every_key_whether_it_differs_or_not(trained):
    alone = next(path for path in sorted(trained.glob("*-mlp-*")))
    (row,) = csv.DictReader(io.StringIO(mnistlab("compare", alone, "--csv").stdout))
    assert (row["model.hidden"], row["training.batch_size"], row["seed"]) == ("[4]", "32", "0")
    config = mnistlab("train", alone / "config.yaml", "--print-config").stdout
    keys = dict(flattened(yaml.safe_load(config)))
    assert set(keys) <= set(row)
    table = mnistlab("compare", trained, "--csv").stdout
    assert set(keys) <= set(table.splitlines()[0].split(","))


def test_compare_sorts(trained):
    document = mnistlab("compare", trained, "--json", "--sort", "-optimizer.lr").document
    rates = [run["parameters"]["optimizer.lr"] for run in document["runs"]]
    assert rates == [0.1, 0.1, 0.1, 0.01]


def test_a_sort_by_nothing_known_is_an_error_of_the_command_line(trained):
    outcome = mnistlab("compare", trained, "--sort", "optimizer.l")
    assert outcome.exit_code == 2
    assert "did you mean optimizer.lr?" in outcome.stderr


def test_compare_writes_markdown_with_what_differs_and_every_metric(trained):
    lines = mnistlab("compare", trained, "--markdown", "--sort", "model.hidden").stdout.splitlines()
    head, marks, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert head[:3] == ["run", "model.hidden", "optimizer.lr"]
    assert "test accuracy" in head
    assert marks[:4] == ["---", "---", "---", "---:"]
    assert len(rows) == 4
    document = {
        run["run_dir"]: run["metrics"]
        for run in mnistlab("compare", trained, "--json").document["runs"]
    }
    shares = {f"{100 * metrics['test_accuracy']:.2f} %" for metrics in document.values()}
    assert {row[head.index("test accuracy")] for row in rows} == shares


def test_compare_writes_latex_that_needs_no_package(trained):
    first, _, head, _, *rows, _, last = mnistlab("compare", trained, "--latex").stdout.splitlines()
    cells = head.removesuffix(r" \\").split(" & ")
    assert first == rf"\begin{{tabular}}{{lll{'r' * (len(cells) - 3)}}}"
    assert cells[:3] == ["run", "model.hidden", "optimizer.lr"]
    assert len(rows) == 4
    assert all(row.endswith(r" \\") and len(row.split(" & ")) == len(cells) for row in rows)
    assert all(r" \%" in row and "{[" in row for row in rows)
    assert last == r"\end{tabular}"


def test_csv_and_json_exclude_each_other(trained):
    assert mnistlab("compare", trained, "--csv", "--json").exit_code == 2


def test_runs_of_one_configuration_say_so(trained):
    (run, *_) = sorted(path for path in trained.iterdir() if path.name != "latest")
    assert mnistlab("compare", run, trained / "latest" / "trials").exit_code == 0
    one = mnistlab("compare", run)
    assert len(one.stdout.splitlines()) == 2
    assert one.stderr == ""


def test_runs_lists_runs_and_sweeps(trained):
    head, *lines = mnistlab("runs", trained).stdout.splitlines()
    assert head.split() == ["folder", "status", "age", "done", "best", "test_accuracy"]
    assert ["1/1 epochs" in line for line in lines] == [True, True, False]
    assert "2/2 trials" in lines[2]
    assert all(" finished " in line and "val_accuracy" in line for line in lines)


def test_runs_distinguishes_a_dead_process_from_a_running_one(trained, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("name: x\n")
    assert "process died" in mnistlab("runs", tmp_path).stdout
    (entry,) = mnistlab("runs", tmp_path, "--json").document["entries"]
    assert (entry["status"], entry["alive"]) == ("running", False)


def test_an_empty_folder_has_no_run_yet(tmp_path):
    outcome = mnistlab("runs", tmp_path)
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert "no run yet" in outcome.stderr


def test_a_damaged_run_is_named_and_gives_exit_code_2(trained, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("name: x\n")
    (run / "run.json").write_text("{")
    for command in (("runs", tmp_path), ("compare", tmp_path, trained)):
        outcome = mnistlab(*command)
        assert outcome.exit_code == 2
        assert "run.json:1:2" in outcome.stderr


@pytest.mark.parametrize("command", ["compare", "runs"])
def test_hundreds_of_runs_wait_for_no_library(trained, command):
    heavy = {"numpy", "numba", "pandas", "matplotlib", "sklearn"}
    assert imported_by(command, str(trained)) & heavy == set()
    assert heavy & set(sys.modules)  # the names are right


def plain(text):
    """What a terminal shows, without its colours."""
    return re.sub(r"\x1b\[\d*m", "", text)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", ["compare", "runs"])
def test_no_line_is_wider_than_the_terminal(trained, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = plain(mnistlab(command, trained, screen=Terminal).stdout).splitlines()
    assert max(map(len, lines)) <= columns


def test_runs_names_the_columns_that_do_not_fit_a_narrow_terminal(trained, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    lines = plain(mnistlab("runs", trained, screen=Terminal).stdout).splitlines()
    heading = next(line for line in lines if line.startswith("folder"))
    assert heading.split() == ["folder", "status", "accuracy", "accuracy"]
    assert lines[-1] == "(no room for done, age; --json has all)"


def test_compare_has_a_row_for_each_key_where_few_runs_do_not_fit(trained, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    one, other = sorted(path for path in trained.glob("*-mlp-*") if (path / "run.json").exists())
    legend, table = plain(mnistlab("compare", one, other, screen=Terminal).stdout).split("\n\n")
    assert [line.split() for line in legend.splitlines()] == [
        ["run", "status"],
        ["1", one.name, "finished"],
        ["2", other.name, "finished"],
    ]
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()}
    assert rows["1"] == ["2"]
    assert sorted(rows["optimizer.lr"]) == ["0.01", "0.1"]  # both may start in one second
    assert rows["val_accuracy"][0].endswith("%")


def test_compare_counts_the_keys_that_only_one_type_has(trained, home):
    line = ("train", "tiny.yaml", "--no-plots", "-q", "training.epochs=1")
    folders = [mnistlab(*line, f"optimizer={kind}").stdout.strip() for kind in ("adam", "sgd")]
    told = mnistlab("compare", *folders).stderr
    assert told == "not shown: keys that only one type has (6 of optimizer); --csv has them\n"

import csv
import io
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from cli_helpers import Terminal, mnistlab
from test_cli_help import imported_by

from mnistlab.store.browse.values import flattened


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
    keys = flattened(yaml.safe_load(config))
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
    assert "interrupted" in mnistlab("runs", tmp_path).stdout
    condition = ("--where", "status == 'interrupted'")
    (entry,) = mnistlab("runs", tmp_path, "--json", *condition).document["entries"]
    assert (entry["status"], entry["alive"]) == ("interrupted", False)


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


def test_a_trial_is_named_by_its_number(trained, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    names = [line.split()[0] for line in plain(mnistlab("compare", trained).stdout).splitlines()]
    numbers = [name.partition("/trials/")[2] for name in names if "/trials/" in name]
    assert numbers == ["0000", "0001"]


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


def test_a_sweep_of_several_metrics_leaves_the_folders_readable(trained, home, monkeypatch):
    """Its best point took the columns of a narrow terminal: at 40 each folder was an ellipsis."""
    command = "sweep", "tiny.yaml", "--quiet", "--no-plots", "optimizer.lr=0.1,0.01"
    folder = Path(mnistlab(*command, "metric=[val_accuracy,parameters]").stdout.strip())
    mnistlab("sweep", "tiny.yaml", "--quiet", "--no-plots", "optimizer.lr=0.1", "metric=val_loss")
    for columns in (40, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = plain(mnistlab("runs", folder.parent, screen=Terminal).stdout)
        assert any(line.startswith(folder.name[:12]) for line in shown.splitlines()), shown
        assert "other metrics and ranks" in " ".join(shown.split())


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


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """A sweep of two widths with three seeds each."""
    folder = tmp_path_factory.mktemp("seeded")
    (folder / "tiny.yaml").write_text(
        "data: {source: digits, train_limit: 43}\nmodel: {hidden: [4]}\ntraining: {epochs: 1}\n"
    )
    common = (folder / "tiny.yaml", "--quiet", "--no-plots", "--runs-dir", folder / "runs")
    assert mnistlab("sweep", *common, "model.hidden=[5],[6]", "seeds=3").exit_code == 0
    return folder / "runs"


def baseline_of(folder):
    (sweep,) = (path for path in folder.iterdir() if path.name != "latest")
    return sorted((sweep / "trials").iterdir())[0]


def test_a_condition_selects_runs_and_points_at_its_fault(trained):
    outcome = mnistlab("compare", trained, "--where", "model.hidden == [4]", "--json")
    assert len(outcome.document["runs"]) == 2
    outcome = mnistlab("runs", trained, "--where", "kind == 'sweep'", "--json")
    assert len(outcome.document["entries"]) == 1
    for command in ("compare", "runs"):
        outcome = mnistlab(command, trained, "--where", "optimizer.lr = 0.1")
        assert outcome.exit_code == 2
        assert "where, column 14, at '= 0.1': two values are compared by ==" in outcome.stderr
    outcome = mnistlab("runs", trained, "--where", "status == 'failed'")
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert "nothing matches status == 'failed'" in outcome.stderr


def test_groups_are_printed_over_their_seeds_in_every_format(seeded):
    line = ("compare", seeded, "--group-by", "model.hidden", "--metric", "test_accuracy,val_loss")
    head, *lines = mnistlab(*line).stdout.splitlines()
    assert head.split()[:3] == ["model.hidden", "runs", "test_accuracy"]
    assert len(lines) == 2
    assert all("±" in row and " to " in row for row in lines)
    document = mnistlab(*line, "--json").document
    assert document["metric"] == "test_accuracy"
    table = list(csv.DictReader(io.StringIO(mnistlab(*line, "--csv").stdout)))
    for row, group in zip(table, document["groups"], strict=True):
        assert float(row["test_accuracy_mean"]) == group["test_accuracy_mean"]
        assert float(row["test_accuracy_low"]) == group["test_accuracy_low"]
        assert (row["seeds"], group["runs"]) == ("[0, 1, 2]", 3)
        assert len(group["run_dirs"]) == 3
    markdown = mnistlab(*line, "--markdown").stdout.splitlines()
    assert markdown[0].startswith("| model.hidden | runs | test accuracy | 95 % interval")
    latex = mnistlab(*line, "--latex").stdout
    assert r"$\pm$" in latex
    assert latex.startswith(r"\begin{tabular}{lrrrr}")


def test_groups_beside_a_baseline_have_a_difference_with_interval_and_test(seeded):
    line = ("compare", seeded, "--group-by", "all", "--against", baseline_of(seeded))
    outcome = mnistlab(*line)
    assert "difference" in outcome.stdout.splitlines()[0]
    assert sum("baseline" in row for row in outcome.stdout.splitlines()) == 1
    assert "they share the draws of the initial weights and the order of images" in outcome.stderr
    groups = mnistlab(*line, "--json").document["groups"]
    assert [group["is_baseline"] for group in groups].count(True) == 1
    (other,) = (group for group in groups if not group["is_baseline"])
    assert other["pairs"] == 3
    assert other["difference_low"] <= other["difference"] <= other["difference_high"]


def test_single_runs_beside_a_baseline_are_compared_on_the_same_images(seeded, trained):
    baseline = baseline_of(seeded)
    document = mnistlab("compare", seeded, "--against", baseline, "--json").document
    for run in document["runs"]:
        if run["run_dir"] == str(baseline):
            assert run["difference"] is None
            own = run["metrics"]["test_accuracy"]
    others = [run for run in document["runs"] if run["difference"] is not None]
    assert len(others) == 5
    for run in others:
        assert run["difference"] == pytest.approx(run["metrics"]["test_accuracy"] - own)
        assert run["difference_low"] <= run["difference"] <= run["difference_high"]
    outcome = mnistlab("compare", seeded, "--against", baseline)
    assert sum("baseline" in row for row in outcome.stdout.splitlines()) == 1
    assert "McNemar's test" in outcome.stderr
    table = csv.DictReader(
        io.StringIO(mnistlab("compare", seeded, "--against", baseline, "--csv").stdout)
    )
    assert sum(row["p_value"] != "" for row in table) == 5
    for form, mark in (("--markdown", "| difference |"), ("--latex", "& difference &")):
        assert mark in mnistlab("compare", seeded, "--against", baseline, form).stdout


def test_a_baseline_without_predictions_is_refused(seeded, tmp_path):
    shutil.copytree(baseline_of(seeded), tmp_path / "run")
    (tmp_path / "run" / "predictions.csv").unlink()
    outcome = mnistlab("compare", seeded, "--against", tmp_path / "run")
    assert outcome.exit_code == 2
    assert "has no predictions.csv" in outcome.stderr
    outcome = mnistlab("compare", seeded, tmp_path, "--against", baseline_of(seeded))
    assert "1 of 7 runs predicted other images: not compared" in outcome.stderr


def test_a_page_is_written_where_it_is_asked_for(seeded, tmp_path):
    page = tmp_path / "page.html"
    outcome = mnistlab("compare", seeded, "--html", page)
    assert (outcome.exit_code, outcome.stdout.strip()) == (0, str(page))
    assert "6 runs compared" in page.read_text()
    assert mnistlab("compare", seeded, "--html", page, "--group-by", "seed").exit_code == 0
    assert mnistlab("compare", seeded, "--html", page, "--csv").exit_code == 2
    outcome = mnistlab("compare", seeded, "--html", tmp_path / "nowhere" / "page.html")
    assert outcome.exit_code == 2
    assert "page.html: cannot be written: No such file or directory" in outcome.stderr


def test_a_narrow_terminal_has_room_for_the_difference_to_the_baseline(seeded, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    line = ("compare", seeded, "--group-by", "model.hidden", "--against", baseline_of(seeded))
    lines = plain(mnistlab(*line, screen=Terminal).stdout).splitlines()
    assert max(map(len, lines)) <= 70
    heading = next(text for text in lines if "difference" in text)
    assert "95 % interval" in heading
    assert " p" in heading

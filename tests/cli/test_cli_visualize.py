"""`mnistlab visualize`: its files, its output, and its exit code."""

from pathlib import Path

import pytest
from cli_helpers import mnistlab


@pytest.fixture
def run(home) -> Path:
    return Path(mnistlab("train", "tiny.yaml", "--quiet", "--no-plots").stdout.strip())


def test_the_paths_of_the_figures_and_those_left_out_are_printed(run):
    outcome = mnistlab("visualize", run, "--only", "weights", "--only", "feature_maps")
    assert outcome.exit_code == 0
    assert outcome.stdout == f"{run / 'plots' / 'weights.png'}\n"
    assert (run / "plots" / "weights.png").read_bytes().startswith(b"\x89PNG")
    assert outcome.stderr == "feature_maps: left out: it has no convolution\n"


@pytest.mark.parametrize(("format", "beginning"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_come_in_other_formats(run, format, beginning):
    outcome = mnistlab("visualize", "runs/latest", "--only", "calibration", "--format", format)
    path = Path(outcome.stdout.strip())
    assert path.name == f"calibration.{format}"
    assert path.read_bytes().startswith(beginning)


def test_json_names_every_file_and_every_reason(run):
    only = ("--only", "weights", "--only", "feature_maps")
    document = mnistlab("visualize", run, *only, "--json").document
    assert document == {
        "run_dir": str(run),
        "report": None,  # single figures leave it as it is
        "figures": {"weights": str(run / "plots" / "weights.png")},
        "left_out": {"feature_maps": "it has no convolution"},
    }


def test_a_damaged_file_is_named_even_with_quiet_and_exits_2(run):
    (run / "layers.csv").write_text("nonsense\n")
    only = ("--only", "layer_statistics", "--only", "weights")
    outcome = mnistlab("visualize", run, *only, "--quiet")
    assert outcome.exit_code == 2
    assert outcome.stdout == f"{run / 'plots' / 'weights.png'}\n"
    first, second = outcome.stderr.splitlines()
    assert first.startswith(f"{run / 'layers.csv'}:1: ")
    assert second == "left out because of it: layer_statistics"


def test_a_figure_asked_for_in_vain_exits_2_and_says_why(run):
    outcome = mnistlab("visualize", run, "--only", "feature_maps", "--quiet")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr == "feature_maps: left out: it has no convolution\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs",), "is a folder of runs, not one run"),
        (("nowhere",), "no such run folder"),
        (("runs/latest", "--only", "wieghts"), "did you mean weights"),
        (("runs/latest", "--format", "gif"), "found 'gif', must be one of"),
    ],
)
def test_what_can_t_be_drawn_is_refused_with_2(run, arguments, message):
    outcome = mnistlab("visualize", *arguments)
    assert outcome.exit_code == 2
    assert message in outcome.stderr


def test_train_draws_the_cheap_figures_and_no_plots_draws_none(home):
    drawn = Path(mnistlab("train", "tiny.yaml", "--quiet").stdout.strip())
    names = {path.name for path in (drawn / "plots").iterdir()}
    cheap = ("learning_curves", "confusion_matrix", "mistakes", "weights")
    assert names == {f"{name}.png" for name in cheap}
    bare = Path(mnistlab("train", "tiny.yaml", "--quiet", "--no-plots").stdout.strip())
    assert not (bare / "plots").exists()
    assert (drawn / "report.html").exists()
    assert not (bare / "report.html").exists()


def test_figures_are_renewed_and_what_mnistlab_did_not_draw_is_left_as_it_is(run):
    only = ("--only", "weights", "--only", "calibration")
    for _ in range(2):
        assert mnistlab("visualize", run, *only).exit_code == 0
    edited = run / "plots" / "calibration.png"
    edited.write_bytes(edited.read_bytes().replace(b"IDAT", b"IDAS", 1))
    (run / "plots" / "weights.png").unlink()
    outcome = mnistlab("visualize", run, *only)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{edited}: exists and was not written by mnistlab")
    assert "--force" in outcome.stderr
    assert not (run / "plots" / "weights.png").exists()  # before anything is drawn
    assert mnistlab("visualize", run, *only, "--force").exit_code == 0


def test_a_page_of_the_users_own_stops_the_drawing_of_a_report(run):
    (run / "report.html").write_text("<p>mine</p>")
    assert mnistlab("visualize", run).exit_code == 2
    assert not (run / "plots").exists()
    assert (run / "report.html").read_text() == "<p>mine</p>"


def test_what_a_killed_process_left_is_gone_once_somebody_draws(run):
    (run / "plots").mkdir()
    left = [run / "plots" / ".weights.png.999999-0123abcd.tmp", run / ".report.html.1-0123abcd.tmp"]
    for path in left:
        path.write_text("half")
    assert mnistlab("visualize", run, "--only", "weights").exit_code == 0
    assert not any(path.exists() for path in left)

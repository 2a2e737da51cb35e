import json
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import mnistlab
from PIL import Image


@pytest.fixture
def run_dir(home):
    return mnistlab("train", "tiny.yaml", "--no-plots", "--quiet", "--json").document["run_dir"]


def test_people_read_the_loss_each_class_and_what_is_taken_for_what(run_dir):
    outcome = mnistlab("evaluate", run_dir)
    assert outcome.exit_code == 0
    head, classes, confusion = outcome.stdout.split("\n\n")
    first, second = head.splitlines()
    assert first.startswith("tiny: 360 test images of digits, weights of step 14")
    document = mnistlab("evaluate", run_dir, "--json").document
    assert f"accuracy {document['accuracy']:.2%}" in second
    assert [line.split()[0] for line in classes.splitlines()] == ["class", *"0123456789"]
    rows = confusion.replace("·", "0").splitlines()[1:]
    counts = [[int(cell) for cell in row.split()[1:]] for row in rows]
    assert counts == document["confusion_matrix"]


def test_programs_read_one_document(run_dir):
    outcome = mnistlab("evaluate", run_dir, "--split", "validation", "--json")
    document = outcome.document
    assert document["split"] == "validation"
    matrix = np.array(document["confusion_matrix"])
    assert document["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
    for one, row, column in zip(document["per_class"], matrix, matrix.T, strict=True):
        label = one["label"]
        assert one["images"] == row.sum()
        expected = row[label] / row.sum() if row.sum() else None
        assert one["recall"] == (None if expected is None else pytest.approx(expected))
        expected = column[label] / column.sum() if column.sum() else None
        assert one["precision"] == (None if expected is None else pytest.approx(expected))


def test_the_best_weights_are_those_of_the_best_row(home):
    arguments = ("lr_schedule={type: linear, final: 40.0, steps: 60}", "training.epochs=6")
    run = mnistlab("train", "tiny.yaml", *arguments, "--no-plots", "--json").document["run_dir"]
    record = json.loads((home / run / "run.json").read_text())
    best = mnistlab("evaluate", run, "--split", "validation", "--weights", "best", "--json")
    assert best.document["accuracy"] == record["best"]["val_accuracy"]
    assert best.document["step"] == record["best"]["step"]


def test_classes_that_are_left_out_are_counted_and_not_shown(home):
    run = mnistlab("train", "tiny.yaml", "data.classes=[1,9]", "--no-plots", "--json")
    outcome = mnistlab("evaluate", run.document["run_dir"])
    assert "(8 classes have no image here and were never predicted)" in outcome.stdout
    assert outcome.stdout.rstrip().splitlines()[-1].split()[0] == "9"


def test_one_class_that_is_left_out_is_told_in_the_singular(home):
    run = mnistlab("train", "tiny.yaml", "data.classes=[0,1,2,3,4,5,6,7,8]", "--no-plots", "--json")
    outcome = mnistlab("evaluate", run.document["run_dir"])
    assert "(1 class has no image here and was never predicted)" in outcome.stdout


def test_a_path_without_a_run_and_missing_data_are_reported_without_a_traceback(home, run_dir):
    assert mnistlab("evaluate", "nowhere").exit_code == 2
    without = mnistlab("train", "tiny.yaml", "data.validation=0", "--no-plots", "--json")
    outcome = mnistlab("evaluate", without.document["run_dir"], "--split", "validation", "--json")
    assert outcome.exit_code == 2
    assert "data.validation is 0" in outcome.document["errors"][0]


def test_more_classes_than_fit_the_terminal_are_shown_as_pairs(home):
    rng = np.random.default_rng(0)
    parts = {"x_train": (90, 5, 5), "x_test": (60, 5, 5)}
    images = {name: rng.integers(0, 256, shape, np.uint8) for name, shape in parts.items()}
    labels = {"y_train": np.arange(90) % 30, "y_test": np.arange(60) % 30}
    np.savez(home / "own.npz", **images, **{k: v.astype(np.uint8) for k, v in labels.items()})
    own = ("data.source=npz", "data.path=own.npz", "data.train_limit=null")
    run = mnistlab("train", "tiny.yaml", *own, "--no-plots", "--json").document["run_dir"]
    pairs = mnistlab("evaluate", run).stdout.split("\n\n")[2].splitlines()
    assert pairs[0].split() == ["true", "predicted", "images"]
    assert len(pairs) == 22


@pytest.fixture
def sweep_dir(home):
    arguments = ("sweep", "tiny.yaml", "optimizer.lr=0.1,0.3", "seeds=2", "--no-plots", "--json")
    return mnistlab(*arguments, "--quiet").document["sweep_dir"]


def test_the_trials_of_a_sweep_are_evaluated_together(sweep_dir):
    outcome = mnistlab("evaluate", sweep_dir)
    assert outcome.exit_code == 0, outcome.stderr
    head, members, *_ = outcome.stdout.split("\n\n")
    assert head.startswith("4 networks, mean of their probabilities: 360 test images of digits\n")
    assert "over the mean of its members" in head
    assert len(members.splitlines()) == 5
    document = mnistlab("evaluate", sweep_dir, "--json").document
    assert f"accuracy {document['accuracy']:.2%}" in head
    trials = [member["run_dir"] for member in document["members"]]
    assert mnistlab("evaluate", *trials, "--json").document == document
    mean = np.mean([member["accuracy"] for member in document["members"]])
    assert document["gain"]["over_mean"] == pytest.approx(document["accuracy"] - mean)


def test_a_sweep_predicts_by_the_mean_of_its_trials(sweep_dir, home):
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(home / "line.png")
    trials = mnistlab("evaluate", sweep_dir, "--json").document["members"]
    each = [
        mnistlab("predict", one["run_dir"], "line.png", "--json").document["predictions"][0]
        for one in trials
    ]
    mean = np.mean([one["probabilities"] for one in each], axis=0)
    runs = [one["run_dir"] for one in trials]
    for members in ([sweep_dir], runs):
        (said,) = mnistlab("predict", *members, "line.png", "--json").document["predictions"]
        np.testing.assert_allclose(said["probabilities"], mean, rtol=1e-6)
        assert said["predicted"] == mean.argmax()
    outcome = mnistlab("predict", *runs)
    assert outcome.exit_code == 2
    assert "no picture is named behind the runs" in outcome.stderr


def test_a_temperature_is_reported_with_the_calibration_before_and_after(run_dir):
    outcome = mnistlab("evaluate", run_dir, "--calibrate")
    assert outcome.exit_code == 0, outcome.stderr
    document = mnistlab("evaluate", run_dir, "--calibrate", "--json").document
    assert f"temperature {document['temperature']:.4f}, fitted on 287" in outcome.stdout
    row = next(line for line in outcome.stdout.splitlines() if "calibration error" in line)
    assert row.split()[-2:] == [f"{document[when]['error']:.2%}" for when in ("before", "after")]
    refused = mnistlab("evaluate", run_dir, run_dir, "--calibrate")
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (2, "--calibrate")


def test_latest_after_a_sweep_is_its_best_trial_and_says_so(sweep_dir, home):
    latest, best = Path(sweep_dir).with_name("latest"), (Path(sweep_dir) / "best").resolve()
    assert latest.is_symlink()
    said = f"{latest} is a sweep: using its best trial, {best.relative_to(home)}\n"
    evaluated = mnistlab("evaluate", latest, "--json")
    assert evaluated.stderr == said
    assert evaluated.document["run_dir"] == str(best)
    exported = mnistlab("export", latest, "--format", "npz", "--json")
    assert exported.stderr.startswith(said)
    assert exported.document["file"] == str(best / "model.npz")
    picture = home / "one.png"
    Image.fromarray(np.pad(np.zeros((40, 6), np.uint8), 20, constant_values=255)).save(picture)
    assert mnistlab("predict", latest, picture).stderr == said


@pytest.mark.parametrize(
    ("option", "value", "strengths"),
    [
        ("--noise", "gaussian:0.5", [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ("--shift", "2", [0, 1, 2]),
        ("--rotate", "50", [0, 10, 20, 30, 40, 50]),
        ("--attack", "fgsm:0.25", [0, 0.05, 0.1, 0.15, 0.2, 0.25]),
    ],
)
def test_the_accuracy_is_told_by_the_strength_of_a_disturbance(
    run_dir, home, option, value, strengths
):
    outcome = mnistlab("evaluate", run_dir, option, value, "--figure", "curve.png")
    assert outcome.exit_code == 0, outcome.stderr
    document = mnistlab("evaluate", run_dir, option, value, "--json").document
    assert [one["strength"] for one in document["curve"]] == pytest.approx(strengths)
    rows = [line.split() for line in outcome.stdout.splitlines()[-len(strengths) :]]
    assert [row[-1] for row in rows] == [f"{one['accuracy']:.2%}" for one in document["curve"]]
    undisturbed = mnistlab("evaluate", run_dir, "--json").document
    assert document["curve"][0]["accuracy"] == undisturbed["accuracy"]
    assert document["curve"][0]["loss"] == pytest.approx(undisturbed["loss"])
    with Image.open(home / "curve.png") as picture:
        assert picture.size[0] > 1000


@pytest.mark.parametrize("option", [("--shift", "1"), ("--calibrate",)])
def test_what_is_for_one_network_takes_the_best_trial_of_a_sweep(sweep_dir, option, home):
    outcome = mnistlab("evaluate", sweep_dir, *option)
    assert outcome.exit_code == 0, outcome.stderr
    best = (Path(sweep_dir) / "best").resolve()
    said = f"{sweep_dir} is a sweep: using its best trial, {best.relative_to(home)}\n"
    assert said in outcome.stderr
    assert outcome.stdout == mnistlab("evaluate", best, *option).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--noise", "0.3"), "--noise: found '0.3', must be gaussian:STD"),
        (("--noise", "gaussian:-1"), "--noise: found 'gaussian:-1'"),
        (("--attack", "fgsm:2"), "--attack: found 'fgsm:2', must be fgsm:SIZE"),
        (("--shift", "0"), "--shift: found 0, must be a whole number of pixels, 1 or more"),
        (("--shift", "28"), "--shift: found 28, must be below 28"),
        (("--rotate", "200"), "--rotate: found 200, must be above 0 and at most 180 degrees"),
        (("--shift", "1", "--rotate", "2"), "--shift and --rotate: choose one of them"),
        (("--figure", "a.png"), "--figure: needs --noise"),
        (("--shift", "1", "--figure", "a.txt"), "a.txt: must end in .png"),
        (("--shift", "1", "--calibrate"), "--calibrate: is for images that are not disturbed"),
        (("--shift", "1", "--figure", "mine.png"), "mine.png"),
    ],
)
def test_a_disturbance_that_cannot_be_is_refused(run_dir, home, arguments, said):
    (home / "mine.png").write_text("mine")
    outcome = mnistlab("evaluate", run_dir, *arguments)
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert (home / "mine.png").read_text() == "mine"

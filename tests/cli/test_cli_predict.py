import numpy as np
import pytest
from cli_helpers import mnistlab
from PIL import Image, ImageDraw


@pytest.fixture
def run_dir(home):
    return mnistlab("train", "tiny.yaml", "--no-plots", "--quiet", "--json").document["run_dir"]


@pytest.fixture
def picture(home):
    image = Image.new("L", (120, 160), 240)
    ImageDraw.Draw(image).line((60, 20, 60, 130), fill=10, width=9)
    image.save(home / "one.png")
    return "one.png"


def test_people_read_a_line_for_each_picture(run_dir, picture):
    outcome = mnistlab("predict", run_dir, picture, picture)
    assert outcome.exit_code == 0
    head, *lines = outcome.stdout.splitlines()
    assert head.split() == ["image", "predicted", "probability", "then"]
    assert len(lines) == 2
    assert lines[0].split()[0] == "one.png"


def test_programs_read_classes_and_probabilities(run_dir, picture, home):
    document = mnistlab("predict", run_dir, picture, "--save", "seen", "--json").document
    (said,) = document["predictions"]
    assert said["image"] == str(home / "one.png")
    assert len(said["probabilities"]) == 10
    assert sum(said["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert said["predicted"] == int(np.argmax(said["probabilities"]))
    assert said["saved"] == [
        str(home / "seen" / name) for name in ("one.png", "one-prediction.png")
    ]
    assert "status" not in document


def test_bad_files_are_named_the_others_read_and_the_exit_code_says_so(run_dir, picture, home):
    (home / "text.png").write_text("no picture")
    outcome = mnistlab("predict", run_dir, "text.png", picture, "gone.png", "--json")
    assert outcome.exit_code == 2
    assert [said["image"] for said in outcome.document["predictions"]] == [str(home / "one.png")]
    assert outcome.document["status"] == "error"
    assert outcome.document["exit_code"] == 2
    assert [error.split(": ")[0] for error in outcome.document["errors"]] == [
        "text.png",
        "gone.png",
    ]
    assert [line.split(": ")[0] for line in outcome.stderr.splitlines()] == ["text.png", "gone.png"]


def test_outputs_that_are_no_probabilities_are_not_called_so(home, picture):
    loss = ("loss.type=mse", "model.output_activation=identity")
    run = mnistlab("train", "tiny.yaml", *loss, "--no-plots", "--json").document["run_dir"]
    outcome = mnistlab("predict", run, picture)
    head, line = outcome.stdout.splitlines()
    assert "output" in head
    assert "%" not in line

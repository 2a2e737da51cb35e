import sys
from pathlib import Path

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


def test_bad_files_are_named_the_others_predicted_and_the_exit_code_is_not_0(
    run_dir, picture, home
):
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


def test_a_folder_stands_for_the_pictures_in_it(run_dir, picture, home):
    (home / "photos").mkdir()
    for name in ("b.png", "a.PNG"):
        (home / "photos" / name).write_bytes((home / picture).read_bytes())
    (home / "photos" / "notes.txt").write_text("no picture")
    outcome = mnistlab("predict", run_dir, "photos", picture, "--json")
    assert outcome.exit_code == 0
    assert [said["image"] for said in outcome.document["predictions"]] == [
        str(home / name) for name in ("photos/a.PNG", "photos/b.png", "one.png")
    ]


def test_a_folder_without_pictures_is_named(run_dir, home):
    (home / "photos").mkdir()
    outcome = mnistlab("predict", run_dir, "photos")
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("photos: ")
    assert "is a folder without pictures" in outcome.stderr


def test_outputs_that_are_no_probabilities_are_not_called_so(home, picture):
    loss = ("loss.type=mse", "model.output_activation=identity")
    run = mnistlab("train", "tiny.yaml", *loss, "--no-plots", "--json").document["run_dir"]
    outcome = mnistlab("predict", run, picture)
    head, line = outcome.stdout.splitlines()
    assert "output" in head
    assert "%" not in line


def test_save_renews_its_own_files_and_no_picture_of_anybody_else(run_dir, picture, home):
    before = (home / "one.png").read_bytes()
    outcome = mnistlab("predict", run_dir, picture, "--save", ".")
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("one.png: exists and was not written by mnistlab")
    assert (home / "one.png").read_bytes() == before
    assert not (home / "one-prediction.png").exists()
    for _ in range(2):
        assert mnistlab("predict", run_dir, picture, "--save", "seen").exit_code == 0
    Image.new("L", (28, 28)).save(home / "seen" / "one.png")  # edited
    assert mnistlab("predict", run_dir, picture, "--save", "seen").exit_code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="names of other bytes are Linux's")
def test_a_picture_whose_name_is_no_utf_8_is_saved(run_dir, picture, home):
    (home / "one.png").rename(home / "one\udcff.png")
    saved = mnistlab("predict", run_dir, "one\udcff.png", "--save", "seen", "--json")
    (said,) = saved.document["predictions"]
    assert all(Path(file).is_file() for file in said["saved"])


def test_a_refused_save_asks_nothing_of_the_network(picture, home):
    """Before any work: also where there is no such run."""
    outcome = mnistlab("predict", "no-run", picture, "--save", ".")
    assert outcome.stderr.startswith("one.png: exists")


def test_pictures_whose_files_would_be_called_alike_are_saved_apart(run_dir, picture, home):
    Image.open(home / "one.png").save(home / "one-prediction.png")
    pictures = (picture, "one-prediction.png")
    document = mnistlab("predict", run_dir, *pictures, "--save", "seen", "--json").document
    files = [file for said in document["predictions"] for file in said["saved"]]
    assert len(set(files)) == 4
    assert sorted(files) == sorted(map(str, (home / "seen").iterdir()))

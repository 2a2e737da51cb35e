"""A run is evaluated with the folder of datasets that it was trained with, if none is named now."""

import pytest

import mnistlab
from mnistlab.cli.app import app
from mnistlab.config import parse_run_config, run_config_from_mapping
from mnistlab.data.sources import SOURCES
from mnistlab.experiment.dataset import data_dir_of_file, data_dir_of_run, data_dir_of_runs
from mnistlab.experiment.model import load_model
from mnistlab.experiment.run_options import RunOptions
from mnistlab.export.formats.onnx.check import _images
from mnistlab.python.commands.train import train
from mnistlab.store.run_dir import RunDir
from mnistlab.support import paths
from mnistlab.support.errors import UsageError

CONFIG = run_config_from_mapping({"data": {"source": "mnist"}})


@pytest.fixture
def usual(tmp_path, monkeypatch):
    """The folder of datasets of a user who has named none."""
    monkeypatch.delenv("MNISTLAB_DATA_DIR", raising=False)
    monkeypatch.setattr(paths, "_users_cache", lambda: tmp_path / "cache")
    return paths.data_dir()


def with_files(folder):
    """A folder of datasets that seems to have MNIST."""
    (folder / "mnist").mkdir(parents=True)
    for file in SOURCES["mnist"].files:
        (folder / "mnist" / file.download_name).touch()
    return folder


def chosen(recorded, data_dir):
    told = []
    folder = data_dir_of_run(CONFIG, recorded and str(recorded), data_dir, told.append)
    return folder, told


def test_the_folder_in_run_json_is_used_where_the_usual_one_lacks_the_dataset(tmp_path, usual):
    before = with_files(tmp_path / "before")
    folder, told = chosen(before, usual)
    assert folder == before
    assert told == [f"mnist is not in {usual}; using {before}, where the run had it"]


def test_a_folder_that_is_named_or_has_the_dataset_is_used(tmp_path, usual, monkeypatch):
    before, named = with_files(tmp_path / "before"), tmp_path / "named"
    assert chosen(before, named) == (named, [])
    monkeypatch.setenv("MNISTLAB_DATA_DIR", str(named))
    assert chosen(before, paths.data_dir()) == (named, [])
    with_files(usual)
    assert chosen(before, usual) == (usual, [])


def test_a_folder_in_run_json_that_lacks_the_dataset_or_is_not_there_is_ignored(tmp_path, usual):
    assert chosen(tmp_path / "gone", usual) == (usual, [])
    assert chosen(None, usual) == (usual, [])


RUN = """\
data: {source: digits, train_limit: 50}
model: {type: softmax}
training: {epochs: 1}
"""


@pytest.fixture
def run_with_data(tmp_path, usual, monkeypatch):
    """A run on `digits`, of which only the folder of its training seems to have the files."""
    before = tmp_path / "before"
    monkeypatch.setattr(
        type(SOURCES["digits"]), "lacks_files", lambda self, folder: folder != before
    )
    options = RunOptions(data_dir=before)
    return train(parse_run_config(RUN, "run.yaml"), tmp_path / "runs", options, plots=False).run_dir


def test_the_configuration_in_a_runs_folder_is_trained_with_the_folder_of_the_run(
    tmp_path, usual, run_with_data
):
    told = []
    config = parse_run_config(RUN, "run.yaml")
    file = run_with_data / "config.yaml"
    assert data_dir_of_file(file, usual, told.append, config) == tmp_path / "before"
    assert told == [f"digits is not in {usual}; using {tmp_path / 'before'}, where the run had it"]
    copy = tmp_path / "config.yaml"
    assert data_dir_of_file(copy, usual, told.append, config) == usual
    RunDir(run_with_data).run_json.write_text("damaged")
    assert data_dir_of_file(file, usual, told.append, config) == usual
    assert len(told) == 1


def test_a_sweep_is_resumed_with_the_folder_that_its_trials_recorded(
    tmp_path, usual, run_with_data
):
    told = []
    begun = [tmp_path / "not-begun", run_with_data]
    assert data_dir_of_runs(begun, usual, told.append) == tmp_path / "before"
    assert told == [f"digits is not in {usual}; using {tmp_path / 'before'}, where the run had it"]
    RunDir(run_with_data).run_json.write_text("damaged")
    assert data_dir_of_runs(begun, usual, told.append) == usual
    assert len(told) == 1


def test_an_export_is_compared_on_the_images_in_the_folder_that_the_run_recorded(
    tmp_path, run_with_data, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        "mnistlab.export.formats.onnx.check.open_source",
        lambda *names, data_dir, **how: asked.append(data_dir) or SOURCES["digits"].open(None),
    )
    model = load_model(run_with_data)
    assert _images(model)[1].startswith("the 360 test images of digits")
    assert asked == [tmp_path / "before"]


# A function of Python's, or a command, that reads a configuration; its name where it calls another.
READERS = {
    "mnistlab.python.training.new_run": lambda file: mnistlab.train(file, quiet=True),
    "mnistlab.python.training.check_config": lambda file: mnistlab.check(file, quiet=True),
    "mnistlab.python.training.find_rate": lambda file: mnistlab.lr_find(file, quiet=True),
    "mnistlab.python.training.new_sweep": lambda file: mnistlab.sweep(
        file, {"optimizer.lr": [0.1, 0.2]}, quiet=True
    ),
    "mnistlab.python.commands.train.train": lambda file: app(["train", str(file)]),
    "mnistlab.python.commands.check.check": lambda file: app(["check", str(file)]),
    "mnistlab.python.commands.lr_find.lr_find": lambda file: app(["lr-find", str(file)]),
    "mnistlab.python.commands.sweep.sweep": lambda file: app(
        ["sweep", str(file), "optimizer.lr=0.1,0.2"]
    ),
}


@pytest.mark.parametrize("called", READERS)
def test_every_reader_of_a_runs_configuration_tries_the_folder_of_the_run(
    tmp_path, run_with_data, monkeypatch, called
):
    asked = []

    def command(*arguments, **options):
        given = [one.data_dir for one in arguments if hasattr(one, "data_dir")]
        asked.append(options["data_dir"] if "data_dir" in options else given[0])
        raise UsageError("nothing is done in this test")

    monkeypatch.setattr(called, command)
    with pytest.raises((UsageError, SystemExit)):
        READERS[called](run_with_data / "config.yaml")
    assert asked == [tmp_path / "before"]

"""A run is evaluated with the folder of datasets that it was trained with, if none is named now."""

import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.data.sources import SOURCES
from mnistlab.experiment.dataset import data_dir_of_run
from mnistlab.support import paths

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

import pytest
from cli_helpers import mnistlab

from mnistlab import data
from mnistlab.support.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(home, tmp_path_factory, monkeypatch):
    """Decoded copies of made-up images do not belong in the user's cache."""
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def test_list_shows_every_dataset_with_its_state(home):
    outcome = mnistlab("data", "list")
    assert outcome.exit_code == 0
    head, *lines = outcome.stdout.splitlines()
    assert head.split() == ["name", "state", "size", "what", "where"]
    states = {line.split()[0]: line.split()[1] for line in lines}
    assert states["digits"] == "bundled"
    assert states["mnist"] == "absent"
    assert str(home / "data" / "mnist") in outcome.stdout


def test_list_shows_what_is_wrong_with_a_dataset(home):
    (home / "data" / "mnist").mkdir(parents=True)
    (home / "data" / "mnist" / "train-labels-idx1-ubyte").write_bytes(b"x" * 2000)
    outcome = mnistlab("data", "list")
    assert "mnist is incomplete:" in outcome.stdout
    assert "2 kB" in outcome.stdout
    listed = mnistlab("data", "list", "--json").document["datasets"]
    (mnist,) = (dataset for dataset in listed if dataset["name"] == "mnist")
    assert mnist["status"] == "incomplete"
    assert mnist["bytes"] == 2000
    assert mnist["path"] == str(home / "data" / "mnist")


def test_emnist_without_a_split_is_told_a_name_with_one():
    outcome = mnistlab("data", "fetch", "emnist")
    assert outcome.exit_code == 2
    assert "did you mean emnist-balanced?" in outcome.stderr


def test_info_counts_the_images_of_each_class():
    outcome = mnistlab("data", "info", "digits")
    assert outcome.exit_code == 0
    rows = [line.split() for line in outcome.stdout.splitlines()]
    assert ["images", "1,437", "360"] in rows
    assert sum(int(row[2]) for row in rows if row[:1] == ["label"]) == 1437


def test_info_as_json_has_statistics_and_checksum():
    document = mnistlab("data", "info", "digits", "--json").document
    assert document["image_shape"] == [28, 28]
    assert len(document["sha256"]) == 64
    assert sum(document["test"]["per_class"]) == document["test"]["count"] == 360


def test_info_describes_the_user_s_own_images(own_images):
    outcome = mnistlab("data", "info", "idx", "--path", "own")
    assert outcome.stdout.startswith("idx: 5 x 4 pixels, 3 classes\n")
    assert ["label", "2", "4", "2"] in [line.split() for line in outcome.stdout.splitlines()]


def fetching(monkeypatch, *failures):
    """Replace the download: it reports two files to its progress, then ends or fails."""

    def fetch(name, data_dir, progress=None):
        for size in (9_900_000, 0):  # 0: a mirror that does not say
            if progress is not None:
                progress.reset()
                progress.total = size
                progress.update(1000)
                progress.update(1000)
        if failures:
            raise DataError(*failures)
        return data_dir / name

    monkeypatch.setattr(data, "fetch", fetch)


def test_fetch_prints_the_folder_and_a_line_per_file(home, monkeypatch):
    fetching(monkeypatch)
    outcome = mnistlab("data", "fetch", "mnist", "--data-dir", "sets")
    assert outcome.stdout == f"{home / 'sets' / 'mnist'}\n"
    assert outcome.stderr.splitlines() == [
        "downloading 9.9 MB ...",
        "downloading ...",
        "mnist: complete and checked",
    ]


def test_a_quiet_fetch_prints_the_folder_alone(home, monkeypatch):
    fetching(monkeypatch)
    outcome = mnistlab("data", "fetch", "kmnist", "--quiet", "--json")
    assert outcome.document == {"name": "kmnist", "path": str(home / "data" / "kmnist")}
    assert outcome.stderr == ""


def test_a_failed_fetch_exits_4_with_every_line_of_its_reason(monkeypatch):
    fetching(monkeypatch, "no mirror serves it:", "  this one is silent", "try again")
    outcome = mnistlab("data", "fetch", "mnist", "--quiet")
    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert outcome.stderr == "no mirror serves it:\n  this one is silent\ntry again\n"

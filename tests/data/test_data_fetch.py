import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_helpers import MISBEHAVIOURS, NAMES, cut, good, idx_bytes, slow, stalled, write_folder

from mnistlab.data import fetch, open_source
from mnistlab.support.errors import DataError, UsageError

TIMEOUT = 0.4
FILES = {f"{name}.gz" for name in NAMES}


def names_in(folder):
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr("mnistlab.data.download.MAX_DOWNLOAD_BYTES", 1 << 20)


class Recorder:
    """A progress bar that remembers."""

    def __init__(self):
        self.total = 0
        self.received = 0
        self.finished = []
        self.closed = 0

    def reset(self):
        self.received = 0

    def update(self, n):
        self.received += n
        if self.received == self.total:
            self.finished.append(self.total)

    def close(self):
        self.closed += 1


def test_a_fetched_dataset_is_whole_and_opens(tmp_path, arrays, make_mirror, know):
    know(make_mirror(good))
    folder = fetch("toy", tmp_path / "data", timeout=TIMEOUT)
    assert folder == tmp_path / "data" / "toy"
    assert names_in(folder) == FILES
    source = open_source("toy", data_dir=tmp_path / "data", fetch_missing=False)
    for stored, original in zip(
        (source.train_images, source.train_labels, source.test_images, source.test_labels),
        arrays,
        strict=True,
    ):
        np.testing.assert_array_equal(stored, original)


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_the_next_mirror_serves_when_one(name, tmp_path, make_mirror, know, small_limit):
    bad, fine = make_mirror(MISBEHAVIOURS[name][0]), make_mirror(good)
    know(bad, fine)
    folder = fetch("toy", tmp_path / "data", timeout=TIMEOUT)
    assert names_in(folder) == FILES
    assert set(bad.requests) == FILES
    assert sorted(fine.requests) == sorted(FILES)


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_nothing_stays_and_the_reason_is_reported_when_every_mirror(
    name, tmp_path, make_mirror, know, small_limit
):
    behaviour, told = MISBEHAVIOURS[name]
    mirrors = [make_mirror(behaviour), make_mirror(behaviour)]
    know(*mirrors)
    with pytest.raises(DataError) as caught:
        fetch("toy", tmp_path / "data", timeout=TIMEOUT)
    message = str(caught.value)
    for mirror in mirrors:
        assert f"{mirror.url}train-images-idx3-ubyte.gz" in message
    assert message.count(told) >= 2, message
    assert str(tmp_path / "data" / "toy") in message
    assert "mnistlab data fetch toy" in message
    assert not (tmp_path / "data").exists()


def test_an_unreachable_mirror_is_reported(tmp_path, make_mirror, know):
    mirror = make_mirror(good)
    mirror.close()
    know(mirror.url)
    with pytest.raises(DataError, match="cannot be reached"):
        fetch("toy", tmp_path, timeout=TIMEOUT)
    assert not (tmp_path / "toy").exists()


def test_files_that_are_there_are_not_downloaded_again(tmp_path, arrays, make_mirror, know):
    mirror = make_mirror(good)
    know(mirror)
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "train-images.idx3-ubyte").write_bytes(idx_bytes(arrays.train_images))
    fetch("toy", tmp_path, timeout=TIMEOUT)
    assert sorted(mirror.requests) == sorted(FILES - {"train-images-idx3-ubyte.gz"})


def test_good_files_stay_when_another_cannot_be_had(tmp_path, make_mirror, know):
    def all_but_test_labels(handler, mirror, content):
        (cut if "t10k-labels" in handler.path else good)(handler, mirror, content)

    know(make_mirror(all_but_test_labels))
    with pytest.raises(DataError, match="t10k-labels"):
        fetch("toy", tmp_path, timeout=TIMEOUT)
    assert names_in(tmp_path / "toy") == FILES - {"t10k-labels-idx1-ubyte.gz"}


def test_a_damaged_file_is_never_overwritten(tmp_path, arrays, make_mirror, know):
    know(make_mirror(good))
    folder = write_folder(tmp_path / "toy", arrays)
    bad = folder / NAMES[0]
    bad.write_bytes(b"mine")
    with pytest.raises(DataError, match="delete it and run `mnistlab data fetch toy`") as caught:
        fetch("toy", tmp_path, timeout=TIMEOUT)
    assert str(bad) in str(caught.value)
    assert bad.read_bytes() == b"mine"


def test_what_a_killed_download_left_is_taken_away(tmp_path, make_mirror, know):
    know(make_mirror(good))
    (tmp_path / "toy" / ".fetch-abc").mkdir(parents=True)
    (tmp_path / "toy" / ".fetch-abc" / "half").write_bytes(b"half")
    fetch("toy", tmp_path, timeout=TIMEOUT)
    assert names_in(tmp_path / "toy") == FILES


def test_an_interrupted_download_leaves_nothing(tmp_path, make_mirror, know):
    class Interrupting(Recorder):
        def update(self, n):
            raise KeyboardInterrupt

    know(make_mirror(stalled))
    with pytest.raises(KeyboardInterrupt):
        fetch("toy", tmp_path / "data", Interrupting(), timeout=TIMEOUT)
    assert not (tmp_path / "data").exists()


def test_progress_counts_every_byte_of_every_file(tmp_path, make_mirror, know):
    mirror, progress = make_mirror(good), Recorder()
    know(mirror)
    fetch("toy", tmp_path, progress, timeout=TIMEOUT)
    assert progress.finished == [len(content) for content in mirror.files.values()]
    assert progress.closed == 1


def test_progress_starts_anew_with_every_try(tmp_path, make_mirror, know):
    fine, progress = make_mirror(good), Recorder()
    know(make_mirror(cut), fine)
    fetch("toy", tmp_path, progress, timeout=TIMEOUT)
    assert progress.finished == [len(content) for content in fine.files.values()]


def test_progress_is_closed_when_the_download_fails(tmp_path, make_mirror, know):
    progress = Recorder()
    know(make_mirror(cut))
    with pytest.raises(DataError):
        fetch("toy", tmp_path, progress, timeout=TIMEOUT)
    assert progress.closed == 1


def test_the_published_md5_is_asked_of_a_download(tmp_path, make_mirror, know):
    def packed_otherwise(handler, mirror, content):
        other = bytearray(content)
        other[4] ^= 1  # the time in gzip's header: the same content, another file
        good(handler, mirror, bytes(other))

    know(make_mirror(packed_otherwise), checksum="md5")
    with pytest.raises(DataError, match="MD5"):
        fetch("toy", tmp_path, timeout=TIMEOUT)
    know(make_mirror(good), checksum="md5")
    assert names_in(fetch("toy", tmp_path, timeout=TIMEOUT)) == FILES


def test_any_gzip_of_the_right_content_serves_where_sha256_is_known(tmp_path, make_mirror, know):
    def packed_otherwise(handler, mirror, content):
        other = bytearray(content)
        other[4] ^= 1
        good(handler, mirror, bytes(other))

    know(make_mirror(packed_otherwise))
    assert names_in(fetch("toy", tmp_path, timeout=TIMEOUT)) == FILES


def test_downloaded_files_can_be_read_by_others(tmp_path, make_mirror, know):
    know(make_mirror(good))
    folder = fetch("toy", tmp_path, timeout=TIMEOUT)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from data_helpers import small_arrays, toy_dataset
from mnistlab.data import fetch
from mnistlab.data.sources import SOURCES
SOURCES["toy"] = toy_dataset(small_arrays(), (sys.argv[3],))
fetch("toy", Path(sys.argv[2]))
"""


def test_two_processes_share_one_download(tmp_path, make_mirror):
    mirror = make_mirror(slow)
    arguments = [str(Path(__file__).parent), str(tmp_path / "data"), mirror.url]
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert (child.returncode, errors) == (0, b"")
    assert sorted(mirror.requests) == sorted(FILES)
    assert names_in(tmp_path / "data" / "toy") == FILES


def test_an_unusable_cache_folder_does_not_stop_a_download(
    tmp_path, make_mirror, know, monkeypatch, caplog
):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "file" / "cache"))
    know(make_mirror(good))
    with caplog.at_level(logging.WARNING, "mnistlab"):
        folder = fetch("toy", tmp_path, timeout=TIMEOUT)
    assert names_in(folder) == FILES
    assert "without a lock" in caplog.text


def test_a_data_folder_that_cannot_be_made_is_a_data_error(tmp_path, make_mirror, know):
    (tmp_path / "file").write_bytes(b"")
    know(make_mirror(good))
    with pytest.raises(DataError, match="cannot keep the dataset here"):
        fetch("toy", tmp_path / "file", timeout=TIMEOUT)


def test_a_quiet_download_prints_nothing(tmp_path, make_mirror, know, capfd):
    know(make_mirror(good))
    fetch("toy", tmp_path, timeout=TIMEOUT)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match="emnist-mnist, fashion-mnist, kmnist, mnist"):
        fetch("cifar", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_dataset_is_fetched_when_opened(tmp_path, arrays, make_mirror, know):
    know(make_mirror(good))
    source = open_source("toy", data_dir=tmp_path)
    np.testing.assert_array_equal(source.test_images, arrays.test_images)


def test_a_missing_dataset_is_not_fetched_when_that_is_refused(tmp_path, make_mirror, know):
    mirror = make_mirror(good)
    know(mirror)
    with pytest.raises(DataError, match="run `mnistlab data fetch toy`") as caught:
        open_source("toy", data_dir=tmp_path / "data", fetch_missing=False)
    for name in NAMES:
        assert name in str(caught.value)
    assert mirror.requests == []
    assert not (tmp_path / "data").exists()


def test_a_dataset_that_is_there_is_only_read(tmp_path, arrays, know):
    know()
    folder = write_folder(tmp_path / "toy", arrays, gzipped=True)
    before = {path.name: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())}
    open_source("toy", data_dir=tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())}
    assert after == before

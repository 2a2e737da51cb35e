import json
import logging
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from data_helpers import small_arrays

from mnistlab.data import cache
from mnistlab.data.arrays import Arrays, digest


class Decoder:
    """Decodes the small arrays, and counts how often."""

    def __init__(self, seconds=0.0):
        self.calls = 0
        self.seconds = seconds

    def __call__(self):
        self.calls += 1
        time.sleep(self.seconds)
        return small_arrays()


def the_entry(tmp_path):
    (entry,) = (tmp_path / "cache" / "datasets").glob("toy-*")
    return entry


def assert_is_whole(arrays, sha256):
    for found, expected in zip(arrays, small_arrays(), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert not found.flags.writeable
    assert sha256 == digest(small_arrays())


def test_a_dataset_is_decoded_once(caplog):
    decode = Decoder()
    for _ in range(3):
        assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 1
    assert caplog.text == ""


def test_other_files_are_decoded_anew_and_the_same_content_is_kept_once(tmp_path):
    decode = Decoder()
    cache.load("toy", "plain files", decode)
    cache.load("toy", "gzipped files", decode)
    assert decode.calls == 2
    assert the_entry(tmp_path).is_dir()


def test_what_another_process_writes_for_another_dataset_stays(tmp_path):
    folder = tmp_path / "cache" / "datasets"
    folder.mkdir(parents=True)
    killed = Path(tempfile.mkdtemp(prefix=".toy-", dir=folder))
    other = Path(tempfile.mkdtemp(prefix=".toy-prepared-", dir=folder))
    cache.load("toy", "files", Decoder())
    assert other.is_dir()
    assert not killed.exists()


def test_the_entry_is_made_of_arrays_that_numpy_reads_and_nothing_is_left_over(tmp_path):
    cache.load("toy", "files", Decoder())
    names = {f"{name}.npy" for name in Arrays._fields} | {"meta.json"}
    assert {path.name for path in the_entry(tmp_path).iterdir()} == names
    folder = tmp_path / "cache" / "datasets"
    kept = {"lookup", "toy.lock", the_entry(tmp_path).name}
    assert {path.name for path in folder.iterdir()} == kept
    mapped = np.load(the_entry(tmp_path) / "train_images.npy", mmap_mode="r", allow_pickle=False)
    np.testing.assert_array_equal(mapped, small_arrays().train_images)


def edit_meta(entry, change):
    meta = json.loads((entry / "meta.json").read_text())
    change(meta)
    (entry / "meta.json").write_text(json.dumps(meta))


def flip_last_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))  # a later time, whatever the clock's grain


def replace_by(array):
    return lambda entry: np.save(entry / "train_images.npy", array)


DAMAGES = {
    "an array is cut": lambda entry: os.truncate(entry / "train_images.npy", 200),
    "an array is empty": lambda entry: os.truncate(entry / "train_labels.npy", 0),
    "an array is missing": lambda entry: (entry / "test_images.npy").unlink(),
    "an array is longer": lambda entry: os.truncate(entry / "test_labels.npy", 1000),
    "an array is no array": lambda entry: (entry / "test_labels.npy").write_bytes(b"x" * 134),
    "an array has another type": replace_by(small_arrays().train_images.astype(np.int8)),
    "an array has another shape": replace_by(small_arrays().train_images.reshape(12, 25)),
    "an array holds pickles": replace_by(np.array([{}], dtype=object)),
    "an array has another value": lambda entry: flip_last_byte(entry / "train_images.npy"),
    "meta.json is missing": lambda entry: (entry / "meta.json").unlink(),
    "meta.json is empty": lambda entry: (entry / "meta.json").write_bytes(b""),
    "meta.json is not JSON": lambda entry: (entry / "meta.json").write_bytes(b"\xff{"),
    "meta.json is a list": lambda entry: (entry / "meta.json").write_text("[]"),
    "meta.json lacks a key": lambda entry: edit_meta(entry, lambda m: m.pop("sha256")),
    "meta.json lacks an array": lambda entry: edit_meta(
        entry, lambda m: m["arrays"].pop("test_labels")
    ),
    "meta.json says another shape": lambda entry: edit_meta(
        entry, lambda m: m["arrays"]["train_images"].update(shape=[12, 25, 1])
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_the_entry_is_made_anew_with_one_warning_when(name, tmp_path, caplog):
    decode = Decoder()
    cache.load("toy", "files", decode)
    DAMAGES[name](the_entry(tmp_path))
    with caplog.at_level(logging.WARNING, "mnistlab"):
        assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 2
    (record,) = caplog.records
    assert "damaged cache" in record.getMessage()
    assert str(the_entry(tmp_path)) in record.getMessage()
    caplog.clear()
    assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 2
    assert caplog.records == []


def test_an_entry_that_a_user_deleted_is_made_anew_without_a_word(tmp_path, caplog):
    decode = Decoder()
    cache.load("toy", "files", decode)
    shutil.rmtree(the_entry(tmp_path))
    assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 2
    assert caplog.records == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../elsewhere", b"."])
def test_a_damaged_lookup_is_made_anew(content, tmp_path):
    decode = Decoder()
    cache.load("toy", "files", decode)
    (lookup,) = (tmp_path / "cache" / "datasets" / "lookup").iterdir()
    lookup.write_bytes(content)
    assert_is_whole(*cache.load("toy", "files", decode))
    assert lookup.read_text() == the_entry(tmp_path).name


def test_a_copied_entry_is_used_though_its_times_are_new(tmp_path, caplog):
    decode = Decoder()
    cache.load("toy", "files", decode)
    for path in the_entry(tmp_path).glob("*.npy"):
        os.utime(path, ns=(1, 1))
    assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 1
    assert caplog.records == []


def test_arrays_that_are_mapped_survive_a_rebuild(tmp_path):
    arrays, _ = cache.load("toy", "files", Decoder())
    (the_entry(tmp_path) / "meta.json").unlink()
    cache.load("toy", "files", Decoder())
    np.testing.assert_array_equal(arrays.train_images, small_arrays().train_images)


def test_an_unusable_cache_folder_is_done_without(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "file" / "cache"))
    decode = Decoder()
    with caplog.at_level(logging.WARNING, "mnistlab"):
        for _ in range(2):
            assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 2
    assert caplog.text.count("cannot keep decoded datasets here (Not a directory)") == 1


def test_a_full_disk_is_done_without(tmp_path, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    decode = Decoder()
    with caplog.at_level(logging.WARNING, "mnistlab"):
        assert_is_whole(*cache.load("toy", "files", decode))
    assert decode.calls == 1
    assert "No space left on device" in caplog.text
    names = {path.name for path in (tmp_path / "cache" / "datasets").iterdir()}
    assert names == {"toy.lock"}


def test_what_a_killed_process_left_is_taken_away(tmp_path):
    left = tmp_path / "cache" / "datasets" / ".toy-abc" / "fresh"
    left.mkdir(parents=True)
    (left / "train_images.npy").write_bytes(b"half")
    cache.load("toy", "files", Decoder())
    assert not left.parent.exists()


def test_those_who_load_at_once_share_one_decoding():
    decode, results = Decoder(seconds=0.2), []
    threads = [
        threading.Thread(target=lambda: results.append(cache.load("toy", "files", decode)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decode.calls == 1
    assert len(results) == 4
    for result in results:
        assert_is_whole(*result)

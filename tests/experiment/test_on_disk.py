"""What is on disk, and not only written, before run.json says that a run has ended."""

import os

import pytest

from mnistlab.store.run_dir import RunDir
from tools.short_runs import train

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no fsync of folders")


class Disk:
    """The order of fsyncs and renames, by inode."""

    def __init__(self, monkeypatch) -> None:
        self.events: list[tuple[str, int]] = []
        rename = os.replace

        def fsync(descriptor):
            found = os.fstat(descriptor)
            self.events.append(("fsync", found.st_ino))

        def replace(source, target):
            rename(source, target)
            self.events.append(("rename", os.stat(target).st_ino))  # noqa: PTH116

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "replace", replace)

    def last(self, what, path) -> int:
        """The number of the last such event of a file or folder; -1 if there is none."""
        wanted = (what, path.stat().st_ino)
        return max((n for n, event in enumerate(self.events) if event == wanted), default=-1)

    def since(self, what, path, start) -> int:
        """The number of the first such event from `start` on."""
        wanted = (what, path.stat().st_ino)
        return next(n for n, event in enumerate(self.events) if n >= start and event == wanted)


def test_every_file_is_on_disk_before_run_json_says_that_the_run_has_ended(tmp_path, monkeypatch):
    train(tmp_path)  # loads the data and the compiled code
    disk = Disk(monkeypatch)
    run_dir = RunDir(train(tmp_path).run_dir)
    end = disk.last("rename", run_dir.run_json)
    files = [run_dir.metrics, run_dir.layers, run_dir.weights, run_dir.predictions]
    for path in (*files, run_dir.last, run_dir.best):
        assert 0 <= disk.last("fsync", path) < end, path
        renamed = disk.last("rename", path)
        assert renamed < disk.since("fsync", path.parent, renamed) < end, path
    assert disk.last("fsync", run_dir.path) > end
    # Each fsync waits for the disk: a sweep of short trials waits longer than it trains.
    assert sum(what == "fsync" for what, _ in disk.events) <= 15


def test_a_checkpoints_rows_are_on_disk_before_the_checkpoint(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    run_dir = RunDir(train(tmp_path).run_dir)
    for path in (run_dir.metrics, run_dir.layers):
        assert 0 <= disk.last("fsync", path) < disk.last("rename", run_dir.last)
        assert disk.since("fsync", run_dir.path, disk.last("rename", path)) < disk.last(
            "rename", run_dir.last
        )

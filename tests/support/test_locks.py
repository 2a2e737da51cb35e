"""Locks between processes: one at a time, released when a holder dies, optional without support."""

import errno
import fcntl
import subprocess
import sys
import threading

import pytest

from mnistlab.support import locks
from mnistlab.support.locks import check_lockable, file_lock, folder_lock

HOLDER = """
import sys, time
from pathlib import Path
from mnistlab.support.locks import file_lock, folder_lock
with getattr(__import__("mnistlab.support.locks", fromlist=["x"]), sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold():
    """Starts processes that hold a lock; they are gone at the end."""
    holders = []

    def start(kind, path):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, kind, str(path)], stdout=subprocess.PIPE, text=True
        )
        holders.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def no_locks(*_):
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_second_process_is_notified_and_waits_until_the_holder_dies(tmp_path, hold):
    holder = hold("file_lock", tmp_path / "lock")
    waits, has = threading.Event(), threading.Event()

    def second():
        with file_lock(tmp_path / "lock", waits.set):
            has.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert waits.wait(20)
    assert not has.is_set()
    holder.kill()
    assert has.wait(20)
    thread.join()


def test_a_single_process_does_not_wait(tmp_path):
    for _ in range(2):
        with file_lock(tmp_path / "new" / "lock", lambda: pytest.fail("nobody to wait for")):
            pass


def test_a_folder_locked_by_another_process_cannot_be_locked(tmp_path, hold):
    with folder_lock(tmp_path) as held:
        assert held
    holder = hold("folder_lock", tmp_path)
    with folder_lock(tmp_path) as held:
        assert not held
    holder.kill()
    holder.wait()
    with folder_lock(tmp_path) as held:
        assert held


def test_a_lock_is_granted_after_any_holder(tmp_path, hold):
    check_lockable(tmp_path / "lock")
    hold("file_lock", tmp_path / "lock")
    check_lockable(tmp_path / "lock")


def test_a_file_system_without_locks_gives_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(OSError, match="No locks"), file_lock(tmp_path / "lock"):
        pass
    with pytest.raises(OSError, match="No locks"):
        locks.check_lockable(tmp_path / "lock")
    with folder_lock(tmp_path) as held:
        assert not held

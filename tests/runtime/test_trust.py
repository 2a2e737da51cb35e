"""Compiled code is loaded only from folders and files that nobody else can write to."""

import errno
import logging
import os
import stat

import pytest

from mnistlab.blocks.layers.dense.few_outputs import few_outputs_forward
from mnistlab.runtime import checked_cache, compiler, compiling
from mnistlab.runtime.trust import make_private
from mnistlab.support.platform import system

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no owners here")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of caches, and a function that determines the folder of compiled code again."""
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache", compiler.kernel_cache_dir.__wrapped__


def test_what_is_made_is_for_its_owner_alone(cache):
    top, find = cache
    folder = find()
    assert folder.is_relative_to(top)
    for made in (top, folder.parent, folder):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / compiler.LOCK_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_folder_that_others_may_write_to_is_not_used(cache, caplog, mode, level):
    top, find = cache
    folder = find()
    (top, folder.parent, folder)[level].chmod(mode)
    with caplog.at_level(logging.WARNING):
        own = find()
    assert not own.is_relative_to(top)
    assert "can be written to by other users" in caplog.text
    assert "compiled for this process alone" in caplog.text


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs another user")
def test_a_folder_of_another_user_is_not_used(cache, caplog):
    top, find = cache
    os.chown(find(), 12345, -1)
    assert not find().is_relative_to(top)
    assert "belongs to another user" in caplog.text


def test_where_no_file_can_be_locked_code_is_compiled_for_one_process_and_said_to_be(
    cache, monkeypatch, caplog
):
    def refuse(*_, **__):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    top, find = cache
    monkeypatch.setattr(system, "lock", refuse)
    own = find()
    assert not own.is_relative_to(top)
    assert "compiled for this process alone" in caplog.text
    monkeypatch.setattr(compiler, "kernel_cache_dir", lambda: own)
    monkeypatch.setattr(compiling, "_told", set())
    with compiler.compile_lock() as descriptor:
        assert os.fstat(descriptor).st_ino == (own / compiler.LOCK_NAME).stat().st_ino
    said = compiling.announcement([(few_outputs_forward, ())], "float32")
    assert said.endswith("in float32, for this process alone …")
    assert compiling.told_end(8.2) == "compiled in 8 s"


def test_a_file_that_others_may_write_to_is_not_unpickled(tmp_path, caplog):
    file = tmp_path / "code.nbc"
    checked_cache._write(file, b"content")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert checked_cache._read(file) == b"content"
    file.chmod(0o666)
    assert checked_cache._read(file) is None
    assert "can be written to by other users; compiling again" in caplog.text


def test_the_superuser_s_own_folders_are_trusted(tmp_path):
    make_private(tmp_path / "a" / "b")
    status = list((tmp_path / "a" / "b").stat())
    status[stat.ST_UID] = 0
    assert system.distrust(os.stat_result(status)) is None

"""A file is the old one or the new one, complete, whatever fails."""

import errno
import os
import stat
from pathlib import Path

import pytest

from mnistlab.support import durable


def no_space(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_written_file_has_bytes_or_utf8_text_and_leaves_no_temporary(tmp_path):
    durable.write_file(tmp_path / "a", b"\x00\xff")
    durable.write_file(tmp_path / "b", "é\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\xff"
    assert (tmp_path / "b").read_bytes() == b"\xc3\xa9\n"
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_a_full_disk_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch, failing):
    path = tmp_path / "file"
    durable.write_file(path, "old")
    monkeypatch.setattr(os, failing, no_space)
    with pytest.raises(OSError, match="No space left"):
        durable.write_file(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_the_content_is_on_disk_before_the_name_and_the_name_before_the_return(
    tmp_path, monkeypatch
):
    calls = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def watched(name):
        def call(*arguments):
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            calls.append("fsync folder" if is_folder else name)
            return real[name](*arguments)

        return call

    for name in real:
        monkeypatch.setattr(os, name, watched(name))
    durable.write_file(tmp_path / "file", "text")
    assert calls == ["fsync", "replace", "fsync folder"]


def test_a_written_file_is_as_readable_as_the_umask_allows(tmp_path):
    old = os.umask(0o022)
    try:
        durable.write_file(tmp_path / "file", "text")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_a_written_file_may_have_the_permissions_of_the_one_that_it_replaces(tmp_path):
    durable.write_file(tmp_path / "file", "text", mode=0o604)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o604


def test_appended_lines_are_complete_at_the_end(tmp_path):
    path = tmp_path / "table.csv"
    durable.write_file(path, "a,b\n")
    durable.append_lines(path, ["1,2", "3,4"], fsync=True)
    durable.append_lines(path, ["5,6"])
    assert path.read_text() == "a,b\n1,2\n3,4\n5,6\n"


def test_an_append_that_fails_leaves_no_part_of_a_line(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    durable.write_file(path, "a,b\n")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        durable.append_lines(path, ["1,2"], fsync=True)
    assert path.read_text() == "a,b\n"

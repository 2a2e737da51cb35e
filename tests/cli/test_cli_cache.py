"""`mnistlab cache`: lists compiled kernels and decoded datasets; removes no used or needed one."""

import os
import subprocess
import sys
import time

import pytest
from cli_helpers import mnistlab

import mnistlab as library
from mnistlab.data import cache as decoded
from mnistlab.runtime import compiler

HOLDER = """
import sys
from pathlib import Path
from mnistlab.support.cache_use import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""
DAY = 24 * 3600


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with this version's kernels, an older version's, and a decoded dataset."""
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "cache"))
    compiler.kernel_cache_dir.__wrapped__()
    older = tmp_path / "cache" / "kernels" / "0123456789abcdef"
    older.mkdir()
    (older / "code.nbc").write_bytes(bytes(1000))
    (older / "about.json").write_text('{"mnistlab": "0.0.1", "numba": "0.60", "python": "3.11"}')
    library.load_dataset("digits")
    return tmp_path / "cache"


def folder_of(cache, kind):
    (found,) = (entry for entry in listed() if entry["kind"] == kind and entry["needed"])
    return cache.joinpath(*found["path"].split("/")[-2:])


def listed():
    return mnistlab("cache", "list", "--json").document["entries"]


@pytest.fixture
def hold():
    """Starts processes that use an entry; they are gone at the end."""
    holders = []

    def start(entry):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(entry)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        holders.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in holders:
        holder.communicate("")


def test_the_list_says_what_each_folder_is_for_and_whether_it_is_needed(cache):
    found = {(entry["kind"], entry["about"]): entry["needed"] for entry in listed()}
    about = {about for kind, about in found if kind == "kernels"}
    this = next(iter(about - {"mnistlab 0.0.1, numba 0.60, python 3.11"}))
    assert this.startswith(f"mnistlab {library.__version__}, numba ")
    assert found == {
        ("kernels", "mnistlab 0.0.1, numba 0.60, python 3.11"): False,
        ("kernels", this): True,
        ("dataset", "digits"): True,
    }
    document = mnistlab("cache", "list", "--json").document
    assert document["bytes"] == sum(entry["bytes"] for entry in document["entries"]) > 1000
    table = mnistlab("cache", "list").stdout
    assert "0123456789abcdef" in table
    assert "digits" in table


def test_the_size_is_that_of_the_list(cache):
    whole = mnistlab("cache", "list", "--json").document["bytes"]
    document = mnistlab("cache", "size", "--json").document
    assert document["bytes"] == whole == document["kernels"] + document["dataset"]
    assert mnistlab("cache", "size").stdout.count("\n") == 1


def test_without_yes_nothing_is_removed(cache):
    before = sorted(cache.rglob("*"))
    document = mnistlab("cache", "prune", "--json").document
    assert document["removed"] == [str(cache / "kernels" / "0123456789abcdef")]
    assert document["dry_run"] is True
    told = mnistlab("cache", "prune")
    assert "0123456789abcdef" in told.stdout
    assert "--yes removes it" in told.stderr
    assert {path for path in before if path.suffix != ".lock"} <= set(cache.rglob("*"))


def test_yes_removes_what_is_not_needed_and_keeps_the_rest(cache):
    kept = {folder_of(cache, "kernels"), folder_of(cache, "dataset")}
    assert "removed 1 folder" in mnistlab("cache", "prune", "--yes").stderr
    assert {cache.joinpath(*entry["path"].split("/")[-2:]) for entry in listed()} == kept
    assert "nothing to remove" in mnistlab("cache", "prune").stderr


def test_what_a_process_uses_is_left_until_it_has_ended(cache, hold):
    older = cache / "kernels" / "0123456789abcdef"
    holder = hold(older)
    document = mnistlab("cache", "prune", "--yes", "--json").document
    assert document["removed"] == []
    assert document["left"] == [{"path": str(older), "why": "a process uses it"}]
    assert (older / "code.nbc").exists()
    holder.communicate("")
    mnistlab("cache", "prune", "--yes")
    assert not older.exists()


def test_all_also_removes_what_is_needed_but_not_what_this_process_uses(cache):
    dataset = library.load_dataset("digits")  # its arrays are in the cache
    left = mnistlab("cache", "prune", "--all", "--yes", "--json").document["left"]
    assert {one["path"] for one in left} >= {str(folder_of(cache, "dataset"))}
    assert dataset.train_images[0].any()
    del dataset


def test_a_dataset_that_was_not_read_for_a_month_is_not_needed_and_is_decoded_again(cache):
    (lock,) = (cache / "locks").glob("use-datasets-digits-*.lock")
    os.utime(lock, (time.time() - 31 * DAY,) * 2)
    entry = next(entry for entry in listed() if entry["kind"] == "dataset")
    assert not entry["needed"]
    assert entry["path"] in mnistlab("cache", "prune", "--yes", "--json").document["removed"]
    assert not list((cache / "datasets" / "lookup").iterdir())
    library.load_dataset("digits")
    assert folder_of(cache, "dataset").is_dir()


def test_a_list_of_what_would_be_removed_is_no_use_of_it(cache):
    (lock,) = (cache / "locks").glob("use-datasets-digits-*.lock")
    lock.unlink()  # as after a copy of the cache to another computer
    (entry,) = (cache / "datasets").glob("digits-*/")
    os.utime(entry, (time.time() - 31 * DAY,) * 2)
    would_be = mnistlab("cache", "prune", "--json").document["removed"]
    assert str(entry) in would_be
    assert mnistlab("cache", "prune", "--yes", "--json").document["removed"] == would_be


def test_the_list_fits_80_columns_and_says_what_each_folder_has(cache, monkeypatch):
    monkeypatch.setattr("mnistlab.terminal.output.terminal_width", lambda stream: 80)
    lines = mnistlab("cache", "list").stdout.splitlines()
    assert lines[0].split() == ["folder", "kind", "size", "last", "used", "needed", "contents"]
    assert max(map(len, lines)) <= 80
    assert any("mnistlab 0.0.1" in line for line in lines)


def test_an_entry_of_a_dataset_without_a_lookup_is_not_needed(cache):
    for lookup in (cache / "datasets" / "lookup").iterdir():
        lookup.unlink()
    assert [entry["needed"] for entry in listed() if entry["kind"] == "dataset"] == [False]


def test_an_empty_cache_is_said_to_be_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_CACHE_DIR", str(tmp_path / "none"))
    assert "nothing is cached" in mnistlab("cache", "list").stderr
    assert "nothing to remove" in mnistlab("cache", "prune", "--yes").stderr
    assert decoded.lookups(tmp_path / "none", "x") == []

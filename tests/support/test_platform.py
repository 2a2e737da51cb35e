"""What differs between systems: macOS's fsync, processors' names, file systems without locks and
links."""

import ast
import errno
import fcntl
import inspect
import logging
import os
import platform
import sys
from pathlib import Path

import pytest

import mnistlab
from mnistlab.python.commands.export import export
from mnistlab.support import locks, safe_files
from mnistlab.support.platform import posix

ROOM = Path(posix.__file__).parent
RASPBERRY = """\
processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd0b
"""


def definitions(module):
    """The public names of a side, and the arguments of its functions."""
    found = {}
    for node in ast.parse((ROOM / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = ast.unparse(node.args)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found |= {one.id: "" for one in ast.walk(target) if isinstance(one, ast.Name)}
    private = {"SYSCTL_SECONDS", "SECONDS_TO_RETRY", "SECONDS_BETWEEN_TRIES"}
    private |= {"FIRST_BYTE", "HOLDERS", "T"}
    return {n: args for n, args in found.items() if n not in private and not n.startswith("_")}


def test_both_sides_define_the_same_names_with_the_same_arguments():
    assert definitions("posix") == definitions("windows")
    assert "lock" in definitions("posix")


def test_no_other_module_asks_which_system_it_runs_on():
    asking = ("sys.platform", "os.name", "platform.system(", "fcntl", "import resource", "msvcrt")
    package = Path(mnistlab.__file__).parent
    found = [
        f"{path.relative_to(package)}: {word}"
        for path in package.rglob("*.py")
        if path.parent != ROOM
        for word in asking
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_macos_writes_through_the_drives_own_memory(tmp_path, monkeypatch):
    commands, synced = [], []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda _, command: commands.append(command))
    monkeypatch.setattr(os, "fsync", synced.append)
    posix.fsync_path(tmp_path)
    assert (commands, synced) == ([51], [])

    def refuse(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    posix.fsync_path(tmp_path)
    assert len(synced) == 1


def test_linux_does_not_use_the_command_of_macos(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(fcntl, "fcntl", lambda *_: pytest.fail("not on Linux"))
    monkeypatch.setattr(os, "fsync", synced.append)
    posix.fsync_path(tmp_path)
    assert len(synced) == 1


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("model name\t: AMD EPYC 7B13\n", "AMD EPYC 7B13"),
        (f"{RASPBERRY}\nModel\t\t: Raspberry Pi 4 Model B Rev 1.1\n", "Raspberry Pi 4"),
        (RASPBERRY, f"{platform.machine()}, implementer 0x41, part 0xd0b"),
        ("", platform.processor() or platform.machine()),
    ],
)
def test_every_processor_has_a_name(monkeypatch, cpuinfo, name):
    monkeypatch.setattr(posix, "text_of", lambda path: cpuinfo)
    assert posix.processor_name().startswith(name)
    assert name


@pytest.mark.parametrize(
    ("names", "answer", "expected"),
    [
        ({"SC_LEVEL2_CACHE_SIZE": 194}, 524288, 524288),
        ({"SC_LEVEL2_CACHE_SIZE": 194}, 0, None),
        ({}, 524288, None),
    ],
    ids=["told", "not told", "another system"],
)
def test_the_size_of_the_second_level_cache_is_known_or_none(monkeypatch, names, answer, expected):
    monkeypatch.setattr(os, "sysconf_names", names)
    monkeypatch.setattr(os, "sysconf", {"SC_LEVEL2_CACHE_SIZE": answer}.__getitem__)
    assert posix.l2_cache() == expected


@pytest.fixture
def without_locks(monkeypatch):
    """A file system without locks: what `flock` raises is set by calling this."""

    def lack(number):
        def refuse(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", refuse)

    locks._warn_without_locks.cache_clear()
    yield lack
    locks._warn_without_locks.cache_clear()


@pytest.mark.parametrize("number", sorted(locks.NO_LOCKS))
def test_a_run_is_trained_and_moved_where_there_are_no_locks_and_no_links(
    tmp_path, monkeypatch, caplog, without_locks, number
):
    def no_links(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    config = {
        "data": {"source": "digits", "train_limit": 60, "validation": 20},
        "model": "softmax",
        "training": {"epochs": 1},
    }
    library = mnistlab
    expected = library.train(config, runs_dir=tmp_path / "with", plots=False)
    without_locks(number)
    monkeypatch.setattr(os, "symlink", no_links)
    runs = tmp_path / "runs"
    with caplog.at_level(logging.WARNING):
        run = library.train(config, runs_dir=runs, plots=False)
    text = (runs / "latest").read_text(encoding="utf-8")
    assert text == f"mnistlab link to {run.path.name}\n"
    told = [record.getMessage() for record in caplog.records if "no locks" in record.getMessage()]
    assert len(told) == 1
    assert os.strerror(number) in told[0]
    assert library.load_run(runs / "latest").path == run.path
    assert library.resume(runs / "latest").status == "finished"
    again = library.train(runs / "latest" / "config.yaml", runs_dir=tmp_path / "again", plots=False)
    assert again.config == run.config
    with pytest.raises(library.ConfigError, match="is a folder, must be a YAML file"):
        library.train(runs / "latest", runs_dir=runs)
    (run.path / "digit.png").write_bytes(b"x")
    with safe_files.open_file(runs / "latest" / "digit.png") as file:
        assert file.read() == b"x"
    export(runs / "latest", "npz", output=runs / "latest" / "other.npz")
    assert (run.path / "other.npz").is_file()
    for name, tensor in expected.weights.items():
        assert (run.weights[name] == tensor).all()


def test_an_error_that_is_no_lack_of_locks_is_raised(tmp_path, without_locks):
    without_locks(errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        locks.is_locked(tmp_path)


def test_every_function_of_a_side_says_what_it_does():
    functions = inspect.getmembers(posix, inspect.isfunction)
    own = [f for name, f in functions if f.__module__ == posix.__name__ and name[0] != "_"]
    assert all(inspect.getdoc(function) for function in own)

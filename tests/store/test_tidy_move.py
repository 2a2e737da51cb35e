import os

import pytest
from browse_helpers import held, make_run, make_sweep

from mnistlab.cli.commands.mv import mv
from mnistlab.cli.commands.rm import rm
from mnistlab.store.browse.listing import list_runs
from mnistlab.store.browse.sweep_summary import read_sweep
from mnistlab.store.tidy.move import empty_trash, move_to_trash, rename
from mnistlab.support.errors import UsageError


@pytest.fixture
def runs(tmp_path):
    """A folder of two runs and a sweep; `latest` points to the second run."""
    folder = tmp_path / "runs"
    make_run(folder / "20261121-140000-a")
    make_run(folder / "20261121-150000-b")
    make_sweep(folder / "20261120-140000-s", ["finished", "finished"])
    (folder / "latest").symlink_to("20261121-150000-b")
    return folder


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != ".lock"}


def test_a_removed_run_is_whole_in_the_trash_and_latest_is_the_newest_left(runs):
    b = runs / "20261121-150000-b"
    config = (b / "config.yaml").read_bytes()
    moved = move_to_trash([b], runs)
    assert moved == {b: runs / ".trash" / b.name}
    assert not b.exists()
    assert (moved[b] / "config.yaml").read_bytes() == config
    assert (runs / "latest").resolve() == runs / "20261121-140000-a"
    listed = [entry.path.name for entry in list_runs([runs]).entries]
    assert listed == ["20261120-140000-s", "20261121-140000-a"]


def test_latest_is_removed_with_the_last_run_and_left_alone_with_others(runs):
    a, b, s = (runs / n for n in ("20261121-140000-a", "20261121-150000-b", "20261120-140000-s"))
    move_to_trash([a], runs)
    assert (runs / "latest").resolve() == b
    move_to_trash([b, s], runs)
    assert not os.path.lexists(runs / "latest")


def test_the_trash_keeps_runs_of_the_same_name_and_purging_deletes_runs_alone(runs):
    a = runs / "20261121-140000-a"
    move_to_trash([a], runs)
    make_run(a)
    assert move_to_trash([a], runs)[a].name == f"{a.name}-2"
    (runs / ".trash" / "mine.txt").write_text("mine")
    assert [path.name for path in empty_trash(runs)] == [a.name, f"{a.name}-2"]
    assert files(runs / ".trash") == {"mine.txt"}
    (runs / ".trash" / "mine.txt").unlink()
    assert empty_trash(runs) == []
    assert not (runs / ".trash").exists()


@pytest.mark.parametrize("force", [False, True])
def test_what_a_process_works_on_is_neither_removed_nor_renamed_nor_purged(runs, force):
    sweep = runs / "20261120-140000-s"
    trial = sweep / "trials" / "0000-000000000000"
    run = runs / "20261121-140000-a"
    (sweep / ".lock").touch()
    before = files(runs)
    for lock, folders in (
        (run, [run]),
        (trial, [sweep, trial]),
        (sweep / ".lock", [sweep, *([trial] if force else [])]),
    ):
        with held(lock):
            for folder in folders:
                with pytest.raises(UsageError):
                    move_to_trash([runs / "20261121-150000-b", folder], runs, force=force)
                with pytest.raises(UsageError):
                    rename(folder, "new", force=force)
    assert files(runs) == before
    trashed = move_to_trash([run], runs)[run]
    with held(trashed), pytest.raises(UsageError, match="another process is training"):
        empty_trash(runs)
    assert trashed.exists()


def test_links_and_paths_outside_of_the_folder_of_runs_are_refused(runs, tmp_path):
    outside = make_run(tmp_path / "other" / "run")
    (runs / "away").symlink_to(outside)
    b = runs / "20261121-150000-b"
    with pytest.raises(UsageError, match=f"latest: is a link; name the folder itself, {b}"):
        move_to_trash([runs / "latest"], runs)
    for path in (runs / "away", runs / "20261120-140000-s" / "best"):
        with pytest.raises(UsageError, match="is a link"):
            move_to_trash([path], runs, force=True)
        with pytest.raises(UsageError, match="is a link"):
            rename(path, "new", force=True)
    for path in (outside, runs / ".." / "other" / "run"):
        with pytest.raises(UsageError, match="lies outside of the folder of runs"):
            move_to_trash([path], runs, force=True)
    for path in (runs, tmp_path, runs / "none", b / "config.yaml"):
        with pytest.raises(UsageError):
            move_to_trash([path], runs, force=True)
    trashed = move_to_trash([b], runs)[b]
    with pytest.raises(UsageError, match="is in the trash"):
        move_to_trash([trashed], runs)
    assert outside.exists()


def test_a_trash_that_is_a_link_is_neither_filled_nor_emptied(runs, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    make_run(elsewhere / "run")
    (runs / ".trash").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="cannot be the trash"):
        move_to_trash([runs / "20261121-140000-a"], runs)
    with pytest.raises(UsageError, match="cannot be the trash"):
        empty_trash(runs)
    assert (elsewhere / "run" / "config.yaml").exists()


def test_a_trial_is_removed_by_force_alone_and_never_renamed(runs):
    sweep = runs / "20261120-140000-s"
    trial = sweep / "trials" / "0001-000000000001"
    with pytest.raises(UsageError, match=f"is a part of the sweep {sweep}.*--force"):
        move_to_trash([trial], runs)
    with pytest.raises(UsageError, match=f"is a part of {sweep}"):
        rename(trial, "new", force=True)
    assert move_to_trash([trial], runs, force=True) == {trial: runs / ".trash" / trial.name}
    first = sweep / "trials" / "0000-000000000000"
    assert move_to_trash([sweep, first], runs) == {sweep: runs / ".trash" / sweep.name}


@pytest.mark.parametrize("through", ["20261121-150000-b", "latest"])
def test_a_run_that_another_configuration_names_is_kept_unless_forced(runs, through):
    b, user = runs / "20261121-150000-b", runs / "20261121-160000-c"
    make_run(user)
    with (user / "config.yaml").open("a") as file:
        file.write(f"note_of_test: [{{path: {runs / through / 'weights.safetensors'}}}]\n")
    expected = f"{b}: is named by {user / 'config.yaml'}; --force"
    with pytest.raises(UsageError, match=expected):
        move_to_trash([b], runs)
    with pytest.raises(UsageError, match=expected):
        rename(b, "new")
    assert b.exists()
    assert rename(b, "new", force=True).is_dir()
    assert set(move_to_trash([runs / "new", user], runs)) == {runs / "new", user}


def test_a_renamed_run_is_still_the_latest(runs):
    new = rename(runs / "20261121-150000-b", "0-best")
    assert new == runs / "0-best"
    assert (runs / "latest").resolve() == new
    sweep = rename(runs / "20261120-140000-s", "grid")
    assert read_sweep(sweep).best_run == sweep / "trials" / "0000-000000000000"
    assert (runs / "latest").resolve() == new


def test_runs_are_listed_by_their_start_whatever_their_names(tmp_path):
    for name, hour in (("z", 1), ("a", 3), ("m", 2)):
        make_run(tmp_path / name, started=f"2026-11-21T0{hour}:00:00+00:00")
    assert [entry.path.name for entry in list_runs([tmp_path]).entries] == ["z", "m", "a"]


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "a b", "latest", "x" * 201])
def test_a_name_that_cannot_be_a_runs_is_refused(runs, name):
    before = files(runs)
    with pytest.raises(UsageError, match="name: found"):
        rename(runs / "20261121-140000-a", name)
    assert files(runs) == before


@pytest.mark.parametrize("kind", ["run", "empty", "file", "link"])
def test_a_taken_name_is_refused_and_what_has_it_stays(runs, kind):
    taken = runs / "taken"
    {
        "run": lambda: make_run(taken),
        "empty": taken.mkdir,
        "file": taken.touch,
        "link": lambda: taken.symlink_to("nowhere"),
    }[kind]()
    before = files(runs)
    with pytest.raises(UsageError, match="taken: exists already"):
        rename(runs / "20261121-140000-a", "taken")
    assert files(runs) == before


def test_the_commands_tell_what_they_did(runs, capsys):
    mv(runs / "20261121-140000-a", "kept")
    assert capsys.readouterr().out == f"{runs / 'kept'}\n"
    rm([runs / "kept"], runs_dir=runs)
    out, err = capsys.readouterr()
    assert out == f"{runs / '.trash' / 'kept'}\n"
    assert "--purge" in err
    with pytest.raises(UsageError, match="takes no run"):
        rm([runs / "20261121-150000-b"], purge=True, runs_dir=runs)
    rm(None, purge=True, runs_dir=runs, json=True)
    assert f'"{runs / ".trash" / "kept"}"' in capsys.readouterr().out
    with pytest.raises(UsageError, match="no run is named"):
        rm(None, runs_dir=runs)


def test_the_advice_to_purge_names_the_folder_of_runs_unless_it_is_the_usual_one(
    runs, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNISTLAB_RUNS_DIR", raising=False)
    rm([runs / "20261121-140000-a"])
    assert "`mnistlab rm --purge` deletes it for good" in capsys.readouterr().err
    other = runs.rename(tmp_path / "other runs")
    command = "mnistlab rm --purge --runs-dir 'other runs'"
    rm([other / "20261121-150000-b"], runs_dir=other)
    assert f"`{command}` deletes it for good" in capsys.readouterr().err
    with pytest.raises(UsageError, match=f"`{command}` empties it"):
        rm([other / ".trash" / "20261121-150000-b"], runs_dir=other)
    rm(None, purge=True, runs_dir=other)
    assert "deleted for good from other runs/.trash: 2" in capsys.readouterr().err

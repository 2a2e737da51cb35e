"""What the view tells of a folder: all rows at first, then what has changed."""

import json
import os
import shutil

import pytest
from browse_helpers import held, make_run, make_sweep
from view_helpers import Visitor, id_in

from mnistlab.store.notes import change_tags
from mnistlab.view import library as library_module


def folders(told):
    return sorted(row["folder"] for row in told["rows"].values())


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    for number in range(3):
        make_run(folder / f"r{number}", {"seed": number})
    make_run(folder / "other", {"optimizer": {"lr": 0.25}, "seed": 0})
    make_sweep(folder / "s", ["finished", "failed", "pending"])
    return folder


@pytest.fixture
def visitor(runs):
    return Visitor(runs)


def test_at_first_all_is_told_and_then_only_what_changed(visitor, runs):
    first = visitor.runs()
    assert folders(first) == ["other", "r0", "r1", "r2", "s"]
    assert first["keys"] == ["seed", "optimizer.lr"]
    again = visitor.runs(f"since={first['version']}&keys=seed")
    assert (again["rows"], again["gone"]) == ({}, [])
    make_run(runs / "new")
    change_tags(runs / "r1", ["good"])
    shutil.rmtree(runs / "r2")
    last = visitor.runs(f"since={first['version']}&keys=seed")
    assert folders(last) == ["new", "r1"]
    assert last["gone"] == [id_in(runs / "r2")]
    assert last["rows"][id_in(runs / "r1")]["tags"] == ["good"]
    assert visitor.runs(f"since={last['version']}&keys=seed")["rows"] == {}


def test_only_folders_whose_files_changed_are_read_again(visitor, runs, monkeypatch):
    read = []
    whole = library_module.read_entry
    monkeypatch.setattr(library_module, "read_entry", lambda p: read.append(p.name) or whole(p))
    visitor.runs()
    assert sorted(read) == ["other", "r0", "r1", "r2", "s"]
    visitor.runs()
    read.clear()
    visitor.runs()
    assert read == []
    change_tags(runs / "r1", ["good"])
    visitor.runs()
    assert read == ["r1"]


def test_however_many_ask_the_folder_is_looked_at_once(visitor, monkeypatch):
    looks = []
    whole = library_module.folders_in
    monkeypatch.setattr(library_module, "folders_in", lambda f: looks.append(f) or whole(f))
    visitor.library._looked = library_module.time.monotonic() + 1000
    for _ in range(50):
        assert visitor.get("runs").status == 200
    assert looks == []


def test_a_run_in_progress_is_followed_row_by_row(visitor, runs):
    run = make_run(runs / "live", {"training": {"epochs": 5}}, status="running", metrics={})
    header = "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,"
    (run / "metrics.csv").write_text(f"{header}test_accuracy,penalty,seconds\n")
    with held(run):
        told = visitor.runs()["rows"][id_in(run)]
        assert (told["status"], told["running"], told["planned"]) == ("running", True, 5)
        with (run / "metrics.csv").open("a") as file:
            file.write("1,10,0.1,0.9,0.5,0.8,0.6,,,0,1\n2,20,0.1,0.8,0.6,0.7,0.7,,,0,2\n3,30,0.")
        told = visitor.runs()["rows"][id_in(run)]
        assert (told["done"], told["best"]["value"]) == (2, 0.7)
        curve = visitor.get(f"curves?id={id_in(run)}").document[id_in(run)]
        assert curve["step"] == [10, 20]
        assert curve["val_accuracy"] == [0.6, 0.7]
        assert "test_accuracy" not in curve
    told = visitor.runs()["rows"][id_in(run)]
    assert (told["status"], told["running"]) == ("interrupted", False)


def test_a_condition_selects_and_one_that_cannot_be_used_is_explained(visitor, runs):
    told = visitor.runs("where=optimizer.lr+%3E+0.2")
    assert told["shown"] == [id_in(runs / "other")]
    assert visitor.runs()["shown"] is None
    for wrong, word in (("val_acuracy > 0", "val_acuracy"), ("__import__('os')", "where")):
        refused = visitor.get("runs", headers=(("host", "127.0.0.1:8000"),))
        assert refused.status == 200
        told = visitor.ask(f"/{visitor.secret.token}/runs?where={wrong.replace(' ', '+')}")
        assert told.status == 400
        assert word in told.document["errors"][0]


def test_the_values_of_any_key_are_told(visitor, runs):
    told = visitor.runs("keys=optimizer.lr,model.hidden,nothing")
    assert told["keys"] == ["optimizer.lr", "model.hidden", "nothing"]
    values = told["rows"][id_in(runs / "other")]["values"]
    assert values == {"optimizer.lr": 0.25, "model.hidden": "[128]", "nothing": None}


def test_runs_that_differ_in_their_seed_alone_are_one_group(visitor, runs):
    rows = visitor.runs()["rows"]
    groups = [rows[id_in(runs / name)]["group"] for name in ("r0", "r1", "r2", "other")]
    assert len(set(groups[:3])) == 1
    assert groups[3] != groups[0]


def test_damaged_and_half_written_folders_are_named_and_the_others_shown(visitor, runs):
    (runs / "r0" / "run.json").write_text('{"status": ')
    (runs / "r1" / "run.json").unlink()
    (runs / "r2" / "notes.json").write_text("[]")
    (runs / "s" / "trials.csv").write_text("trial,status\n1\n")
    (runs / "empty").mkdir()
    (runs / "half").mkdir()
    (runs / "half" / "config.yaml").write_text("")
    rows = visitor.runs()["rows"]
    assert {row["folder"] for row in rows.values() if row["kind"] == "damaged"} == {
        *("half", "r0", "r2", "s")
    }
    assert "run.json" in rows[id_in(runs / "r0")]["faults"][0]
    assert rows[id_in(runs / "r1")]["status"] == "interrupted"
    whole = json.dumps({"status": "failed"})
    (runs / "r0" / "run.json").write_text(whole)
    again = visitor.runs()["rows"][id_in(runs / "r0")]
    assert "started" in again["faults"][0]


def test_a_folder_of_runs_that_disappears_and_comes_back(visitor, runs):
    visitor.runs()
    runs.rename(runs.with_name("away"))
    told = visitor.runs()
    assert told["rows"] == {}
    assert "No such file" in told["fault"]
    runs.with_name("away").rename(runs)
    told = visitor.runs()
    assert (len(told["rows"]), told["fault"]) == (5, None)


def test_the_trials_of_a_sweep_are_a_table_of_their_own(visitor, runs):
    sweep = id_in(runs / "s")
    row = visitor.runs()["rows"][sweep]
    assert (row["kind"], row["trials"]["failed"]) == ("sweep", 1)
    told = visitor.runs(f"in={sweep}")
    assert told["keys"] == ["optimizer.lr"]
    trial = f"{sweep}.{next(iter(told['rows']))}"
    assert visitor.get(f"run?id={trial}").document["row"]["kind"] == "run"
    assert visitor.get(f"run?id={sweep}").document["ranking"] is None
    (runs / "s" / "ranking.csv").write_text("rank,val_accuracy\n1,0.9\n2,0.5\n")
    ranking = visitor.get(f"run?id={sweep}").document["ranking"]
    assert ranking == {"heads": ["rank", "val_accuracy"], "rows": [["1", "0.9"], ["2", "0.5"]]}


def test_a_run_that_is_gone_is_said_to_be_gone(visitor, runs):
    id = id_in(runs / "r0")
    assert visitor.get(f"run?id={id}").status == 200
    shutil.rmtree(runs / "r0")
    visitor.library._looked = -10.0
    told = visitor.get(f"run?id={id}")
    assert told.status == 400
    assert "gone" in told.document["errors"][0]
    assert "gone" in visitor.get(f"curves?id={id}").document[id]["fault"]


def test_numbers_that_json_lacks_are_null(visitor, runs):
    run = make_run(runs / "wild", status="running", metrics={})
    header = "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,test_loss"
    (run / "metrics.csv").write_text(
        f"{header}\n1,1,0.1,nan,0.5,inf,0.1,\n2,2,0.1,1e308,0.5,1,0.1,\n"
    )
    curve = visitor.get(f"curves?id={id_in(run)}").document[id_in(run)]
    assert curve["val_loss"] == [None, 1.0]
    assert visitor.runs()["rows"][id_in(run)]["status"] == "interrupted"


def test_long_curves_are_thinned_to_the_last_point(visitor, runs):
    run = make_run(runs / "long")
    rows = "".join(f"{step},{step},0.5\n" for step in range(1, 5002))
    (run / "metrics.csv").write_text(f"epoch,step,val_accuracy\n{rows}")
    curve = visitor.get(f"curves?id={id_in(run)}").document[id_in(run)]
    assert 300 < len(curve["step"]) <= 401
    assert curve["step"][-1] == 5001


def test_a_folder_that_may_not_be_read_is_named(visitor, runs, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", os.fspath(path))

    monkeypatch.setattr(library_module, "read_entry", forbidden)
    faults = {row["faults"][0] for row in visitor.runs()["rows"].values()}
    assert f"{runs / 'r0'}: Permission denied" in faults

"""The benchmark runs one row on a small dataset in a real process; missing
libraries are skipped.
"""

import importlib.util
import json

import pytest

from benchmarks import run
from benchmarks.peers import PeerError, PeerProcess, installed

SMALL = ["--set", "data.source=digits"]


def test_a_row_is_trained_timed_and_printed(tmp_path, capsys):
    found, page = tmp_path / "rows.json", tmp_path / "rows.md"
    arguments = ["--rows", "W1", "--peers", "mnistlab", "--rounds", "2", "--threads", "1", *SMALL]
    run.main([*arguments, "--json", str(found), "--markdown", str(page)])
    result = json.loads(found.read_text())
    (row,) = result["rows"]
    assert row["images"] == 1437
    assert row["epochs"] == 11  # one dropped, two turns of five
    peer = row["peers"]["mnistlab-1"]
    assert len(peer["turns"]) == 2
    assert peer["seconds"] > 0
    assert peer["accuracy"] > 0.85
    assert result["peak_gflops"]["1"] > 0
    assert "**W1**" in page.read_text()
    assert "**W1**" in capsys.readouterr().out


def test_a_row_measured_again_takes_its_old_place_and_says_when(tmp_path, monkeypatch):
    found, page = tmp_path / "rows.json", tmp_path / "rows.md"
    to = ["--json", str(found), "--markdown", str(page)]
    arguments = ["--peers", "mnistlab", "--rounds", "1", "--threads", "1", *SMALL, *to]
    monkeypatch.setattr(run, "measure", lambda work, *rest: old_row(work.name, 1.0))
    run.main([*arguments, "--rows", "W1,W4"])
    monkeypatch.setattr(run, "measure", lambda work, *rest: old_row(work.name, 2.0))
    run.main([*arguments, "--rows", "W1", "--keep"])
    rows = json.loads(found.read_text())["rows"]
    assert [(row["name"], row["peers"]["mnistlab-1"]["seconds"]) for row in rows] == [
        ("W1", 2.0),
        ("W4", 1.0),
    ]
    assert page.read_text().count("was measured again") == 1
    assert "W1 was measured again on " in page.read_text()
    with pytest.raises(SystemExit, match="measured with other rounds: 1"):
        run.main([*arguments, "--rows", "W1", "--keep", "--rounds", "2"])


def old_row(name, seconds):
    peer = {"seconds": seconds, "accuracy": 0.9, "threads": 1, "turns": [seconds]}
    work = {"name": name, "model": "m", "report": "", "batch": 32, "optimizer": "sgd"}
    return work | {"images": 10, "flops": 10, "epochs": 1, "peers": {"mnistlab-1": peer}}


def test_a_library_that_is_not_installed_is_skipped_with_a_word(monkeypatch, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )
    assert installed(["torch", "mnistlab"]) == ["mnistlab"]
    assert "PyTorch skipped: not installed (pip install torch" in capsys.readouterr().err


def test_a_peer_that_ends_is_an_error_and_not_a_wait(capfd):
    with pytest.raises(PeerError, match="mnistlab ended with 1"):
        PeerProcess("mnistlab", "no-such-file.yaml", 1)
    assert "no-such-file.yaml: no such file" in capfd.readouterr().err


def test_a_row_that_there_is_not_is_refused(capsys):
    with pytest.raises(SystemExit):
        run.main(["--rows", "W1,W9"])
    assert "W9; choose from W1, W2" in capsys.readouterr().err

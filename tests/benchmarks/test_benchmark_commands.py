"""Further benchmarks: their tables and figure show what was measured."""

import json
import sys
from pathlib import Path

from benchmarks import probes, scaling, time_to_99
from benchmarks.commands_table import commands_table

MACHINE = {
    "measured": "2026-11-21T14:00:00+00:00",
    "processor": "A Processor",
    "cpus": 2,
    "mnistlab": "0.1.0",
    "git": {"commit": None, "dirty": None},
    "versions": {"python": "3.11.7"},
}


def test_commands_are_reported_in_seconds_shares_and_megabytes():
    result = MACHINE | {
        "start_up": {"import typer": 0.1, "mnistlab --help": 0.14},
        "training": {"warm": 3.5, "engine cold": 9, "dataset cold": 4, "everything cold": 9.5},
        "first_step": {"imports": 0.5, "first step": 0.4},
        "load": {"load": 0.00123456},
        "penalties": {"plain": 0.7, "regularization.l1=1.0e-4": 0.8},
        "shares": {"configs/a.yaml": {"total": 8.0, "training steps": 6.0, "checkpoints": 0.1}},
        "evaluation": {"W1": {"torch-1": 0.004, "mnistlab-2": 0.00251}},
        "memory": {
            "alone": {"rss": [300_000_000], "pss": [290_000_000]},
            "both": {"rss": [300_000_000] * 2, "pss": [180_000_000, 190_000_000]},
            "peers": {"torch": 560_000_000},
        },
    }
    lines = commands_table(result).splitlines()
    assert "| `mnistlab --help` | 0.14 (1.40 × as long) |" in lines
    assert "| loading MNIST, warm | 0.00123 |" in lines
    assert "| an epoch of W3, l1 = 1.0e-4 | 0.8 |" in lines
    assert "| `configs/a.yaml` | 8 | 75.0% | 1.2% |" in lines
    assert "| 10,000 test images, ms | PyTorch, 1 thread | mnistlab, 2 threads |" in lines
    assert "| **W1** | 4 | 2.51 |" in lines
    assert "| two at once: proportional size of each | 190 |" in lines
    assert "| two at once: together | 370 |" in lines
    assert lines[-1].endswith("mnistlab 0.1.0 (commit unknown), python 3.11.7.")


def test_trainings_of_many_seeds_are_reported_by_mean_and_range():
    trainings = [{"seconds": 2.0, "accuracy": 0.989}, {"seconds": 3.0, "accuracy": 0.992}]
    table = time_to_99.table(MACHINE | {"seeds": 2, "trainings": {"mnistlab-2": trainings}})
    expected = "| mnistlab, 2 threads | 2.50 | 2.00 to 3.00 | **99.050** | 98.90 to 99.20 |"
    assert expected in table.splitlines()


def test_a_panel_shows_every_library_at_every_value():
    measured = {"torch": 1.0, "mnistlab": 0.5}
    varied = {
        what: [{"value": n, "seconds": measured, "megabytes": measured} for n in (1, 2, 4)]
        for what in scaling.TITLES
    }
    panels = scaling.draw({"varied": varied}).axes
    titles = [*scaling.TITLES.values(), scaling.TITLES["images"]]
    assert [axes.get_xlabel() for axes in panels[: len(titles)]] == titles
    for axes in panels[: len(titles)]:
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert list(lines) == ["PyTorch", "mnistlab"]
        assert list(lines["mnistlab"].get_xdata()) == [1, 2, 4]
        assert list(lines["mnistlab"].get_ydata()) == [0.5, 0.5, 0.5]


def test_the_varied_parameters_are_those_of_the_configuration():
    varied = list(scaling.points(2, Path("many")))
    assert [point[3] for point in varied] == [2] * (len(varied) - 2) + [1, 2]
    for what, value, work, _ in varied[:-2]:
        config = json.loads(work)
        found = {
            "images": config["data"]["train_limit"],
            "width": config["model"]["hidden"][0],
            "batch": config["training"]["batch_size"],
        }
        usual = {"images": scaling.IMAGES, "width": scaling.WIDTH, "batch": scaling.BATCH}
        assert found == usual | {what: value}


def test_a_runs_shares_are_parts_of_its_seconds(monkeypatch, capsys):
    arguments = ["probes", "shares", "configs/quickstart.yaml", "training.epochs=2"]
    monkeypatch.setattr(sys, "argv", arguments)
    probes.main()
    found = json.loads(capsys.readouterr().out)
    total = found.pop("total")
    assert set(probes.SHARES) < set(found)
    assert all(0 < found[name] < total for name in probes.SHARES)

import json

import numpy as np
import pytest
from browse_helpers import make_run, make_sweep

from mnistlab.cli.commands.du import du
from mnistlab.cli.commands.prune import prune as prune_command
from mnistlab.store.checkpoint import save_tensors
from mnistlab.store.tidy.prune import prune
from mnistlab.store.tidy.usage import usage_at
from mnistlab.support.errors import UsageError

CHECKPOINTS = ("last", "last.previous", "best", "epoch-2")


def with_weights(run):
    """The run's folder with weights and one file of each kind of checkpoint."""
    (run / "checkpoints").mkdir()
    for name in ("weights", *(f"checkpoints/{name}" for name in CHECKPOINTS)):
        save_tensors(run / f"{name}.safetensors", {"dense1.bias": np.zeros(3)}, {})
    return run


def checkpoints(run):
    return {path.name.removesuffix(".safetensors") for path in (run / "checkpoints").iterdir()}


def test_the_space_of_a_run_is_told_by_kind_of_file_and_links_are_not_followed(tmp_path):
    run, big = make_run(tmp_path / "runs" / "run"), tmp_path / "big.csv"
    before = sum(path.stat().st_size for path in run.iterdir())
    big.write_bytes(bytes(100_000))
    (run / "link.csv").symlink_to(big)
    for number, name in enumerate(
        ("checkpoints/a.csv", "weights.safetensors", "plots/a.png", "report.html", "metrics.csv"), 1
    ):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(bytes(1000 * number))
    (usage,) = usage_at([run])
    link = len(str(big))
    assert usage.kinds == {
        "checkpoints": 1000,
        "weights": 2000,
        "figures": 3000,
        "pages": 4000,
        "tables": 5000 + link,
        "other": before,
    }
    assert usage.total == 15_000 + link + before


def test_the_largest_is_first_and_sweeps_count_with_their_trials(tmp_path, capsys):
    make_run(tmp_path / "1-run")
    sweep = make_sweep(tmp_path / "2-sweep", ["finished", "finished"])
    (sweep / "trials" / "0000-000000000000" / "weights.safetensors").write_bytes(bytes(9000))
    make_run(tmp_path / ".trash" / "old")
    assert [one.path.name for one in usage_at([tmp_path])] == ["2-sweep", "1-run", ".trash"]
    du([tmp_path])
    heading, first, *_, last = capsys.readouterr().out.splitlines()
    assert heading.split() == ["folder", "all", "weights", "tables", "other"]
    assert first.split()[0] == "2-sweep"
    assert first.split()[3:5] == ["9", "kB"]
    assert last.split()[0] == "together"
    du([tmp_path], json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["bytes"] == sum(one["bytes"] for one in document["entries"])


def test_what_is_no_run_has_no_space(tmp_path):
    for path, message in ((tmp_path, "no run is in"), (tmp_path / "none", "no such run folder")):
        with pytest.raises(UsageError, match=message):
            usage_at([path])


@pytest.mark.parametrize(
    ("keep", "left"), [("weights", {"best", "epoch-2"}), ("best", {"best"}), ("none", set())]
)
def test_pruning_a_finished_run_keeps_its_final_weights_and_what_is_asked(tmp_path, keep, left):
    run = with_weights(make_run(tmp_path / "run"))
    (run / "checkpoints" / "mine").touch()
    pruned = prune([run], keep)
    assert checkpoints(run) == left | {"mine"}
    assert (run / "weights.safetensors").is_file()
    assert len(pruned.files) == len(CHECKPOINTS) - len(left)
    assert pruned.bytes > 0
    assert prune([run], keep).files == ()


@pytest.mark.parametrize(
    ("naming", "stay"),
    [
        ("init: {type: run, path: RUN, weights: best}", {"best"}),
        ("init: {type: file, path: RUN/checkpoints/best.safetensors}", {"best"}),
        ("loss: {teacher: {run: LINK, weights: epoch-2}}", {"epoch-2"}),
        ("grid: {init.path: [/else, RUN], init.weights: [epoch-2, best]}", {"best", "epoch-2"}),
        ("init: {type: run, path: RUN, weights: final}", set()),
        ("init: {type: run, path: /elsewhere, weights: best}", set()),
    ],
)
def test_weights_that_another_configuration_names_stay_and_it_is_told(tmp_path, naming, stay):
    run, other = with_weights(make_run(tmp_path / "run")), make_run(tmp_path / "other")
    (tmp_path / "latest").symlink_to("run")
    named = naming.replace("RUN", str(run)).replace("LINK", str(tmp_path / "latest"))
    (other / "config.yaml").write_text(f"name: other\n{named}\n")
    pruned = prune([run], "none")
    assert checkpoints(run) == stay
    assert set(pruned.left) == {
        f"{run}/checkpoints/{name}.safetensors: stays, because {other}/config.yaml names it"
        for name in stay
    }


def test_nothing_is_removed_if_a_configuration_that_may_name_weights_cannot_be_read(tmp_path):
    runs = [with_weights(make_run(tmp_path / name / "run")) for name in "ab"]
    broken = make_run(tmp_path / "b" / "broken") / "config.yaml"
    broken.write_text(f"init: {{path: {runs[0]}")
    with pytest.raises(UsageError, match=f"{broken}: is damaged"):
        prune(runs, "none")
    assert checkpoints(runs[0]) == checkpoints(runs[1]) == set(CHECKPOINTS)


@pytest.mark.parametrize("status", ["running", "interrupted", "failed", "diverged", "pruned"])
def test_a_run_that_has_not_finished_keeps_its_checkpoints(tmp_path, status):
    finished = with_weights(make_run(tmp_path / "1-run"))
    run = with_weights(make_run(tmp_path / "2-run", status=status))
    with pytest.raises(UsageError, match=f"is {status}, not finished"):
        prune([finished, run])
    assert checkpoints(finished) == checkpoints(run) == set(CHECKPOINTS)
    (reason,) = prune([tmp_path]).left
    assert reason.startswith(str(run))
    assert checkpoints(finished) == {"best", "epoch-2"}
    assert checkpoints(run) == set(CHECKPOINTS)


def test_a_run_whose_final_weights_are_damaged_or_missing_keeps_its_checkpoints(tmp_path):
    run = with_weights(make_run(tmp_path / "run"))
    weights = run / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"\1")
    with pytest.raises(UsageError, match="its final weights cannot be read"):
        prune([run], "none")
    weights.unlink()
    with pytest.raises(UsageError, match="its final weights cannot be read"):
        prune([run], "none")
    assert checkpoints(run) == set(CHECKPOINTS)


def test_the_command_tells_what_it_removed_and_refuses_an_unknown_choice(tmp_path, capsys):
    run = with_weights(make_run(tmp_path / "run"))
    with pytest.raises(UsageError, match="--keep: found 'all', must be weights, best or none"):
        prune_command([run], keep="all")
    prune_command([run], keep="best", json=True)
    assert len(json.loads(capsys.readouterr().out)["removed"]) == 3
    prune_command([run], keep="best")
    assert "removed 0 files" in capsys.readouterr().err

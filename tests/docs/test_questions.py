"""The sweep files of the open questions are valid, and their answers are the sweeps' results."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from docs.page import PAGE, replaced
from docs.update_questions import answer, words
from mnistlab.config.load_sweep import load_sweep
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import (
    DatasetRecord,
    GitState,
    ImageCounts,
    RunFacts,
    RunRecord,
    Seconds,
    write_run_record,
)
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError

ROOT = Path(__file__).parents[2]
QUESTIONS = sorted((ROOT / "configs" / "reports").glob("*/questions/*.yaml"))
HEADER = "trial,status,stage,optimizer.lr,seed,train_loss,train_accuracy,val_loss,val_accuracy,"
SWEEP = """
name: few
run: {name: few, data: {source: digits}}
stages:
  - name: rate
    parameters: {optimizer.lr: [0.1, 1.0, 10.0]}
seeds: 5
"""


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.stem)
def test_every_question_is_a_sweep_that_the_page_has_a_place_for(path):
    config = load_sweep(path).config

    assert path.parents[1].name == config.name[0]
    assert "the answer" in replaced(
        PAGE.read_text(encoding="utf-8"), f"questions {config.name}", "the answer"
    )


def test_an_answer_has_means_the_lowest_and_the_number_of_stable_runs(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    values = {0.1: [0.90] * 5, 1.0: [0.95, 0.95, 0.95, 0.95, 0.10]}
    lines = [HEADER + "test_loss,test_accuracy,run_dir"]
    for lr, shares in values.items():
        for seed, share in enumerate(shares):
            lines.append(
                f"{len(lines) - 1},finished,rate,{lr},{seed},,,,{share},,,{_run(tmp_path)}"
            )
    for seed in range(5):
        lines.append(f"{len(lines) - 1},diverged,rate,10.0,{seed},,,,,,,{_run(tmp_path)}")
    (tmp_path / "trials.csv").write_text("\n".join(lines) + "\n")

    told = answer(SweepDir(tmp_path))

    assert "15 runs; the best validation accuracy, 90.00 %, has `optimizer.lr` 0.1" in told
    assert "1 of 3 points diverged" in told
    assert "| 1 | 78.00 ± 38.01 | 10.00 | 4 of 5 | 3 |" in told
    assert "| 0.1 | 90.00 ± 0.00 | 90.00 | 0 of 5 | 3 |" in told
    assert "| 10 | diverged |" in told
    assert "`mnistlab sweep few.yaml`: 15 runs of 2 epochs on 1,500 images, 15 minutes" in told


def test_an_unfinished_sweep_has_no_answer(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    rows = ["0,finished,rate,0.1,0,,,,0.9,,,trials/0", "1,pending,rate,1.0,0,,,,,,,trials/1"]
    (tmp_path / "trials.csv").write_text(
        "\n".join([HEADER + "test_loss,test_accuracy,run_dir", *rows, ""])
    )

    with pytest.raises(UsageError, match="1 of 2 trials are not finished"):
        answer(SweepDir(tmp_path))


def _run(folder: Path) -> str:
    """One run folder for all trials: six seconds in two epochs."""
    run = folder / "trials" / "0"
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").write_text("{}")
    (run / "metrics.csv").write_text(
        "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,test_accuracy,"
        "penalty,seconds\n2,10,0.1,,,,,,,,6.0\n"
    )
    facts = RunFacts(
        argv=["mnistlab", "sweep", "few.yaml"],
        mnistlab="1.0",
        versions={},
        git=GitState(commit=None, dirty=None),
        platform="Linux",
        processor="EPYC",
        cpus=2,
        threads=1,
        dataset=DatasetRecord("digits", "", ImageCounts(1500, 0, 0), (28, 28), ["0"], 1.0, 0.0),
        parameters=0,
        layers=[],
    )
    record = RunRecord(
        status=Status.FINISHED,
        epochs=2,
        seconds=Seconds(train=60.0),
        started=datetime(2026, 11, 21, tzinfo=UTC),
        facts=facts,
        config={},
    )
    write_run_record(RunDir(run), record)
    return "trials/0"


def test_a_network_is_named_by_what_follows_its_logits():
    layers = ["flatten", {"dense": {"units": 10}}]
    behind = [{"activation": "relu"}, {"dropout": 0.2}]

    assert words("model.layers", layers) == "logits as they are"
    assert words("model.layers", layers + behind) == "relu and dropout 0.2 on the logits"

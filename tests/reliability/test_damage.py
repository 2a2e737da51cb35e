"""Some rounds of `damage_rounds.py` and others: nothing is lost, and no wrong value is silent."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.damage_rounds import GROUPS, rounds

ROOT = Path(__file__).parents[2]
CANNOT_MOUNT = 77


@pytest.mark.parametrize("group", GROUPS)
def test_a_damaged_file_is_refused_or_recovered_and_never_silently_wrong(group):
    slow = group == "stopped"
    reports = dict(rounds(group, flips=4 if slow else 16, parts=4 if slow else 8))
    assert [loss for report in reports.values() for loss in report.lost] == []
    if group == "download" and not reports:
        pytest.skip("MNISTLAB_DATA_DIR has no MNIST")
    assert all(report.flips.total() and report.cuts.total() for report in reports.values())


# In a separate process: one with running threads cannot be forked.
def in_a_process(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "every"), [("run", 20), pytest.param("sweep", 60, marks=pytest.mark.slow)]
)
def test_after_any_failed_operation_the_run_is_resumed_to_the_same_bits(kind, every):
    done = in_a_process("tools.fault_rounds", kind, "--every", str(every))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 lost") == 6


@pytest.mark.long
def test_a_run_on_a_disk_that_is_or_becomes_full_ends_with_the_same_bits_once_there_is_space():
    done = in_a_process("tools.disk_rounds", "--every", "7")
    if done.returncode == CANNOT_MOUNT:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 lost") == 2

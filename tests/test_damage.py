"""A few rounds of `damage_rounds.py` and `fault_rounds.py`: nothing is lost, or wrong in silence."""

import subprocess
import sys
from pathlib import Path

import pytest
from damage_rounds import GROUPS, rounds

HERE = Path(__file__).parent


@pytest.mark.parametrize("group", GROUPS)
def test_a_damaged_file_is_refused_or_recovered_and_never_silently_wrong(group):
    slow = group == "stopped"
    reports = rounds(group, flips=4 if slow else 16, parts=4 if slow else 8)
    assert [loss for report in reports.values() for loss in report.lost] == []
    if group == "download" and not reports:
        pytest.skip("MNISTLAB_DATA_DIR has no MNIST")
    assert all(report.flips.total() and report.cuts.total() for report in reports.values())


# In a process of its own: one whose threads run already can't be forked.
@pytest.mark.parametrize(("kind", "every"), [("run", 11), ("sweep", 29)])
def test_whatever_operation_fails_the_rest_is_carried_on_to_the_same_bits(kind, every):
    done = subprocess.run(
        [sys.executable, str(HERE / "fault_rounds.py"), kind, "--every", str(every)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 lost") == 6

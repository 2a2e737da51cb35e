"""The meanings of each status."""

import json

import pytest

from mnistlab.store.status import Status, count_outcomes


@pytest.mark.parametrize(
    ("status", "finished", "ended", "resumable"),
    [
        ("pending", False, False, True),
        ("running", False, False, True),
        ("interrupted", False, False, True),
        ("finished", True, True, False),
        ("stopped_early", True, True, False),
        ("diverged", False, True, False),
        ("failed", False, True, True),
    ],
)
def test_every_status_says_whether_it_is_an_end_and_whether_there_is_more_to_do(
    status, finished, ended, resumable
):
    found = Status(status)
    assert (found.finished, found.ended, found.resumable) == (finished, ended, resumable)


def test_a_sweep_counts_an_early_stop_as_finished_and_leaves_out_what_is_to_come():
    statuses = [Status(name) for name in ("stopped_early", "finished", "failed", "running")]
    assert count_outcomes(statuses) == {"finished": 2, "diverged": 0, "failed": 1}


def test_a_status_is_written_as_its_word():
    assert json.dumps({"status": Status.STOPPED_EARLY}) == '{"status": "stopped_early"}'
    assert f"{Status.STOPPED_EARLY}" == "stopped_early"
    assert Status.STOPPED_EARLY.words == "stopped early"

"""`--scheduler` as a user meets it; what Dask does with the trials is tested in tests/sweep."""

from cli_helpers import mnistlab


def test_no_scheduler_there_leaves_no_folder_and_exits_with_2(home, monkeypatch):
    monkeypatch.setattr("mnistlab.sweeps.scheduler.SECONDS_TO_CONNECT", 0.2)
    for address, told in (("127.0.0.1:9", "no scheduler answers at"), ("node7:1", "encrypted")):
        outcome = mnistlab("sweep", "tiny.yaml", "optimizer.lr=0.1,0.01", "--scheduler", address)
        assert outcome.exit_code == 2
        assert told in outcome.stderr
    assert not (home / "runs").exists()


def test_a_run_is_not_resumed_by_a_scheduler(home):
    run = mnistlab("train", "tiny.yaml", "--no-plots").stdout.strip()
    outcome = mnistlab("resume", run, "--scheduler", "local")
    assert (outcome.exit_code, "--scheduler: is for sweeps" in outcome.stderr) == (2, True)

"""Sweeps whose trials run on Dask: a scheduler and workers as processes of this machine."""

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from distributed import Client
from process_helpers import has_ended

from mnistlab.support.errors import UsageError
from mnistlab.support.host import deciding_versions
from mnistlab.sweeps import cluster, remote
from mnistlab.sweeps import trials as sweep_trials
from mnistlab.sweeps.dispatch import SweepError
from tools.cluster_kill_rounds import rounds
from tools.dask_processes import DaskProcesses
from tools.short_sweeps import Heard, fingerprints, records, resume, rows, sweep

VALUES = ("optimizer.lr=0.1,0.01", "seeds=2")
PRUNED = (
    *("optimizer.lr=0.5,0.2,0.05,1e-3,1e-4,1e-6", "training.epochs=4"),
    *("prune={type: asha, reduction: 2}", "parallel=2"),
)
LONG = ("optimizer.lr=0.1,0.2", "training.epochs=2000", "training.checkpoint_every=500")
# For sweeps that are stopped: so long that no trial ends first on any machine.
ENDLESS = (*LONG[:1], "training.epochs=1000000", "training.checkpoint_every=500")


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A scheduler and two workers of one thread."""
    with DaskProcesses(tmp_path_factory.mktemp("dask"), 2) as processes:
        yield processes


@pytest.fixture
def unseen(monkeypatch, tmp_path):
    """Makes workers behave as on machines that do not see the sweep's folder."""
    real = remote.Sender
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setattr(
        cluster.remote, "Sender", lambda **given: real(**{**given, "claims": elsewhere})
    )


def carried(folder, dask, *values, **options):
    return sweep(folder, *values, workers=None, scheduler=dask.address, **options)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The same sweep with this machine's own workers."""
    return fingerprints(sweep(tmp_path_factory.mktemp("calm"), *VALUES))


def test_trials_in_a_folder_that_workers_see_end_on_the_bits_of_a_local_sweep(tmp_path, dask, calm):
    heard = Heard()
    result = carried(tmp_path, dask, *VALUES, callbacks=[heard])
    assert fingerprints(result) == calm
    assert heard.warnings == []
    assert not (result.sweep_dir / ".claims").exists()
    assert resume(result, scheduler=dask.address).already_ended


def test_trials_that_come_back_with_the_result_end_on_the_same_bits(tmp_path, dask, calm, unseen):
    assert fingerprints(carried(tmp_path, dask, *VALUES)) == calm


@pytest.mark.parametrize("seen", [pytest.param(True, marks=pytest.mark.slow), False])
def test_trials_are_stopped_and_promoted_as_by_the_workers_of_this_machine(
    tmp_path, dask, seen, request
):
    if not seen:
        request.getfixturevalue("unseen")
    wanted = sweep(tmp_path / "here", *PRUNED)
    result = carried(tmp_path / "there", dask, *PRUNED)
    assert fingerprints(result) == fingerprints(wanted)
    assert [row.status for row in rows(result)] == [row.status for row in rows(wanted)]
    assert {row.status for row in rows(result)} == {"finished", "pruned"}
    assert any(record["resumed"] for record in records(result).values())
    assert resume(result, scheduler=dask.address).already_ended


def test_a_scheduler_that_is_started_here_does_the_same(tmp_path, calm):
    assert fingerprints(sweep(tmp_path, *VALUES, workers=1, scheduler="local")) == calm


class Interrupting(Heard):
    """Asks the sweep to stop once a trial has a checkpoint to resume from."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self.pattern = pattern

    def on_progress(self, progress):
        if not self.progress and list(Path().glob(self.pattern)):
            super().on_progress(progress)
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("seen", [True, False])
def test_trials_under_way_come_back_with_their_checkpoints_when_the_sweep_is_stopped(
    tmp_path, dask, seen, request, monkeypatch
):
    if not seen:
        request.getfixturevalue("unseen")
    scratch = tmp_path if seen else dask.folder
    monkeypatch.chdir(scratch)
    stop = Interrupting("**/checkpoints/last.safetensors")
    result = carried(tmp_path, dask, *ENDLESS, callbacks=[stop])
    assert (result.status, result.left) == ("interrupted", 2)
    assert "interrupted" in {row.status for row in rows(result)}
    found = list(result.sweep_dir.glob("trials/*/checkpoints/last.safetensors"))
    assert found
    assert not (result.sweep_dir / ".claims").exists()


def test_a_worker_with_other_libraries_is_refused(tmp_path, dask, monkeypatch):
    sent = {**deciding_versions(), "numpy": "1.0"}
    monkeypatch.setattr(cluster, "deciding_versions", lambda: sent)
    with pytest.raises(SweepError, match=r"numpy is \S+, the sweep's 1\.0 \(on the worker tcp:"):
        carried(tmp_path, dask, *VALUES)


def test_a_failure_on_a_worker_is_reported_with_the_worker(tmp_path, dask, monkeypatch):
    # As if there were more memory here than on the worker's machine.
    monkeypatch.setattr(sweep_trials, "refuse_too_large", lambda config, dataset: None)
    huge = f"[{', '.join(['100000'] * 30)}]"
    result = carried(tmp_path, dask, f"model.hidden=[4],{huge}")
    assert [row.status for row in rows(result)] == ["finished", "failed"]
    assert "model.hidden: training takes" in result.failures[0].reason


def children(process: subprocess.Popen) -> list[int]:
    told = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    return [int(line) for line in told.stdout.split()]


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class PuttingToSleep(Heard):
    """Suspends a Dask worker and its trial's process during training; the scheduler drops it at
    once, as it would after minutes without contact.
    """

    def __init__(self, folder: Path, dask: DaskProcesses, client: Client) -> None:
        super().__init__()
        self.folder = folder
        self.dask = dask
        self.client = client
        self.addresses = {pid: address for address, pid in client.run(os.getpid).items()}
        self.asleep: list[int] = []

    def on_progress(self, progress):
        if not self.asleep and len(list(self.folder.glob("runs/2*/.claims/*/metrics.csv"))) == 2:
            worker = self.dask.workers[0]
            self.asleep = [*children(worker), worker.pid]
            for one in self.asleep:
                os.kill(one, signal.SIGSTOP)
            self.give_up(self.addresses[worker.pid])

    def give_up(self, address: str) -> None:
        async def remove(dask_scheduler):
            await dask_scheduler.remove_worker(address, stimulus_id="asleep", close=False)

        self.client.run_on_scheduler(remove)


@pytest.mark.slow
def test_a_worker_that_wakes_after_its_trial_was_finished_elsewhere_changes_nothing(tmp_path, dask):
    with Client(dask.address, set_as_default=False) as client:
        sleep = PuttingToSleep(tmp_path, dask, client)
        result = carried(tmp_path, dask, *LONG, callbacks=[sleep])
    assert sleep.asleep
    try:
        assert result.trials == {"finished": 2, "diverged": 0, "failed": 0}
        before = hashes(result.sweep_dir)
        # First resume the trial only, which was told nothing: it continues, and finds its folder
        # gone.
        *trials, _ = sleep.asleep
        for one in trials:
            os.kill(one, signal.SIGCONT)
        deadline = time.monotonic() + 60
        while not all(has_ended(one) for one in trials):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for one in sleep.asleep:
            os.kill(one, signal.SIGCONT)
    # Dropped, it ends.
    dask.workers[0].wait(60)
    dask.start()
    assert hashes(result.sweep_dir) == before
    assert {r["status"] for r in records(result).values()} == {"finished"}


def certificates(folder: Path) -> dict[str, str]:
    """Certificates made as docs/cluster.md tells, and the settings for them."""
    text = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
    _, _, after = text.partition("<!-- certificates -->\n```bash\n")
    script = after.partition("```")[0]
    assert "openssl" in script
    subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True)
    tls = "DASK_DISTRIBUTED__COMM__TLS"
    settings = {f"{tls}__CA_FILE": str(folder / "ca.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"{tls}__{role}__CERT"] = str(folder / "node.pem")
        settings[f"{tls}__{role}__KEY"] = str(folder / "node-key.pem")
    return settings


@pytest.mark.slow
def test_certificates_made_as_the_docs_tell_carry_a_sweep(tmp_path, calm):
    import dask.config

    settings = certificates(tmp_path)
    with DaskProcesses(tmp_path / "dask", 1, protocol="tls", settings=settings) as secured:
        with pytest.raises(UsageError, match="TLS__CA_FILE"):
            carried(tmp_path, secured, *VALUES)
        # Dask read its environment when it was imported.
        keys = [name.removeprefix("DASK_").lower().replace("__", ".") for name in settings]
        with dask.config.set(dict(zip(keys, settings.values(), strict=True))):
            assert fingerprints(carried(tmp_path, secured, *VALUES)) == calm


@pytest.mark.slow
def test_worker_client_and_scheduler_killed_at_random_moments_cost_no_bit():
    # Every process that is started anew takes as long as a trial, so there is one worker.
    values = ("optimizer.lr=1e-3,1e-4", "seeds=2", "training.epochs=8")
    report = rounds(3, values, spread=0.15, workers=1)
    assert report.faults == []
    assert report.identical == report.trials == 4
    assert set(report.kills) == {"worker", "client", "scheduler"}


@pytest.mark.slow
def test_pruned_trials_killed_at_random_moments_are_each_trained_once():
    values = (
        *("optimizer.lr=3e-3,1e-3,3e-4,1e-4,1e-5", "training.epochs=9"),
        *("prune={type: asha, reduction: 2}", "parallel=1"),
    )
    report = rounds(3, values, seed=1, spread=0.15, workers=1)
    assert report.faults == []
    assert report.identical == report.trials == 5
    assert set(report.kills) == {"worker", "client", "scheduler"}

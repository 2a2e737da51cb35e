"""A configuration that does not fit into memory is refused, with the estimate, and
leaves nothing.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.data import files
from mnistlab.experiment import memory_check
from mnistlab.experiment.dataset import load_data
from mnistlab.experiment.memory_check import refuse_too_large, workers_that_fit
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.check import check
from mnistlab.python.commands.train import train
from mnistlab.support.errors import UsageError
from mnistlab.support.memory import AvailableMemory
from mnistlab.training.footprint import LIBRARIES, PROCESS, memory_estimate, memory_needed

MB = 1 << 20
DIGITS = {"source": "digits", "train_limit": 200}
WIDE = {"type": "mlp", "hidden": [100_000, 100_000]}


def config_of(**sections):
    return run_config_from_mapping({"data": DIGITS, **sections})


def room_of(monkeypatch, count):
    monkeypatch.setattr(
        memory_check, "available_to_process", lambda: AvailableMemory(count, "are free")
    )


def trained(tmp_path, config):
    return train(config, tmp_path / "runs", RunOptions(data_dir=tmp_path / "data"))


def checked(tmp_path, config):
    return check(config, data_dir=tmp_path / "data")


@pytest.mark.parametrize("command", [trained, checked])
def test_too_wide_a_network_is_refused_and_leaves_no_folder(tmp_path, command):
    with pytest.raises(
        UsageError, match=r"model.hidden: training takes .* GB of memory, and"
    ) as error:
        command(tmp_path, config_of(model=WIDE))
    assert re.search(r"evaluation 41 GB", str(error.value))
    assert error.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


def test_it_is_refused_up_to_the_byte(monkeypatch, tmp_path):
    config = config_of()
    dataset = load_data(config, tmp_path)
    needed = memory_needed(config, dataset)
    room_of(monkeypatch, needed)
    refuse_too_large(config, dataset)
    room_of(monkeypatch, needed - 1)
    with pytest.raises(UsageError):
        refuse_too_large(config, dataset)


def test_a_batch_too_large_is_what_is_to_blame(monkeypatch, tmp_path):
    config = config_of(
        data={"source": "digits"},
        model={"type": "mlp", "hidden": [8]},
        training={"batch_size": "full"},
    )
    dataset = load_data(config, tmp_path)
    room_of(monkeypatch, memory_needed(config, dataset) // 2)
    with pytest.raises(UsageError, match=r"^training.batch_size: .*workspace"):
        refuse_too_large(config, dataset)


def test_images_that_are_too_many_are_refused_unread(monkeypatch, tmp_path):
    from mnistlab.data.idx import header, read_idx

    path = tmp_path / "images"
    path.write_bytes(header((1000, 28, 28)) + bytes(784_000))
    monkeypatch.setattr(files, "available_to_process", lambda: AvailableMemory(700_000, "are free"))
    monkeypatch.setattr(np, "empty", lambda *_, **__: pytest.fail("memory was taken"))
    with pytest.raises(files.MalformedError, match="784 kB of memory, and 700 kB are free"):
        read_idx(path, 3)


def test_workers_of_a_sweep_count_together():
    needed = [100 * MB, 300 * MB, 200 * MB]
    two = 500 * MB + 2 * PROCESS  # the two largest may be trained at once
    assert workers_that_fit(needed, 4, AvailableMemory(two + 100 * MB + PROCESS, "")) == 4
    assert workers_that_fit(needed, 3, AvailableMemory(two, "")) == 2
    assert workers_that_fit(needed, 3, AvailableMemory(two - 1, "")) == 1
    assert (
        workers_that_fit(needed, 3, AvailableMemory(0, "")) == 1
    )  # each alone was looked at before
    assert workers_that_fit(needed, 3, None) == 3


PEAK = """
import sys, tempfile
from pathlib import Path
from mnistlab.python.commands.check import check
from mnistlab.python.commands.train import train
from mnistlab.config import load_run_config
from mnistlab.training.footprint import memory_needed
from mnistlab.experiment import runner
from mnistlab.experiment.run_options import RunOptions
def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
seen = {}
refuse = runner.refuse_too_large
def before_anything(config, dataset):
    seen.update(needed=memory_needed(config, dataset), before=kilobytes("VmRSS:") * 1024)
    refuse(config, dataset)
runner.refuse_too_large = before_anything
config = load_run_config(Path(sys.argv[1]))
with tempfile.TemporaryDirectory() as folder:
    train(config, Path(folder), RunOptions(data_dir=Path(folder), threads=1), plots=False)
print(seen["needed"], kilobytes("VmHWM:") * 1024 - seen["before"])
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_run_takes_no_more_than_was_estimated_and_not_much_less(tmp_path, optimizer):
    config = tmp_path / "config.yaml"
    config.write_text(
        "data: {source: digits, train_limit: 200}\n"
        "model: {type: mlp, hidden: [1500, 1500]}\n"
        f"optimizer: {{type: {optimizer}, lr: 0.001}}\n"
        "training: {epochs: 2}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(config)], capture_output=True, text=True, check=True
    )
    needed, taken = map(int, done.stdout.split())
    assert needed / 4 < taken < needed


def _memory_groups() -> Path | None:
    """The folder of this process's memory control group, where new ones can be made (version 1)."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            folder = Path(f"/sys/fs/cgroup/memory{path}")
            return folder if os.access(folder, os.W_OK) else None
    return None


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="no control groups")
def test_a_real_control_group_bounds_a_run_and_one_that_fits_is_trained_in_it(tmp_path):
    outer = _memory_groups()
    if outer is None:
        pytest.skip("no memory control group can be made here")
    group = outer / f"mnistlab-{os.getpid()}"
    inner = group / "inner"
    config = tmp_path / "config.yaml"
    config.write_text("data: {source: digits, train_limit: 200}\ntraining: {epochs: 1}\n")
    command = [sys.executable, "-m", "mnistlab", "train", str(config), "--no-plots"]
    try:
        inner.mkdir(parents=True)
        (group / "memory.limit_in_bytes").write_text(str(700 * MB))

        def trained(*values: str) -> subprocess.CompletedProcess:
            return subprocess.run(
                ["sh", "-c", f'echo $$ > {inner}/cgroup.procs; exec "$@"', "sh", *command, *values],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                capture_output=True,
                text=True,
            )

        small = trained("model.hidden=[16]")
        assert small.returncode == 0, small.stderr
        large = trained("model.hidden=[4000,4000]")
        assert large.returncode == 2, large.stderr
        assert f"of the control group {str(group).removeprefix('/sys/fs/cgroup/memory')}" in (
            large.stderr
        )
    finally:
        for folder in (inner, group):
            if folder.exists():
                folder.rmdir()


@pytest.mark.long
def test_a_limit_of_address_space_bounds_a_run(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("data: {source: digits, train_limit: 200}\ntraining: {epochs: 1}\n")
    values = "model.hidden=[4000,4000] --no-plots"
    done = subprocess.run(
        ["sh", "-c", f"ulimit -v 1200000; {sys.executable} -m mnistlab train {config} {values}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "limit of 1.23 GB (ulimit -v)" in done.stderr


def test_what_libraries_take_is_part_of_every_estimate(tmp_path):
    config = config_of(model={"type": "softmax"})
    dataset = load_data(config, tmp_path)
    parts = memory_estimate(config, dataset)
    assert memory_needed(config, dataset) == LIBRARIES + parts["total"] - parts["images"]

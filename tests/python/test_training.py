import os
import signal

import numpy as np
import pytest
from library_helpers import TINY

import mnistlab


class Heard(mnistlab.Callback):
    """Keeps what it hears."""

    def __init__(self):
        self.events = []

    def on_start(self, run):
        self.events.append(("start", run.status))

    def on_epoch_end(self, run, row):
        assert row.epoch == len(run.metrics)  # its row is written already
        self.events.append(("epoch", row.epoch))

    def on_end(self, run):
        self.events.append(("end", run.status))


class At(mnistlab.Callback):
    """Does something at the end of an epoch."""

    def __init__(self, epoch, act):
        self.epoch, self.act = epoch, act

    def on_epoch_end(self, run, row):
        if row.epoch == self.epoch:
            self.act()


def train(*arguments, **options):
    return mnistlab.train(*arguments, **{"plots": False, "quiet": True, **options})


def equal(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one.keys() | other.keys())


def test_a_mapping_a_file_and_the_runs_own_configuration_train_the_same(home):
    first = train(TINY)
    assert first.path.parent == home / "runs"
    assert first.status == "finished"
    (home / "tiny.yaml").write_text(
        "name: tiny\ndata: {source: digits, train_limit: 60, validation: 0.1}\n"
        "model: {hidden: [6]}\ntraining: {epochs: 3, batch_size: 20}\n"
    )
    for config in (home / "tiny.yaml", "tiny.yaml", first.config, first.path / "config.yaml"):
        again = train(config)
        assert again.config == first.config
        assert equal(again.weights, first.weights)


def test_overrides_set_keys_by_their_path_and_may_be_numpys(home):
    overrides = {"optimizer.lr": np.float32(0.5), "training.epochs": np.int64(1)}
    run = train(TINY, {**overrides, "model.hidden": (4, 3)}, name="other")
    assert run.config["optimizer"]["lr"] == 0.5
    assert run.config["model"]["hidden"] == [4, 3]
    assert run.config["name"] == "other"
    assert len(run.metrics) == 1


@pytest.mark.parametrize(
    ("config", "overrides", "message"),
    [
        ({"optimizer": {"lrr": 1}}, None, "configuration: optimizer.lrr: unknown key 'lrr'"),
        ({}, {"optimizer.lrr": 1}, "overrides: optimizer.lrr: unknown key 'lrr'"),
        ({}, {"optimizer.": 1}, "overrides: found the key 'optimizer.', must be a dotted path"),
        ({}, {"seed": object()}, "overrides: seed: found an object of type object"),
        ("no.yaml", None, r"no\.yaml: no such file"),
    ],
)
def test_a_mistake_is_reported_before_there_is_a_folder(home, config, overrides, message):
    with pytest.raises(mnistlab.ConfigError, match=message):
        train(config, overrides)
    with pytest.raises(TypeError, match="config: found None, must be a YAML file's path"):
        train(None, overrides)
    assert not (home / "runs").exists()


@pytest.mark.parametrize("threads", [-3, 0, "2", 1.5, True, 1025])
def test_what_is_no_number_of_threads_is_refused_before_there_is_a_folder(home, threads):
    calls = [
        lambda: train(TINY, threads=threads),
        lambda: mnistlab.resume("runs/none", threads=threads),
        lambda: mnistlab.lr_find(TINY, threads=threads),
        lambda: mnistlab.load_run("runs/none", threads=threads),
        lambda: mnistlab.Classifier(threads=threads).fit(np.eye(4), [0, 1, 0, 1]),
    ]
    for call in calls:
        with pytest.raises(mnistlab.UsageError, match=r"threads: found .*, must be a whole number"):
            call()
    assert not (home / "runs").exists()


def test_a_number_of_threads_may_be_numpys(home):
    assert train(TINY, threads=np.int64(1)).status == "finished"


def test_it_is_silent_if_quiet_and_prints_each_epoch_otherwise(home, capfd):
    train(TINY)
    assert capfd.readouterr() == ("", "")
    train(TINY, quiet=False)
    told = capfd.readouterr()
    assert told.out == ""
    epochs = [line.split()[0] for line in told.err.splitlines() if line.lstrip()[1:3] == "/3"]
    assert epochs == ["1/3", "2/3", "3/3"]


def test_callbacks_receive_the_runs_events_from_start_to_end(home):
    heard = Heard()
    train(TINY, callbacks=[heard, mnistlab.Callback()])
    epochs = [("epoch", 1), ("epoch", 2), ("epoch", 3)]
    assert heard.events == [("start", "running"), *epochs, ("end", "finished")]


def test_what_is_no_callback_is_refused_before_there_is_a_folder(home):
    with pytest.raises(TypeError, match=r"must be a mnistlab\.Callback"):
        train(TINY, callbacks=[print])
    assert not (home / "runs").exists()


def test_an_exception_of_a_callback_ends_the_run_and_reaches_the_caller(home):
    def fail():
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        train(TINY, callbacks=[At(2, fail)])
    run = mnistlab.load_run("runs/latest")
    assert run.status == "failed"
    assert "ZeroDivisionError: mine" in run.record["reason"]
    assert len(run.metrics) == 2


def test_ctrl_c_keeps_a_checkpoint_and_resuming_ends_on_the_same_bits(home):
    whole = train(TINY)
    interrupt = At(2, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match=r"mnistlab\.resume\('.*-tiny-.*'\) resumes it"):
        train(TINY, callbacks=[interrupt])
    stopped = mnistlab.load_run("runs/latest")
    assert stopped.status == "interrupted"
    heard = Heard()
    resumed = mnistlab.resume(stopped, plots=False, quiet=True, callbacks=[heard])
    assert resumed.path == stopped.path
    assert heard.events == [("start", "running"), ("epoch", 3), ("end", "finished")]
    assert equal(resumed.weights, whole.weights)
    times = ["seconds"]
    assert resumed.metrics.drop(columns=times).equals(whole.metrics.drop(columns=times))


def test_sigterm_ends_python_once_the_checkpoint_is_kept(home, monkeypatch):
    class Ended(BaseException):
        pass

    def end(number, frame):
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Ended):
            train(TINY, callbacks=[At(1, lambda: os.kill(os.getpid(), signal.SIGTERM))])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert mnistlab.load_run("runs/latest").status == "interrupted"


def test_a_run_that_diverges_is_returned_with_a_warning(home):
    with pytest.warns(RuntimeWarning, match=r"diverged: .* smaller optimizer\.lr"):
        run = train(TINY, {"optimizer.lr": 1e30})
    assert run.status == "diverged"


def test_figures_and_the_report_are_drawn_by_default(home):
    run = train(TINY, {"training.epochs": 1}, plots=True)
    assert (run.path / "plots" / "learning_curves.png").stat().st_size > 0
    assert (run.path / "report.html").exists()


def test_check_shows_layers_and_gradients(home):
    checked = mnistlab.check(TINY, {"model.hidden": [5]}, quiet=True)
    assert checked.passed
    assert checked.parameters == 784 * 5 + 5 + 5 * 10 + 10


def test_lr_find_suggests_a_rate_that_trains_and_writes_it_into_a_file(home):
    found = mnistlab.lr_find(TINY, seeds=1, quiet=True)
    assert found.suggested == mnistlab.lr_find(TINY, seeds=1, quiet=True).suggested
    assert train(TINY, {"optimizer.lr": found.suggested}).status == "finished"
    (home / "tiny.yaml").write_text("data: {source: digits}\noptimizer: {lr: 0.5}  # the rate\n")
    found = mnistlab.lr_find("tiny.yaml", seeds=1, quiet=True, write=True, figure="lr.svg")
    written = f"optimizer: {{lr: {found.suggested:g}}}  # the rate\n"
    assert (home / "tiny.yaml").read_text().endswith(written)
    assert (home / "lr.svg").exists()


def test_lr_find_refuses_to_write_where_there_is_no_file_or_another_configuration(home):
    with pytest.raises(TypeError, match="must be a YAML file's path, to write into it"):
        mnistlab.lr_find(TINY, write=True)
    with pytest.raises(mnistlab.UsageError, match=r"set optimizer\.type in the file first"):
        mnistlab.lr_find("tiny.yaml", {"optimizer.type": "adam"}, write=True)
    with pytest.raises(
        mnistlab.UsageError, match="seeds: found 0, must be a whole number of at least 1"
    ):
        mnistlab.lr_find(TINY, seeds=0)

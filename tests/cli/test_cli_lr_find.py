import numpy as np
import pytest
from cli_helpers import TINY, mnistlab

from mnistlab.config import load_run_config
from mnistlab.training.range_test import RATES

COMMENTED = """\
# A tiny network.
name: tiny
data: {source: digits, train_limit: 200}
model: {type: mlp, hidden: [8]}
optimizer:
  type: sgd
  lr: 0.1   # the learning rate
training: {epochs: 2}   # short
"""


def test_lr_find_prints_the_rates_and_draws_them(home):
    outcome = mnistlab("lr-find", "tiny.yaml", "--seeds", "2")
    assert outcome.exit_code == 0
    lines = outcome.stdout.splitlines()
    names = ["learning rate", "steepest descent", "edge of stability", "suggested"]
    assert [line.split("  ")[0] for line in lines[:4]] == names
    suggested = lines[3].split()[-1]
    assert 1e-4 < float(suggested) < 5
    assert "To try it: mnistlab train tiny.yaml" in outcome.stderr
    assert f" optimizer.lr={suggested}\n" in outcome.stderr
    assert (home / "runs" / "lr-find-tiny.png").read_bytes()[:4] == b"\x89PNG"
    assert (home / "tiny.yaml").read_text() == TINY


def test_lr_find_as_json_has_the_curve_and_repeats_itself(home):
    first, again = (
        mnistlab("lr-find", "tiny.yaml", "--seeds", "2", "--no-plots", "--json").document
        for _ in range(2)
    )
    assert first == again
    assert first["figure"] is first["written"] is None
    assert first["lr"] == 0.1
    assert 0 < first["steepest"] < first["edge"]
    np.testing.assert_allclose(first["rates"], RATES)
    assert len(first["loss"]) == len(RATES)
    assert [len(losses) for losses in first["losses"]] == [len(RATES)] * 2
    assert first["losses"][0] != first["losses"][1]
    assert not (home / "runs").exists()


def test_overrides_change_what_is_tested(home):
    arguments = ("lr-find", "tiny.yaml", "--seeds", "1", "--no-plots", "--json")
    plain = mnistlab(*arguments).document
    adam = mnistlab(*arguments, "optimizer.type=adam").document
    assert adam["lr"] == 0.001
    assert adam["suggested"] < plain["suggested"]


def test_write_puts_the_rate_into_the_file_and_keeps_its_comments(home):
    (home / "tiny.yaml").write_text(COMMENTED)
    outcome = mnistlab("lr-find", "tiny.yaml", "--seeds", "1", "--no-plots", "--json", "--write")
    document = outcome.document
    assert document["written"] == str(home / "tiny.yaml")
    assert load_run_config("tiny.yaml").optimizer.lr == document["suggested"]
    before, after = COMMENTED.splitlines(), (home / "tiny.yaml").read_text().splitlines()
    changed = [n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert changed == [6]
    assert after[6].endswith("# the learning rate")


def test_write_with_overrides_is_refused_before_the_test(home):
    outcome = mnistlab("lr-find", "tiny.yaml", "--write", "optimizer.type=adam", "seed=1")
    assert outcome.exit_code == 2
    assert "set optimizer.type, seed in the file first" in outcome.stderr
    assert (home / "tiny.yaml").read_text() == TINY
    assert not (home / "runs").exists()


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_without_a_fall_nothing_is_suggested_or_written(home, arguments):
    text = TINY + 'optimizer: {lr_scale: {"*": 0.0}}\n'
    (home / "tiny.yaml").write_text(text)
    outcome = mnistlab("lr-find", "tiny.yaml", "--write", "--no-plots", "--seeds=1", *arguments)
    assert outcome.exit_code == 1
    assert (home / "tiny.yaml").read_text() == text
    if arguments:
        assert outcome.document["suggested"] is outcome.document["written"] is None
    else:
        assert "Nothing is suggested: the loss does not fall" in outcome.stderr


def test_a_figure_of_the_users_own_is_not_overwritten(home):
    (home / "mine.png").write_bytes(b"mine")
    outcome = mnistlab("lr-find", "tiny.yaml", "--figure", "mine.png")
    assert outcome.exit_code == 2
    assert "mine.png: exists and was not written by mnistlab" in outcome.stderr
    assert (home / "mine.png").read_bytes() == b"mine"
    outcome = mnistlab("lr-find", "tiny.yaml", "--figure", "mine.bmp")
    assert (outcome.exit_code, outcome.stderr) == (2, "mine.bmp: must end in .png, .svg, .pdf\n")


def test_a_configuration_that_cannot_train_is_refused(home):
    outcome = mnistlab("lr-find", "tiny.yaml", "training.drop_last=true", "training.batch_size=999")
    assert outcome.exit_code == 2
    assert "training.drop_last: no batch would be left" in outcome.stderr

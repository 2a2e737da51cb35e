"""Wrong command lines, each with its whole message: wrong_lines.txt has them.

A name in braces there stands for what the sections and families of blocks have, as these grow.
"""

import re
import shlex
from pathlib import Path

import pytest
from cli_helpers import mnistlab

from mnistlab.blocks.inits import INITS
from mnistlab.blocks.layers import LAYERS
from mnistlab.blocks.layers.conv2d import Conv
from mnistlab.blocks.losses import LOSSES
from mnistlab.blocks.models import MODELS
from mnistlab.blocks.optimizers import OPTIMIZERS
from mnistlab.blocks.schedules import SCHEDULES
from mnistlab.blocks.section import keys_of
from mnistlab.config.run import RunConfig
from mnistlab.config.training import RegularizationConfig
from mnistlab.data.sources import SOURCES, published, with_path
from mnistlab.figures.run import RUN_FIGURES
from mnistlab.reproduce.known import known

FILES = {
    "configs/quickstart.yaml": "optimizer: {lr: 0.05, momentum: 0.9}\n",
    "empty.yaml": "",
    "list.yaml": "- a\n",
    "tab.yaml": "model:\n\thidden: [8]\n",
    "indent.yaml": "model:\n  type: mlp\n    hidden: [8]\n",
    "open.yaml": "model: {hidden: [8\n",
    "colon.yaml": "model\n  type: mlp\n",
    "twice.yaml": "seed: 1\nseed: 2\n",
    "quote.yaml": "name: 'a\n",
    "sweep.yaml": "base: tiny.yaml\nparameters: {optimizer.lr: [0.1, 0.2]}\n",
    "nobase.yaml": "base: nowhere.yaml\nparameters: {optimizer.lr: [0.1]}\n",
    "both.yaml": "training: {epochs: 3, steps: 4}\n",
    "constant.yaml": "lr_schedule: {type: constant}\nloss: {type: cross_entropy}\n",
    "loss.yaml": "loss: binary_cross_entropy\n",
    "percent.yaml": "model: {type: mlp, dropout: 50 %, hidden: 64 x 32}\n",
    "commas.yaml": 'model: {hidden: "64, 32"}\n',
    "group.yaml": "data: digits\n",
    "own.yaml": "data: {source: csv}\n",
    "runs/a/config.yaml": "seed: 0\n",
    "sweeps/b/sweep.yaml": "run: {seed: 0}\n",
}
NAMES = {
    "TOP": keys_of(RunConfig),
    "SGD": keys_of(OPTIMIZERS.blocks["sgd"]),
    "CNN": keys_of(MODELS.blocks["cnn"]),
    "CONV": keys_of(Conv),
    "OPTIMIZERS": OPTIMIZERS.blocks,
    "LAYERS": LAYERS.blocks,
    "LOSSES": LOSSES.blocks,
    "MODELS": MODELS.blocks,
    "INITS": INITS.blocks,
    "SCHEDULES": SCHEDULES.blocks,
    "SOURCES": SOURCES,
    "PATHS": with_path(),
    "PUBLISHED": published(),
    "PENALTIES": keys_of(RegularizationConfig),
    "FIGURES": RUN_FIGURES,
    "REPORTS": [one.name for one in known("reports")],
    "PAPERS": [one.name for one in known("papers")],
}
TABLE = Path(__file__).with_name("wrong_lines.txt").read_text(encoding="utf-8")
LINES = [entry.removeprefix("$ ").split("\n", 1) for entry in TABLE.rstrip("\n").split("\n\n")]


@pytest.fixture
def folder(home, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def test_the_table_has_enough_lines():
    assert len({line for line, _ in LINES}) == len(LINES) >= 60


@pytest.mark.parametrize(("line", "message"), LINES, ids=[line for line, _ in LINES])
def test_a_wrong_command_line_is_told_in_these_words(folder, line, message):
    outcome = mnistlab(*shlex.split(line))
    told = outcome.stderr.rstrip("\n")
    if told.startswith("Usage: "):
        told = told.split("\n\n", 1)[1]
    names = {name: ", ".join(names) for name, names in NAMES.items()} | {"HERE": folder}
    expected = message.format_map(names)
    assert (outcome.exit_code, told) == (2, expected)
    assert not (folder / "runs" / "latest").exists()


# What a message offers: words in place of those that were refused, a name in place of another, or
# the arguments of `mnistlab sweep`.
MEANT = re.compile(
    r"(?:did you mean|without dashes:|without brackets:) (?P<argument>[\w.]+=[^\s;?]+)"
    r"|(?:unknown key|found|no layer) '(?P<wrong>[^']+)'.*did you mean '(?P<right>[^']+)'"
)


def suggestions():
    for line, message in LINES:
        for told in message.splitlines():
            meant = MEANT.search(told)
            if meant and "VALUE" not in meant[0] and line.split()[1].endswith(".yaml"):
                yield pytest.param(line, told, meant, id=told)


@pytest.mark.parametrize(("line", "told", "meant"), list(suggestions()))
def test_what_a_message_suggests_is_accepted(folder, line, told, meant):
    command, file, *arguments = shlex.split(line)
    if meant["argument"]:
        arguments = [meant["argument"]]
    else:
        arguments = [one.replace(meant["wrong"], meant["right"]) for one in arguments]
    if "`mnistlab sweep` tries" in told:
        command = "sweep"
    seen = "--dry-run" if command == "sweep" else "--print-config"
    outcome = mnistlab(command, file, *arguments, seen)
    assert (outcome.exit_code, outcome.stderr) == (0, "")

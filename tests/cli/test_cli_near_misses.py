"""What a newcomer types first: the whole message says what to type in its place."""

import shlex

import pytest
from cli_helpers import mnistlab

from mnistlab.blocks.optimizers import OPTIMIZERS
from mnistlab.blocks.section import keys_of


def keys_of_type(name):
    """The keys of an optimizer as a message lists them."""
    return ", ".join(keys_of(OPTIMIZERS.blocks[name]))


FILES = {
    "configs/quickstart.yaml": "optimizer: {lr: 0.05, momentum: 0.9}\n",
    "rate.yaml": "learning_rate: 0.1\n",
    "runs/a/config.yaml": "seed: 0\n",
}
TOP = "base, name, seed, data, model, loss, regularization, init, optimizer, lr_schedule, training"
ACTIVATIONS = (
    "elu, gelu, identity, leaky_relu, relu, relu6, sigmoid, silu, softplus, softsign, tanh"
)
LOSSES = "binary_cross_entropy, cross_entropy, mse"
# An override of tiny.yaml; what stands behind `command line: OVERRIDE: `.
OVERRIDES = [
    (
        "model.activation=ReLU",
        f"model.activation: found 'ReLU', must be one of {ACTIVATIONS}",
        "relu",
    ),
    (
        "model.activation=LeakyReLU",
        f"model.activation: found 'LeakyReLU', must be one of {ACTIVATIONS}",
        "leaky_relu",
    ),
    (
        "optimizer.type=SGD",
        f"optimizer.type: found 'SGD', must be one of {', '.join(OPTIMIZERS.blocks)}",
        "sgd",
    ),
    (
        "optimizer=AdamW",
        f"optimizer: found 'AdamW', must be one of {', '.join(OPTIMIZERS.blocks)}",
        "adamw",
    ),
    *(
        (f"loss={name}", f"loss: found {name!r}, must be one of {LOSSES}", meant)
        for name, meant in {
            "categorical_crossentropy": "cross_entropy",
            "sparse_categorical_crossentropy": "cross_entropy",
            "CrossEntropyLoss": "cross_entropy",
            "BCELoss": "binary_cross_entropy",
            "MSELoss": "mse",
        }.items()
    ),
    ("lr=0.1", f"lr: unknown key 'lr'; allowed here: {TOP}, reference", "optimizer.lr"),
    (
        "learning_rate=0.1",
        f"learning_rate: unknown key 'learning_rate'; allowed here: {TOP}, reference",
        "optimizer.lr",
    ),
    ("epoch=5", f"epoch: unknown key 'epoch'; allowed here: {TOP}, reference", "training.epochs"),
    (
        "batchSize=5",
        f"batchSize: unknown key 'batchSize'; allowed here: {TOP}, reference",
        "training.batch_size",
    ),
    (
        "optimizer.learning-rate=0.1",
        "optimizer.learning-rate: unknown key 'learning-rate'; allowed here: "
        f"{keys_of_type('sgd')}",
        "lr",
    ),
]
# A command line; its whole message.
LINES = [
    (
        "train tiny.yaml optimizer.lr=0.1,0.2",
        "command line: optimizer.lr=0.1,0.2: optimizer.lr: found '0.1,0.2', must be a number; "
        "`mnistlab sweep` tries several values",
    ),
    (
        "train rate.yaml",
        f"rate.yaml:1:1: learning_rate: unknown key 'learning_rate'; allowed here: {TOP}, "
        "reference; did you mean 'optimizer.lr'?",
    ),
    ("train quickstart", "quickstart: no such file; did you mean configs/quickstart.yaml?"),
    (
        "train quickstart.yaml",
        "quickstart.yaml: no such file; did you mean configs/quickstart.yaml?",
    ),
    ("train tiny", "tiny: no such file; did you mean tiny.yaml?"),
    (
        "train runs/a",
        "runs/a: is a folder, must be a YAML file such as runs/a/config.yaml; "
        "`mnistlab resume runs/a` resumes the run",
    ),
    (
        "visualize tiny.yaml",
        "tiny.yaml: is a file, not a run folder; `mnistlab train tiny.yaml` makes one, and prints "
        "its path",
    ),
    (
        "train configs/quickstart.yaml optimizer.type=adam optimizer.momentum=0.5",
        "command line: optimizer.momentum=0.5: optimizer.momentum: momentum belongs to "
        "optimizer.type sgd, not adam",
    ),
]
SET = "values of the configuration are set without dashes"
RUNS_DIR = "--runs-dir DIR says where run folders are made"
# The options of a command line of other programs; the message behind `No such option: `.
FLAGS = [
    ("train tiny.yaml --epochs 5", f"--epochs; {SET}: training.epochs=5"),
    ("train --epochs=5 tiny.yaml", f"--epochs; {SET}: training.epochs=5"),
    ("train tiny.yaml --n-epochs 5", f"--n-epochs; {SET}: training.epochs=5"),
    ("train tiny.yaml --seed 3", f"--seed; {SET}: seed=3"),
    ("train tiny.yaml --lr 0.1", f"--lr; {SET}: optimizer.lr=0.1"),
    ("train tiny.yaml --learning-rate 0.1", f"--learning-rate; {SET}: optimizer.lr=0.1"),
    ("train tiny.yaml --optimizer.lr=0.1", f"--optimizer.lr; {SET}: optimizer.lr=0.1"),
    ("train tiny.yaml --batch-size 8", f"--batch-size; {SET}: training.batch_size=8"),
    ("train tiny.yaml --optimizer adam", f"--optimizer; {SET}: optimizer=adam"),
    ("train tiny.yaml --dataset digits", f"--dataset; {SET}: data.source=digits"),
    ("check tiny.yaml --lr", f"--lr; {SET}: optimizer.lr=VALUE"),
    ("sweep tiny.yaml --lr 0.1,0.2", f"--lr; {SET}: optimizer.lr=0.1,0.2"),
    ("train tiny.yaml -o out", f"-o; {RUNS_DIR}"),
    ("sweep tiny.yaml --output-dir out", f"--output-dir; {RUNS_DIR}"),
    ("sweep tiny.yaml -j 2", "-j; --workers N says how many trials are trained at a time"),
    (
        "train tiny.yaml --gpu",
        "--gpu; mnistlab computes on the processor; --threads N says with how many threads",
    ),
    (
        "train --config tiny.yaml",
        "--config; the file of the configuration is given without an option",
    ),
    (
        "train tiny.yaml --resume runs/a",
        "--resume; `mnistlab resume PATH` resumes a run or a sweep",
    ),
    ("evaluate runs/a --lr 0.1", "--lr (Possible options: --help)"),
    ("train tiny.yaml --no-plot", "--no-plot (Possible options: --no-plots)"),
    ("train tiny.yaml --nonsense", "--nonsense"),
]


@pytest.fixture
def folder(home):
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.mark.parametrize(("override", "message", "meant"), OVERRIDES)
def test_a_near_miss_in_an_override_is_answered_with_the_likely_key(
    folder, override, message, meant
):
    outcome = mnistlab("train", "tiny.yaml", override)
    expected = f"command line: {override}: {message}; did you mean {meant!r}?\n"
    assert (outcome.exit_code, outcome.stderr) == (2, expected)


@pytest.mark.parametrize(("line", "message"), LINES)
def test_a_near_miss_is_answered_with_what_to_type(folder, line, message):
    outcome = mnistlab(*shlex.split(line))
    assert (outcome.exit_code, outcome.stderr) == (2, f"{message}\n")


def test_an_override_of_a_type_drops_the_keys_of_the_other_type_and_names_them(folder):
    line = "train configs/quickstart.yaml optimizer.beta1=0.8 optimizer.type=adam --print-config"
    outcome = mnistlab(*shlex.split(line))
    assert outcome.exit_code == 0
    assert outcome.stderr == (
        "warning: optimizer.type is now adam; dropped from the file: optimizer.momentum; the keys "
        f"of adam: {keys_of_type('adam')}\n"
    )
    assert "  type: adam\n  lr: 0.05\n  beta1: 0.8\n" in outcome.stdout


def test_a_network_changed_to_a_cnn_gives_a_hint_at_layers(folder):
    outcome = mnistlab("train", "tiny.yaml", "model.type=cnn", "--print-config")
    changed, empty = outcome.stderr.splitlines()
    assert changed == (
        "warning: model.type is now cnn; dropped from the file: model.hidden; the keys of cnn: "
        "type, layers, bias, output_activation"
    )
    assert empty == (
        "warning: model.layers is empty: the network is an output layer alone, softmax regression; "
        "a CNN needs layers, such as [{conv: {filters: 8, kernel: 3}}, {activation: relu}, "
        "{pool: {type: max}}]"
    )


def test_a_hint_about_a_configuration_is_told_once_and_not_when_its_run_is_read(folder):
    line = "train tiny.yaml model.type=cnn model.layers=[] --runs-dir runs"
    said = mnistlab(*shlex.split(line)).stderr
    assert said.count("model.layers is empty") == 1
    assert "model.layers" not in mnistlab("evaluate", "runs/latest").stderr


def test_a_grid_over_types_drops_the_keys_of_the_other_types_and_says_so_once(folder):
    line = "sweep configs/quickstart.yaml optimizer.type=adam,sgd optimizer.lr=0.1,0.2 --dry-run"
    outcome = mnistlab(*shlex.split(line))
    assert outcome.exit_code == 0
    assert len(outcome.stdout.splitlines()) == 5
    assert outcome.stderr == (
        "warning: optimizer.type is now adam; dropped from the file: optimizer.momentum; the keys "
        f"of adam: {keys_of_type('adam')}\n"
    )


def test_a_type_set_in_every_trial_of_a_sweep_drops_the_keys_of_the_other_type(folder):
    line = "sweep configs/quickstart.yaml optimizer.type=adam optimizer.lr=0.1,0.2 --dry-run"
    outcome = mnistlab(*shlex.split(line))
    assert outcome.exit_code == 0
    assert outcome.stderr == (
        "warning: optimizer.type is now adam; dropped from the file: optimizer.momentum; the keys "
        f"of adam: {keys_of_type('adam')}\n"
    )


def test_an_override_that_repeats_the_type_of_the_file_drops_nothing(folder):
    (folder / "mixed.yaml").write_text("optimizer: {type: adam, momentum: 0.9}\n")
    outcome = mnistlab("check", "mixed.yaml", "optimizer.type=adam")
    assert outcome.stderr == (
        "mixed.yaml:1:25: optimizer.momentum: momentum belongs to optimizer.type sgd, not adam\n"
    )


@pytest.mark.parametrize(("line", "message"), FLAGS)
def test_an_option_of_other_programs_is_answered_with_the_equivalent(folder, line, message):
    outcome = mnistlab(*shlex.split(line))
    usage, error = outcome.stderr.split("\n\n")
    assert usage.startswith("Usage: mnistlab ")
    assert (outcome.exit_code, error) == (2, f"Error: No such option: {message}\n")


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("-h", "--help"),
        ("help", "--help"),
        ("train -h", "train --help"),
        ("help train", "train --help"),
        ("help data fetch", "data fetch --help"),
        ("-V", "--version"),
        ("train tiny.yaml -q --print-config", "train tiny.yaml --quiet --print-config"),
        (
            "sweep tiny.yaml seed=1,2 --dry-run --name 007",
            "sweep tiny.yaml seed=1,2 --dry-run \"name='007'\"",
        ),
    ],
)
def test_a_short_form_does_what_the_long_one_does(folder, line, same):
    outcome = mnistlab(*shlex.split(line))
    assert outcome.exit_code == 0
    assert outcome == mnistlab(*shlex.split(same))


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("trian", "train"),
        ("fit", "train"),
        ("run", "train"),
        ("Train", "train"),
        ("test", "evaluate"),
        ("plot", "visualize"),
        ("tune", "sweep"),
    ],
)
def test_a_command_of_other_programs_is_answered_with_mnistlabs_command(folder, word, meant):
    outcome = mnistlab(word, "tiny.yaml")
    assert outcome.exit_code == 2
    assert outcome.stderr.endswith(
        f"\n\nError: No such command {word!r}. Did you mean {meant!r}?\n"
    )

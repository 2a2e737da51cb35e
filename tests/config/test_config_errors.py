"""Every wrong configuration is refused with its position, the key's path and the wrong value."""

import pytest

from mnistlab.config import parse_run_config
from mnistlab.support.errors import ConfigError

# text, line:column, dotted path, a piece of the message
WRONG = [
    ("name: ../escape", "1:7", "name", "'../escape'"),
    ("name: .hidden", "1:7", "name", "not beginning with '.'"),
    ("name: a/b", "1:7", "name", "'a/b'"),
    ("name: 2024", "1:7", "name", "put it in quotes"),
    ("name: ''", "1:7", "name", "''"),
    (f"name: {'n' * 101}", "1:7", "name", "100 characters"),
    ('name: "a\\n"', "1:7", "name", "letters"),
    ("seed: -1", "1:7", "seed", "at least 0"),
    ("seed: 1.5", "1:7", "seed", "whole number"),
    ("seed: 10.0", "1:7", "seed", "found 10.0"),
    ("seed: true", "1:7", "seed", "found true"),
    ("seed: '3'", "1:7", "seed", "found '3'"),
    ("seed: 9223372036854775808", "1:7", "seed", "below 9223372036854775808"),
    ("sed: 1", "1:1", "sed", "did you mean 'seed'?"),
    ("epochs: 3", "1:1", "epochs", "did you mean 'training.epochs'?"),
    ("data: 3", "1:7", "data", "mapping of keys"),
    ("data:\n  source: mnst", "2:11", "data.source", "did you mean 'mnist'?"),
    ("data: {source: png}", "1:16", "data.source", "data.path must say"),
    ("data: {path: here}", "1:14", "data.path", "belongs to data.source csv, idx"),
    ("data: {source: idx, path: ''}", "1:27", "data.path", "a path"),
    ("data: {source: idx, path: 3}", "1:27", "data.path", "a path"),
    ("data: {validation: 1.5}", "1:20", "data.validation", "below 1"),
    ("data: {validation: -5}", "1:20", "data.validation", "found -5"),
    ("data: {validation: {images: -1}}", "1:29", "data.validation.images", "found -1"),
    ("data: {validation: {choose: some}}", "1:29", "data.validation.choose", "stratified"),
    ("data: {validation: {image: 3}}", "1:21", "data.validation.image", "did you mean 'images'"),
    ("data: {validation: [1]}", "1:20", "data.validation", "found a list"),
    ("data: {validation: never}", "1:20", "data.validation", "'auto'"),
    ("data: {classes: []}", "1:17", "data.classes", "a list of at least 1"),
    ("data: {classes: [1, 1]}", "1:17", "data.classes", "without repeated labels"),
    ("data: {classes: [1, ten]}", "1:21", "data.classes.1", "found 'ten'"),
    ("data: {classes: [ten]}", "1:18", "data.classes.0", "found 'ten'"),
    ("data: {classes: [1, 10]}", "1:17", "data.classes", "found 10"),
    ("data: {train_limit: 0}", "1:21", "data.train_limit", "at least 1"),
    ("data: {shuffle_once: yes}", "1:22", "data.shuffle_once", "true or false"),
    ("model: null", "1:8", "model", "null"),
    ("model:", "1:7", "model", "mapping"),
    ("model: sofmax", "1:8", "model", "did you mean 'softmax'?"),
    ("loss: 3", "1:7", "loss", "one of binary_cross_entropy, cross_entropy, mse, or a mapping"),
    ("lr_schedule: exponential", "1:14", "lr_schedule.gamma", "must be given"),
    ("init: normal", "1:7", "init.std", "must be given"),
    ("model: {type: mpl}", "1:15", "model.type", "did you mean 'mlp'?"),
    ("model: {type: softmax, hidden: [3]}", "1:24", "model.hidden", "model.type mlp, not softmax"),
    ("model: {hidden: wide}", "1:17", "model.hidden", "a list"),
    ("model: {hidden: 0}", "1:17", "model.hidden.0", "at least 1"),
    ("model: {type: cnn, layers: [dense: 0]}", "1:36", "model.layers.0.dense.units", "at least 1"),
    ("model: {type: cnn, layers: [Conv2D: 3]}", "1:29", "model.layers.0", "did you mean 'conv'?"),
    ("model: {hidden: [128, 0]}", "1:23", "model.hidden.1", "at least 1"),
    ("model: {hidden: [1000000000]}", "1:18", "model.hidden.0", "at most 100000"),
    ("model: {activation: softmax}", "1:21", "model.activation", "'softmax'"),
    ("model: {activation: {type: rely}}", "1:28", "model.activation.type", "'relu'"),
    ("model: {activation: {alpha: 1}}", "1:21", "model.activation", "needs a key 'type'"),
    ("model: {activation: {type: relu, k: 1}}", "1:34", "model.activation.k", "type sigmoid"),
    ("model: {activation: {type: sigmoid, k: 0}}", "1:40", "model.activation.k", "than 0"),
    ("model: {activation: {type: sigmoid, k: no}}", "1:40", "model.activation.k", "a number"),
    ("model: {dropout: 1.0}", "1:18", "model.dropout", "below 1"),
    ("model: {output_activation: tanh}", "1:28", "model.output_activation", "found tanh"),
    ("model: {type: cnn, layers: [convv: 3]}", "1:29", "model.layers.0", "did you mean 'conv'?"),
    ("model: {type: cnn, layers: [flattn]}", "1:29", "model.layers.0", "'flatten'"),
    (
        "model: {type: cnn, layers: [{conv: {filters: 2}}]}",
        "1:36",
        "model.layers.0.conv.kernel",
        "must be given",
    ),
    (
        "model: {type: cnn, layers: [{conv: {filters: 2, kernel: 4, connections: [[0]]}}]}",
        "1:73",
        "model.layers.0.conv.connections",
        "must be a list of input maps for each of the 2 filters; it has 1 lists",
    ),
    (
        "model: {type: cnn, layers: [{conv: {filters: 1, kernel: 4, connections: [[0, 0]]}}]}",
        "1:73",
        "model.layers.0.conv.connections",
        "must be lists that name each input map once",
    ),
    (
        "model: {type: cnn, layers: [{conv: {filters: 2, kernel: 4, padding: same}}]}",
        "1:69",
        "model.layers.0.conv.padding",
        "found 'same', must be a whole number, as 'same' needs an odd kernel and kernel is 4",
    ),
    (
        "model: {type: cnn, layers: [{conv: {filters: 2, kernel: 3, padding: valid}}]}",
        "1:69",
        "model.layers.0.conv.padding",
        "found 'valid', must be a whole number from 0 to 1,024, or 'same'",
    ),
    (
        "model: {type: cnn, layers: [{conv: {filters: 2, kernel: 3, strid: 1}}]}",
        "1:60",
        "model.layers.0.conv.strid",
        "did you mean 'stride'?",
    ),
    (
        "model: {type: cnn, layers: [flatten, {dropout: 1}]}",
        "1:48",
        "model.layers.1.dropout",
        "below 1",
    ),
    (
        "model: {type: cnn, layers: [{activation: relu, pool: {}}]}",
        "1:29",
        "model.layers.0",
        "activation and pool",
    ),
    ("loss: {type: mse2}", "1:14", "loss.type", "did you mean 'mse'?"),
    ("loss: {type: binary_cross_entropy}", "1:14", "loss.type", "needs model.output_activation"),
    ("loss: {reduction: total}", "1:19", "loss.reduction", "mean, sum"),
    ("regularization: {l1: .nan}", "1:22", "regularization.l1", "finite"),
    ("regularization: {l2: -1e-3}", "1:22", "regularization.l2", "-0.001"),
    ("regularization: {layers: []}", "1:26", "regularization.layers", "list of layer names"),
    ("regularization: {layers: [dense3]}", "1:27", "regularization.layers.0", "dense1, dense2"),
    ("regularization: {mode: proxmal}", "1:24", "regularization.mode", "did you mean 'proximal'?"),
    ("init: {type: normal}", "1:7", "init.std", "must be given"),
    ("init: {type: he_normal, std: 1}", "1:25", "init.std", "init.type normal"),
    ("init: {type: uniform, low: 1, high: 0}", "1:37", "init.high", "above low"),
    ("init: {bias: ones}", "1:14", "init.bias", "zeros, normal"),
    ("init: {bias: {type: normal, std: -1}}", "1:34", "init.bias.std", "found -1"),
    ("init: {type: file, path: w, bias: {type: normal, std: 1}}", "1:35", "init.bias", "no effect"),
    (
        "init: {layers: {dense1: {type: file, path: w, bias: normal}}}",
        "1:53",
        "init.layers.dense1.bias",
        "init.layers.dense1.type file reads the biases with the weights",
    ),
    ("init: {layers: {dens1: {type: zeros}}}", "1:24", "init.layers.dens1", "'dense1'"),
    ("init: {layers: {dense1: {layers: {}}}}", "1:26", "init.layers.dense1.layers", "unknown"),
    (
        "init: {layers: {dense1: {type: normal, std: x}}}",
        "1:45",
        "init.layers.dense1.std",
        "found 'x'",
    ),
    ("optimizer: {lr: 0}", "1:17", "optimizer.lr", "greater than 0"),
    ("optimizer: {lr: .inf}", "1:17", "optimizer.lr", "found inf"),
    ("optimizer: {lr: 1e999}", "1:17", "optimizer.lr", "finite"),
    ("optimizer: {lr: 1e-3x}", "1:17", "optimizer.lr", "'1e-3x'"),
    ("optimizer:\n  lr: 0.1\n  momentm: 0.9", "3:3", "optimizer.momentm", "'momentum'"),
    ("optimizer: {type: adam, momentum: 0.9}", "1:25", "optimizer.momentum", "type sgd, not adam"),
    ("optimizer: {type: [sgd]}", "1:19", "optimizer.type", "found a list"),
    ("optimizer: {lr_scale: {dense9.bias: 1}}", "1:37", "optimizer.lr_scale.dense9.bias", "dense1"),
    ("optimizer: {lr_scale: {'*.bias': -1}}", "1:34", "optimizer.lr_scale.*.bias", "at least 0"),
    ("lr_schedule: {type: step, factor: 0.5}", "1:14", "lr_schedule.every", "must be given"),
    (
        "lr_schedule:\n  type: phases\n  phases:\n    - {type: linear, final: 2}\n    - cosine",
        "4:7",
        "lr_schedule.phases.0.epochs",
        "only the last phase",
    ),
    (
        "lr_schedule:\n  type: phases\n  phases:\n    - {epochs: 1, type: plateau}",
        "4:25",
        "lr_schedule.phases.0.type",
        "one of constant, cosine",
    ),
    (
        "lr_schedule: {type: phases, phases: [{epochs: 2, type: cosine, mim: 2}]}",
        "1:64",
        "lr_schedule.phases.0.mim",
        "did you mean 'min'?",
    ),
    (
        "lr_schedule: {type: phases, phases: []}",
        "1:37",
        "lr_schedule.phases",
        "a list of at least 1",
    ),
    ("lr_schedule: phases", "1:14", "lr_schedule.phases", "must be given"),
    ("lr_schedule: {gamma: 0.5}", "1:15", "lr_schedule.gamma", "exponential, not constant"),
    ("training: {epochs: 0}", "1:20", "training.epochs", "at least 1"),
    ("training: {epochs: 3, steps: 9}", "1:30", "training.steps", "training.epochs"),
    ("training: {batch_size: half}", "1:24", "training.batch_size", "'full'"),
    ("training: {batch_size: true}", "1:24", "training.batch_size", "found true"),
    ("training: {evaluate_every: 0}", "1:28", "training.evaluate_every", "'epoch'"),
    ("training: {dtype: float16}", "1:19", "training.dtype", "float32, float64"),
    ("training: {early_stopping: yes}", "1:28", "training.early_stopping", "mapping"),
    (
        "data: {validation: 0}\ntraining:\n  early_stopping: {monitor: val_accuracy}",
        "3:29",
        "training.early_stopping.monitor",
        "data.validation 0",
    ),
    ("reference: {test_accuracy: 91.2}", "1:28", "reference.test_accuracy", "at most 1"),
    ("reference: {tst_loss: 1}", "1:13", "reference.tst_loss", "did you mean 'test_loss'?"),
    ("seed: 1\nseed: 2", "2:1", "seed", "twice (first at line 1)"),
    ("data:\n  source: mnist\n  source: digits", "3:3", "data.source", "twice"),
]

# Text that is no plain mapping: place and a piece of the message; there may be no path.
UNREADABLE = [
    ("", "f.yaml: ", "is empty"),
    ("# a comment alone\n", "f.yaml: ", "is empty"),
    ("---\n", "f.yaml: ", "is empty"),
    ("- a\n- b", "f.yaml:1:1: ", "found a list"),
    ("just words", "f.yaml:1:1: ", "'just words'"),
    ("1: x", "f.yaml:1:1: ", "unknown key '1'"),
    ("1.5: x", "f.yaml:1:1: ", "the key 1.5"),
    ("true: x", "f.yaml:1:1: ", "the key true"),
    ("data: {null: x}", "f.yaml:1:8: ", "data: found the key nothing (null)"),
    ("? [a]\n: 1", "f.yaml:1:3: ", "a key must be a word"),
    ("seed: !!int 3", "f.yaml:1:7: ", "tags"),
    ("seed: !!python/object/apply:os.system [ls]", "f.yaml:1:7: ", "python/object"),
    ("seed: *s", "f.yaml:1:7: ", "*s"),
    ("seed: 1\n---\nseed: 2", "f.yaml:2:1: ", "second document"),
    ("seed: [1", "f.yaml:1:9: ", "not valid YAML"),
    ("seed: 1\n  name: x", "f.yaml:2:7: ", "not valid YAML"),
    ("a:\tb: c", "f.yaml:1:", "not valid YAML"),
    ("name: a\nseed: \x07", "f.yaml:2:7: ", "U+0007"),
    ('name: "\\0"', "f.yaml:1:7: ", "U+0000"),
    ('name: "\\UFFFFFFFF"', "f.yaml:1:1: ", "not valid YAML"),
    (f"seed: {'9' * 5000}", "f.yaml:1:7: ", "too many digits"),
]


def refusal(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_run_config(text, "f.yaml", overrides)
    return list(caught.value.messages)


@pytest.mark.parametrize(("text", "place", "path", "culprit"), WRONG, ids=[w[0] for w in WRONG])
def test_a_wrong_value_is_named_with_its_place_path_and_culprit(text, place, path, culprit):
    messages = refusal(text)
    assert len(messages) == 1 or "layers" in text
    assert messages[-1].startswith(f"f.yaml:{place}: {path}: ")
    assert culprit in messages[-1]


@pytest.mark.parametrize(("text", "start", "culprit"), UNREADABLE, ids=[u[0] for u in UNREADABLE])
def test_text_that_is_no_plain_mapping_is_refused_at_its_place(text, start, culprit):
    (message,) = refusal(text)
    assert message.startswith(start)
    assert culprit in message


@pytest.mark.parametrize("text", [w[0] for w in WRONG])
def test_no_message_speaks_of_the_library_that_checks(text):
    for message in refusal(text):
        for leak in ("Input should", "pydantic", "type=", "http", "Config", "<", "valid string"):
            assert leak not in message


def test_all_errors_of_a_file_are_reported_at_once_in_its_order():
    text = (
        "data: {source: idx, valdation: 3}\n"
        "model: {hidden: [0]}\n"
        "optimizer: {lr: -1, lr: 2}\n"
        "training: {epochs: 1, steps: 1, batch_size: x}\n"
    )
    starts = [message.split(": ")[1] for message in refusal(text, "sede=3")]
    assert starts == [
        "data.source",
        "data.valdation",
        "model.hidden.0",
        "optimizer.lr",
        "optimizer.lr",
        "training.steps",
        "training.batch_size",
        "sede=3",
    ]


def test_a_conflict_that_may_come_from_a_reported_error_is_not_reported():
    (message,) = refusal("loss: {typ: mse}\nmodel: {output_activation: sigmoid}")
    assert "loss.typ" in message


def test_a_conflict_is_reported_at_one_of_its_keys_in_the_file():
    (message,) = refusal("model:\n  output_activation: sigmoid")
    assert message.startswith("f.yaml:2:22: model.output_activation: ")


def test_binary_cross_entropy_accepts_a_sigmoid_with_a_slope():
    text = "loss: {type: binary_cross_entropy}\nmodel: {output_activation: {type: sigmoid, k: 0.5}}"
    assert parse_run_config(text, "f.yaml").model.output_activation.k == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model:\n\ttype: mlp", "2:1: found a tab; replace it by spaces, as tabs cannot indent"),
        (
            "model:\n  type: mlp\n   hidden: [3]",
            "3:10: the line is indented more than the line above; indent both alike",
        ),
        (
            "model:\n  type: mlp\n hidden: [3]",
            "3:2: the line's indent is that of no line above; indent all keys of a section alike",
        ),
        (
            "  name: a\nseed: 1",
            "2:1: the line's indent is that of no line above; indent all keys of a section alike",
        ),
        (
            "model:\n  type mlp\n  hidden: [3]",
            "3:9: found a new key, but the line above has no ':' behind its own",
        ),
        (
            "model:\n  type mlp\n  # units\n  hidden: [3]",
            "4:3: found a new key, but the line above has no ':' behind its own",
        ),
        (
            "model: type: mlp",
            "1:12: found a second ': ' in a line; put the text in quotes, or its key in the next "
            "line",
        ),
        (
            "model:\n  hidden: [3, 4\noptimizer:\n  lr: 0.1",
            "3:10: '[' of line 2 is not closed by ']', or a comma is missing",
        ),
        ("model: {type: mlp", "1:18: '{' of line 1 is not closed by '}', or a comma is missing"),
        (
            "model: {type: mlp bias: true}",
            "1:23: '{' of line 1 is not closed by '}', or a comma is missing",
        ),
        ("model: {hidden: [3}}", "1:19: found '}', must be ']', as '[' of line 1 is open"),
        ("classes: [3,\n", "2:1: a bracket, '[' or '{', is not closed"),
        ('seed: 1\nname: "a\n', '3:1: the quote " of line 2 is not closed'),
        ("name: @a", "1:7: found '@' at the beginning of a text; put the text in quotes"),
        (
            "seed: 1\n- a",
            "2:1: a list's item (- …) and a key (key: …) cannot have the same indent in a section",
        ),
    ],
)
def test_text_that_is_no_yaml_is_refused_in_plain_words(text, message):
    place, _, words = message.partition(": ")
    with pytest.raises(ConfigError) as caught:
        parse_run_config(text, "f.yaml")
    assert str(caught.value) == f"f.yaml:{place}: not valid YAML: {words}"


def test_an_open_bracket_on_the_command_line_is_reported_without_a_line():
    with pytest.raises(ConfigError) as caught:
        parse_run_config("seed: 1", "f.yaml", ["model.hidden=[3"])
    assert str(caught.value) == (
        "command line: model.hidden=[3: not valid YAML: '[' is not closed by ']', or a comma is "
        "missing"
    )

"""The right gradients of docs/faults are the engine's, and the faulty ones are detected."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from docs.faults import (
    common,
    report_a,
    report_b,
    report_c,
    report_d,
    report_e,
    report_e_rules,
)
from docs.page import replaced
from mnistlab.config import RunConfig
from mnistlab.data import Dataset, open_source, split
from mnistlab.runtime.params import views
from mnistlab.support.paths import data_dir
from mnistlab.training.gradcheck import IMAGES, THRESHOLD, Objective

CONV_A = [
    {"conv": {"filters": 2, "kernel": 3, "stride": 2, "bias": "none"}},
    {"activation": "relu"},
    "flatten",
]
CONV_D = [
    {"conv": {"filters": 2, "kernel": 3, "bias": "per_position"}},
    {"activation": "relu"},
    "flatten",
    {"dense": {"units": 5}},
    {"activation": "relu"},
    {"dense": {"units": 10}},
]


@pytest.fixture(scope="module")
def digits() -> common.Digits:
    return common.load("digits")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return split(open_source("digits", data_dir=data_dir()), validation=0)


def undropped(w, x, labels):
    design = replace(report_d.RIGHT, relu_on_logits=True)
    found = report_d.forward(w, x, design, report_d.Dropout(None))
    return report_d.backward(w, found, labels, design)


def sized(params: common.Params, scale: float) -> common.Params:
    return {name: scale * tensor.astype(np.float64) for name, tensor in params.items()}


MLP = {"type": "mlp", "activation": "relu"}
# A rule, its network, and its configuration: the layers' tensors in the same order.
SAME = {
    "a, the MLP": (
        report_a.mlp_gradient,
        sized(report_a.mlp(6), 0.3),
        {"model": {**MLP, "hidden": [6]}, "loss": {"reduction": "sum"}},
    ),
    "a, the CNN": (
        report_a.cnn_rule(),
        sized(report_a.cnn(2), 10.0),
        {"model": {"type": "cnn", "layers": CONV_A}, "loss": {"reduction": "sum"}},
    ),
    "b": (
        report_b.RULES["p − y"],
        sized(report_b.network(784, 7, 10), 10.0),
        {"model": {**MLP, "hidden": [7]}},
    ),
    "c": (
        report_c.rule(),
        sized(report_c.network(784, (6, 5)), 0.1),
        {"model": {**MLP, "hidden": [6, 5]}, "loss": {"reduction": "sum"}},
    ),
    "d, ReLU on the logits": (
        undropped,
        sized(report_d.network(2, 5), 1.0),
        {"model": {"type": "cnn", "layers": [*CONV_D, {"activation": "relu"}]}},
    ),
    "e": (
        report_e_rules.rule(report_e_rules.SIGMOID, report_e_rules.half_squared_slope),
        sized(report_e_rules.uniform((784, 6, 5, 10)), 1.0),
        {
            "model": {
                **MLP,
                "hidden": [6, 5],
                "bias": False,
                "activation": "sigmoid",
                "output_activation": "sigmoid",
            },
            "loss": {"type": "mse", "reduction": "sum"},
        },
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_a_right_gradient_is_the_engines(case, dataset):
    gradient, params, sections = SAME[case]
    objective = Objective(RunConfig.model_validate(sections), dataset)
    images, labels = dataset.train.gather()
    x = images[:IMAGES].reshape(IMAGES, -1) / 255.0
    tensors = objective.program.tensors
    for tensor, view in zip(
        params.values(), views(tensors, objective.params).values(), strict=True
    ):
        view[:] = tensor.reshape(view.shape)

    slopes = gradient(params, x, labels[:IMAGES])

    expected = views(tensors, objective.gradient())
    for name, slope in zip(params, expected.values(), strict=True):
        assert np.linalg.norm(slope) > 1e-6
        difference = np.linalg.norm(slopes[name].reshape(slope.shape) - slope)
        assert difference < 1e-9 * np.linalg.norm(slope), name


RULES = {
    **{
        f"a, MLP: {name}": (report_a.mlp_loss, rule, report_a.mlp(6))
        for name, (rule, _) in report_a.MLP_RULES.items()
    },
    **{
        f"a, CNN: {name}": (report_a.cnn_loss, rule, report_a.cnn(2))
        for name, (rule, _) in report_a.CNN_RULES.items()
    },
    **{
        f"b: {name}": (report_b.loss, rule, report_b.network(784, 10))
        for name, rule in report_b.RULES.items()
    },
    **{
        f"d: {name}": (
            report_d.loss(design, 1),
            report_d.rule(design, 1),
            report_d.network(2, 5),
        )
        for name, design in report_d.DESIGNS.items()
    },
    "e: half": (
        report_e_rules.squared_loss(report_e_rules.SIGMOID),
        report_e_rules.rule(report_e_rules.SIGMOID, report_e_rules.half_squared_slope),
        report_e_rules.uniform((784, 6, 5, 10)),
    ),
    "e: the whole": (
        report_e_rules.squared_loss(report_e_rules.SIGMOID),
        report_e_rules.rule(report_e_rules.SIGMOID, report_e_rules.squared_slope),
        report_e_rules.uniform((784, 6, 5, 10)),
    ),
}
WRONG = {
    *(f"a, MLP: {name}" for name in [*report_a.MLP_RULES][1:]),
    *(f"a, CNN: {name}" for name in [*report_a.CNN_RULES][1:]),
    "b: y·p − y",
    "e: half",
    *(f"d: {name}" for name, design in report_d.DESIGNS.items() if design.bias_summed),
}


@pytest.mark.parametrize("case", RULES)
def test_the_check_finds_the_faulty_rules_and_them_alone(case, digits):
    loss, rule, params = RULES[case]
    x, labels = digits.sample

    checks = common.check(loss, rule, params, (x[:3], labels[:3]))

    assert all(tensor.checked for tensor in checks)
    worst = max(tensor.error for tensor in checks)
    assert worst > 1000 * THRESHOLD if case in WRONG else worst <= THRESHOLD


@pytest.mark.parametrize("name", report_c.RULES)
def test_the_check_finds_the_faults_of_the_first_attempt(name, digits):
    told = report_c.found(digits, report_c.RULES[name], (6, 5))

    assert told.startswith("right") == (name == "the right gradient")


def test_a_schedule_not_held_at_its_end_falls_below_zero():
    steps = 40
    held, falls_on = report_b.right_rate(steps), report_b.faulty_rate(steps)

    assert [held(step) for step in range(35)] == [falls_on(step) for step in range(35)]
    assert held(steps - 1) == pytest.approx(1e-4)
    assert falls_on(steps - 1) < 0
    assert falls_on(steps) == held(steps) == 0.01


def test_dropout_on_the_logits_costs_a_perfect_network_a_fifth():
    always_three = {name: 0 * tensor for name, tensor in report_d.network(1, 4).items()}
    always_three["b2"][3] = 9
    x, threes = np.zeros((2000, 784), np.float32), np.full(2000, 3)
    design = report_d.Design(dropout_on_logits=True)

    off = report_d.measure(always_three, x, threes, design, report_d.Dropout(None))
    dropout = report_d.Dropout(np.random.default_rng(0))
    on = report_d.measure(always_three, x, threes, design, dropout)

    assert off.accuracy == 1.0
    assert on.accuracy == pytest.approx(0.8, abs=0.03)
    assert on.no_gradient == pytest.approx(0.2, abs=0.03)
    assert on.clipped <= on.loss


def test_a_confusion_matrix_by_prediction_hides_a_class_that_is_missed():
    labels = np.array([0] * 10 + [1] * 10)
    predicted = np.array([0] + [1] * 9 + [1] * 10)
    counts = report_e.confusion(labels, predicted)

    assert report_e.by_label(counts)[0, 0] == 0.1
    assert report_e.by_prediction(counts)[0, 0] == 1.0


def test_the_binary_loss_has_no_slope_at_one_and_a_turned_sign_above():
    y = np.zeros(2)

    below, above = report_e_rules.binary_slope(np.array([0.9, 1.1]), y)

    assert below > 0 > above


def test_a_diverged_training_has_no_accuracy(digits):
    def blows_up(w, x, labels):
        return {"W": np.full_like(w["W"], np.inf)}

    start = {"W": np.zeros((784, 10), np.float32)}
    batches = common.in_order(digits.train_x[:64], digits.train_labels[:64], 32, 1)
    trained = common.descend(start, blows_up, batches, lambda step: 1.0)

    share = common.accuracy(lambda w, x: x @ w["W"], trained, digits.test_x, digits.test_labels)

    assert common.percent(share) == "diverged"


TINY = {
    "a": report_a.Settings(epochs=1, validation=1300, hidden=8, filters=2),
    "b": report_b.Settings(epochs=2, batches=(200,), network_epochs=2, network_batch=200),
    "c": report_c.Settings(epochs=1, hidden=(8, 6)),
    "e": report_e.Settings(images=100, epochs=3, hidden=(8, 6)),
}


@pytest.mark.parametrize("report", TINY)
def test_a_section_has_tables_of_numbers(report, digits):
    section = importlib.import_module(f"docs.faults.report_{report}").section(digits, TINY[report])

    rows = [line for line in section.text.splitlines() if line.startswith("| ")]
    widths = {line.count("|") for line in rows}
    assert len(rows) > 4
    assert "right (" in section.text
    assert "{" not in section.text
    assert min(widths) > 2


@pytest.mark.long
def test_the_section_of_the_cnn_at_batch_one(digits):
    section = report_d.section(digits, report_d.Settings(2, 1, 50, 2, 8))

    assert section.text.count("| as in the report |") == 2


def test_a_page_keeps_the_text_around_a_section():
    begin, end = "<!-- faults a: generated by docs/faults -->", "<!-- faults a: end -->"
    page = f"before\n{begin}\nold\n{end}\nafter\n"

    assert replaced(page, "faults a", "new") == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"
    with pytest.raises(ValueError, match="found 0"):
        replaced(page, "faults b", "new")

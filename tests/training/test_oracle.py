"""The engine compared with a second implementation in plain numpy, over 200 steps in float64."""

from itertools import pairwise

import numpy as np
import pytest
from engine_helpers import (
    config_of,
    random_tensors,
    tensors_of,
    toy_dataset,
    train,
    trainer_of,
    write_npz,
)
from numpy_oracle import Oracle
from oracle_helpers import assert_engine_follows, distance
from safetensors.numpy import save_file

STEPS = 200

MLP = {"type": "mlp", "hidden": [7], "activation": "tanh"}
DEEP = {"type": "mlp", "hidden": [7, 5], "activation": "relu"}
SOFTMAX = {"type": "softmax"}
SMOOTH = ("softsign", "softplus", "gelu", "silu")
SCALED_TANH = {"type": "tanh", "scale": 1.7159, "slope": 2 / 3}
BCE = {"type": "binary_cross_entropy"}
MSE = {"type": "mse"}
RAMP = {"from": 0.5, "to": 0.95, "epochs": 20}


def output(model, activation):
    return {**model, "output_activation": activation}


def sgd(**keys):
    return {"type": "sgd", "lr": 0.1, **keys}


def penalty(mode, **keys):
    return {"l1": 1e-3, "l2": 2e-3, "mode": mode, **keys}


CASES = {
    # Optimizers.
    "sgd": {},
    "momentum": {"optimizer": sgd(momentum=0.9, lr=0.02)},
    "nesterov": {"optimizer": sgd(momentum=0.9, nesterov=True, lr=0.02)},
    "nesterov without momentum": {"optimizer": sgd(nesterov=True)},
    "velocity of steps": {
        "optimizer": sgd(momentum=0.9, velocity="step", lr=0.02),
        "lr_schedule": {"type": "inverse_time", "decay": 0.05},
    },
    "velocity of steps, nesterov": {
        "optimizer": sgd(momentum=0.9, velocity="step", nesterov=True, lr=0.02),
        "lr_schedule": {"type": "exponential", "gamma": 0.9},
    },
    "a momentum that rises": {"optimizer": sgd(momentum=RAMP, lr=0.02)},
    "a momentum that rises, nesterov": {
        "optimizer": sgd(momentum=RAMP, nesterov=True, velocity="step", lr=0.02)
    },
    "a momentum that falls to none": {
        "optimizer": sgd(momentum={"from": 0.9, "to": 0, "epochs": 60}, lr=0.02)
    },
    "adam": {"optimizer": {"type": "adam", "lr": 0.01}},
    "adam, other betas": {
        "optimizer": {"type": "adam", "lr": 0.01, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4}
    },
    "adamw": {"optimizer": {"type": "adamw", "lr": 0.01, "weight_decay": 0.3}},
    "adamw with penalty steps": {
        "optimizer": {"type": "adamw", "lr": 0.01, "weight_decay": 0.3},
        "regularization": penalty("step"),
    },
    "rmsprop": {"optimizer": {"type": "rmsprop", "lr": 0.005, "alpha": 0.9, "epsilon": 1e-6}},
    # Augmentations; 53 images in batches of 10.
    "shifted": {"data": {"augment": [{"shift": 1}]}},
    "mirrored": {"data": {"augment": ["flip"]}},
    "affine": {
        "data": {"augment": [{"affine": {"rotate": 30, "scale": 0.2, "shear": 9, "shift": 1.2}}]}
    },
    "elastic": {"data": {"augment": [{"elastic": {"alpha": 6.0, "sigma": 1.5}}]}},
    "elastic, then affine, full batch": {
        "data": {"augment": [{"elastic": {}}, {"affine": {"rotate": 30}}]},
        "training": {"batch_size": "full"},
    },
    "adagrad": {"optimizer": {"type": "adagrad", "lr": 0.05, "epsilon": 1e-6}},
    "adagrad with a penalty": {
        "optimizer": {"type": "adagrad", "lr": 0.05},
        "regularization": penalty("gradient"),
    },
    "adadelta": {"optimizer": {"type": "adadelta", "rho": 0.8, "epsilon": 1e-4}},
    "elements clipped": {"optimizer": sgd(clip_value=0.002)},
    "the norm clipped": {"optimizer": sgd(clip_norm=0.1)},
    "elements and the norm clipped, momentum": {
        "optimizer": sgd(clip_value=0.02, clip_norm=0.1, momentum=0.9)
    },
    "the norm clipped with the penalty's gradient": {
        "optimizer": {"type": "rmsprop", "lr": 0.005, "clip_norm": 0.1},
        "regularization": penalty("gradient", l2=0.02),
    },
    "the norm clipped, a penalty step": {
        "optimizer": {"type": "adamw", "lr": 0.005, "clip_norm": 0.1},
        "regularization": penalty("step"),
    },
    # Models and their activations.
    "softmax regression": {"model": SOFTMAX},
    "softmax regression without bias": {"model": {**SOFTMAX, "bias": False}},
    "deep": {"model": DEEP},
    "deep without bias": {"model": {**DEEP, "bias": False}},
    "deep relu6": {"model": {**DEEP, "activation": "relu6"}},
    "deep leaky": {"model": {**DEEP, "activation": {"type": "leaky_relu", "alpha": 0.2}}},
    "deep sigmoid": {"model": {**DEEP, "activation": {"type": "sigmoid", "k": 0.5}}},
    "deep identity": {"model": {**DEEP, "activation": "identity"}},
    **{f"deep {name}": {"model": {**DEEP, "activation": name}} for name in SMOOTH},
    "deep elu": {"model": {**DEEP, "activation": {"type": "elu", "alpha": 0.4}}},
    "deep scaled tanh": {"model": {**DEEP, "activation": SCALED_TANH}},
    # Losses.
    "bce": {"model": output(MLP, "sigmoid"), "loss": BCE},
    "bce with slope": {"model": output(MLP, {"type": "sigmoid", "k": 0.5}), "loss": BCE},
    "bce with steep slope": {
        "model": output(SOFTMAX, {"type": "sigmoid", "k": 3.0}),
        "loss": {**BCE, "reduction": "sum"},
        "optimizer": sgd(lr=0.002),
    },
    "mse of softmax": {"model": output(MLP, "softmax"), "loss": MSE},
    "mse of tanh": {"model": output(MLP, "tanh"), "loss": MSE},
    "smoothed": {"model": MLP, "loss": {"label_smoothing": 0.1}},
    "smoothed sum": {
        "model": SOFTMAX,
        "loss": {"label_smoothing": 0.4, "reduction": "sum"},
        "optimizer": sgd(lr=0.005),
    },
    "mse of plus and minus": {
        "model": output(MLP, SCALED_TANH),
        "loss": {**MSE, "targets": "plus_minus"},
    },
    "mse of scaled tanh": {"model": output(MLP, SCALED_TANH), "loss": MSE},
    "mse of sigmoid": {"model": output(MLP, {"type": "sigmoid", "k": 2.0}), "loss": MSE},
    "mse of relu": {"model": output(MLP, "relu"), "loss": MSE},
    "mse of relu6": {"model": output(MLP, "relu6"), "loss": MSE},
    "mse of leaky relu": {
        "model": output(MLP, {"type": "leaky_relu", "alpha": 0.1}),
        "loss": MSE,
    },
    "mse of identity": {"model": output(MLP, "identity"), "loss": MSE},
    "mse of softmax regression": {"model": output(SOFTMAX, "softmax"), "loss": MSE},
    # Reductions; 53 images in batches of 10 end with one of 3.
    "sum": {"loss": {"reduction": "sum"}, "optimizer": sgd(lr=0.01)},
    "mse sum": {
        "model": output(MLP, "identity"),
        "loss": {**MSE, "reduction": "sum"},
        "optimizer": sgd(lr=0.005),
    },
    "drop last": {"training": {"drop_last": True}},
    "full batch": {"training": {"batch_size": "full"}},
    # Penalties.
    "l2": {"regularization": {"l2": 0.01}},
    "l1": {"regularization": {"l1": 0.003}},
    "penalty by gradient": {"regularization": penalty("gradient")},
    "penalty by step": {"regularization": penalty("step")},
    "penalty by proximal step": {"regularization": penalty("proximal", l1=0.01)},
    "proximal, l1 alone": {"regularization": {"l1": 0.01, "mode": "proximal"}},
    "proximal, l2 alone": {"regularization": {"l2": 0.01, "mode": "proximal"}},
    "max-norm": {"regularization": {"max_norm": 0.9}},
    "max-norm of the last layer": {"regularization": {"max_norm": 0.6, "layers": "last"}},
    "max-norm, adam, a penalty": {
        "regularization": penalty("step", max_norm=0.9),
        "optimizer": {"type": "adam", "lr": 0.01},
    },
    "proximal adam": {
        "regularization": penalty("proximal", l1=0.01),
        "optimizer": {"type": "adam", "lr": 0.01},
    },
    "penalty on the last layer": {
        "model": DEEP,
        "regularization": penalty("gradient", layers="last"),
    },
    "penalty on the first layers": {
        "model": DEEP,
        "regularization": penalty("step", layers=["dense1", "dense2"]),
    },
    "proximal on one layer": {
        "model": DEEP,
        "regularization": penalty("proximal", layers=["dense2"]),
    },
    "penalty with momentum": {
        "regularization": penalty("gradient"),
        "optimizer": sgd(momentum=0.9, lr=0.02),
    },
    "penalty is not scaled by a summed batch": {
        "regularization": penalty("gradient"),
        "loss": {"reduction": "sum"},
        "optimizer": sgd(lr=0.01),
    },
    # Rates of single tensors.
    "slow biases": {"optimizer": sgd(lr_scale={"*.bias": 0.03125})},
    "a tensor's name before a pattern": {
        "optimizer": sgd(lr_scale={"*.weight": 0.5, "dense1.weight": 2.0})
    },
    "two patterns that fit multiply": {
        "optimizer": sgd(lr_scale={"*.weight": 0.5, "dense1.*": 0.25})
    },
    "a frozen layer": {"optimizer": sgd(momentum=0.5, lr_scale={"dense1.*": 0.0})},
    "adamw's decay goes with the tensor's rate": {
        "optimizer": {
            "type": "adamw",
            "lr": 0.01,
            "weight_decay": 0.3,
            "lr_scale": {"*.weight": 0.25},
        }
    },
    "the proximal step goes with the tensor's rate": {
        "regularization": penalty("proximal", l1=0.02),
        "optimizer": sgd(lr_scale={"dense1.weight": 0.25}),
    },
    # Schedules.
    "step schedule": {"lr_schedule": {"type": "step", "factor": 0.5, "every": 7}},
    "exponential schedule": {"lr_schedule": {"type": "exponential", "gamma": 0.93}},
    "linear schedule": {"lr_schedule": {"type": "linear", "final": 0.1, "steps": 150}},
    "linear schedule to zero": {"lr_schedule": {"type": "linear", "final": 0, "steps": 90}},
    "linear schedule anew each epoch": {
        "lr_schedule": {"type": "linear", "final": 0.2, "steps": 4, "restart_every_epoch": True}
    },
    "inverse time schedule": {"lr_schedule": {"type": "inverse_time", "decay": 0.02}},
    "milestones": {"lr_schedule": {"type": "milestones", "at": {"4": 0.5, "20": 0.1}}},
    "phases": {
        "lr_schedule": {
            "type": "phases",
            "phases": [{"epochs": 3, "type": "linear", "final": 2.0}, {"scale": 0.5}],
        }
    },
    "inverse root": {"lr_schedule": {"type": "inverse_sqrt", "warmup": 17}},
    "cosine schedule": {"lr_schedule": {"type": "cosine"}},
    "cosine schedule, cycles and warmup": {
        "lr_schedule": {"type": "cosine", "min": 0.01, "cycles": 3, "warmup": 23}
    },
    "one cycle": {"lr_schedule": {"type": "one_cycle"}},
    "one cycle, late peak": {"lr_schedule": {"type": "one_cycle", "warmup": 0.7, "final": 0.5}},
    # Pixels.
    "standardized": {"data": {"normalize": "standardize"}, "optimizer": sgd(lr=0.02)},
    "bytes": {"data": {"normalize": "none"}, "optimizer": sgd(lr=1e-4)},
    "a shuffled training set": {"data": {"shuffle_once": True}},
    "three classes": {"data": {"classes": [0, 2, 3]}},
}


def shapes_of(model, pixels, classes):
    widths = [pixels, *model.get("hidden", []), classes]
    shapes = {}
    for number, (fan_in, fan_out) in enumerate(pairwise(widths), 1):
        shapes[f"dense{number}.weight"] = (fan_in, fan_out)
        if model.get("bias", True):
            shapes[f"dense{number}.bias"] = (fan_out,)
    return shapes


def prepared(case, folder, dtype="float64"):
    """The dataset, configuration and initial tensors of a case."""
    sections = {"model": MLP, "optimizer": sgd(), **case}
    data = case.get("data", {})
    dataset = toy_dataset(**{key: one for key, one in data.items() if key != "augment"})
    tensors = random_tensors(shapes_of(sections["model"], 36, 4), scale=0.3)
    path = write_npz(folder / "start.npz", tensors)
    training = {"steps": STEPS, "batch_size": 10, "shuffle": "none", "dtype": dtype}
    sections |= {
        "init": {"type": "file", "path": str(path)},
        "training": {**training, **case.get("training", {})},
        "data": {"source": "digits", "augment": data.get("augment", [])},
    }
    return dataset, config_of(**sections), tensors


def trained(case, folder):
    dataset, config, _ = prepared(case, folder)
    trainer = trainer_of(config, dataset)
    assert train(trainer)
    return trainer


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_engine_trains_as_the_equations_say(case, tmp_path):
    dataset, config, start = prepared(case, tmp_path)
    assert_engine_follows(trainer_of(config, dataset), Oracle(config, dataset, start), STEPS)


@pytest.mark.parametrize("name", ["sgd", "adam", "bce with slope", "penalty by step"])
def test_float32_follows_float64_at_its_own_precision(name, tmp_path):
    dataset, config, _ = prepared(CASES[name], tmp_path, "float32")
    _, wide, _ = prepared(CASES[name], tmp_path)
    short, long = trainer_of(config, dataset), trainer_of(wide, dataset)
    assert train(short)
    assert train(long)
    assert short.params.dtype == np.float32
    assert 0 < distance(short.params.astype(np.float64), long.params) < 1e-4


def test_every_case_changes_the_weights_differently_from_plain_sgd(tmp_path):
    """If a key had no effect, its case would prove nothing."""
    same_by_design = {"sgd", "nesterov without momentum"}
    plain = trained({}, tmp_path)
    for name, case in CASES.items():
        same_model = case.get("model", MLP) == MLP and not {"training", "data"} & set(case)
        if same_model and name not in same_by_design:
            assert distance(trained(case, tmp_path).params, plain.params) > 1e-6, name


def test_safetensors_start_a_run_as_npz_do(tmp_path):
    dataset, config, tensors = prepared({}, tmp_path)
    save_file(tensors, tmp_path / "start.safetensors")
    init = config.init.model_copy(update={"path": tmp_path / "start.safetensors"})
    other = trainer_of(config.model_copy(update={"init": init}), dataset)
    np.testing.assert_array_equal(other.params, trainer_of(config, dataset).params)
    np.testing.assert_array_equal(tensors_of(other)["dense1.weight"], tensors["dense1.weight"])


def test_a_proximal_penalty_makes_exact_zeros_and_the_others_make_none(tmp_path):
    shares = {}
    for mode in ("gradient", "step", "proximal"):
        case = {"regularization": {"l1": 0.02 if mode != "step" else 0.002, "mode": mode}}
        shares[mode] = (tensors_of(trained(case, tmp_path))["dense1.weight"] == 0).mean()
    assert shares["gradient"] == shares["step"] == 0
    assert shares["proximal"] > 0.1

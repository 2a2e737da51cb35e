"""Trains tiny runs, compiled or, with NUMBA_DISABLE_JIT=1, interpreted; prints what came of it."""

import json

from engine_helpers import config_of, dark_dataset, toy_dataset, train, trainer_of

from mnistlab.blocks.layers.dense import choice
from mnistlab.runtime.compiler import INTERPRETED

RUNS = {
    "sgd": {"optimizer": {"lr": 0.2}},
    "penalties by step": {
        "optimizer": {"lr": 0.05, "momentum": 0.9, "nesterov": True},
        "regularization": {"l1": 1e-3, "l2": 1e-3, "mode": "step"},
    },
    "squared error of a softmax": {
        "model": {"hidden": [5], "activation": "sigmoid"},
        "loss": {"type": "mse"},
        "optimizer": {"type": "rmsprop", "lr": 0.01},
        "regularization": {"l1": 1e-2, "mode": "proximal"},
    },
    "binary cross-entropy": {
        "model": {"hidden": [5], "activation": "tanh", "output_activation": "sigmoid"},
        "loss": {"type": "binary_cross_entropy"},
        "optimizer": {"type": "adamw", "lr": 0.01, "epsilon": 1e-3},
        "regularization": {"l2": 1e-3},
    },
    "mlp with dropout": {"model": {"hidden": [5], "dropout": 0.3}, "seed": 2**40 + 1},
    "cnn with dropout": {
        "model": {
            "type": "cnn",
            "layers": [
                {"conv": {"filters": 2, "kernel": 2, "bias": "per_position"}},
                {"activation": "relu"},
                {"pool": {"type": "max", "size": 2, "stride": 1}},
                {"dropout": 0.3},
                {"conv": {"filters": 3, "kernel": 3, "stride": 2, "padding": 1}},
                {"activation": "tanh"},
                {"pool": {"type": "average", "size": 2, "stride": 1}},
                {"dropout": 0.2},
            ],
        },
        "optimizer": {"type": "adam", "lr": 0.01, "epsilon": 1e-3},
    },
}
# On images that are mostly dark, and with a layer behind a ReLU that skips zeros.
FAST_RUNS = {
    "lit pixels": {
        "model": {"hidden": [20]},
        "optimizer": {"lr": 0.1},
        "regularization": {"l1": 1e-3},
    },
    "tiles": {"model": {"hidden": [130]}, "optimizer": {"lr": 0.02, "momentum": 0.9}},
    "zeros": {"model": {"hidden": [70, 33]}, "optimizer": {"lr": 0.02, "momentum": 0.9}},
}


def main() -> None:
    choice.INPUTS_WORTH_LISTING, choice.OUTPUTS_WORTH_LISTING = 64, 4
    toys = toy_dataset(train=23, validation=5), dark_dataset(train=23)
    found = {"jit": not INTERPRETED}
    for name, sections in {**RUNS, **FAST_RUNS}.items():
        fast = name in FAST_RUNS
        dataset = toys[fast]
        sections = {"model": {"hidden": [5]}, **sections}
        # The dtype in which the ops of these paths are compiled for other tests.
        dtype = "float64" if fast else "float32"
        training = {"epochs": 2, "batch_size": 10, "dtype": dtype}
        trainer = trainer_of(config_of(training=training, **sections), dataset)
        assert fast is (trainer.program.forward[0].function.__name__ == "list_nonzero")
        assert train(trainer)
        evaluation = trainer.evaluate(dataset.validation)
        found[name] = {
            "params": trainer.params.tolist(),
            "gradient": trainer.last_gradient().tolist(),
            "running": trainer.running(),
            "evaluation": [evaluation.loss, evaluation.accuracy],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Trains the same runs on one, two and three threads; prints the digests of the weights."""

import json

from engine_helpers import config_of, digest, toy_dataset, train, trainer_of

from mnistlab.runtime.threads import engine_threads

ADAM = {"type": "adam", "lr": 0.001}
RUNS = {
    "wide batches, divided by rows": {
        "model": {"hidden": [256]},
        "training": {"batch_size": 300, "epochs": 2},
        "optimizer": ADAM,
    },
    "narrow batches, divided by columns": {
        "model": {"hidden": [784]},
        "training": {"batch_size": 32, "steps": 12},
        "regularization": {"l1": 1e-5, "l2": 1e-5, "mode": "step"},
    },
    "two layers and odd sizes": {
        "model": {"hidden": [301, 203], "activation": "tanh"},
        "training": {"batch_size": 257, "epochs": 2, "dtype": "float64"},
        "optimizer": {"momentum": 0.9, "lr": 0.01},
    },
    "a CNN whose last batch has fewer images than there are lanes": {
        "model": {
            "type": "cnn",
            "layers": [
                {"conv": {"filters": 5, "kernel": 3, "padding": 1}},
                {"activation": "relu"},
                {"pool": {"type": "max"}},
                {"dropout": 0.2},
                {
                    "conv": {
                        "filters": 7,
                        "kernel": 3,
                        "bias": "per_position",
                        "connections": [[i % 5, (i + 2) % 5] for i in range(7)],
                    }
                },
                {"activation": "tanh"},
                {"pool": {"type": "average", "size": 3, "stride": 2}},
                {"dropout": 0.3},
                {"pad": {"size": 1, "value": -0.5}},
                "flatten",
                {"dense": {"units": 33}},
                {"activation": "relu"},
            ],
        },
        "training": {"batch_size": 99, "epochs": 1},
        "optimizer": {"momentum": 0.9, "lr": 0.01},
    },
    "a CNN with batch normalisation": {
        "model": {
            "type": "cnn",
            "layers": [
                {"conv": {"filters": 5, "kernel": 3, "padding": 1}},
                "batch_norm",
                {"activation": "relu"},
                {"pool": {"type": "max"}},
                {"dense": {"units": 33}},
                "batch_norm",
                {"activation": "relu"},
            ],
        },
        "training": {"batch_size": 99, "epochs": 1},
        "optimizer": {"momentum": 0.9, "lr": 0.01},
    },
    "a batch of all images with batch normalisation": {
        "model": {"hidden": [301, 20], "batch_norm": True},
        "training": {"batch_size": "full", "epochs": 3},
        "optimizer": ADAM,
    },
    "an MLP with dropout": {
        "model": {"hidden": [301], "dropout": 0.4, "input_dropout": 0.2},
        "training": {"batch_size": 99, "epochs": 1},
        "optimizer": ADAM,
    },
}


def main() -> None:
    dataset = toy_dataset(train=700, validation=20, labelled=10, side=28)
    found = {name: {} for name in RUNS}
    for name, sections in RUNS.items():
        for threads in (1, 2, 3):
            with engine_threads(threads) as running:
                assert running == threads
                trainer = trainer_of(config_of(**sections), dataset)
                assert train(trainer)
            ops = trainer.program.training["step"]
            found[name][threads] = {
                "sha256": digest(trainer.params),
                "lanes": max(op.lanes for op in ops),
            }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

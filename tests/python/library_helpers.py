"""A configuration that trains in no time, and parameters of a classifier that does."""

TINY = {
    "name": "tiny",
    "data": {"source": "digits", "train_limit": 60, "validation": 0.1},
    "model": {"type": "mlp", "hidden": [6]},
    "training": {"epochs": 3, "batch_size": 20},
}

FAST = {"hidden": [8], "epochs": 4, "lr": 0.3}

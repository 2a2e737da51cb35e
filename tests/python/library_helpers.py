"""A configuration that trains in no time."""

TINY = {
    "name": "tiny",
    "data": {"source": "digits", "train_limit": 60, "validation": 0.1},
    "model": {"type": "mlp", "hidden": [6]},
    "training": {"epochs": 3, "batch_size": 20},
}

"""Trains a tiny run in a process of its own; prints what was compiled for it."""

import gc
import json

from engine_helpers import config_of, digest, toy_dataset, train
from numba.core.dispatcher import Dispatcher

from mnistlab.runtime.compiler import kernel_cache_dir
from mnistlab.training.trainer import Trainer


def main() -> None:
    dataset = toy_dataset()
    config = config_of(
        model={"type": "mlp", "hidden": [32, 16], "dropout": 0.3},
        optimizer={"type": "adam", "lr": 0.001},
        training={"epochs": 20, "batch_size": 8},
    )
    trainer = Trainer(config, dataset)
    told: list[str] = []
    trainer.compile(told.append)
    assert train(trainer)
    trainer.evaluate(dataset.validation)
    kernels = [
        found
        for found in gc.get_objects()
        if isinstance(found, Dispatcher) and found.py_func.__module__.startswith("mnistlab.")
    ]
    assert kernel_cache_dir().is_dir()
    print(
        json.dumps(
            {
                "told": told,
                "hits": sum(sum(found.stats.cache_hits.values()) for found in kernels),
                "misses": sum(sum(found.stats.cache_misses.values()) for found in kernels),
                "params": digest(trainer.params),
            }
        )
    )


if __name__ == "__main__":
    main()

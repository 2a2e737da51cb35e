"""Small datasets and configurations, and a trainer created and driven as in a run."""

import hashlib
from pathlib import Path

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import Dataset, Source, split
from mnistlab.runtime.params import views
from mnistlab.training.initializers import initial_params
from mnistlab.training.trainer import Trainer

CNN = {
    "type": "cnn",
    "layers": [
        {"conv": {"filters": 3, "kernel": 3, "padding": 1}},
        {"activation": "relu"},
        {"dropout": 0.2},
        {"pool": {"type": "max"}},
        {"conv": {"filters": 2, "kernel": 2, "bias": "per_position"}},
        {"activation": "tanh"},
        {"pool": {"type": "average", "size": 2, "stride": 1}},
        {"dropout": 0.4},
    ],
}


def toy_dataset(
    train: int = 53,
    validation: int = 17,
    labelled: int = 4,
    side: int = 6,
    width: int | None = None,
    **keys,
) -> Dataset:
    """Random bytes whose brightest rows determine the class, so that there is something to learn.

    Images are `side` pixels high, and as wide unless `width` is given.
    """
    rng = np.random.default_rng(3)
    images = rng.integers(0, 160, (train + validation + 11, side, width or side), dtype=np.uint8)
    labels = rng.integers(0, labelled, len(images)).astype(np.uint8)
    images[np.arange(len(images)), labels % side] += 80
    parts = (images[:-11], labels[:-11], images[-11:], labels[-11:])
    source = Source("toy", *parts, tuple("abcdefghij"[:labelled]), "0" * 64)
    return split(source, validation=validation, **keys)


def dark_dataset(train: int = 130, side: int = 9, lit: float = 0.2, **keys) -> Dataset:
    """Random images with about a `lit` share of non-zero pixels."""
    rng = np.random.default_rng(4)
    shape = (train + 30, side, side)
    images = np.where(rng.random(shape) < lit, rng.integers(1, 256, shape), 0).astype(np.uint8)
    labels = rng.integers(0, 4, len(images)).astype(np.uint8)
    parts = (images[:-13], labels[:-13], images[-13:], labels[-13:])
    return split(Source("dark", *parts, tuple("abcd"), "0" * 64), validation=17, **keys)


def config_of(**sections) -> RunConfig:
    return RunConfig.model_validate(sections)


def trainer_of(config: RunConfig, dataset: Dataset) -> Trainer:
    """A compiled trainer at its initial weights."""
    trainer = Trainer(config, dataset)
    program = trainer.program
    trainer.params[:] = initial_params(
        config.init, program.tensors, program.sizes.parameters, config.seed, program.dtype
    )
    trainer.compile()
    return trainer


def next_boundary(trainer: Trainer) -> int:
    """The step at which the current epoch or the run ends."""
    per_epoch = trainer.length.steps_per_epoch
    return min(trainer.length.steps, (trainer.step // per_epoch + 1) * per_epoch)


def train(trainer: Trainer) -> bool:
    """Train to the end, an epoch at a time."""
    while trainer.step < trainer.length.steps:
        if not trainer.train_to(next_boundary(trainer)):
            return False
    return True


def tensors_of(trainer: Trainer) -> dict[str, np.ndarray]:
    return views(trainer.program.tensors, trainer.params)


def random_tensors(shapes: dict[str, tuple[int, ...]], scale=0.4, seed=1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: scale * rng.standard_normal(shape) for name, shape in shapes.items()}


def write_npz(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    np.savez(path, **tensors)
    return path


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def mlp_config(training=None, **sections):
    """An MLP with 8 hidden units and batches of 10, with these sections replaced."""
    sections = {"model": {"hidden": [8]}, **sections}
    return config_of(training={"batch_size": 10, **(training or {})}, **sections)

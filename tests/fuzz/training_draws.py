"""Trainings drawn from the schema: a valid configuration with a few steps, and images for it.

Draw `number` of `seed` is always the same, whatever was drawn before it.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import yaml
from data_oracle import DoesNotFitError, Images, changed
from initial_oracle import tensors_of
from safetensors.numpy import save_file
from schema_draws import Draws, put_right

from mnistlab.config import load_run_config
from mnistlab.support.errors import ConfigError

MOST_STEPS = 12
ATTEMPTS = 200
WIDE = (17, 24, 32, 40, 48, 64)


@dataclass
class Drawn:
    """A training: its number, its YAML file, and what it trains on.

    `forced`: with little work treated as much, so that the kernels for large networks are used.
    `refused` counts what was drawn before and refused, by the reason's first key.
    """

    number: int
    path: Path
    images: Images
    forced: bool
    random: Random
    refused: Counter = field(default_factory=Counter)

    @property
    def yaml(self):
        return self.path.read_text(encoding="utf-8")


def draw(seed, number, folder):
    """A training whose configuration the loader accepts, its file written into a folder.

    Anything but a ConfigError is a fault of the loader, and is raised.
    """
    random = Random(f"{seed}/{number}")
    images = _images(random)
    drawn = Drawn(number, folder / f"draw-{number}.yaml", images, random.random() < 0.5, random)
    data = {"source": "npz", "path": str(folder / "images.npz")}
    draws = Draws(random, extreme=0.1 if random.random() < 0.1 else 0.0)
    for _ in range(ATTEMPTS):
        mapping = put_right(draws.configuration(), data, str(folder / "start.npz"))
        mapping = _kept_short(_sometimes_wide(mapping, random), random)
        drawn.path.write_text(yaml.safe_dump(mapping, sort_keys=False), encoding="utf-8")
        try:
            config = load_run_config(drawn.path)
        except ConfigError as error:
            refusals = error.messages
        else:
            _write_start(config, images, folder / "start.npz", random)
            return drawn, config
        assert all(_is_clear(message) for message in refusals), refusals
        drawn.refused[refusals[0].split()[1]] += 1
    raise AssertionError(f"draw {number}: {ATTEMPTS} configurations in turn were refused")


def _is_clear(message):
    """Whether it names the place, the key, and says something of it."""
    place, _, said = message.partition(": ")
    return place.count(":") >= 2 and ": " in said


def _images(random):
    """Few and small, of three or four classes; at times most pixels are zero."""
    numbers = np.random.default_rng(random.getrandbits(64))
    height, width, classes = random.randint(5, 9), random.randint(5, 9), random.randint(3, 4)
    nonzero = random.choice((0.2, 0.6, 1.0))

    def part(count):
        shape = (count, height, width)
        pixels = numbers.integers(1, 256, shape) * (numbers.random(shape) < nonzero)
        labels = numbers.permutation(np.arange(count) % classes)
        return pixels.astype(np.uint8), labels.astype(np.uint8)

    return Images(*part(random.randint(20, 40)), *part(9), classes)


def _sometimes_wide(value, random):
    """Some layers with as many units or filters as the kernels for large layers need."""
    if isinstance(value, dict):
        return {
            key: random.choice(WIDE)
            if key in ("units", "filters") and random.random() < 0.2
            else [random.choice(WIDE) if random.random() < 0.3 else units for units in one]
            if key == "hidden" and isinstance(one, list)
            else _sometimes_wide(one, random)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_sometimes_wide(one, random) for one in value]
    return value


def _kept_short(mapping, random):
    """A large batch now and then, and few steps in all."""
    training = dict(mapping["training"])
    if "batch_size" in training and random.random() < 0.5:
        training["batch_size"] = random.randint(5, 20)
    batch = training.get("batch_size", 32)
    per_epoch = 1 if batch == "full" else -(-40 // batch)
    epochs = training.get("epochs")
    if training.get("steps") or (epochs or 0) * per_epoch > MOST_STEPS:
        training |= {"epochs": None, "steps": random.randint(1, MOST_STEPS)}
    seed = random.getrandbits(63) if random.random() < 0.3 else mapping.get("seed", 0)
    return {**mapping, "seed": seed, "training": training}


def _write_start(config, images, path, random):
    """Weights of the right shapes for whoever starts from a file."""
    numbers = np.random.default_rng(random.getrandbits(64))
    shape = changed(images.train_images[:1], config.data).shape[1:]
    try:
        tensors = tensors_of(config.model, shape, images.classes)
    except DoesNotFitError:
        tensors = []
    start = {one.name: 0.4 * numbers.standard_normal(one.shape) * one.connected for one in tensors}
    start |= {name: abs(one) for name, one in start.items() if name.endswith("variance")}
    np.savez(path, **start)
    save_file(start, path.with_name("weights.safetensors"))

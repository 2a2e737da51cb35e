"""How a network's accuracy falls as its images are disturbed: by noise, shifts, rotations, attacks.

A disturbed image is rounded to whole grey levels, 0 to 255, as every image of a network is.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.data import Split
from mnistlab.experiment.model import Model
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import SplitName

STEPS = 5  # strengths above 0, unless they are whole numbers
IMAGES_AT_ONCE = 2000
WHITE = 255.0


@dataclass(frozen=True)
class Disturbance(ABC):
    """A disturbance up to a strength; `name` and `unit` are for tables and axes."""

    most: float
    name = ""
    unit = ""

    @property
    def strengths(self) -> list[float]:
        """The strengths of the curve, 0 first."""
        return [self.most * step / STEPS for step in range(STEPS + 1)]

    @abstractmethod
    def applied(
        self, model: Model, images: np.ndarray, labels: np.ndarray, strength: float, seed: int
    ) -> list[np.ndarray]:
        """Disturbed copies of images uint8 (n, height, width): one, or one for each direction."""


class GaussianNoise(Disturbance):
    """Adds normal noise to every pixel; `most` is its standard deviation, white being 1."""

    name, unit = "Gaussian noise", "standard deviation, white is 1"

    def applied(
        self, model: Model, images: np.ndarray, labels: np.ndarray, strength: float, seed: int
    ) -> list[np.ndarray]:
        # The same noise at every strength, scaled: the curve has no noise of its own.
        noise = np.random.default_rng(seed).standard_normal(images.shape)
        return [_grey(images + strength * WHITE * noise)]


class Shift(Disturbance):
    """Moves every image by whole pixels to the left, right, top and bottom; zeros come in."""

    name, unit = "Shift", "pixels"

    @property
    def strengths(self) -> list[float]:
        return [float(pixels) for pixels in range(int(self.most) + 1)]

    def applied(
        self, model: Model, images: np.ndarray, labels: np.ndarray, strength: float, seed: int
    ) -> list[np.ndarray]:
        pixels = int(strength)
        return [
            shifted(images, rows, columns)
            for rows, columns in ((0, -pixels), (0, pixels), (-pixels, 0), (pixels, 0))
        ]


class Rotation(Disturbance):
    """Turns every image about its centre to the left and to the right; zeros come in."""

    name, unit = "Rotation", "degrees"

    def applied(
        self, model: Model, images: np.ndarray, labels: np.ndarray, strength: float, seed: int
    ) -> list[np.ndarray]:
        from scipy.ndimage import rotate

        return [
            _grey(rotate(images.astype(np.float32), angle, (1, 2), reshape=False, order=1))
            for angle in (strength, -strength)
        ]


class FastGradientSign(Disturbance):
    """Moves every pixel by `most` (white being 1) to where the loss of the true label grows.

    Source: Goodfellow et al., Explaining and harnessing adversarial examples (2015), section 4.
    """

    name, unit = "Fast gradient sign attack", "change of a pixel, white is 1"

    def applied(
        self, model: Model, images: np.ndarray, labels: np.ndarray, strength: float, seed: int
    ) -> list[np.ndarray]:
        # The gradient of log p is minus that of the loss.
        of_loss = -model.input_gradient(images, labels)
        return [_grey(images + strength * WHITE * np.sign(of_loss))]


def shifted(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Images (n, height, width) moved down by rows and right by columns; zeros come in."""
    _, height, width = images.shape
    moved = np.zeros_like(images)
    if abs(rows) < height and abs(columns) < width:
        moved[
            :,
            max(rows, 0) : height + min(rows, 0),
            max(columns, 0) : width + min(columns, 0),
        ] = images[
            :,
            max(-rows, 0) : height + min(-rows, 0),
            max(-columns, 0) : width + min(-columns, 0),
        ]
    return moved


def _grey(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, WHITE).astype(np.uint8)


def disturbance(
    noise: str | None = None,
    shift: int | None = None,
    rotate: float | None = None,
    attack: str | None = None,
) -> Disturbance | None:
    """The disturbance that is asked for; None if none is.

    Raises UsageError for values that are wrong, and for more than one.
    """
    asked = {"--noise": noise, "--shift": shift, "--rotate": rotate, "--attack": attack}
    given = [option for option, value in asked.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)}: choose one of them")
    if noise is not None:
        return GaussianNoise(_named("--noise", noise, "gaussian", "STD", 10.0))
    if shift is not None:
        if shift < 1:
            raise UsageError(f"--shift: found {shift}, must be a whole number of pixels, 1 or more")
        return Shift(shift)
    if rotate is not None:
        if not 0 < rotate <= 180:
            raise UsageError(f"--rotate: found {rotate:g}, must be above 0 and at most 180 degrees")
        return Rotation(rotate)
    if attack is not None:
        return FastGradientSign(_named("--attack", attack, "fgsm", "SIZE", 1.0))
    return None


def _named(option: str, text: str, name: str, value: str, most: float) -> float:
    """The number of `name:number`."""
    found, colon, number = text.partition(":")
    try:
        strength = float(number)
    except ValueError:
        strength = math.nan
    if found != name or not colon or not 0 < strength <= most:
        raise UsageError(
            f"{option}: found {text!r}, must be {name}:{value}, such as {name}:0.25; {value} is "
            f"above 0 and at most {most:g} (white is 1)"
        )
    return strength


@dataclass(frozen=True)
class StrengthScore:
    """Mean loss and accuracy on images disturbed by a strength."""

    strength: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class RobustnessScores:
    """A network on disturbed images of a part of its dataset, by the strength; 0 first."""

    run_dir: Path
    name: str
    dataset: str
    split: SplitName
    images: int
    disturbance: Disturbance
    curve: tuple[StrengthScore, ...]


def evaluate_robustness(model: Model, split: SplitName, by: Disturbance) -> RobustnessScores:
    """Evaluate a network on disturbed images; raises UsageError as `Model.split` does, and for a
    shift that leaves nothing of an image.
    """
    if isinstance(by, Shift) and by.most >= min(model.image_shape):
        raise UsageError(
            f"--shift: found {by.most:g}, must be below {min(model.image_shape)}, the side of the "
            "images"
        )
    images, labels = model.split(split).gather()
    curve = [_score(model, images, labels, by, strength) for strength in by.strengths]
    return RobustnessScores(
        run_dir=model.run_dir.path,
        name=model.config.name,
        dataset=model.dataset.name,
        split=split,
        images=len(labels),
        disturbance=by,
        curve=tuple(curve),
    )


def _score(
    model: Model, images: np.ndarray, labels: np.ndarray, by: Disturbance, strength: float
) -> StrengthScore:
    losses: list[np.ndarray] = []
    correct: list[np.ndarray] = []
    for first in range(0, len(images), IMAGES_AT_ONCE):
        part = slice(first, first + IMAGES_AT_ONCE)
        for disturbed in _variants(model, images[part], labels[part], by, strength, first):
            said = model.evaluate(Split(disturbed, labels[part], np.arange(len(disturbed))))
            losses.append(said.losses)
            correct.append(said.predicted == said.labels)
    return StrengthScore(
        strength, float(np.concatenate(losses).mean()), float(np.concatenate(correct).mean())
    )


def _variants(
    model: Model,
    images: np.ndarray,
    labels: np.ndarray,
    by: Disturbance,
    strength: float,
    seed: int,
) -> Sequence[np.ndarray]:
    return [images] if strength == 0 else by.applied(model, images, labels, strength, seed)

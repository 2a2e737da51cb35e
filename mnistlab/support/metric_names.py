"""The parts of a dataset and what is measured on each: how files, options and people call them."""

from dataclasses import dataclass
from typing import Literal, get_args

SplitName = Literal["train", "validation", "test"]
MetricName = Literal[
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"
]
# What a report may state besides: the loss and the penalty in one number.
StatedMetric = Literal[MetricName, "train_objective", "val_objective", "test_objective"]

SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)
SPLIT_METRICS: tuple[str, ...] = get_args(MetricName)
PENALTY = "penalty"
# What run.json has of a run.
RUN_METRICS = (*SPLIT_METRICS, PENALTY)
# What trials are ranked by where a sweep does not say.
DEFAULT_METRIC: MetricName = "val_accuracy"


@dataclass(frozen=True)
class Part:
    """A part of a dataset."""

    name: SplitName  # as `--split` and run.json have it
    prefix: str  # of its metrics
    word: str  # in sentences

    @property
    def images(self) -> str:
        """`test images`."""
        return f"{self.word} images"

    @property
    def loss(self) -> str:
        """The name of its loss."""
        return f"{self.prefix}_loss"

    @property
    def accuracy(self) -> str:
        """The name of its accuracy."""
        return f"{self.prefix}_accuracy"

    @property
    def objective(self) -> str:
        """The name of its loss and penalty."""
        return f"{self.prefix}_objective"


TRAINING = Part("train", "train", "training")
VALIDATION = Part("validation", "val", "validation")
TEST = Part("test", "test", "test")
PARTS = (TRAINING, VALIDATION, TEST)


def part_named(name: SplitName) -> Part:
    """The part that `--split` calls so."""
    return next(part for part in PARTS if part.name == name)


def part_of(metric: str) -> Part:
    """The part that a metric is measured on."""
    return next(part for part in PARTS if metric.startswith(f"{part.prefix}_"))


def is_accuracy(metric: str) -> bool:
    """Whether it is a share of 1, of which more is better."""
    return metric.endswith("accuracy")


def metric_words(metric: str) -> str:
    """`validation accuracy`; of an objective, what it is made of."""
    what = metric.partition("_")[2].replace("objective", "loss + penalty")
    return f"{part_of(metric).word} {what}"

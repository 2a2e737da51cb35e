"""The parts of a dataset and their metrics: names in files, in options and in text."""

from dataclasses import dataclass
from typing import Literal, get_args

SplitName = Literal["train", "validation", "test"]
MetricName = Literal[
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"
]
# What a trial costs: its training seconds, and the number of its network's parameters.
Cost = Literal["seconds", "parameters"]
# What may rank the trials of a sweep.
RankingName = Literal[MetricName, Cost]
# What a report may also state: the loss plus the penalty.
StatedMetric = Literal[MetricName, "train_objective", "val_objective", "test_objective"]

SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)
SPLIT_METRICS: tuple[str, ...] = get_args(MetricName)
COSTS: tuple[str, ...] = get_args(Cost)
SECONDS, PARAMETERS = COSTS
COST_WORDS = {SECONDS: "training time", PARAMETERS: "number of parameters"}
PENALTY = "penalty"
# The metrics in a run's run.json.
RUN_METRICS = (*SPLIT_METRICS, PENALTY)
# The default metric for ranking trials.
DEFAULT_METRIC: MetricName = "val_accuracy"


@dataclass(frozen=True)
class Part:
    """A part of a dataset."""

    name: SplitName  # in `--split` and run.json
    prefix: str  # of its metrics
    word: str  # in text

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
        """The name of its loss plus penalty."""
        return f"{self.prefix}_objective"


TRAINING = Part("train", "train", "training")
VALIDATION = Part("validation", "val", "validation")
TEST = Part("test", "test", "test")
PARTS = (TRAINING, VALIDATION, TEST)


def part_named(name: SplitName) -> Part:
    """The part with this name in `--split`."""
    return next(part for part in PARTS if part.name == name)


def part_of(metric: str) -> Part:
    """The part that a metric is measured on."""
    return next(part for part in PARTS if metric.startswith(f"{part.prefix}_"))


def is_accuracy(metric: str) -> bool:
    """Whether it is a share of 1, and higher is better."""
    return metric.endswith("accuracy")


def metric_words(metric: str) -> str:
    """`validation accuracy`; for an objective, its terms."""
    if metric in COSTS:
        return COST_WORDS[metric]
    what = metric.partition("_")[2].replace("objective", "loss + penalty")
    return f"{part_of(metric).word} {what}"


def metric_title(metric: str) -> str:
    """The heading of a metric in a document: in words, or its own name if it is of no part."""
    return metric_words(metric) if metric in SPLIT_METRICS else metric

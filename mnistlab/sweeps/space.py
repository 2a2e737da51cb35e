"""What is known of a sweep before it is run: its points, and the stages after them."""

from collections.abc import Mapping, Sequence
from typing import Any

from mnistlab.config import RunConfig
from mnistlab.config.load_sweep import SweepSource, refuse
from mnistlab.config.source_nodes import Node, Problem
from mnistlab.data import Dataset
from mnistlab.support.text_format import counted
from mnistlab.sweeps.points import Point, StagePoints
from mnistlab.sweeps.search import StageSearch
from mnistlab.sweeps.stage_plan import StagePlan, stage_plans

# A later stage starts from an unknown winner: it is checked with this many candidates.
WINNERS_LOOKED_AT = 1000


def points(source: SweepSource, plan: StagePlan, winner: Mapping[str, Node]) -> list[Point]:
    """The first points of a stage on top of `winner`'s settings, each configuration once.

    These are all of them, unless the method learns from results.
    """
    return StageSearch(source, plan, winner).known()


def most_points(source: SweepSource) -> int:
    """The largest number of points that a stage may have."""
    return max(StagePoints(source, plan, {}).most for plan in stage_plans(source))


def repetitions(source: SweepSource) -> list[str]:
    """A message if there are fewer points than requested, because some would be equal."""
    config = source.config
    if config.method.learns or config.when or config.exclude or config.grids:
        return []
    told = []
    for plan in stage_plans(source):
        search = StageSearch(source, plan, {})
        count = len(search.known())
        if count < search.points.most:
            told.append(
                f"{_stage(plan)}{search.points.most:,} {source.config.method.noun} are asked for, "
                f"but they have only {counted(count, 'different configuration')}; each is trained "
                "once"
            )
    return told


def chosen_later(source: SweepSource) -> list[str]:
    """A message about points that a method chooses only after results."""
    told = []
    for plan in stage_plans(source):
        search = StageSearch(source, plan, {})
        search.known()
        if more := search.to_come():
            told.append(
                f"{_stage(plan)}method {source.config.method.type} chooses up to "
                f"{counted(more, 'more point')} by the results of these"
            )
    return told


def _stage(plan: StagePlan) -> str:
    return f"stage {plan.name}: " if plan.name else ""


def checked_points(source: SweepSource) -> list[tuple[StagePlan, Point, RunConfig]]:
    """Every point that may be run, with its configuration; for a later stage, on top of each point
    that may win the stage before. If a method chooses points by results: a few points that have
    every value and both ends of every range.

    Raises ConfigError with all errors of all points.
    """
    problems: list[Problem] = []
    found = []
    possible: dict[str | None, Sequence[Mapping[str, Node]]] = {None: [{}]}
    for plan in stage_plans(source):
        here = []
        for winner in possible[plan.source][:WINNERS_LOOKED_AT]:
            search = StageSearch(source, plan, winner)
            ends = search.points.ends() if source.config.method.learns else ()
            for point in [*search.known(), *ends]:
                problems += point.problems
                if plan.name in (source.config.refit or ()) and point.config is not None:
                    problems += _cannot_be_refitted(source, point.config)
                here.append(point.settings)
                if point.config is not None:
                    found.append((plan, point, point.config))
        possible[plan.name or ""] = here
    refuse(problems)
    return found


def _cannot_be_refitted(source: SweepSource, config: RunConfig) -> list[Problem]:
    """A refit has no validation images that its schedule could follow."""
    rule, node = config.lr_schedule.fall_rule(), source.root.at(("refit",))
    if rule is None or not rule.monitor.startswith("val_") or node is None:
        return []
    message = (
        f"trains without validation images, but lr_schedule.monitor is {rule.monitor}; monitor "
        "train_loss, or leave refit out"
    )
    return [Problem(node.position, ("refit",), message)]


def repeated(config: RunConfig, seeds: int) -> list[RunConfig]:
    """The configuration with its seed, with the next seed, and so on."""
    return [config.model_copy(update={"seed": config.seed + more}) for more in range(seeds)]


def refitted(config: RunConfig, dataset: Dataset, best: tuple[int, int] | None) -> RunConfig:
    """A winner's configuration, to be trained on training and validation images and tested once.

    `dataset` is the winner's: a limit on its training images is raised by the number of its
    validation images. Without validation there is no early stopping: training ends at `best`, the
    epoch and step at which the winner was best.
    """
    images, classes = len(dataset.validation), len(dataset.class_names)
    limits = {
        "train_limit": config.data.train_limit and len(dataset.train) + images,
        "per_class_limit": config.data.per_class_limit
        and config.data.per_class_limit + -(-images // classes),
    }
    length: dict[str, Any] = {}
    if config.training.early_stopping is not None and best is not None:
        by_step = config.training.steps is not None
        length = {"steps": best[1]} if by_step else {"epochs": best[0]}
    training = {"test": "end", "early_stopping": None, **length}
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"validation": 0, **limits}),
            "training": config.training.model_copy(update=training),
        }
    )

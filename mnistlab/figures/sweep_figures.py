"""The figures of a sweep, from its folder."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from mnistlab.config.objectives import Metric
from mnistlab.config.sweep import SweepConfig
from mnistlab.figures.gallery import Drawn, Entry, LeftOut, chosen, draw_each
from mnistlab.figures.sweep.models import MODELS_FIGURES
from mnistlab.figures.sweep.refit import REFIT_FIGURES
from mnistlab.figures.sweep.stage import STAGE_FIGURES
from mnistlab.figures.sweep_data import BestModels, RankedPoints
from mnistlab.figures.sweep_points import SweepMetric
from mnistlab.store.figure_names import MODELS_PREFIX, REFIT_PREFIX, stage_prefix
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support.metric_names import TEST
from mnistlab.sweeps.ranking import Ranked, ranking_of, stages_of
from mnistlab.sweeps.results import TrialRow, read_trials, sweep_of

TESTED = SweepMetric(TEST.accuracy, maximize=True)
BEST_POINTS = 4  # whose models are drawn side by side if a sweep has no stages


def sweep_figures(
    sweep_dir: SweepDir, only: Collection[str] | None = None, **options: Any
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a sweep one after another: all, or those named in `only`.

    Reads sweep.yaml, trials.csv and the trials' folders; `options` are those of Artefacts. Raises
    UsageError if one of the first two is missing or damaged, or for an unknown figure name. If
    anything else is damaged, only the figures that need it are left out.
    """
    return draw_each(chosen(sweep_entries(sweep_dir, options), only))


def sweep_entries(sweep_dir: SweepDir, options: dict[str, Any]) -> list[Entry]:
    """The figures that can be drawn for a sweep: of each stage, of the refits, of the
    best models.
    """
    config = sweep_of(sweep_dir).config
    rows = read_trials(sweep_dir)
    entries: list[Entry] = []
    best: list[tuple[str, TrialRow]] = []
    for stage in stages_of(config):
        ranked = ranking_of(config, rows, stage)
        entries += _of_stage(sweep_dir, config, stage, ranked)
        best += _best_of(stage, ranked)
    refits = [row for row in rows if any(stage.startswith(REFIT) for stage in row.stages)]
    if refits:
        entries += _of_refits(sweep_dir, config, refits)
        best = _refitted(best, refits)
    who = "winners of the stages" if config.stages else "best of the sweep"
    models = BestModels(sweep_dir, config.name, who, best, options)
    of_models = [
        Entry.of(f"{MODELS_PREFIX}{name}", figure, models, title=figure.title.format(models=who))
        for name, figure in MODELS_FIGURES.items()
    ]
    return [*entries, *of_models]


def _of_stage(
    sweep_dir: SweepDir, config: SweepConfig, stage: str | None, ranked: Sequence[Ranked]
) -> list[Entry]:
    title = config.name if stage is None else f"{config.name}: stage {stage}"
    ending = "" if stage is None else f", stage {stage}"
    metrics = [SweepMetric(metric.name, metric.larger_is_better) for metric in config.metrics]
    points = RankedPoints(sweep_dir, title, metrics, ranked)
    return [
        Entry.of(f"{stage_prefix(stage)}{name}", figure, points, title=f"{figure.title}{ending}")
        for name, figure in STAGE_FIGURES.items()
    ]


def _best_of(stage: str | None, ranked: Sequence[Ranked]) -> list[tuple[str, TrialRow]]:
    """The winner of a stage, or the best points of a sweep without stages, by name."""
    best = [point.first_trial for point in ranked if point.rank is not None]
    if stage is not None:
        return [(stage, trial) for trial in best[:1]]
    return [(f"#{place}", trial) for place, trial in enumerate(best[:BEST_POINTS], 1)]


def _of_refits(sweep_dir: SweepDir, config: SweepConfig, refits: Sequence[TrialRow]) -> list[Entry]:
    metric = Metric.model_validate({"name": TEST.accuracy})
    ranked = ranking_of(config, refits, metric=metric)
    points = RankedPoints(sweep_dir, config.name, [TESTED], ranked)
    return [
        Entry.of(f"{REFIT_PREFIX}{name}", figure, points) for name, figure in REFIT_FIGURES.items()
    ]


def _refitted(
    winners: Sequence[tuple[str, TrialRow]], refits: Sequence[TrialRow]
) -> list[tuple[str, TrialRow]]:
    """The winners of the stages; those that were trained again are replaced by their refits."""
    done = {stage: row for row in refits if row.status.finished for stage in row.stages}
    return [
        (again, done[again]) if (again := f"{REFIT}{stage}") in done else (stage, row)
        for stage, row in winners
    ]

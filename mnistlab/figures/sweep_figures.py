"""The figures of a sweep, from its folder."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.config.sweep import Metric, SweepConfig
from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures.gallery import Drawn, Entry, LeftOut, chosen, draw_each
from mnistlab.figures.sweep_bars import bars
from mnistlab.figures.sweep_curves import sweep_curves
from mnistlab.figures.sweep_heat_map import heat_map
from mnistlab.figures.sweep_models import (
    COLUMNS,
    ModelImages,
    feature_maps_side_by_side,
    weights_side_by_side,
)
from mnistlab.figures.sweep_parameters import metric_by_parameter
from mnistlab.figures.sweep_points import LearningCurve, SweepMetric, SweepPoint, varied
from mnistlab.figures.weights import strongest
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support.errors import LackingError
from mnistlab.support.metric_names import TEST
from mnistlab.sweeps.ranking import Ranked, ranking_of, stages_of
from mnistlab.sweeps.results import TrialRow, read_trials, sweep_of

Named = tuple[list[str], Artefacts]  # a model in words, a line each, and its run
TESTED = SweepMetric(TEST.accuracy, maximize=True)
BEST_POINTS = 4  # whose models stand side by side where a sweep has no stages
MODELS = ("models_weights", "models_feature_maps")
STAGE_FIGURES = ("metric_by_parameter", "heat_map", "learning_curves", "bars")
REFIT_BARS = "refit-bars"


def sweep_figures(
    sweep_dir: SweepDir, only: Collection[str] | None = None, **options: Any
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a sweep, one after another: all, or those named in `only`.

    Reads sweep.yaml, trials.csv and the trials' folders; `options` are those of Artefacts. Raises
    UsageError where one of the first two is missing or damaged, or for a name that no figure has;
    what else is damaged leaves the figures out that need it.
    """
    return draw_each(chosen(sweep_entries(sweep_dir, options), only), None)


def figure_names(config: SweepConfig) -> list[str]:
    """What the figures of a sweep can be called."""
    prefixes = [f"{stage.name}-" for stage in config.stages or ()] or [""]
    of_stages = [f"{prefix}{name}" for prefix in prefixes for name in STAGE_FIGURES]
    return [*of_stages, *([REFIT_BARS] if config.refit else []), *MODELS]


def sweep_entries(sweep_dir: SweepDir, options: dict[str, Any]) -> list[Entry]:
    """What can be drawn of a sweep: figures of each stage, of the refits, of the winners."""
    config = sweep_of(sweep_dir).config
    rows = read_trials(sweep_dir)
    metric = SweepMetric(config.metric.name, config.metric.larger_is_better)
    entries: list[Entry] = []
    winners: list[tuple[str, TrialRow]] = []
    for stage in stages_of(config):
        ranked = ranking_of(config, rows, stage)
        entries += _of_stage(sweep_dir, config, metric, stage, ranked)
        best = [point for point in ranked if point.rank is not None]
        if stage is not None:
            winners += [(stage, point.first_trial) for point in best[:1]]
        else:
            winners += [
                (f"#{place}", p.first_trial) for place, p in enumerate(best[:BEST_POINTS], 1)
            ]
    refits = [row for row in rows if any(stage.startswith(REFIT) for stage in row.stages)]
    if refits:
        ranked = ranking_of(config, refits, metric=Metric.model_validate({"name": TEST.accuracy}))
        title = f"{config.name}: winners, trained on all training images"
        entries.append(
            Entry(
                REFIT_BARS,
                "Winners on the test set",
                "Each winner, trained on all training images and tested once.",
                lambda _: bars(_points(ranked, TESTED), TESTED, title),
            )
        )
        winners = _refitted(winners, refits)

    @cache
    def models() -> list[Named]:
        """Opened when a figure needs them, so that a damaged one spoils no other figure."""
        return [
            (_words(name, row), Artefacts(open_run(sweep_dir.path / row.run_dir), **options))
            for name, row in winners
        ]

    return [*entries, *_of_models(models, config.name, bool(config.stages))]


def _of_stage(
    sweep_dir: SweepDir,
    config: SweepConfig,
    metric: SweepMetric,
    stage: str | None,
    ranked: Sequence[Ranked],
) -> list[Entry]:
    points = _points(ranked, metric)
    title = config.name if stage is None else f"{config.name}: stage {stage}"
    prefix, ending = ("", "") if stage is None else (f"{stage}-", f", stage {stage}")
    return [
        Entry(
            f"{prefix}metric_by_parameter",
            f"The metric by parameter{ending}",
            "A steep line is a parameter that matters; a best value at an edge asks for more.",
            lambda _: metric_by_parameter(points, metric, title),
        ),
        Entry(
            f"{prefix}heat_map",
            f"Two parameters at once{ending}",
            "A ridge across the map: what one parameter does depends on the other.",
            lambda _: heat_map(points, metric, title),
        ),
        Entry(
            f"{prefix}learning_curves",
            f"All learning curves{ending}",
            "Curves that still rise at the end would gain from more epochs.",
            lambda _: sweep_curves(_curves(sweep_dir, ranked, points), metric, title),
        ),
        Entry(
            f"{prefix}bars",
            f"Ranking{ending}",
            "Points whose whiskers overlap are not told apart by this many seeds.",
            lambda _: bars(points, metric, title),
        ),
    ]


def _refitted(
    winners: Sequence[tuple[str, TrialRow]], refits: Sequence[TrialRow]
) -> list[tuple[str, TrialRow]]:
    """The winners of the stages, those that were trained again as they are after that."""
    done = {stage: row for row in refits if row.status.finished for stage in row.stages}
    return [
        (again, done[again]) if (again := f"{REFIT}{stage}") in done else (stage, row)
        for stage, row in winners
    ]


def _of_models(models: Callable[[], list[Named]], title: str, staged: bool) -> list[Entry]:
    who = "winners of the stages" if staged else "best of the sweep"
    return [
        Entry(
            MODELS[0],
            f"Weights of the {who}",
            "L1 leaves few weights, the rest white; L2 makes all of them paler.",
            partial(_draw_weights, models, title, who),
        ),
        Entry(
            MODELS[1],
            f"One image in the {who}",
            "Maps that are dark everywhere are filters that were switched off.",
            partial(_draw_feature_maps, models, title, who),
        ),
    ]


def _words(name: str, row: TrialRow) -> list[str]:
    """A model's name and what was tried in it, a line each."""
    tried = [
        f"{key.rpartition('.')[2]} {value_as_yaml(value)}"
        for key, value in row.parameters.items()
        if key != "seed"
    ]
    return [name, *tried[:3]]


def _draw_weights(models: Callable[[], list[Named]], title: str, who: str, _: None) -> Figure:
    """A row for each model: its classes' weights, its strongest units, or its first filters."""
    shown, captions, kinds = [], [], set()
    for words, run in models():
        name, seen = run.weighed_layers[0]
        weight = run.model.tensors[f"{name}.weight"]
        of_classes = len(run.weighed_layers) == 1
        if weight.ndim == 4:
            images = weight[:COLUMNS, 0]
        else:
            images = weight.T.reshape(-1, *seen[1:])
            images = images if of_classes else images[strongest(images, COLUMNS)]
        kinds.add("classes" if of_classes else "filters" if weight.ndim == 4 else "units")
        captions = run.class_names
        shown.append(ModelImages(words, images))
    if not shown:
        raise LackingError("no model has finished")
    what = {
        "classes": "each class's weights",
        "units": "the ten units of largest weights in the first layer",
        "filters": "the first ten filters",
    }
    note = (
        f"A row for each of the {who}: {', or '.join(what[kind] for kind in sorted(kinds))}; "
        "red adds, blue takes away, white is zero, on one scale for all."
    )
    return weights_side_by_side(shown, captions if kinds == {"classes"} else (), note, title)


def _draw_feature_maps(models: Callable[[], list[Named]], title: str, who: str, _: None) -> Figure:
    """One image in each model whose first layer with weights is a convolution."""
    with_maps = [(words, run, run.weighed_layers[0][0]) for words, run in models()]
    with_maps = [m for m in with_maps if m[1].model.tensors[f"{m[2]}.weight"].ndim == 4]
    if not with_maps:
        raise LackingError("no model begins with a convolution")
    first = with_maps[0][1]
    image = np.asarray(first.split.images[first.split.indices[:1]])
    shown = [
        ModelImages(words, run.model.activations(image, [layer])[layer][0])
        for words, run, layer in with_maps
    ]
    note = (
        f"The first of the {PART_NAMES[first.part]} as it leaves the first convolution of each of "
        f"the {who}, after its activation: light where a filter answers most."
    )
    return feature_maps_side_by_side(image[0], shown, note, title)


def _points(ranked: Iterable[Ranked], metric: SweepMetric) -> list[SweepPoint]:
    return [
        SweepPoint(point.parameters, point.values, point.mean is not None, point.stated)
        for point in ranked
    ]


def _curves(
    sweep_dir: SweepDir, ranked: Sequence[Ranked], points: Sequence[SweepPoint]
) -> list[LearningCurve]:
    """Every trial that has rows, named by what varies; best first."""
    keys = varied(points)
    curves = []
    for point in ranked:
        for row in point.trials:
            run_dir = RunDir(sweep_dir.path / row.run_dir)
            if not run_dir.metrics.exists():
                continue
            shown = [key for key in [*keys, "seed"] if key in row.parameters]
            label = "  ".join(
                f"{key.rpartition('.')[2]} {value_as_yaml(row.parameters[key])}" for key in shown
            )
            rows = Artefacts(run_dir).metrics
            curves.append(LearningCurve(label, rows, row.status is Status.DIVERGED))
    return curves

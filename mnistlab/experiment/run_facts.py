"""run.json's facts about a run, and advice if a run diverged."""

from collections.abc import Sequence
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.provenance import collect
from mnistlab.store.run_record import DatasetRecord, ImageCounts, LayerRecord, RunFacts
from mnistlab.support.metric_names import RUN_METRICS
from mnistlab.training.trainer import Trainer


def run_facts(trainer: Trainer, threads: int, argv: Sequence[str], data_dir: Path) -> RunFacts:
    """The facts in run.json that do not change during a run."""
    dataset, program = trainer.dataset, trainer.program
    return RunFacts(
        **collect(threads, argv),
        dataset=DatasetRecord(
            name=dataset.name,
            sha256=dataset.sha256,
            images=ImageCounts(*map(len, (dataset.train, dataset.validation, dataset.test))),
            image_shape=dataset.image_shape,
            class_names=list(dataset.class_names),
            scale=dataset.scale,
            offset=dataset.offset,
        ),
        data_dir=str(data_dir),
        parameters=program.parameters,
        layers=[
            LayerRecord(
                name=layer.name,
                kind=layer.kind,
                description=layer.description,
                input_shape=layer.input_shape,
                output_shape=layer.output_shape,
                parameters=layer.parameters,
            )
            for layer in program.layers
        ],
    )


def metrics_of(kept: MetricsRow | None, last: MetricsRow | None = None) -> dict[str, float | None]:
    """The metrics of the row whose weights are kept.

    Earlier versions wrote the test metrics of the kept weights into the `last` row.
    """
    values = {name: getattr(kept, name, None) for name in RUN_METRICS}
    if values["test_loss"] is None and last is not None:
        values |= {"test_loss": last.test_loss, "test_accuracy": last.test_accuracy}
    return values


def advice_on_divergence(config: RunConfig, step: int, epoch: int, kept: int) -> str:
    """Advice after a loss or a weight that is not finite; the kept weights are of step `kept`.

    `step` and `epoch` are where it was detected.
    """
    ideas = [f"a smaller optimizer.lr (now {config.optimizer.lr:g})"]
    if config.loss.reduction == "sum":
        ideas.append("loss.reduction=mean")
    if config.data.normalize == "none":
        ideas.append("data.normalize=minmax")
    if config.init.type in ("normal", "uniform", "poisson"):
        ideas.append("init.type=he_normal")
    return (
        f"the loss or a weight stopped being a finite number by step {step} (epoch {epoch}); "
        f"the weights kept are those of step {kept}. Try {', or '.join(ideas)}."
    )

"""The soft targets of a run: what another run's network says of its training images."""

import numpy as np

from mnistlab.blocks.losses.cross_entropy import Teacher
from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.experiment.calibration import log_softmax
from mnistlab.experiment.model import Model, load_model
from mnistlab.support.errors import UsageError
from mnistlab.training.trainer import Trainer


def set_soft_targets(trainer: Trainer) -> None:
    """Give a trainer its teacher's probabilities, if it has one: those of every training image, at
    the image's index in the source.

    Raises as `load_teacher` does.
    """
    dataset = trainer.dataset
    model, teacher = load_teacher(trainer.config, dataset), teacher_of(trainer.config)
    if model is None or teacher is None:
        return
    indices = np.unique(dataset.train.indices)
    logits = model.logits(np.asarray(dataset.train.images[indices])).astype(np.float64)
    targets = trainer.memory.outputs.reshape(-1, len(dataset.class_names))
    targets[indices] = np.exp(log_softmax(logits / teacher.temperature))


def teacher_of(config: RunConfig) -> Teacher | None:
    """The section of a configuration's teacher; None if it has none."""
    teacher: Teacher | None = getattr(config.loss, "teacher", None)
    return teacher


def load_teacher(config: RunConfig, dataset: Dataset) -> Model | None:
    """The model of a configuration's teacher; None if it has none.

    Raises UsageError if the teacher cannot be loaded, or was not trained on such images.
    """
    teacher = teacher_of(config)
    if teacher is None:
        return None
    try:
        model = load_model(teacher.run, teacher.weights)
        _refuse_unlike(model, config, dataset)
    except UsageError as error:
        raise UsageError(*(f"loss.teacher.run: {message}" for message in error.messages)) from None
    return model


def _refuse_unlike(model: Model, config: RunConfig, dataset: Dataset) -> None:
    """Raise UsageError if a teacher's images or classes are not those of the run."""
    output = model.config.model.output_activation.type
    if output != "softmax":
        raise UsageError(f"{model.run_dir.path}: its output is {output}; a teacher needs softmax")
    pairs = {
        "dataset": (model.facts.dataset.sha256, dataset.sha256),
        "image size": (model.image_shape, dataset.image_shape),
        "classes": (model.class_names, list(dataset.class_names)),
        "preparation of images": (model.config.data.preparation, config.data.preparation),
    }
    for what, (of_teacher, own) in pairs.items():
        if of_teacher != own:
            raise UsageError(
                f"{model.run_dir.path}: cannot teach this run: its {what} is {of_teacher}, that of "
                f"this run is {own}"
            )

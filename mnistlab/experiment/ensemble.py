"""Several networks that predict together: the mean of their probabilities, and their votes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import DownloadProgress
from mnistlab.experiment.model import Model, Weights, load_model
from mnistlab.experiment.scores import ClassScore, class_scores
from mnistlab.store.browse.found import is_sweep, trials_of
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.run_record import read_run_record
from mnistlab.support.errors import UsageError
from mnistlab.support.links import resolved
from mnistlab.support.metric_names import SplitName

# A probability that float32 has rounded to 0 gets the logarithm of this number.
LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks of the same classes and image size, whose outputs are probabilities."""

    members: tuple[Model, ...]

    @property
    def run_dir(self) -> RunDir:
        """The folder of the first member."""
        return self.members[0].run_dir

    @property
    def config(self) -> RunConfig:
        """The configuration of the first member; all have its output activation."""
        return self.members[0].config

    @property
    def image_shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.members[0].image_shape

    @property
    def class_names(self) -> list[str]:
        return self.members[0].class_names

    @property
    def gives_probabilities(self) -> bool:
        """Always: networks with other outputs are refused."""
        return True

    def outputs(self, images: np.ndarray) -> np.ndarray:
        """The mean of the members' probabilities, float64 (n, classes); images uint8 (n, height,
        width).
        """
        return np.mean([member.outputs(images) for member in self.members], axis=0, dtype=float)


@dataclass(frozen=True)
class MemberScore:
    """One member's own loss and accuracy; `step` is the training step of its weights."""

    run_dir: Path
    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EnsembleScores:
    """An ensemble on a part of its members' dataset.

    `loss` is the mean of −log p of the labels for the mean probabilities; None if the output is not
    softmax. `votes` is the accuracy of the class that most members predict; of classes with equally
    many votes, the one with the larger mean probability. The other metrics are those of the class
    with the largest mean probability. `confusion` is int64 (classes, classes): a row for each true
    class, a column for each predicted class.
    """

    dataset: str
    class_names: list[str]
    split: SplitName
    images: int
    loss: float | None
    accuracy: float
    votes: float
    per_class: tuple[ClassScore, ...]
    confusion: np.ndarray
    members: tuple[MemberScore, ...]

    @property
    def mean_accuracy(self) -> float:
        """The mean of the members' accuracies."""
        return float(np.mean([member.accuracy for member in self.members]))

    @property
    def best_accuracy(self) -> float:
        """The largest of the members' accuracies."""
        return max(member.accuracy for member in self.members)

    @property
    def gain_over_mean(self) -> float:
        """The accuracy minus the mean of the members' accuracies."""
        return self.accuracy - self.mean_accuracy

    @property
    def gain_over_best(self) -> float:
        """The accuracy minus the best member's."""
        return self.accuracy - self.best_accuracy


def members_at(paths: Iterable[Path]) -> list[Path]:
    """The run folders at each path, without duplicates: a run's own, or those of a sweep's finished
    trials. Raises UsageError if a path is neither, or if a sweep has no finished trial.
    """
    found: dict[Path, None] = {}
    for path in paths:
        runs = _finished_trials(path) if is_sweep(path) else [open_run(path).path]
        found |= dict.fromkeys(runs)
    return list(found)


def _finished_trials(sweep: Path) -> list[Path]:
    trials = [RunDir(path) for path in trials_of(resolved(sweep))]
    begun = [trial for trial in trials if trial.run_json.exists()]
    finished = [trial.path for trial in begun if read_run_record(trial).status.finished]
    if not finished:
        raise UsageError(f"{sweep}: has no finished trial")
    return finished


def load_ensemble(
    paths: Sequence[Path],
    weights: Weights = "final",
    *,
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> Ensemble:
    """The networks of the runs at `paths`, each as from `load_model`.

    Raises UsageError as `load_model` does, and if there are fewer than two, or if they cannot
    predict together.
    """
    if len(paths) < 2:
        raise UsageError(f"{paths[0]}: an ensemble needs at least two runs, found one")
    members = [
        load_model(
            path,
            weights,
            data_dir=data_dir,
            threads=threads,
            tell=tell,
            data_progress=data_progress,
        )
        for path in paths
    ]
    for member in members:
        _refuse_unlike(members[0], member)
    return Ensemble(tuple(members))


def _refuse_unlike(first: Model, other: Model) -> None:
    """Raise UsageError if the outputs of two networks cannot be averaged."""
    if not other.gives_probabilities:
        output = other.config.model.output_activation.type
        raise UsageError(f"{other.run_dir.path}: its outputs ({output}) are not probabilities")
    pairs = {
        "classes": (first.class_names, other.class_names),
        "images": (first.image_shape, other.image_shape),
        "preparation of images": (first.config.data.preparation, other.config.data.preparation),
        "model.output_activation": (
            first.config.model.output_activation.type,
            other.config.model.output_activation.type,
        ),
    }
    for what, (had, has) in pairs.items():
        if had != has:
            raise UsageError(
                f"{other.run_dir.path}: cannot be averaged with {first.run_dir.path}: {what}: "
                f"found {has}, expected {had}"
            )


def evaluate_ensemble(ensemble: Ensemble, split: SplitName) -> EnsembleScores:
    """Evaluate an ensemble on a part of its members' dataset, which must be the same for all.

    Raises UsageError as `Model.split` does, and if the members have different images there.
    """
    first = ensemble.members[0]
    labels = _images_of(first, split)[1]
    total = np.zeros((len(labels), len(ensemble.class_names)))
    votes = np.zeros_like(total)
    members = []
    for member in ensemble.members:
        if not _has_same_images(first, member, split):
            raise UsageError(
                f"{member.run_dir.path}: has other {split} images than {first.run_dir.path}"
            )
        part = member.split(split)
        said = member.evaluate(part)
        order = np.argsort(part.indices, kind="stable")
        total += said.outputs[order]
        votes[np.arange(len(labels)), said.predicted[order]] += 1
        members.append(MemberScore(member.run_dir.path, member.step, said.loss, said.accuracy))
    mean = total / len(members)
    predicted = np.argmax(mean, axis=1)
    per_class, confusion = class_scores(labels, predicted, len(ensemble.class_names))
    is_softmax = ensemble.config.model.output_activation.type == "softmax"
    of_label = np.maximum(mean[np.arange(len(labels)), labels], LEAST_PROBABILITY)
    # A probability is at most 1: it decides only between equal numbers of votes.
    voted = np.argmax(votes + mean / 2, axis=1)
    return EnsembleScores(
        dataset=first.dataset.name,
        class_names=ensemble.class_names,
        split=split,
        images=len(labels),
        loss=float(-np.log(of_label).mean()) if is_softmax else None,
        accuracy=float((predicted == labels).mean()),
        votes=float((voted == labels).mean()),
        per_class=per_class,
        confusion=confusion,
        members=tuple(members),
    )


def _images_of(model: Model, split: SplitName) -> tuple[np.ndarray, np.ndarray]:
    """The indices of a part's images in their file, in ascending order, and their labels."""
    part = model.split(split)
    places = np.sort(part.indices)
    return places, part.labels[places].astype(np.int64)


def _has_same_images(first: Model, other: Model, split: SplitName) -> bool:
    if first.dataset.sha256 != other.dataset.sha256:
        return False
    pairs = zip(_images_of(first, split), _images_of(other, split), strict=True)
    return all(np.array_equal(one, another) for one, another in pairs)

"""A run's trained network, loaded for evaluation, prediction and inspection."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mnistlab.blocks.section import MAX_COUNT
from mnistlab.config import RunConfig
from mnistlab.data import Dataset, DownloadProgress, Split
from mnistlab.data.own_files import MAX_SIDE
from mnistlab.experiment.dataset import data_dir_of_run, load_data
from mnistlab.experiment.resume import config_of, refuse_changed_data
from mnistlab.runtime.params import views
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.checkpoint import load_checkpoint
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.run_record import DatasetRecord, RunFacts, facts_of, read_run_record
from mnistlab.support import paths
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import SPLIT_NAMES, SplitName
from mnistlab.support.run_weights import (
    ALLOWED,
    BEST,
    FILES,
    FINAL,
    SNAPSHOT,
    names_of_weights,
    weights_file,
)
from mnistlab.support.tensor_file import load_tensors
from mnistlab.support.whole_numbers import whole_number
from mnistlab.training.inference import Evaluation, Inference

Weights = str  # final, best or epoch-N: see support/run_weights.py
MAX_CLASSES = 256  # labels are bytes


@dataclass(frozen=True, eq=False)
class Model:
    """A run's network with its weights, and the dataset that it was trained on.

    Images are uint8 (n, height, width). `facts` are run.json's; `weights` is the file of the
    weights, `step` their training step. It computes on the engine's threads, as in training. The
    dataset is opened on first use.
    """

    run_dir: RunDir
    config: RunConfig
    facts: RunFacts
    inference: Inference
    weights: Path
    step: int
    data_dir: Path
    threads: int | None = None
    data_progress: DownloadProgress | None = None

    @property
    def image_shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.inference.image_shape

    @property
    def class_names(self) -> list[str]:
        return self.facts.dataset.class_names

    @property
    def gives_probabilities(self) -> bool:
        """Whether the outputs are probabilities; those of other activations may be any numbers."""
        return self.config.model.output_activation.type in ("softmax", "sigmoid")

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Every weight and bias by its name."""
        return self.inference.tensors

    def layer_tensors(self, layer: str) -> dict[str, np.ndarray]:
        """A layer's tensors by what they are to it: weight, bias, …"""
        own = [spec for spec in self.inference.program.tensors if spec.layer == layer]
        return {spec.kind: self.tensors[spec.name] for spec in own}

    @cached_property
    def found_data_dir(self) -> Path:
        """The folder that has the run's dataset: `data_dir`, or the one that the run recorded."""
        tell = self.inference.tell
        return data_dir_of_run(self.config, self.facts.data_dir, self.data_dir, tell)

    @cached_property
    def dataset(self) -> Dataset:
        """The run's dataset, split and scaled as in training.

        Raises DataError if it is missing or damaged, UsageError if it has changed.
        """
        dataset = load_data(self.config, self.found_data_dir, self.data_progress)
        refuse_changed_data(self.facts.dataset, dataset.sha256)
        return dataset

    def split(self, name: SplitName) -> Split:
        """A part of the dataset; raises UsageError if the run has no such images."""
        if name not in SPLIT_NAMES:
            raise UsageError(f"split: found {name!r}, expected one of {', '.join(SPLIT_NAMES)}")
        split: Split = getattr(self.dataset, name)
        if len(split) == 0:
            raise UsageError(f"{self.run_dir.path}: has no validation images: data.validation is 0")
        return split

    def evaluate(self, split: Split) -> Evaluation:
        """Outputs and losses on every image of a part of the dataset."""
        with engine_threads(self.threads):
            return self.inference.evaluate(split)

    def outputs(self, images: np.ndarray) -> np.ndarray:
        """The network's outputs (n, classes): probabilities if the output is softmax."""
        with engine_threads(self.threads):
            return self.inference.outputs(images)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logits, (n, classes)."""
        with engine_threads(self.threads):
            return self.inference.logits(images)

    def activations(
        self, images: np.ndarray, layers: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """The outputs of layers, by name: see `Inference.activations`."""
        with engine_threads(self.threads):
            return self.inference.activations(images, layers)

    def input_gradient(self, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """The gradient by each pixel, (n, height, width): see `Inference.input_gradient`."""
        with engine_threads(self.threads):
            return self.inference.input_gradient(images, classes)


def load_model(
    path: Path,
    weights: Weights = "final",
    *,
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> Model:
    """The model of the run at `path`, compiled.

    The final weights of a run that has not ended are those of its last checkpoint. `data_dir` is
    the folder of datasets; `tell` receives messages about compilation. Raises UsageError if there
    is no run, or no such weights, or if its files are damaged or do not match.
    """
    run_dir = open_run(path)
    record = read_run_record(run_dir)
    config = config_of(run_dir, record)
    facts = facts_of(run_dir, record)
    data = facts.dataset
    _refuse_no_dataset(run_dir, data)
    inference = Inference(config, data.image_shape, len(data.class_names), data.scale, data.offset)
    file, tensors, step = _read_weights(run_dir, inference, weights)
    _fill(inference, tensors, file)
    inference.tell = tell
    return Model(
        run_dir=run_dir,
        config=config,
        facts=facts,
        inference=inference,
        weights=file,
        step=step,
        data_dir=paths.data_dir(data_dir),
        threads=threads,
        data_progress=data_progress,
    )


def _refuse_no_dataset(run_dir: RunDir, data: DatasetRecord) -> None:
    """Raise UsageError if run.json states images or classes that no dataset can have."""
    if max(data.image_shape) > MAX_SIDE:
        side = max(data.image_shape)
        raise UsageError(
            f"{run_dir.run_json}: dataset.image_shape: found {side}, expected at most {MAX_SIDE}"
        )
    if not 1 <= len(data.class_names) <= MAX_CLASSES:
        raise UsageError(
            f"{run_dir.run_json}: dataset.class_names: found {len(data.class_names)} names, "
            f"expected 1 to {MAX_CLASSES}"
        )


def _read_weights(
    run_dir: RunDir, inference: Inference, weights: Weights
) -> tuple[Path, dict[str, np.ndarray], int]:
    """The file of the requested weights, its tensors, and their step."""
    name = weights_file(weights)
    if name is None:
        raise UsageError(f"weights: found {weights!r}, expected {ALLOWED}")
    file = run_dir.path / name
    if file.exists():
        tensors, metadata = load_tensors(file)
        written = str(metadata.get("step", 0))  # other tools write none
        step = whole_number(written, MAX_COUNT)
        if step is None:
            raise UsageError(f"{file}: step: found {written[:40]!r}, expected a whole number")
        return file, tensors, step
    if weights != FINAL:
        raise UsageError(f"{run_dir.path}: has no {weights} weights: {_why_none(run_dir, weights)}")
    checkpoint = load_checkpoint(run_dir)
    if checkpoint is None:
        raise UsageError(f"{run_dir.path}: has no weights: {why_no_weights(run_dir)}")
    params, program = checkpoint.tensors["params"], inference.program
    if params.shape != (program.sizes.parameters,):
        raise UsageError(
            f"{run_dir.last}: has {params.size:,} parameters, "
            f"the model has {program.sizes.parameters:,}"
        )
    return run_dir.last, views(program.tensors, params), checkpoint.position["step"]


def why_no_weights(run_dir: RunDir) -> str:
    """Why a run without any checkpoint has no final weights."""
    if run_dir.run_json.exists() and read_run_record(run_dir).status.ended:
        return f"{FILES[FINAL]} is missing"
    return "it was stopped before its first save"


def _why_none(run_dir: RunDir, weights: Weights) -> str:
    """Why a run lacks weights that are not the final ones, and which others it has."""
    ended = run_dir.weights.exists()
    pruned = ", or `mnistlab prune` removed them" if ended and not run_dir.last.exists() else ""
    if weights == BEST:
        why = "that needs validation images" if ended else "it has no final ones either"
        return why + pruned
    kept = [name for name in names_of_weights(run_dir.path) if SNAPSHOT.fullmatch(name)]
    why = f"it has {', '.join(kept)}" if kept else "it kept none (training.snapshots)"
    return why + pruned


def _fill(inference: Inference, tensors: dict[str, np.ndarray], file: Path) -> None:
    """Copy a file's tensors into the network; raises UsageError if they do not match it."""
    ours = inference.tensors
    faults = [
        f"{file}: {name} is {_said(tensors.get(name))}, the model's is {_said(ours.get(name))}"
        for name in sorted(ours.keys() | tensors.keys())
        if _said(tensors.get(name)) != _said(ours.get(name))
    ]
    if faults:
        raise UsageError(*faults)
    for name, tensor in ours.items():
        tensor[:] = tensors[name]


def _said(tensor: np.ndarray | None) -> str:
    return "missing" if tensor is None else f"{tensor.dtype} {tensor.shape}"

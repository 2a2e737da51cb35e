"""Warnings about classes that a split lacks, because metrics are then misleading."""

from collections.abc import Iterator, Sequence

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.config.dump import value_as_yaml
from mnistlab.data import Dataset

# Validation has too few images of a class below this share of a stratified choice.
FEW = 0.25
MOST_NAMED = 10


def class_warnings(config: RunConfig, dataset: Dataset) -> list[str]:
    """One line for each kind of missing class; it begins with the key and its position."""
    return [config.located(text) for text in _warnings(config, dataset)]


def _warnings(config: RunConfig, dataset: Dataset) -> Iterator[str]:
    data, names = config.data, dataset.class_names
    train, validation, test = (
        np.bincount(split.labels[split.indices], minlength=len(names))
        for split in (dataset.train, dataset.validation, dataset.test)
    )
    # Labels of training images may be changed; these are the source's own, of the same images.
    own = dataset.validation.labels
    stored = np.bincount(own, minlength=len(names))
    kept = np.bincount(own[dataset.train.indices], minlength=len(names))
    if data.classes is not None:
        others = np.ones(len(names), bool)
        others[list(data.classes)] = False
        stored[others] = 0
    left = stored - validation  # what training may use, before any limit

    def named(classes: np.ndarray) -> str:
        return _named([names[label] for label in np.flatnonzero(classes)])

    if (alone := (test > 0) & (stored == 0)).any():
        yield (
            f"data.path: only the test images hold {named(alone)}; the network is never trained on "
            "what it is tested on there"
        )
    if (changed := (train == 0) & (kept > 0)).any():
        key = "shuffle_labels" if data.label_noise == 0 else "label_noise"
        yield (
            f"data.{key}: no training image keeps a label of {named(changed)}; train on more images"
        )
    if (cut := (kept == 0) & (left > 0)).any():
        yield (
            f"data.train_limit: the first {data.train_limit:,} training images hold none of "
            f"{named(cut)}; raise it, or limit each class by data.per_class_limit"
        )
    if len(dataset.validation):
        share = validation.sum() * stored / stored.sum()
        lacking = {
            "none": (stored > 0) & (validation == 0),
            "few": (validation > 0) & (validation < FEW * share),
            "all": (stored > 0) & (left == 0),
        }
        told = [f"{how} of {named(classes)}" for how, classes in lacking.items() if classes.any()]
        if told:
            yield (
                f"data.validation: its {len(dataset.validation):,} images hold {'; '.join(told)}: "
                "its metrics are unreliable; "
                f"{_advice(data.validation_choice, value_as_yaml(data.validation_images))}"
            )
    if (untested := (stored > 0) & (test == 0)).any():
        yield (
            f"data.path: no test image is of {named(untested)}, so the test metrics do not cover "
            "them"
        )


def _advice(choice: str, images: str) -> str:
    if choice == "stratified":
        return "set aside more images"
    return f"set it to {{images: {images}, choose: stratified}}"


def _named(names: Sequence[str]) -> str:
    """`class 3`, `classes 0, 1, 2`, `classes 0, 1 … and 7 more`."""
    shown = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{'class' if len(names) == 1 else 'classes'} {shown}{more}"

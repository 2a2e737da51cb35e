"""Layers with many dead or saturated units."""

from collections.abc import Iterator

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.findings import Finding
from mnistlab.support.text_format import percent
from mnistlab.training.statistics import SAMPLE_IMAGES

MANY = 0.3  # of a layer; at least this share is reported
UNITS = {"dense": "units", "conv": "filters"}
SATURATING = ("sigmoid", "tanh")


def find(run: Artefacts) -> Iterator[str]:
    rows = run.layers
    last = max(row.epoch for row in rows)
    images = min(SAMPLE_IMAGES, run.facts.dataset.images.train)
    for row in rows:
        share = row.inactive_share
        if row.epoch != last or share is None or share < MANY:
            continue
        if _activation(run, row.layer).startswith(SATURATING):
            yield (
                f"{percent(share)} of the activations of {row.layer} are saturated: almost no "
                "gradient passes them. Try a smaller optimizer.lr, or smaller initial weights."
            )
        else:
            yield (
                f"{percent(share)} of the {_units(run, row.layer)} of {row.layer} look dead: each "
                f"gives the same output for all of the first {images:,} training images. One that "
                "does so for every image gets no gradient. Try a smaller optimizer.lr, or "
                "leaky_relu."
            )


def _activation(run: Artefacts, layer: str) -> str:
    """The name of the activation after a layer; empty if there is none."""
    names = [one.name for one in run.facts.layers]
    behind = run.facts.layers[names.index(layer) + 1 :]
    return next((one.name for one in behind if one.kind == "activation"), "")


def _units(run: Artefacts, layer: str) -> str:
    """What a layer is made of, in words."""
    (kind,) = (one.kind for one in run.facts.layers if one.name == layer)
    return UNITS[kind]


FINDING = Finding(order=40, find=find)

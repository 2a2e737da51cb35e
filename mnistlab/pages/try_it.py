"""The section "Try it" of a run's page: its network answers there, with no server.

The page gets the layers, the tensors, some images and the scripts. The forward pass is JavaScript
beside each block (`blocks/javascript.py`); the preparation of a drawing is `photo/prepare.js` and
`data/preparation.js`, beside the Python that `predict` uses.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.javascript import forward_in_javascript
from mnistlab.blocks.layers import LayerBlock
from mnistlab.data.preparation import pixel_order
from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.experiment.model import Model
from mnistlab.experiment.snapshots import other_weights, snapshot_tensors, snapshots_of
from mnistlab.figures import style
from mnistlab.pages.try_it_pictures import pictures_of
from mnistlab.pages.try_it_values import KINDS, ROUNDED_TO, PackedValues, rounded, text_size
from mnistlab.photo.prepare import SIDE
from mnistlab.runtime.program import LayerSpec
from mnistlab.support.errors import LackingError, MnistlabError, UsageError
from mnistlab.support.text_format import human_bytes, in_print, percent

# The scripts that are the same for every network, in this order.
SHARED = (
    *("data/preparation.js", "photo/ink.js", "photo/prepare.js"),
    *(
        f"pages/templates/try_it/{name}.js"
        for name in (
            *("colours", "network", "mosaic", "paper", "drawing"),
            *("layers", "sums", "inspector", "page"),
        )
    ),
)
MOST_BYTES = 4_000_000  # of a page
# Room on the page for the scripts, the images and what is not a figure.
RESERVED = 300_000
MOST_EPOCHS = 12  # if a run kept more snapshots, this many are on the page, evenly spaced
COLOURS = 33  # support points of the scale of signed values


@dataclass(frozen=True)
class TryIt:
    """What the section's template needs: facts as JSON, arrays as text, the source of all scripts,
    and sentences on what is rounded or missing.
    """

    facts: str
    arrays: str
    script: str
    notes: list[str]
    as_mnist: bool  # whether a drawing is prepared as MNIST's images were
    epochs: int  # the number of snapshots
    knows_mistakes: bool  # whether the run has predictions of the images to pick


def try_it(run: Artefacts, most_bytes: int | None = None) -> TryIt:
    """The section for a run's network, in at most about `most_bytes` of the page.

    Raises LackingError if the network cannot answer on a page, or the error of a damaged file.
    """
    run.refuse_untrained()
    model = run.model
    for name, tensor in model.tensors.items():
        if not np.isfinite(tensor).all():
            raise LackingError(f"{name} has values that are not finite")
    script = script_of(model)
    kind = _kind(model.tensors, most_bytes)
    values, notes = PackedValues(), []
    facts = {
        **network_facts(model, kind, values),
        "part": PART_NAMES[run.part].removesuffix("s"),
        "colours": _colours(),
    }
    if kind != "float32":
        notes.append(_loss_of_rounding(run, kind, "The weights on this page are"))
    elif model.config.training.dtype == "float64":
        notes.append("The weights on this page are rounded from float64 to float32.")
    try:
        facts["pictures"] = pictures_of(run, values)
    except MnistlabError as error:
        facts["pictures"] = None
        notes.append(f"There are no images of the dataset to pick: {error}.")
    left = None if most_bytes is None else most_bytes - text_size(model.tensors, kind)
    facts["epochs"], said = _epochs(run, left, values)
    return TryIt(
        facts=json.dumps(facts, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        arrays=values.text,
        script=script,
        notes=[*notes, *said],
        as_mnist=facts["asMnist"],
        epochs=len(facts["epochs"]),
        knows_mistakes=bool(facts["pictures"] and facts["pictures"]["predicted"]),
    )


Layer = tuple[LayerBlock | ActivationBlock, LayerSpec]


def _layers(model: Model) -> list[Layer]:
    """The layers that compute something, to the output activation, with their shapes."""
    of_model = model.config.model
    blocks = [one for one in of_model.layers_for(len(model.class_names)) if not one.does_nothing]
    specs = [spec for spec in model.inference.program.layers if spec.kind != "flatten"]
    return list(zip([*blocks, of_model.output_activation], specs, strict=True))


def _function(block: LayerBlock | ActivationBlock) -> Any:
    """The block whose function computes a layer: of an activation layer, the activation."""
    return getattr(block, "activation", block)


def network_facts(model: Model, kind: str, values: PackedValues) -> dict[str, Any]:
    """What a page needs to know of a network; its tensors, rounded to `kind`, go to `values`."""
    return {
        **_image_facts(model, values),
        "classes": model.class_names,
        "probabilities": model.gives_probabilities,
        "layers": [_layer_facts(block, spec) for block, spec in _layers(model)],
        "tensors": _packed(model, model.tensors, kind, values),
    }


def script_of(*models: Model) -> str:
    """All scripts in one, the functions of the networks' blocks first; each only once.

    Raises LackingError if a block has no function in JavaScript.
    """
    functions = {}
    for block, _ in (layer for model in models for layer in _layers(model)):
        function = _function(block)
        functions[function.type] = forward_in_javascript(function)
    known = f"const FORWARD = {{ {', '.join(functions)} }};"
    package = files("mnistlab")
    parts = [
        *functions.values(),
        known,
        *(package.joinpath(*path.split("/")).read_text("utf-8") for path in SHARED),
    ]
    return "\n".join(parts)


def _layer_facts(block: LayerBlock | ActivationBlock, spec: LayerSpec) -> dict[str, Any]:
    """A layer for the page: its function, its name, its keys, its shapes."""
    function = _function(block)
    if isinstance(function, ActivationBlock):
        settings = {name: getattr(function, name) for name in function.parameter_names}
    else:
        found = function.model_dump(mode="json")[function.type]
        settings = found if isinstance(found, dict) else {function.type: found}
    return {
        "type": function.type,
        "kind": spec.kind,
        "name": spec.name,
        "settings": settings,
        "input": list(spec.input_shape),
        "output": list(spec.output_shape),
    }


def _image_facts(model: Model, values: PackedValues) -> dict[str, Any]:
    """The size and scale of images, and how a drawing is prepared."""
    preparation = model.config.data.preparation
    height, width = model.image_shape
    scale, offset = model.inference.pixel
    seed = preparation.permute_pixels
    order = None if seed is None else pixel_order(seed, height * width).astype(np.int32)
    return {
        "image": [height, width],
        "scale": scale,
        "offset": offset,
        # `predict` prepares a picture as MNIST's were; if images have another size, a drawing is
        # an image of that size, as `predict --raw` takes it.
        "asMnist": preparation.of_pictures.shape(SIDE, SIDE) == (height, width),
        "deskew": preparation.deskew,
        "resize": preparation.resize,
        "order": None if order is None else values.add(order),
    }


def _colours() -> list[str]:
    """The figures' scale of signed values: blue below zero, white at zero, red above."""
    points = matplotlib.colormaps[style.SIGNED](np.linspace(0, 1, COLOURS))
    return [to_hex(point) for point in points]


def _usable(tensors: Mapping[str, np.ndarray], kind: str) -> bool:
    """Whether a kind can represent the tensors: float16 ends at 65,504."""
    largest = max(float(np.abs(tensor).max(initial=0)) for tensor in tensors.values())
    return kind != "float16" or largest < float(np.finfo(np.float16).max)


def _kind(tensors: Mapping[str, np.ndarray], most_bytes: int | None) -> str:
    """The most exact kind in which the tensors fit; raises LackingError if none does."""
    for kind in KINDS:
        fits = most_bytes is None or text_size(tensors, kind) <= most_bytes
        if fits and _usable(tensors, kind):
            return kind
    raise LackingError(
        f"its weights need {human_bytes(text_size(tensors, KINDS[-1]))} even with 8 bits each, "
        f"and {human_bytes(max(most_bytes or 0, 0))} are left for them; `mnistlab view` shows a "
        "network of any size"
    )


def _packed(
    model: Model, tensors: Mapping[str, np.ndarray], kind: str, values: PackedValues
) -> dict[str, dict[str, Any]]:
    """The tensors by layer and by what they are to it."""
    found: dict[str, dict[str, Any]] = {}
    for spec in model.inference.program.tensors:
        packed = values.add_tensor(tensors[spec.name].reshape(spec.shape), kind)
        found.setdefault(spec.layer, {})[spec.kind] = packed
    return found


def _loss_of_rounding(run: Artefacts, kind: str, what: str) -> str:
    """A sentence: what is rounded, and the accuracy of the network with rounded weights."""
    words = f"{what} rounded to {ROUNDED_TO[kind]}"
    model = run.model
    try:
        split = run.split
        before = model.evaluate(split).accuracy
    except MnistlabError as error:
        return f"{words}; the effect on the accuracy was not measured: {error}."
    with other_weights(model, {n: rounded(one, kind) for n, one in model.tensors.items()}):
        after = model.evaluate(split).accuracy
    accuracies = " and ".join(in_print(percent(value)) for value in (before, after))
    return (
        f"{words}: the accuracy of the final network on {len(split):,} {PART_NAMES[run.part]} is "
        f"{accuracies} before and after rounding."
    )


def _epochs(
    run: Artefacts, most_bytes: int | None, values: PackedValues
) -> tuple[list[dict[str, Any]], list[str]]:
    """The run's snapshots, as many as fit, and sentences on them."""
    kept = list(snapshots_of(run).items())
    shown = style.spread(kept, MOST_EPOCHS)
    if len(shown) < 2:
        return [], []
    model, ours = run.model, run.model.tensors
    for kind in KINDS:
        each = text_size(ours, kind)
        if most_bytes is None or each * len(shown) <= most_bytes:
            break
    else:
        fit = max(most_bytes or 0, 0) // each
        if fit < 2:
            return [], ["The weights of earlier epochs do not fit into this page."]
        shown = style.spread(kept, fit)
    found, notes = [], []
    for epoch, name in shown:
        try:
            tensors = snapshot_tensors(run, name)
        except UsageError as error:
            notes.append(f"The weights of {name} are left out: {error}.")
            continue
        if _usable(tensors, kind) and all(np.isfinite(one).all() for one in tensors.values()):
            found.append({"epoch": epoch, "tensors": _packed(model, tensors, kind, values)})
        else:
            notes.append(f"The weights of {name} are left out: some are too large or no numbers.")
    if kind != "float32":
        notes.append(_loss_of_rounding(run, kind, "The weights of earlier epochs are"))
    if len(shown) < len(kept):
        notes.append(f"{len(shown)} of {len(kept)} snapshots are on this page.")
    return found, notes

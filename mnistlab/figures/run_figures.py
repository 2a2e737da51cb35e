"""Each figure of a run, from the run's artefacts."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import calibration as calibrations
from mnistlab.figures import confusion, layers, learning_curves, pictures, style, weights
from mnistlab.figures.embedding import embedding_map
from mnistlab.figures.feature_maps import feature_maps
from mnistlab.figures.layer_sheet import LAYERS, LayerImages, layer_sheet
from mnistlab.figures.pictures import Confusion, Read
from mnistlab.figures.saliency import against_the_others, saliency
from mnistlab.figures.weight_distributions import weight_distributions
from mnistlab.store.embedding import IMAGES, kept_embedding
from mnistlab.support.errors import LackingError

PICTURES = 30  # of mistakes, and of images at random
PAIRS, PAIR_PICTURES = 5, 7
FEATURE_IMAGES = 4
SALIENCY_IMAGES = 10
SHEET_IMAGES = 500
CONVOLUTIONS = 8  # of more, so many are drawn


def draw_learning_curves(run: Artefacts) -> Figure:
    reference = run.config.reference.model_dump() if run.config.reference else None
    return learning_curves.learning_curves(run.evaluations, run.config.name, reference)


def draw_weights(run: Artefacts) -> Figure:
    """Of the layers nearest the image: each class's, each unit's, or every convolution's."""
    tensors = run.model.tensors
    convolutions = [name for name, tensor in _weights(tensors).items() if tensor.ndim == 4]
    if convolutions:
        shown_layers = style.spread(convolutions, CONVOLUTIONS)
        filters = {name: tensors[f"{name}.weight"] for name in shown_layers}
        return weights.filters(filters, label(run))
    (layer, seen), *_ = run.weighed_layers
    units = tensors[f"{layer}.weight"].T.reshape(-1, *seen[1:])
    if layer != _output_layer(run):
        return weights.unit_weights(units, label(run))
    shown = _kept_classes(run)
    heading, names = "What each class looks for", [run.class_names[i] for i in shown]
    note = f"The weight of each pixel for each class. {weights.SIGNS}."
    return weights.class_weights(units[shown], names, heading, note, label(run))


def draw_output_weights(run: Artefacts) -> Figure:
    """Of the output layer, where what it sees can be laid out as a square."""
    layer = _output_layer(run)
    weight = run.model.tensors[f"{layer}.weight"]
    if len(run.weighed_layers) < 2:
        raise LackingError("it has no hidden layer")
    side = round(weight.shape[0] ** 0.5)
    if side * side != weight.shape[0]:
        raise LackingError(f"{layer} sees {weight.shape[0]:,} values, which make no square")
    shown = _kept_classes(run)
    images = weight.T.reshape(-1, side, side)[shown]
    heading = "What each class makes of the last hidden layer"
    note = (
        f"{layer}: a field for each of the {weight.shape[0]:,} values that it sees, at the same "
        "place in each class. Red speaks for the class, blue against it."
    )
    names = [run.class_names[i] for i in shown]
    return weights.class_weights(images, names, heading, note, label(run))


def draw_weight_distributions(run: Artefacts) -> Figure:
    now, start = _weights(run.model.tensors), _weights(run.initial_tensors)
    _refuse_no_numbers(now)
    return weight_distributions(now, start, label(run))


def _refuse_no_numbers(values: Mapping[str, np.ndarray]) -> None:
    """Raise LackingError where weights or activations, by their layer, have no finite range."""
    for layer, array in values.items():
        if not np.isfinite(array).all():
            raise LackingError(f"{layer} has weights or activations that are no finite numbers")


def draw_layer_statistics(run: Artefacts) -> Figure:
    return layers.layer_statistics(run.layers, run.config.name)


def draw_layer_sheet(run: Artefacts) -> Figure:
    chosen = run.weighed_layers
    if len(chosen) > LAYERS:
        chosen = [*chosen[: LAYERS - 1], chosen[-1]]
    images = run.split.images[run.split.indices[:SHEET_IMAGES]]
    said = run.model.activations(images, [name for name, _ in chosen])
    shown = [
        LayerImages(
            name=name,
            input_shape=seen,
            activations=said[name],
            weights=run.model.tensors[f"{name}.weight"],
            start=run.initial_tensors[f"{name}.weight"],
        )
        for name, seen in chosen
    ]
    _refuse_no_numbers({layer.name: layer.activations for layer in shown})
    _refuse_no_numbers({layer.name: layer.weights for layer in shown})
    of = PART_NAMES[run.part]
    return layer_sheet(shown, run.metrics, run.layers, of, label(run))


def draw_confusion_matrix(run: Artefacts) -> Figure:
    shown = _seen_classes(run)
    counts = _counts(run)[np.ix_(shown, shown)]
    names = [run.class_names[i] for i in shown]
    return confusion.confusion_matrix(counts, names, PART_NAMES[run.part], label(run))


def draw_confused_pairs(run: Artefacts) -> Figure:
    counts = _counts(run)
    pairs = confusion.most_confused(counts, PAIRS)
    if not pairs:
        raise LackingError(f"not one of its {PART_NAMES[run.part]} was read wrongly")
    wrong = _most_confident_mistakes(run)
    found = run.predictions
    shown = []
    for truth, said in pairs:
        mine = [i for i in wrong if (found.labels[i], found.predicted[i]) == (truth, said)]
        names = run.class_names
        reads = list(_reads(run, mine[:PAIR_PICTURES]))
        count, of = int(counts[truth, said]), int(counts[truth].sum())
        shown.append(Confusion(names[truth], names[said], count, of, reads))
    note = (
        f"{PART_NAMES[run.part].capitalize()}, the pairs of classes with most mistakes; under each "
        "picture how sure the network was, the surest first."
    )
    return pictures.confused_pairs(shown, note, label(run))


def draw_mistakes(run: Artefacts) -> Figure:
    wrong = _most_confident_mistakes(run)
    if not len(wrong):
        raise LackingError(f"not one of its {PART_NAMES[run.part]} was read wrongly")
    shown = wrong[:PICTURES]
    which = f"The {len(shown)} of {len(wrong):,} mistakes" if len(shown) < len(wrong) else "All"
    if len(shown) == len(wrong):
        which = f"All {len(wrong)} mistakes" if len(wrong) > 1 else "The one mistake"
    total = len(run.predictions.labels)
    note = f"{which} among {total:,} {PART_NAMES[run.part]} of which the network was surest."
    if len(shown) == len(wrong):
        note = f"{which} among {total:,} {PART_NAMES[run.part]}, the surest first."
    reads = list(_reads(run, shown))
    return pictures.read_images(reads, "The most confident mistakes", note, label(run))


def draw_samples(run: Artefacts) -> Figure:
    total = len(run.predictions.labels)
    stream = np.random.Generator(np.random.Philox(run.config.seed))
    chosen = np.sort(stream.choice(total, min(PICTURES, total), replace=False))
    reads = list(_reads(run, chosen))
    right = sum(read.is_right for read in reads)
    note = (
        f"{len(reads)} of {total:,} {PART_NAMES[run.part]} drawn at random, {right} of them read "
        "rightly; under each what it was read as, and how sure the network was."
    )
    return pictures.read_images(reads, "Images at random", note, label(run))


def draw_calibration(run: Artefacts) -> Figure:
    if not _says_probabilities(run):
        raise LackingError(f"its outputs ({_output_activation(run)}) are no probabilities")
    found = run.predictions
    finite = np.isfinite(found.probabilities)
    if not finite.any():
        raise LackingError("its outputs are no numbers")
    is_right = (found.labels == found.predicted)[finite]
    shares = calibrations.calibration(found.probabilities[finite], is_right)
    return calibrations.reliability_diagram(shares, PART_NAMES[run.part], label(run))


def draw_feature_maps(run: Artefacts) -> Figure:
    names = [spec.name for spec in run.model.inference.program.layers if spec.kind == "conv"]
    if not names:
        raise LackingError("it has no convolution")
    names = style.spread(names, CONVOLUTIONS)
    images, labels = _some_of_each(run, FEATURE_IMAGES)
    maps = run.model.activations(images, names)
    classes = [run.class_names[i] for i in labels]
    return feature_maps(images, classes, maps, PART_NAMES[run.part], label(run))


def draw_saliency(run: Artefacts) -> Figure:
    images, labels = _some_of_each(run, SALIENCY_IMAGES)
    outputs = run.model.outputs(images).astype(np.float64)
    if not np.isfinite(outputs).all():
        raise LackingError("its outputs are no numbers")
    classes = sorted({*_kept_classes(run), *outputs.argmax(axis=1).tolist()})
    if len(classes) < 2:
        raise LackingError("it knows a single class")
    count, shape = len(images), images.shape[1:]
    every = np.tile(classes, count)
    gradients = run.model.input_gradient(np.repeat(images, len(classes), axis=0), every)
    gradients = gradients.reshape(count, len(classes), *shape).astype(np.float64)
    if not gradients.any():
        raise LackingError("no pixel changes any of its outputs")
    best = np.argsort(-outputs[:, classes], axis=1, kind="stable")[:, :2]
    shown = np.take_along_axis(against_the_others(gradients), best[:, :, None, None], axis=1)
    reads, second = [], []
    for i, (first, other) in enumerate(np.take(classes, best)):
        truth, name = run.class_names[labels[i]], run.class_names[first]
        reads.append(Read(images[i], truth, name, _said(run, outputs[i, first])))
        second.append((run.class_names[other], _said(run, outputs[i, other])))
    return saliency(reads, second, shown, PART_NAMES[run.part], label(run))


def draw_tsne(run: Artefacts) -> Figure:
    hidden = [spec for spec in run.model.inference.program.layers if spec.kind in LOOKED_INTO][:-1]
    if not hidden:
        raise LackingError("it has no hidden layer")
    split, layer = run.split, hidden[-1].name
    places = np.linspace(0, len(split) - 1, min(IMAGES, len(split))).astype(int)
    chosen = split.indices[places]
    images, labels = np.asarray(split.images[chosen]), np.asarray(split.labels[chosen])
    features = run.model.activations(images, [layer])[layer].reshape(len(images), -1)
    points = kept_embedding(run.run_dir.plots / "tsne.safetensors", features)
    predicted = run.model.outputs(images).argmax(axis=1)
    names = run.class_names
    of = PART_NAMES[run.part]
    return embedding_map(points, labels.astype(np.int64), predicted, names, layer, of, label(run))


LOOKED_INTO = ("conv", "pool", "dense")


def label(run: Artefacts) -> str:
    """The run's name, and where it is not whole, how it stands."""
    status = run.record.status
    if status.finished:
        return run.config.name
    return f"{run.config.name} ({status}; weights of step {run.model.step:,})"


def _weights(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    ending = ".weight"
    return {n.removesuffix(ending): values for n, values in tensors.items() if n.endswith(ending)}


def _output_layer(run: Artefacts) -> str:
    return [s.name for s in run.model.inference.program.layers if s.kind == "dense"][-1]


def _kept_classes(run: Artefacts) -> list[int]:
    """The classes that the run was shown, by number."""
    return sorted(run.config.data.classes or range(len(run.class_names)))


def _seen_classes(run: Artefacts) -> list[int]:
    """The classes that the run was shown, and those that it read all the same."""
    return sorted({*_kept_classes(run), *np.unique(run.predictions.predicted).tolist()})


def _counts(run: Artefacts) -> np.ndarray:
    found = run.predictions
    return confusion.confusion_counts(found.labels, found.predicted, len(run.class_names))


def _most_confident_mistakes(run: Artefacts) -> np.ndarray:
    """The places of the images read wrongly, the surest first."""
    found = run.predictions
    wrong = np.flatnonzero(found.labels != found.predicted)
    sure = np.nan_to_num(found.probabilities[wrong], nan=-np.inf)
    return wrong[np.argsort(-sure, kind="stable")]


def _reads(run: Artefacts, places: Sequence[int] | np.ndarray) -> Iterator[Read]:
    """The images at these places of the predictions, as they were read."""
    split, found, names = run.split, run.predictions, run.class_names
    for place in places:
        image = np.asarray(split.images[split.indices[place]])
        truth, said = names[found.labels[place]], names[found.predicted[place]]
        yield Read(image, truth, said, _said(run, found.probabilities[place]))


def _some_of_each(run: Artefacts, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first image or images of each class, `count` in all at most, and their labels.

    Images uint8 (n, rows, columns), labels int64 (n,), ascending.
    """
    split = run.split
    labels = np.asarray(split.labels[split.indices])
    present = np.unique(labels)[:count]
    each = count // len(present)
    chosen = np.concatenate([np.flatnonzero(labels == k)[:each] for k in present])
    return np.asarray(split.images[split.indices[chosen]]), labels[chosen].astype(np.int64)


def _output_activation(run: Artefacts) -> str:
    return run.config.model.output_activation.type


def _says_probabilities(run: Artefacts) -> bool:
    return _output_activation(run) in ("softmax", "sigmoid")


def _said(run: Artefacts, output: float) -> str:
    """An output in words; what is nearly certain is not rounded up to it."""
    if not np.isfinite(output):
        return "no number"
    if not _says_probabilities(run):
        return f"output {output:.3g}"
    if output >= 0.9995:
        return "> 99.9 %"
    if output < 0.0005:
        return "< 0.1 %"
    return f"{100 * output:.1f} %"

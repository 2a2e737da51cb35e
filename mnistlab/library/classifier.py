"""mnistlab's networks as a scikit-learn classifier."""

import logging
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from numbers import Number
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mnistlab.config import RunConfig, resolved_mapping, run_config_from_mapping
from mnistlab.data import Dataset, Split, scaling
from mnistlab.engine.inference import Inference
from mnistlab.engine.threads import engine_threads
from mnistlab.errors import UsageError
from mnistlab.experiment.fitting import fit, load
from mnistlab.library.images import Images, as_rows, grey_levels, pixel_range, warn_if_lost
from mnistlab.library.training import Config, run_config

logger = logging.getLogger(__name__)

MOST_CLASSES = 256  # labels are bytes to the engine


class Classifier(ClassifierMixin, BaseEstimator):
    """A network for image arrays, trained as a configuration says, without a run folder.

    Parameters
    ----------
    config : a YAML file or a mapping, as `mnistlab.train` takes; None: the defaults. Of its `data`
        `normalize` alone is used: the images are those given to `fit`. Each of the following sets
        one key of it, None leaves it as it is:
    model : softmax, mlp or cnn, or the whole section as a mapping.
    hidden, activation, dropout : of an MLP, `model.hidden` and so on.
    optimizer : sgd, adam, adamw or rmsprop, or the whole section as a mapping.
    lr, l1, l2, epochs, batch_size : `optimizer.lr`, `regularization.l1`, `training.epochs` ...
    random_state : the seed; None: the configuration's, so that two fits are equal, bit for bit.
    validation : a count or share of the images, drawn evenly from the classes, for `history_` and
        `training.early_stopping`.
    image_shape : (height, width) of images given as rows of pixels; None: square if they can be,
        else one row.
    threads : None for as many as there are processors; it changes no bit.

    Attributes
    ----------
    classes_ : the labels, (n_classes,); sorted, or as they first came if they have no order.
    weights_ : every weight and bias by tensor name.
    history_ : a dict per epoch, as the rows of a run's metrics.csv.
    config_ : the complete configuration.
    image_shape_, pixel_range_, n_iter_ : what images are, what is black and white, epochs done.

    Images are (n, height, width) or (n, height * width). The network sees 256 levels of grey: uint8
    is taken as it is; of other numbers the training images' range is divided into 256, from the
    smallest to the largest, which is exact for 8-bit images scaled to 0 ... 1; where it is not
    exact, outliers are no part of it: what is further than 8 standard deviations from the mean.
    What lies beyond the range is cut off at it. Numbers below 0, such as a StandardScaler's, are
    standardized where the configuration says minmax, which would make black of the smallest.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        model: str | Mapping[str, Any] | None = None,
        hidden: Sequence[int] | None = None,
        activation: str | Mapping[str, Any] | None = None,
        dropout: float | None = None,
        optimizer: str | Mapping[str, Any] | None = None,
        lr: float | None = None,
        l1: float | None = None,
        l2: float | None = None,
        epochs: int | None = None,
        batch_size: int | str | None = None,
        random_state: int | np.random.RandomState | None = None,
        validation: float = 0,
        image_shape: tuple[int, int] | None = None,
        threads: int | None = None,
    ) -> None:
        self.config = config
        self.model = model
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.lr = lr
        self.l1 = l1
        self.l2 = l2
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.validation = validation
        self.image_shape = image_shape
        self.threads = threads

    def fit(self, X: npt.ArrayLike, y: Sequence[Hashable] | npt.NDArray[Any]) -> Self:
        """Train anew on images X and labels y, (n,), any hashable objects.

        Raises ValueError for what are no images or labels, and where training diverges;
        ConfigError, UsageError for parameters that are wrong.
        """
        labels: npt.NDArray[Any] = column_or_1d(_as_labels(y), warn=True)
        # Objects need be no numbers, which is all that is checked here.
        numbers = labels if labels.dtype.kind != "O" else np.zeros(len(labels))
        rows: npt.NDArray[Any] = validate_data(self, as_rows(X), numbers)[0]
        config = self._run_config()
        self.classes_, codes = _encoded(labels)
        self.image_shape_ = self._image_shape(rows.shape[1])
        self.pixel_range_ = pixel_range(rows)
        images = self._pixels(rows)
        warn_if_lost(images)
        config = self._normalized(config, images)
        dataset = self._dataset(config, images, codes)
        fitted = fit(config, dataset, threads=self.threads, tell=logger.info)
        self.config_ = resolved_mapping(config)
        self.history_ = [asdict(row) for row in fitted.rows]
        self.n_iter_ = fitted.rows[-1].epoch
        self.weights_ = {name: w.copy() for name, w in fitted.network.tensors.items()}
        self._pixel = (dataset.scale, dataset.offset)
        self._network = fitted.network
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of each image, (n,)."""
        outputs = self._outputs(X)
        return self.classes_[np.argmax(outputs, axis=1)]

    def _gives_probabilities(self) -> bool:
        return self._run_config().model.output_activation.type in ("softmax", "sigmoid")

    @available_if(_gives_probabilities)
    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The probability of each class, (n, n_classes), in the order of `classes_`.

        Outputs of a sigmoid are divided by their sum. Not there with another output activation.
        """
        outputs = self._outputs(X).astype(np.float64)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def _run_config(self) -> RunConfig:
        """The configuration, with what the parameters set; raises ConfigError."""
        mapping = {} if self.config is None else resolved_mapping(run_config(self.config, {}))
        sections = {"model": self.model, "optimizer": self.optimizer}
        types = {f"{k}.type": v for k, v in sections.items() if isinstance(v, str)}
        whole = {k: v for k, v in sections.items() if isinstance(v, Mapping)}
        keys = {
            "model.hidden": self.hidden,
            "model.activation": self.activation,
            "model.dropout": self.dropout,
            "optimizer.lr": self.lr,
            "regularization.l1": self.l1,
            "regularization.l2": self.l2,
            "training.epochs": self.epochs,
            "training.batch_size": self.batch_size,
            "seed": self._seed(),
        }
        for key, kind in types.items():  # another type has other keys
            section = key.partition(".")[0]
            if mapping.get(section, {}).get("type") != kind:
                mapping[section] = {}
        set_here = {key: value for key, value in keys.items() if value is not None}
        return run_config_from_mapping(mapping, {**whole, **types, **set_here}, "Classifier")

    def _seed(self) -> int | None:
        """The seed, drawn where a RandomState is given."""
        if self.random_state is None or isinstance(self.random_state, int | np.integer):
            return None if self.random_state is None else int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _image_shape(self, pixels: int) -> tuple[int, int]:
        side = math.isqrt(pixels)
        height, width = self.image_shape or ((side, side) if side * side == pixels else (1, pixels))
        if height * width != pixels:
            raise ValueError(
                f"image_shape: {height} × {width} are {height * width} pixels, X has {pixels}"
            )
        return height, width

    def _pixels(self, X: npt.NDArray[Any]) -> Images:
        """Rows of numbers (n, pixels) as uint8 images (n, height, width)."""
        levels = grey_levels(X, self.pixel_range_)
        return np.ascontiguousarray(levels).reshape(-1, *self.image_shape_)

    def _normalized(self, config: RunConfig, images: Images) -> RunConfig:
        """The configuration, standardizing where black is not the smallest number."""
        if self.pixel_range_[0] >= 0 or config.data.normalize != "minmax" or not images.any():
            return config
        return run_config_from_mapping(
            resolved_mapping(config), {"data.normalize": "standardize"}, "Classifier"
        )

    def _dataset(self, config: RunConfig, images: Images, codes: npt.NDArray[np.uint8]) -> Dataset:
        """The images as the engine takes them, some of them set aside for validation."""
        train, validation = np.arange(len(images)), np.zeros(0, dtype=np.int64)
        if self.validation:
            train, validation = train_test_split(
                train, test_size=self.validation, stratify=codes, random_state=config.seed % 2**32
            )
        elif config.training.early_stopping and config.training.early_stopping.monitor[:3] == "val":
            raise UsageError(
                "validation: is 0, and training.early_stopping monitors validation images; "
                "set it, such as validation=0.1"
            )
        scale, offset = scaling(config.data.normalize, images, train)
        return Dataset(
            name="arrays",
            sha256="",
            train=Split(images, codes, train),
            validation=Split(images, codes, validation),
            test=Split(images[:0], codes[:0], np.zeros(0, dtype=np.int64)),
            class_names=tuple(map(str, self.classes_)),
            image_shape=self.image_shape_,
            scale=scale,
            offset=offset,
        )

    def _outputs(self, X: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """The network's outputs, (n, n_classes)."""
        check_is_fitted(self)
        rows: npt.NDArray[Any] = validate_data(self, as_rows(X), reset=False)
        with engine_threads(self.threads):
            return self._trained().outputs(self._pixels(rows))

    def _trained(self) -> Inference:
        """The network; made again after a copy or a pickle, as addresses of code are no data."""
        if not hasattr(self, "_network"):
            config = run_config_from_mapping(self.config_)
            shape, classes = self.image_shape_, len(self.classes_)
            self._network = load(config, shape, classes, self._pixel, self.weights_)
        return self._network

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_network"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _as_labels(y: Any) -> Any:
    """Labels as one column of what they are: numpy would make columns of tuples, and strings of
    numbers that stand beside strings.
    """
    if not isinstance(y, Sequence) or not all(isinstance(label, Hashable) for label in y):
        return y
    for kind in (str, Number | np.generic):
        if all(isinstance(label, kind) for label in y):
            return y
    labels = np.empty(len(y), dtype=object)
    labels[:] = y
    return labels


def _encoded(y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """The distinct labels, (classes,), and which of them each label is, uint8 (n,)."""
    if y.dtype.kind != "O":
        check_classification_targets(y)
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError:  # of kinds that have no order among them
        places = {label: place for place, label in enumerate(dict.fromkeys(y.tolist()))}
        classes = np.empty(len(places), dtype=object)
        classes[:] = list(places)
        codes = np.array([places[label] for label in y.tolist()])
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"y: found {len(classes)} class(es), expected 2 to {MOST_CLASSES} classes")
    return classes, codes.astype(np.uint8)

"""mnistlab's networks as a scikit-learn classifier."""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import asdict
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import log_expit, log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from mnistlab.blocks.activations.sigmoid import Sigmoid
from mnistlab.config import RunConfig, resolved_mapping, run_config_from_mapping
from mnistlab.data import Dataset
from mnistlab.experiment.fit_in_memory import Fitted, fit, fit_epoch, load
from mnistlab.python.array_dataset import array_dataset
from mnistlab.python.estimator_config import (
    estimator_config,
    refuse_arguments,
    refuse_changed_labels,
    refuse_whole_run_schedule,
)
from mnistlab.python.images import (
    Images,
    as_rows,
    grey_levels,
    pixel_range,
    refuse_other_shape,
    shape_of_rows,
    warn_if_lost,
)
from mnistlab.python.labels import codes_of, encoded, label_column
from mnistlab.python.training import Config
from mnistlab.runtime.threads import engine_threads
from mnistlab.support.errors import UsageError
from mnistlab.training.inference import Inference

logger = logging.getLogger(__name__)

# Far below float64's largest number, so that the difference of two is finite.
LARGEST = 1e300
FITTED = "the classifier was fitted with"


class Classifier(ClassifierMixin, BaseEstimator):
    """A network for image arrays, trained as a configuration says, without a run folder.

    Parameters
    ----------
    config : a YAML file or a mapping, as for `mnistlab.train`; None: the defaults. Of its `data`,
        the keys that change images are used; see docs/python.md. The images are those given to
        `fit`. Each of the following sets one key of it; None leaves the key unchanged:
    model : softmax, mlp or cnn, or the whole section as a mapping.
    hidden, activation, dropout : of an MLP, `model.hidden` and so on.
    optimizer : sgd, adam, adamw or rmsprop, or the whole section as a mapping.
    lr, l1, l2, epochs, batch_size : `optimizer.lr`, `regularization.l1`, `training.epochs` ...
    random_state : the seed; None: the configuration's, so that two fits are equal, bit for bit.
    validation : a count or share of the images, stratified by class, for `history_` and
        `training.early_stopping`.
    image_shape : (height, width) of images given as rows of pixels; None: square if possible,
        else one row.
    threads : None for the number of processors; it changes no bit.

    Attributes
    ----------
    classes_ : the labels, (n_classes,); sorted, or in order of appearance if they have no order.
    weights_ : every weight and bias by tensor name.
    history_ : a dict per epoch, like the rows of a run's metrics.csv.
    config_ : the complete configuration.
    image_shape_, pixel_range_, n_iter_ : (height, width), the numbers for black and white, the
        number of complete epochs.

    Images are (n, height, width) or (n, height * width). The network's input has 256 levels of
    grey. uint8 is used unchanged. For other numbers, the range of the training images is divided
    into 256 levels, from the smallest to the largest; this is exact for 8-bit images scaled to
    0 ... 1. If it is not exact, outliers (more than 8 standard deviations from the mean) are not
    part of the range. Numbers beyond the range are clipped. If there are numbers below 0, such as a
    StandardScaler's, `standardize` replaces `minmax`, which would make the smallest number black.
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

    def fit(
        self, X: npt.ArrayLike, y: Sequence[Hashable] | npt.NDArray[Any], **unsupported: Any
    ) -> Self:
        """Train from the beginning on images X and labels y, (n,), any hashable objects.

        Raises ValueError if X or y is no array of images or labels, and if training diverges;
        ConfigError or UsageError for wrong parameters; TypeError for `sample_weight`.
        """
        refuse_arguments("fit", unsupported)
        rows, labels, shape = self._validated(X, y, first=True)
        classes, codes = encoded(labels)
        config, images = self._begin(rows, classes, shape)
        early, rule = config.training.early_stopping, config.lr_schedule.fall_rule()
        for key, one in (("training.early_stopping", early), ("lr_schedule", rule)):
            if not self.validation and one is not None and one.monitor.startswith("val"):
                raise UsageError(
                    f"validation: is 0, and {key} monitors validation images; "
                    "set it, such as validation=0.1"
                )
        dataset = array_dataset(config, images, codes, classes, validation=self.validation)
        self._keep(config, dataset, fit(config, dataset, threads=self.threads, tell=logger.info))
        return self

    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: Sequence[Hashable] | npt.NDArray[Any],
        classes: Sequence[Hashable] | Set[Hashable] | npt.NDArray[Any] | None = None,
        **unsupported: Any,
    ) -> Self:
        """Train one more epoch on these images only; the weights and the optimizer's state are
        kept.

        The first call needs `classes`, all labels that will occur; its images determine
        `pixel_range_` and the normalisation. `epochs`, `validation` and early stopping are ignored.
        Raises as `fit`; ValueError for a label that is not in `classes`; UsageError for a
        learning-rate schedule over the whole run, whose length is unknown.
        """
        refuse_arguments("partial_fit", unsupported)
        first = not hasattr(self, "weights_")
        if first and classes is None:
            raise ValueError("classes: the first call of partial_fit needs them: all labels of y")
        if isinstance(classes, Set):
            classes = list(classes)
        known = encoded(label_column(classes))[0] if classes is not None else self.classes_
        if not first and known.tolist() != self.classes_.tolist():
            raise ValueError(
                f"classes: {known.tolist()} are not those of the call before, "
                f"{self.classes_.tolist()}"
            )
        rows, labels, shape = self._validated(X, y, first)
        codes = codes_of(labels, known)
        if first:
            config, images = self._begin(rows, known, shape)
        else:
            config, images = run_config_from_mapping(self.config_), self._pixels(rows)
        refuse_whole_run_schedule(config)
        pixel = None if first else self._pixel
        dataset = array_dataset(config, images, codes, known, pixel=pixel)
        before = None if first else (self.weights_, self._state)
        fitted = fit_epoch(config, dataset, before, threads=self.threads, tell=logger.info)
        self._keep(config, dataset, fitted, [] if first else self.history_)
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of each image, (n,)."""
        gives = self._gives_probabilities()
        values = self.predict_log_proba(X) if gives else self._answer(X, Inference.outputs)
        return self.classes_[np.argmax(values, axis=1)]

    def _gives_probabilities(self) -> bool:
        fitted = hasattr(self, "config_")
        config = run_config_from_mapping(self.config_) if fitted else self._run_config()
        return config.model.output_activation.type in ("softmax", "sigmoid")

    @available_if(_gives_probabilities)
    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The probability of each class, (n, n_classes), in the order of `classes_`.

        Sigmoid outputs are divided by their sum. Not available with other output activations.
        """
        return np.exp(self.predict_log_proba(X))

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The logarithm of `predict_proba`, finite even where a probability rounds to 0."""
        logits = self._answer(X, Inference.logits).astype(np.float64)
        output = run_config_from_mapping(self.config_).model.output_activation
        if isinstance(output, Sigmoid):
            logits = log_expit(_finite(output.k * logits))
        return log_softmax(_finite(logits), axis=1)

    def _validated(
        self, X: npt.ArrayLike, y: Any, first: bool
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any], tuple[int, int] | None]:
        """Images as rows (n, pixels), labels (n,), and the (height, width) of images that were no
        rows; if not `first`, they must be of the same size as before.
        """
        labels = label_column(y)
        # Objects need not be numbers; only finite numbers are checked here.
        numbers = labels if labels.dtype.kind != "O" else np.zeros(len(labels))
        rows, shape = as_rows(X)
        valid = validate_data(self, rows, numbers, reset=first)[0]
        if not first:
            refuse_other_shape(shape, self.image_shape_, FITTED)
        return valid, labels, shape

    def _begin(
        self, rows: npt.NDArray[Any], classes: npt.NDArray[Any], shape: tuple[int, int] | None
    ) -> tuple[RunConfig, Images]:
        """Set what all later images share from the first ones; returns the configuration and the
        images.
        """
        config = self._run_config()
        refuse_changed_labels(config)
        self._preparation = config.data.preparation
        self.classes_ = classes
        self.image_shape_ = shape_of_rows(rows.shape[1], self.image_shape, shape)
        self.pixel_range_ = pixel_range(rows)
        images = self._pixels(rows)
        warn_if_lost(images)
        if self.pixel_range_[0] < 0 and config.data.normalize == "minmax" and images.any():
            mapping, standardized = resolved_mapping(config), {"data.normalize": "standardize"}
            config = run_config_from_mapping(mapping, standardized, "Classifier")
        return config, images

    def _keep(
        self, config: RunConfig, dataset: Dataset, fitted: Fitted, history: Sequence[Any] = ()
    ) -> None:
        """Keep the trained network, and append its rows to `history`."""
        self.config_ = resolved_mapping(config)
        rows = [asdict(row) for row in fitted.rows]
        # Calls with different numbers of images have epochs of different lengths, so steps are
        # counted.
        again = [{**row, "epoch": len(history) + n} for n, row in enumerate(rows, 1)]
        self.history_ = [*history, *again]
        self.n_iter_: int = fitted.epochs + (self.n_iter_ if history else 0)
        self.weights_ = {name: w.copy() for name, w in fitted.network.tensors.items()}
        self._pixel = (dataset.scale, dataset.offset)
        self._network = fitted.network
        self._state = fitted.state

    def _run_config(self) -> RunConfig:
        """The configuration with the parameters set; raises ConfigError."""
        return estimator_config(self)

    def _pixels(self, X: npt.NDArray[Any]) -> Images:
        """Rows of numbers (n, pixels) as uint8 images (n, height, width), prepared."""
        levels = grey_levels(X, self.pixel_range_)
        images = np.ascontiguousarray(levels).reshape(-1, *self.image_shape_)
        return self._preparation(images)

    def _answer(
        self, X: npt.ArrayLike, ask: Callable[[Inference, Images], npt.NDArray[np.floating]]
    ) -> npt.NDArray[np.floating]:
        """The network's results of `ask` for images, (n, n_classes)."""
        check_is_fitted(self)
        given, shape = as_rows(X)
        rows: npt.NDArray[Any] = validate_data(self, given, reset=False)
        refuse_other_shape(shape, self.image_shape_, FITTED)
        with engine_threads(self.threads):
            return ask(self._trained(), self._pixels(rows))

    def _trained(self) -> Inference:
        """The network; rebuilt after a copy or a pickle, because addresses of code cannot be
        copied.
        """
        if not hasattr(self, "_network"):
            config = run_config_from_mapping(self.config_)
            shape, classes = self._preparation.shape(*self.image_shape_), len(self.classes_)
            self._network = load(config, shape, classes, self._pixel, self.weights_)
        return self._network

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_network"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _finite(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values with the largest number in place of infinity, so that differences are not NaN."""
    return np.clip(values, -LARGEST, LARGEST)

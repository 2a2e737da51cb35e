import math
import pickle

import numpy as np
import pytest
from library_helpers import FAST, TINY
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import mnistlab
from mnistlab.support.errors import UsageError


def same(one, other):
    return all(np.array_equal(one.weights_[name], other.weights_[name]) for name in one.weights_)


def test_it_learns(images, digits):
    classifier = mnistlab.Classifier(hidden=[32], lr=0.2, epochs=20).fit(*images)
    assert classifier.score(digits.test_images, digits.test_labels) > 0.7
    assert [row["epoch"] for row in classifier.history_] == list(range(1, 21))
    assert classifier.history_[-1]["train_accuracy"] > 0.95


def test_it_trains_the_same_bits_as_a_run_on_the_same_images(home, digits):
    config = {**TINY, "data": {"source": "digits", "train_limit": 60, "validation": 0}}
    run = mnistlab.train(config, plots=False, quiet=True)
    classifier = mnistlab.Classifier(config).fit(digits.train_images[:60], digits.train_labels[:60])
    assert run.weights.keys() == classifier.weights_.keys()
    assert all(np.array_equal(w, classifier.weights_[name]) for name, w in run.weights.items())
    assert np.array_equal(run.predict(digits.test_images), classifier.predict(digits.test_images))


PREPARED = {
    "augment": {"augment": [{"shift": 2}]},
    "resize": {"resize": [14, 12]},
    "transpose, invert": {"transpose": True, "invert": True},
    "deskew, permute_pixels": {"deskew": True, "permute_pixels": 3},
}


@pytest.mark.parametrize("keys", PREPARED.values(), ids=PREPARED)
def test_it_changes_images_as_a_run_does(home, digits, keys):
    config = {**TINY, "data": {"source": "digits", "train_limit": 60, "validation": 0, **keys}}
    run = mnistlab.train(config, plots=False, quiet=True)
    classifier = mnistlab.Classifier(config).fit(digits.train_images[:60], digits.train_labels[:60])
    assert all(np.array_equal(w, classifier.weights_[name]) for name, w in run.weights.items())
    for one in (classifier, pickle.loads(pickle.dumps(classifier))):
        assert np.array_equal(run.predict(digits.test_images), one.predict(digits.test_images))


def test_images_may_be_rows_and_fractions_of_one_without_a_bit_of_difference(images):
    X, y = images
    first = mnistlab.Classifier(**FAST).fit(X, y)
    for given in (X.reshape(200, -1), X / 255, (X / 255).astype(np.float32), X.astype(float)):
        other = mnistlab.Classifier(**FAST).fit(given, y)
        assert same(first, other)
        assert other.image_shape_ == (28, 28)
        assert np.array_equal(first.predict(X), other.predict(given))


@pytest.mark.parametrize("shape", [(14, 28), (28, 7), (7, 28)])
def test_images_that_are_not_square_keep_their_height_and_width(images, shape):
    X, y = images
    given = X[:, : shape[0], : shape[1]]
    classifier = mnistlab.Classifier(model="cnn", epochs=1).fit(given, y)
    assert classifier.image_shape_ == shape
    rows = mnistlab.Classifier(model="cnn", epochs=1, image_shape=shape)
    assert same(classifier, rows.fit(given.reshape(len(X), -1), y))
    turned = rf"found images of {shape[1]} × {shape[0]} pixels; .*fitted with {shape[0]} × "
    for call in (classifier.predict, lambda other: classifier.partial_fit(other, y)):
        with pytest.raises(ValueError, match=turned):
            call(given.transpose(0, 2, 1))


def test_values_beyond_the_training_images_range_are_clipped(images):
    X, y = images
    classifier = mnistlab.Classifier(**FAST).fit(X / 255, y)
    assert np.array_equal(classifier.predict(X / 255), classifier.predict(X / 255 * 1.0 + 0.0))
    over = np.where(X == 255, 9.0, np.where(X == 0, -9.0, X / 255))
    assert np.array_equal(classifier.predict_proba(over), classifier.predict_proba(X / 255))


@pytest.mark.parametrize(
    "named",
    [
        lambda label: f"digit {label}",
        lambda label: float(label),
        lambda label: ("digit", label),
        lambda label: label if label % 2 else str(label),  # of kinds without an order
        lambda label: label > 4,
    ],
)
def test_labels_may_be_any_hashable_objects(images, named):
    X, y = images
    labels = [named(int(label)) for label in y]
    classifier = mnistlab.Classifier(hidden=[32], lr=0.2, epochs=20).fit(X, labels)
    predicted = classifier.predict(X).tolist()
    assert sum(a == b for a, b in zip(predicted, labels, strict=True)) > 180
    assert set(classifier.classes_.tolist()) == set(labels)
    assert classifier.predict_proba(X).shape == (200, len(set(labels)))


def test_two_fits_are_equal_and_another_seed_is_not(images):
    first = mnistlab.Classifier(**FAST).fit(*images)
    assert same(first, mnistlab.Classifier(**FAST, threads=1).fit(*images))
    assert same(first, mnistlab.Classifier(**FAST, random_state=0).fit(*images))
    assert not same(first, mnistlab.Classifier(**FAST, random_state=1).fit(*images))
    drawn = [
        mnistlab.Classifier(**FAST, random_state=np.random.RandomState(3)).fit(*images)
        for _ in range(2)
    ]
    assert same(*drawn)


def test_a_copy_and_a_pickle_predict_the_same(images):
    classifier = mnistlab.Classifier(**FAST, dropout=0.1).fit(*images)
    copied = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(copied.predict_proba(images[0]), classifier.predict_proba(images[0]))
    assert clone(classifier).get_params() == classifier.get_params()


def test_it_works_in_pipelines_and_searches(images):
    X, y = images[0].reshape(200, -1), images[1]
    pipeline = make_pipeline(MinMaxScaler(), mnistlab.Classifier(hidden=[16], lr=0.1))
    assert cross_val_score(pipeline, X, y, cv=2).shape == (2,)
    grid = {"classifier__lr": np.array([1e-6, 0.1]), "classifier__epochs": [1, 8]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_params_ == {"classifier__lr": 0.1, "classifier__epochs": 8}


def test_numbers_of_a_standard_scaler_are_seen_as_it_made_them(images, digits):
    X, y = images[0].reshape(200, -1), images[1]
    T = digits.test_images.reshape(360, -1)
    X = np.concatenate([X, X[:1]])
    X[200, 0] = 1  # once lit: a scaled pixel of 14, where most are between -1 and 3
    pipeline = make_pipeline(StandardScaler(), mnistlab.Classifier(hidden=[32], lr=0.1))
    pipeline.fit(X, np.append(y, y[0]))
    assert pipeline[-1].config_["data"]["normalize"] == "standardize"
    assert pipeline[-1].pixel_range_[1] < 14
    assert pipeline.score(T, digits.test_labels) > 0.7


def test_a_configuration_serves_and_parameters_set_its_keys(images, tmp_path):
    (tmp_path / "cnn.yaml").write_text(
        "model: {type: cnn, layers: [conv: {filters: 2, kernel: 5, stride: 3}, flatten]}\n"
        "optimizer: {type: adam, lr: 0.01, beta1: 0.8}\ntraining: {epochs: 9}\n"
    )
    classifier = mnistlab.Classifier(tmp_path / "cnn.yaml", epochs=1, lr=0.02).fit(*images)
    assert classifier.config_["optimizer"]["lr"] == 0.02
    assert classifier.config_["optimizer"]["beta1"] == 0.8
    assert classifier.n_iter_ == 1
    assert classifier.weights_["conv1.weight"].shape == (2, 1, 5, 5)
    other = mnistlab.Classifier(tmp_path / "cnn.yaml", model="softmax", optimizer="sgd", epochs=1)
    assert list(other.fit(*images).weights_) == ["dense1.weight", "dense1.bias"]
    layers = {"type": "cnn", "layers": [{"pool": {"size": 4}}, "flatten"]}
    assert mnistlab.Classifier(model=layers, epochs=1).fit(*images).config_["model"]["layers"]


def test_early_stopping_keeps_the_best_of_its_own_validation_images(images):
    config = {"training": {"epochs": 40, "early_stopping": {"patience": 2}}}
    with pytest.raises(mnistlab.UsageError, match=r"validation=0\.1"):
        mnistlab.Classifier(config).fit(*images)
    classifier = mnistlab.Classifier(config, lr=0.5, validation=0.2).fit(*images)
    losses = [row["val_loss"] for row in classifier.history_]
    assert len(losses) == classifier.n_iter_ < 40
    assert min(losses) == losses[-3]


def test_an_epoch_that_was_cut_does_not_count(images):
    per_epoch = math.ceil(len(images[1]) / 32)
    for steps, epochs in ((1, 0), (per_epoch, 1), (2 * per_epoch - 1, 1)):
        config = {"training": {"steps": steps}}
        assert mnistlab.Classifier(config, hidden=[4]).fit(*images).n_iter_ == epochs


def test_a_validation_loss_that_is_no_number_is_an_error_with_advice(images):
    config = {"loss": "mse", "training": {"steps": 1}, "data": {"normalize": "none"}}
    classifier = mnistlab.Classifier(config, hidden=[64, 64], lr=1e12, validation=0.2)
    with pytest.raises(ValueError, match=r"weights kept are those of step 0.*optimizer\.lr"):
        classifier.fit(*images)


def test_a_training_that_diverges_is_an_error_with_advice(images):
    with pytest.raises(ValueError, match=r"smaller optimizer\.lr"):
        mnistlab.Classifier(lr=1e30).fit(*images)


def test_probabilities_are_there_where_outputs_are_some(images):
    sigmoid = {"model": {"output_activation": "sigmoid"}, "loss": {"type": "binary_cross_entropy"}}
    classifier = mnistlab.Classifier(sigmoid, epochs=1).fit(*images)
    assert np.allclose(classifier.predict_proba(images[0]).sum(axis=1), 1)
    linear = {"model": {"output_activation": "identity"}, "loss": {"type": "mse"}}
    classifier = mnistlab.Classifier(linear, lr=0.01, epochs=1).fit(*images)
    assert not hasattr(classifier, "predict_proba")
    assert len(classifier.predict(images[0])) == 200


SIGMOID = {"model": {"output_activation": "sigmoid"}, "loss": {"type": "binary_cross_entropy"}}


def test_probabilities_are_numbers_where_all_sigmoids_underflow(digits):
    model = {"type": "softmax", "output_activation": "sigmoid"}
    config = {**SIGMOID, "model": model, "data": {"normalize": "none"}}
    classifier = mnistlab.Classifier(config, lr=0.01, epochs=5)
    classifier.fit(digits.train_images[:1000], digits.train_labels[:1000])
    outputs = classifier._trained().outputs(digits.train_images[1000:])
    assert (outputs.sum(axis=1) == 0).any()  # in float32, as the network has them
    X = digits.train_images[1000:]
    probabilities = classifier.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert np.array_equal(classifier.predict(X), classifier.classes_[probabilities.argmax(axis=1)])
    exact = outputs.sum(axis=1) > 1e-30
    expected = outputs[exact] / outputs[exact].sum(axis=1, keepdims=True)
    assert np.allclose(probabilities[exact], expected, atol=1e-5)


@pytest.mark.parametrize("config", [{}, SIGMOID, {**SIGMOID, "loss": {"type": "mse"}}], ids=str)
def test_log_probabilities_are_the_logarithms_and_finite(images, config):
    classifier = mnistlab.Classifier(config, **FAST).fit(*images)
    logs = classifier.predict_log_proba(images[0])
    probabilities = classifier.predict_proba(images[0])
    assert np.allclose(np.exp(logs), probabilities, rtol=1e-12)
    outputs = classifier._trained().outputs(images[0]).astype(float)
    expected = outputs / outputs.sum(axis=1, keepdims=True)
    assert np.allclose(probabilities, expected, atol=1e-6)
    classifier._trained().params[:] *= 1e4  # so sure that probabilities round to 0
    assert (classifier.predict_proba(images[0]) == 0).any()
    assert np.isfinite(classifier.predict_log_proba(images[0])).all()


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"optimizer": {"type": "sgd", "momentum": 0.9}, "dropout": 0.2},
        {"optimizer": {"type": "adam"}, "batch_size": 16, "hidden": [40]},
    ],
    ids=str,
)
def test_epochs_one_by_one_give_the_bits_of_a_fit(images, keys):
    keys = {"hidden": [8], "lr": 0.01, **keys}
    whole = mnistlab.Classifier(**keys, epochs=4).fit(*images)
    one_by_one = mnistlab.Classifier(**keys, epochs=4)
    for call in range(4):
        one_by_one.partial_fit(*images, classes=set(range(10)) if call == 0 else None)
        one_by_one = pickle.loads(pickle.dumps(one_by_one))
    assert same(whole, one_by_one)
    for row, expected in zip(one_by_one.history_, whole.history_, strict=True):
        assert row | {"seconds": 0} == expected | {"seconds": 0}
    assert one_by_one.n_iter_ == 4
    assert same(whole.partial_fit(*images), one_by_one.partial_fit(*images))


def test_momentum_is_kept_between_images_of_other_kernels_and_parts_of_another_size(images):
    """Mostly black images have the first layer's weights in another order while it trains."""
    X, y = images
    keys = {"hidden": [40], "lr": 1e-9, "optimizer": {"type": "sgd", "momentum": 0.5}}
    bright = mnistlab.Classifier(**keys).partial_fit(np.maximum(X, 1), y, classes=range(10))
    dark = mnistlab.Classifier(**keys).partial_fit(X, y, classes=range(10))
    velocity = dark._state.states
    assert np.abs(velocity).max() > 0
    # The weights have hardly moved, so one image more halves the velocity and adds its gradient.
    for other in (bright, mnistlab.Classifier(**keys)):
        other.partial_fit(X[:1], y[:1], classes=range(10))
    one_image = other._state.states
    expected = bright._state.states
    before = mnistlab.Classifier(**keys).partial_fit(np.maximum(X, 1), y, classes=range(10))
    assert np.allclose(expected, before._state.states / 2 + one_image, atol=1e-5)


def test_images_come_in_parts_and_classes_unseen_so_far_are_known(images):
    X, y = images
    classifier = mnistlab.Classifier(hidden=[32], lr=0.2)
    for _ in range(20):
        for part in (np.s_[:80], np.s_[80:110], np.s_[110:]):
            few = np.flatnonzero(y[part] >= 0)
            classifier.partial_fit(X[part][few], y[part][few], classes=np.unique(y))
    assert classifier.score(X, y) > 0.95
    assert classifier.n_iter_ == len(classifier.history_) == 60


def test_a_first_part_without_classes_and_labels_that_are_none_are_refused(images):
    X, y = images
    classifier = mnistlab.Classifier(**FAST)
    with pytest.raises(ValueError, match="classes: the first call"):
        classifier.partial_fit(X, y)
    with pytest.raises(ValueError, match="y: 2 is none of the classes"):
        classifier.partial_fit(X, np.full(200, 2), classes=[0, 1])
    classifier.partial_fit(X, y % 2, classes=[1, 0])
    with pytest.raises(ValueError, match="classes: "):
        classifier.partial_fit(X, y % 2, classes=[0, 1, 2])


@pytest.mark.parametrize(
    "schedule",
    [
        {"type": "cosine"},
        {"type": "one_cycle"},
        {"type": "plateau"},
        {"type": "linear", "final": 0.1},
        {"type": "phases", "phases": [{"epochs": 1}, "cosine"]},
    ],
    ids=str,
)
def test_parts_of_a_run_do_not_follow_a_schedule_over_the_whole_of_it(images, schedule):
    X, y = images
    classifier = mnistlab.Classifier({"lr_schedule": schedule}, **FAST)
    with pytest.raises(UsageError, match=rf"lr_schedule\.type: {schedule['type']}") as refused:
        classifier.partial_fit(X, y, classes=range(10))
    assert str(refused.value).endswith(
        "take one of constant, exponential, inverse_sqrt, inverse_time, milestones, step"
    )


def test_parts_of_a_run_follow_phases_that_do_not_depend_on_its_length(images):
    X, y = images
    phases = {"type": "phases", "phases": [{"epochs": 1, "type": "cosine"}, {"scale": 0.5}]}
    classifier = mnistlab.Classifier({"lr_schedule": phases}, **FAST)
    classifier.partial_fit(X, y, classes=range(10)).partial_fit(X, y)
    assert classifier.history_[0]["lr"] != classifier.history_[1]["lr"]

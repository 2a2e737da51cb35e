import numpy as np
import pytest
from data_helpers import small_arrays, source_of
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data import splits
from mnistlab.data.arrays import Arrays
from mnistlab.data.splits import split
from mnistlab.support.errors import UsageError


def labelled(train, test=(0, 1, 2), classes=3):
    """A source with these training labels and one pixel per image: the image's number."""
    return source_of(
        Arrays(
            np.arange(len(train), dtype=np.uint8).reshape(-1, 1, 1),
            np.array(train, dtype=np.uint8),
            np.arange(len(test), dtype=np.uint8).reshape(-1, 1, 1),
            np.array(test, dtype=np.uint8),
        ),
        classes,
    )


def many(count):
    """A source of this many training images, of one pixel each."""
    pixels = np.zeros((count, 1, 1), dtype=np.uint8)
    return source_of(Arrays(pixels, np.zeros(count, dtype=np.uint8), pixels[:1], pixels[:1, 0, 0]))


CYCLE = [0, 1, 2] * 4


def test_nothing_asked_keeps_everything_in_order():
    dataset = split(labelled(CYCLE), validation=0)
    assert dataset.train.indices.tolist() == list(range(12))
    assert dataset.test.indices.tolist() == [0, 1, 2]
    assert len(dataset.validation) == 0
    assert dataset.train.indices.dtype == np.int64
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.image_shape == (1, 1)
    assert (dataset.name, dataset.sha256) == ("toy", "0" * 64)


@pytest.mark.parametrize(
    ("validation", "count"), [(0, 0), (1, 1), (11, 11), (0.0, 0), (0.25, 3), (0.3, 3), (0.99, 11)]
)
def test_validation_takes_a_count_or_a_fraction_rounded_down_off_the_end(validation, count):
    dataset = split(labelled(CYCLE), validation=validation)
    assert dataset.train.indices.tolist() == list(range(12 - count))
    assert dataset.validation.indices.tolist() == list(range(12 - count, 12))


def test_a_fraction_is_taken_as_it_is_typed():
    assert 0.29 * 100 < 29  # the nearest double is too small
    assert len(split(many(100), validation=0.29).validation) == 29


@pytest.mark.parametrize(
    ("count", "kept"), [(60_000, 10_000), (59_999, 11_999), (60_001, 12_000), (10, 2), (4, 0)]
)
def test_auto_is_10000_of_60000_and_else_a_fifth(count, kept):
    dataset = split(many(count))
    assert (len(dataset.train), len(dataset.validation)) == (count - kept, kept)


def test_classes_are_kept_on_every_part_before_the_validation_is_taken():
    dataset = split(labelled(CYCLE), classes=[2, 0], validation=3)
    assert dataset.train.indices.tolist() == [0, 2, 3, 5, 6]
    assert dataset.validation.indices.tolist() == [8, 9, 11]
    assert dataset.test.indices.tolist() == [0, 2]
    assert dataset.class_names == ("a", "b", "c")


def test_the_limit_per_class_takes_the_first_of_what_validation_leaves():
    source = labelled([0, 0, 0, 1, 1, 0, 2, 1, 2, 2])
    dataset = split(source, validation=2, per_class_limit=2)
    assert dataset.train.indices.tolist() == [0, 1, 3, 4, 6]
    assert dataset.validation.indices.tolist() == [8, 9]
    assert dataset.test.indices.tolist() == [0, 1, 2]


def test_the_training_limit_comes_after_the_limit_per_class():
    source = labelled([0, 0, 0, 1, 1, 0, 2, 1, 2, 2])
    dataset = split(source, validation=0, per_class_limit=1, train_limit=2)
    assert dataset.train.indices.tolist() == [0, 3]


def test_a_limit_beyond_the_set_keeps_all():
    dataset = split(labelled(CYCLE), validation=0, per_class_limit=99, train_limit=99)
    assert dataset.train.indices.tolist() == list(range(12))


def test_shuffling_once_comes_after_the_limits_and_touches_the_training_part_alone():
    asked = {"validation": 2, "train_limit": 8}
    plain = split(labelled(CYCLE), **asked)
    shuffled = split(labelled(CYCLE), **asked, shuffle_once=True)
    assert sorted(shuffled.train.indices) == plain.train.indices.tolist()
    assert shuffled.train.indices.tolist() != plain.train.indices.tolist()
    np.testing.assert_array_equal(shuffled.validation.indices, plain.validation.indices)
    np.testing.assert_array_equal(shuffled.test.indices, plain.test.indices)


def test_the_shuffle_depends_on_the_seed_alone():
    def order(seed):
        np.random.seed(0)  # noqa: NPY002 - a global generator must not matter
        return split(labelled(CYCLE), validation=0, shuffle_once=True, seed=seed).train.indices

    np.testing.assert_array_equal(order(5), order(5))
    assert order(5).tolist() != order(6).tolist()
    assert order(0).tolist() == [0, 5, 9, 7, 2, 1, 8, 4, 3, 6, 10, 11]


def test_a_part_gathers_copies_in_its_order():
    source = labelled(CYCLE)
    part = split(source, validation=0, classes=[2]).train
    images, labels = part.gather()
    assert images.ravel().tolist() == [2, 5, 8, 11]
    assert labels.tolist() == [2, 2, 2, 2]
    assert part.images is source.train_images
    images[:] = 0
    assert source.train_images.ravel().tolist() == list(range(12))


def test_minmax_and_none_scale_without_looking():
    dataset = split(labelled(CYCLE))
    assert (dataset.scale, dataset.offset) == (1 / 255, 0.0)
    dataset = split(labelled(CYCLE), normalize="none")
    assert (dataset.scale, dataset.offset) == (1.0, 0.0)


def test_standardized_training_pixels_have_mean_0_and_deviation_1():
    source = source_of(small_arrays())
    dataset = split(source, validation=3, train_limit=7, shuffle_once=True, normalize="standardize")
    images, _ = dataset.train.gather()
    seen = images * dataset.scale + dataset.offset
    assert seen.mean() == pytest.approx(0, abs=1e-13)
    assert seen.std() == pytest.approx(1, rel=1e-13)
    assert dataset.scale == pytest.approx(1 / images.std(), rel=1e-14)


def test_standardizing_does_not_depend_on_the_order(monkeypatch):
    source = source_of(small_arrays())
    whole = split(source, normalize="standardize", validation=0)
    monkeypatch.setattr("mnistlab.data.moments.CHUNK_IMAGES", 5)
    shuffled = split(source, normalize="standardize", validation=0, shuffle_once=True)
    assert (shuffled.scale, shuffled.offset) == (whole.scale, whole.offset)


def test_standardizing_equal_pixels_is_refused():
    with pytest.raises(UsageError, match=r"data\.normalize: all training pixels are equal"):
        split(many(10), normalize="standardize")


REFUSED = {
    "data.validation: 12 images of 12": {"validation": 12},
    "data.validation: 100 images of 12": {"validation": 100},
    "data.validation: 4 images of 4": {"validation": 4, "classes": [1]},
    "data.validation: found -1": {"validation": -1},
    "data.validation: found -0.5": {"validation": -0.5},
    "data.validation: found 1.0": {"validation": 1.0},
    "data.validation: found nan": {"validation": float("nan")},
    "data.validation: found inf": {"validation": float("inf")},
    "data.validation: found True": {"validation": True},
    "data.validation: found 'all'": {"validation": "all"},
    "data.validation: found None": {"validation": None},
    "data.per_class_limit: found 0": {"per_class_limit": 0},
    "data.per_class_limit: found 1.5": {"per_class_limit": 1.5},
    "data.train_limit: found 0": {"train_limit": 0},
    "data.train_limit: found -3": {"train_limit": -3},
    "data.train_limit: found True": {"train_limit": True},
    "data.classes: found an empty list": {"classes": []},
    "data.classes: found 3, expected labels of 0 to 2": {"classes": [1, 3]},
    "data.classes: found -1": {"classes": [-1]},
    "data.classes: found '1'": {"classes": ["1"]},
    "data.classes: found a label twice": {"classes": [1, 1]},
    "data.normalize: found 'zscore'": {"normalize": "zscore"},
    "seed: found -1": {"seed": -1, "shuffle_once": True},
    "seed: found 18446744073709551616": {"seed": 2**64, "shuffle_once": True},
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_value_out_of_range_is_refused_by_its_key(message):
    with pytest.raises(UsageError) as caught:
        split(labelled(CYCLE), **REFUSED[message])
    assert str(caught.value).startswith(message)


def test_classes_that_leave_no_training_or_test_image_are_refused():
    with pytest.raises(UsageError, match=r"data\.classes: no training image"):
        split(labelled([0, 1, 0, 1]), classes=[2])
    with pytest.raises(UsageError, match=r"data\.classes: no test image"):
        split(labelled(CYCLE, test=(0, 1)), classes=[2])


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 2), min_size=1, max_size=60),
    validation=st.one_of(st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.5])),
    per_class_limit=st.none() | st.integers(1, 9),
    train_limit=st.none() | st.integers(1, 30),
    classes=st.none() | st.sets(st.integers(0, 2), min_size=1).map(list),
    shuffle_once=st.booleans(),
)
def test_every_split_follows_the_written_order(
    labels, validation, per_class_limit, train_limit, classes, shuffle_once
):
    kept = [i for i, label in enumerate(labels) if classes is None or label in classes]
    count = validation if isinstance(validation, int) else int(len(kept) * validation + 1e-9)
    rest, taken = [], {0: 0, 1: 0, 2: 0}
    for i in kept[: len(kept) - count]:
        if per_class_limit is None or taken[labels[i]] < per_class_limit:
            taken[labels[i]] += 1
            rest.append(i)
    asked = {
        "validation": validation,
        "per_class_limit": per_class_limit,
        "train_limit": train_limit,
        "classes": classes,
        "shuffle_once": shuffle_once,
    }
    if count >= len(kept):
        with pytest.raises(UsageError):
            split(labelled(labels), **asked)
        return
    dataset = split(labelled(labels), **asked)
    indices = dataset.train.indices.tolist()
    assert (sorted(indices) if shuffle_once else indices) == rest[:train_limit]
    assert dataset.validation.indices.tolist() == kept[len(kept) - count :]
    assert not set(indices) & set(dataset.validation.indices.tolist())


def test_the_shuffles_purpose_fits_a_key_of_64_bits():
    assert 0 < splits.Purpose.SHUFFLE_ONCE < 2**64


def test_a_random_validation_is_drawn_by_the_seed_and_both_parts_keep_their_order():
    source = many(1000)
    first, again, other = (
        split(source, validation=200, choose="random", seed=seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.validation.indices, again.validation.indices)
    assert first.validation.indices.tolist() != other.validation.indices.tolist()
    both = np.concatenate([first.train.indices, first.validation.indices])
    assert sorted(both.tolist()) == list(range(1000))
    assert (np.diff(first.train.indices) > 0).all()
    assert (np.diff(first.validation.indices) > 0).all()
    # Drawn from the whole set: a fifth of each half, within five standard deviations.
    assert abs((first.validation.indices < 500).sum() - 100) < 5 * 9


def test_a_drawn_validation_is_the_same_bits_for_ever():
    source = labelled(sorted(CYCLE * 2))
    drawn = {
        choose: split(source, validation=6, choose=choose, seed=7).validation.indices.tolist()
        for choose in ("random", "stratified")
    }
    assert drawn == {"random": [2, 5, 7, 9, 10, 22], "stratified": [5, 6, 8, 13, 19, 23]}


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    share=st.integers(0, 100),
    seed=st.integers(0, 2**64 - 1),
)
@settings(deadline=None)
def test_a_stratified_validation_takes_of_each_class_its_share_to_the_nearest_image(
    labels, share, seed
):
    count = (len(labels) - 1) * share // 100
    dataset = split(labelled(labels, [0], 5), validation=count, choose="stratified", seed=seed)
    assert len(dataset.validation) == count
    for label in set(labels):
        found = sum(labels[index] == label for index in dataset.validation.indices)
        assert abs(found - labels.count(label) * count / len(labels)) < 1


@pytest.mark.parametrize("choose", ["end", "random", "stratified"])
@pytest.mark.parametrize(("validation", "count"), [("auto", 2), (0.5, 6), (3, 3), (0, 0)])
def test_every_choice_takes_a_count_a_fraction_or_auto(choose, validation, count):
    dataset = split(labelled(CYCLE), validation=validation, choose=choose)
    assert (len(dataset.train), len(dataset.validation)) == (12 - count, count)


def test_a_choice_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match=r"data\.validation\.choose: found 'start', expected"):
        split(labelled(CYCLE), choose="start")

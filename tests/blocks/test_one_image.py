"""A dense layer on the non-zero pixels of one image, compared with the plain product."""

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset, trainer_of
from fast_path_helpers import mlp, ops_of, run_of
from kernel_helpers import normal
from oracle_helpers import assert_engine_follows
from sparse_helpers import ONE_IMAGE_BACKWARD, ONE_IMAGE_FORWARD, sparse_bytes
from test_sparse_input import KEPT, LR, SCALE, WIDTHS, after, close, dtypes_of, padded, seen

from mnistlab.blocks.layers.dense.one_image import list_pixels
from mnistlab.blocks.layers.dense.sparse_input import WORD, words_of
from mnistlab.runtime.actions import ADD, DECAY, MOMENTUM, SET, SGD

CASES = [
    pytest.param(*widths, dtype, share, id=f"{widths} {dtype.__name__} {share}")
    for widths in WIDTHS
    for dtype in dtypes_of(widths[0])
    for share in (0.0, 0.2, 1.0)
]


def listed(image):
    pixels = np.zeros(words_of(image.size), np.uint64)
    list_pixels(image, pixels)
    return pixels


@pytest.mark.parametrize("size", [1, 63, 64, 65, 784])
def test_the_list_is_exactly_what_is_not_zero(size):
    image = sparse_bytes(1, size, 0.3)[0]
    pixels = listed(image)
    lit = [int(pixels[k // WORD]) >> (k % WORD) & 1 for k in range(size)]
    np.testing.assert_array_equal(lit, image != 0)
    assert sum(int(word).bit_count() for word in pixels) == np.count_nonzero(image)


@pytest.mark.parametrize(("lanes", "width", "dtype", "share"), CASES)
def test_forward_is_the_product_with_all_pixels(lanes, width, dtype, share):
    image = sparse_bytes(1, 100, share)[0]
    W, bias = normal((100, width), dtype, 1), normal(width, dtype, 2)
    for b in (bias, bias[:0]):
        y = np.full(width + 2, np.nan, dtype)
        ONE_IMAGE_FORWARD[lanes](image, listed(image), seen(dtype), padded(W, lanes), b, y[1:-1])
        close(y[1:-1], image * SCALE @ W + (b if b.size else 0), dtype, 20)
        assert np.isnan(y[[0, -1]]).all(), "nothing is written beside"


@pytest.mark.parametrize("use", [SET, ADD, DECAY, SGD, MOMENTUM])
@pytest.mark.parametrize(("lanes", "width", "dtype", "share"), CASES)
def test_backward_is_the_product_with_all_pixels_put_to_use(lanes, width, dtype, share, use):
    image = sparse_bytes(1, 100, share)[0]
    start, state = normal((100, width), dtype, 1), normal((100, width), dtype, 2)
    dy, W, G = normal(width, dtype, 3), padded(start, lanes), padded(state, lanes)
    ONE_IMAGE_BACKWARD[lanes](image, listed(image), seen(dtype), dy, use, W, G, LR, KEPT)
    gradient = np.outer(image * SCALE, dy.astype(np.float64))
    expected = after(use, gradient, *(each.astype(np.float64) for each in (start, state)))
    for found, wanted in zip((W, G), expected, strict=True):
        close(found.reshape(100, lanes)[:, :width], wanted, dtype, 20)
        assert not found.reshape(100, lanes)[:, width:].any(), "lanes that do not exist stay zero"


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("units", [33, 300])
def test_a_network_trains_by_the_equations(tmp_path, units, bias, optimizer):
    """In one tile, and in several."""
    model = {**mlp(units), "bias": bias}
    trainer, oracle = run_of(tmp_path, model, 1, 12, optimizer, regularization={"l2": 1e-3})
    assert any(name.startswith("one_image_forward") for name in ops_of(trainer))
    assert_engine_follows(trainer, oracle, 12)


def test_a_batch_that_is_one_image_by_chance_is_not_listed_alone():
    """The last batch of an epoch: its kernels are those of the other batches."""
    training = {"batch_size": 10, "steps": 7}
    trainer = trainer_of(config_of(model=mlp(33), training=training), toy_dataset(61))
    assert not any(name.startswith("one_image") for name in ops_of(trainer))

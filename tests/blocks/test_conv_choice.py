"""The kernels of a convolution, where one kind was measured to be faster than the others."""

import numpy as np
import pytest

from mnistlab.blocks.layers.conv2d import choice
from mnistlab.blocks.layers.conv2d.choice import Kernels
from mnistlab.config import run_config_from_mapping
from mnistlab.training.lower import lower

ROWS, TILES, SQUARES = Kernels.WITHOUT_PATCHES, Kernels.SIDE_BY_SIDE, Kernels.FEWER_PRODUCTS


@pytest.fixture
def avx2(monkeypatch):
    """Vectors of eight numbers, for which the figures of docs/decisions.md are."""
    for name, value in (("REGISTER", 8), ("TILE", 8), ("PIXELS", 3), ("IMAGES_WORTH_TILES", 4)):
        monkeypatch.setattr(choice, name, value)
    monkeypatch.setattr(choice, "GRADIENT_SQUARES", np.inf)


class Conv:
    """The operands that a choice reads."""

    def __init__(self, channels, filters, size, side, padding=0, stride=1):
        self.channels, self.filters, self.side = channels, filters, side
        self.height = self.width = size
        self.padding, self.stride = padding, stride
        self.rows = self.columns = (size + 2 * padding - side) // stride + 1


def chosen(conv, images):
    """The kernels forward, for the weights' gradient and for the inputs'."""
    return (
        choice.forward_kernels(conv, images),
        choice.weights_gradient_kernels(conv, images),
        choice.input_gradient_kernels(conv, images),
    )


@pytest.mark.parametrize(
    ("conv", "images", "expected"),
    [
        # Ten images fill five eighths of two tiles.
        (Conv(16, 32, 14, 5, padding=2), 10, (ROWS, ROWS, ROWS)),
        (Conv(16, 32, 14, 5, padding=2), 20, (ROWS, ROWS, TILES)),
        (Conv(16, 32, 14, 5, padding=2), 50, (ROWS, TILES, TILES)),
        # Rows of ten columns leave six of sixteen places of two vectors empty.
        (Conv(6, 16, 14, 5), 10, (ROWS, ROWS, TILES)),
        (Conv(6, 16, 14, 5), 64, (TILES, TILES, TILES)),
        # A large share of the products with a border of four is left out by tiles.
        (Conv(20, 40, 12, 5), 64, (ROWS, ROWS, TILES)),
        (Conv(16, 32, 14, 3, padding=1), 10, (ROWS, ROWS, SQUARES)),
        (Conv(16, 32, 14, 3, padding=1), 20, (SQUARES, ROWS, SQUARES)),
        (Conv(16, 32, 14, 3, padding=1), 64, (SQUARES, TILES, SQUARES)),
        (Conv(64, 64, 14, 3, padding=1), 10, (SQUARES, ROWS, SQUARES)),
        (Conv(64, 128, 7, 3, padding=1), 10, (SQUARES, TILES, SQUARES)),  # no row fills a vector
        (Conv(8, 16, 28, 1), 50, (ROWS, ROWS, TILES)),
        (Conv(16, 120, 5, 5), 64, (Kernels.PATCHES,) * 3),  # a single position
        (Conv(256, 128, 14, 3), 2, (Kernels.PATCHES,) * 3),  # two images are not worth packing
    ],
)
@pytest.mark.usefixtures("avx2")
def test_the_kernels_are_those_that_were_measured_to_be_the_fastest(conv, images, expected):
    assert chosen(conv, images) == expected


@pytest.mark.parametrize("images", [1, 3, 4, 10, 64, 1000])
@pytest.mark.parametrize("padding", [0, 1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_fewer_filters_or_maps_than_the_kernels_sum_at_once_are_left_to_patches(
    images, padding, stride
):
    conv = Conv(3, 3, 28, 3, padding, stride)
    assert chosen(conv, images) == (Kernels.PATCHES,) * 3
    back = choice.input_gradient_kernels(Conv(8, 8, 28, 3, padding, stride), images)
    if padding == 3:  # the gradient has no border
        assert back is Kernels.PATCHES
    elif stride > 1:
        assert back in (TILES, Kernels.PATCHES)


@pytest.mark.parametrize("padding", [0, 1])
def test_the_weights_gradient_frames_the_images_if_the_forward_pass_has_not(padding):
    layers = [{"conv": {"filters": 16, "kernel": 3, "padding": 1}}] * 2
    layers[1] = {"conv": {"filters": 32, "kernel": 3, "padding": padding}}
    config = run_config_from_mapping(
        {"model": {"type": "cnn", "layers": layers}, "training": {"batch_size": 16}}
    )
    ops = lower(config, (16 + 2 - 2 * padding,) * 2, 10, 16).training["step"]
    names = [op.function.__name__ for op in ops if op.function.__name__.startswith("forward")]
    assert names == ["forward_without_patches", "forward_fewer_products"]
    frames = {
        op.operands.channels: op.operands.frames
        for op in ops
        if op.function.__name__ == "backward_weights_without_patches"
    }
    assert frames[16] == padding

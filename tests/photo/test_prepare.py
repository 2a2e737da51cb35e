"""Pictures prepared as MNIST's images were, for any pen, paper and light."""

from functools import cache

import numpy as np
import pytest
from picture_helpers import (
    BLUE_INK,
    INK,
    PAPER,
    RED_INK,
    glyph,
    on_table,
    page,
    photograph,
    random_page,
    shadowed,
)
from PIL import Image, ImageDraw

from mnistlab.data import open_source
from mnistlab.data.files import MalformedError
from mnistlab.photo.prepare import prepare

# The mean over all pixels, of 255: the effect of moving a smooth edge by half a pixel.
ALIKE = 12.0


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The mean difference of two prepared digits, the smallest over shifts of one pixel."""
    moves = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    moved = (np.roll(other.astype(float), move, axis=(0, 1)) for move in moves)
    return min(float(np.abs(one - image).mean()) for image in moved)


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    weights = image / image.sum()
    return np.array([(weights * axis).sum() for axis in np.mgrid[:28, :28]])


@cache
def plain(digit: int) -> np.ndarray:
    return prepare(page(digit))


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize("seed", [1, 2])
def test_a_digit_is_twenty_pixels_long_and_its_mass_in_the_middle(digit, seed):
    seen = prepare(random_page(digit, seed=10 * digit + seed))
    assert seen.shape == (28, 28)
    assert seen.dtype == np.uint8
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert np.abs(centre_of_mass(seen) - 14).max() <= 0.5
    assert seen.max() == 255


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(page(4, ground=0, ink=255), id="light on dark"),
        pytest.param(page(4, at=(230, 150)), id="elsewhere"),
        pytest.param(page(4, ground=200, ink=120), id="faint"),
        pytest.param(page(4, ground=PAPER, ink=BLUE_INK), id="blue pen"),
        pytest.param(page(4, ground=PAPER, ink=RED_INK), id="red pen"),
        pytest.param(page(4, ground=(60, 120, 60), ink=(240, 230, 90)), id="chalk"),
        pytest.param(page(4, size=360, at=(20, 10), shape=(400, 500)), id="large"),
        pytest.param(photograph(page(4, ground=PAPER, ink=INK)), id="photograph"),
        pytest.param(photograph(page(4, ink=BLUE_INK), darkest=0.3, angle=2.5), id="dim light"),
        pytest.param(
            shadowed(photograph(page(4, size=200, shape=(700, 900), at=(350, 250), ink=INK))),
            id="shadow",
        ),
        pytest.param(on_table(photograph(page(4, ground=PAPER, ink=INK)), 25), id="table"),
        pytest.param(on_table(photograph(page(4, ink=INK)), 160), id="sheet"),
        pytest.param(on_table(photograph(page(4, ink=INK)), 160, turned=3), id="turned sheet"),
    ],
)
def test_the_same_digit_is_the_same_to_the_network_however_it_was_taken(same):
    assert difference(plain(4), prepare(same)) < ALIKE
    assert difference(plain(4), plain(7)) > 2 * ALIKE  # what another digit makes


def test_a_drawn_box_dust_and_what_the_edge_cuts_off_are_left_out():
    image = Image.fromarray(page(4))
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 391, 291), outline=0, width=3)
    draw.ellipse((360, 30, 364, 34), fill=0)
    draw.line((330, 299, 399, 240), fill=0, width=6)
    assert difference(prepare(page(4)), prepare(np.asarray(image))) < 3


def test_the_pieces_of_one_digit_stay_together():
    image = page(5).copy()
    image[100:106] = 255  # a pen that was lifted
    seen = prepare(image)
    rows = np.flatnonzero(seen.any(axis=1))
    assert np.ptp(rows) + 1 == 20


def test_a_fine_pen_is_seen_as_mnists_pens_were():
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).line((120, 100, 280, 100, 180, 320), fill=0, width=3)
    seen = prepare(np.repeat(np.asarray(image)[..., None], 3, axis=2))
    # 20 pixels for 220: the stroke alone would be a quarter of a pixel wide, and grey.
    assert (seen > 127).sum(axis=1)[seen.any(axis=1)].min() >= 1
    assert np.count_nonzero(seen > 200) > 1.5 * 20


def test_an_edge_keeps_its_greys():
    seen = prepare(page(0, size=200, shape=(400, 400)))
    between = np.count_nonzero((seen > 20) & (seen < 235))
    assert between > 0.25 * np.count_nonzero(seen)


def blank(*shape: int) -> np.ndarray:
    return np.full((*shape, 3), 250, np.uint8)


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param(blank(300, 400), id="white"),
        pytest.param(photograph(blank(300, 400), darkest=0.2), id="uneven light"),
        pytest.param(on_table(photograph(blank(300, 400)), 30), id="sheet on a table"),
        pytest.param(
            np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8), id="noise"
        ),
        pytest.param(blank(1, 1), id="one pixel"),
        pytest.param(blank(1, 900), id="one row"),
    ],
)
def test_a_picture_without_ink_is_refused(nothing):
    with pytest.raises(MalformedError, match="found no ink"):
        prepare(nothing)


def test_a_glyph_that_fills_its_picture_is_still_found():
    cropped = 255 - np.asarray(glyph(3, 150))
    assert difference(prepare(page(3)), prepare(np.repeat(cropped[..., None], 3, 2))) < ALIKE


@pytest.mark.mnist
def test_mnists_own_images_come_out_as_they_are(mnist_data_dir):
    source = open_source("mnist", data_dir=mnist_data_dir)
    images = np.asarray(source.test_images[:30])
    again = [prepare(np.repeat(image[..., None], 3, axis=2)) for image in images]
    large = [
        prepare(np.repeat(255 - np.asarray(image)[..., None], 3, axis=2))
        for image in (Image.fromarray(np.pad(i, 6)).resize((160, 160), 3) for i in images)
    ]
    for prepared in (again, large):
        found = [difference(i, seen) for i, seen in zip(images, prepared, strict=True)]
        assert np.median(found) < 6
        assert np.max(found) < 16

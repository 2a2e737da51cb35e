"""The markup of a figure is made smaller, and what is seen stays as it was."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mnistlab.pages.lean_svg import lean


def test_coordinates_are_rounded_and_scales_are_not():
    markup = '<path d="M 1.23456 -0.000602 \nL 12.5 300 \nz\n" transform="scale(0.015625)"/>'
    assert lean(markup, "one") == '<path d="M1.23 0L12.5 300z" transform="scale(0.015625)"/>'
    moved = '<use x="1.0049" y="-2.999" transform="translate(3.14159 0) scale(1.840223)"/>'
    assert lean(moved, "one") == '<use x="1" y="-3" transform="translate(3.14 0) scale(1.840223)"/>'


def test_the_style_of_points_in_a_row_is_stated_once():
    points = "".join(
        f'<use xlink:href="#m" x="{n}" y="2" style="fill: {colour}"/>\n'
        for n, colour in enumerate(["red", "red", "red", "blue"])
    )
    assert lean(f'<path id="m"/>\n{points}', "one") == (
        '<path id="one-0"/>\n'
        '<g style="fill: red">\n'
        '<use href="#one-0" x="0" y="2"/>\n<use href="#one-0" x="1" y="2"/>\n'
        '<use href="#one-0" x="2" y="2"/>\n</g>\n'
        '<use href="#one-0" x="3" y="2" style="fill: blue"/>\n'
    )


def test_ids_that_nothing_refers_to_and_comments_are_dropped():
    markup = '<!-- a word -->\n<g id="axes_1"><g id="p" clip-path="url(#p)"/></g>'
    assert lean(markup, "two") == '<g><g id="two-0" clip-path="url(#two-0)"/></g>'


RNG = np.random.default_rng(0)
FEW_COLOURS = np.array([[250, 0, 9, 255], [0, 0, 0, 0], [9, 9, 99, 128]])
PICTURES = {
    "grey": RNG.integers(0, 256, (30, 30, 1)).repeat(4, 2) | [0, 0, 0, 255],
    "few colours, some transparent": RNG.choice(FEW_COLOURS, (40, 50)),
    "many colours": RNG.integers(0, 256, (40, 50, 4)),
}


@pytest.mark.parametrize("pixels", PICTURES.values(), ids=PICTURES)
def test_a_picture_keeps_every_pixel_in_no_more_bytes(pixels):
    written = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8), "RGBA").save(written, "PNG")
    before = base64.b64encode(written.getvalue()).decode()
    markup = lean(f'<image href="data:image/png;base64,{before}"/>', "one")
    after = re.search(r'base64,([^"]*)', markup)[1]
    assert len(after) <= len(before)
    with Image.open(io.BytesIO(base64.b64decode(after))) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGBA")), pixels)

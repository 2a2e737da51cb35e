"""A figure as SVG on a page: without its heading, its colours and ids the page's own."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mnistlab.figures import style
from mnistlab.figures.run.learning_curves import learning_curves
from mnistlab.figures.sheet import Sheet, SheetFigure, words_of
from mnistlab.pages.inline_svg import CONTRAST, DARK_PAGE, InlineSvg, inline_svg, on_dark
from mnistlab.store.metrics import MetricsRow


def sheet() -> SheetFigure:
    with style.drawing():
        made = Sheet(1.5, "A heading", "A note.", "run")
        axes = made.panel(1.0, 0.2, 3.0, 1.0)
        axes.plot([1, 2], [3, 4], color=style.BLUE, clip_on=True)
        made.write(5.0, 0.5, "a word")
        made.picture(6.0, 0.2, 1.0, np.arange(16.0).reshape(4, 4), style.PICTURE, (0, 15))
        made.describe('It rises from 3 to "4".')
    return made.figure


def drawn() -> InlineSvg:
    return inline_svg(figure := sheet(), figure.words, "one")


def test_the_heading_is_left_to_the_page_and_the_figure_is_as_it_was():
    figure = sheet()
    before = style.rendered(figure)
    markup = inline_svg(figure, figure.words, "one").markup
    assert markup.count("<use href=") >= len("aword")
    assert "A heading" not in markup.partition(">")[2]
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', markup)[1].split())
    assert (width, height) == pytest.approx((72 * style.WIDTH, 72 * 1.5))
    assert style.rendered(figure) == before


def test_who_does_not_see_the_figure_is_told_what_is_seen():
    label = re.search(r'aria-label="([^"]*)"', drawn().markup)[1]
    assert label == "A heading. It rises from 3 to &quot;4&quot;."


def test_every_colour_is_the_page_s_and_every_id_has_the_figure_s_name():
    found = drawn()
    assert re.findall(r"(?:fill|stroke): #[0-9a-f]{6}", found.markup) == []
    assert {"var(--ink)", "var(--line)", "var(--faint)"} <= set(
        re.findall(r"var\(--\w+\)", found.markup)
    )
    own = {digits for digits in re.findall(r"var\(--c(\w+)\)", found.markup)}
    assert own == found.colours
    assert style.BLUE.lower().removeprefix("#") in own
    ids = re.findall(r'\bid="([^"]+)"', found.markup)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', found.markup)
    assert {a or b for a, b in used} <= set(ids)


def test_a_picture_has_its_own_pixels_and_words_on_it_keep_their_colour():
    assert len(re.findall("<image", drawn().markup)) == 1
    with style.drawing():
        made = Sheet(1.5, "A heading", "A note.")
        made.write(1.0, 0.5, "on a picture", color=style.ON_LIGHT)
    assert f"fill: {style.ON_LIGHT}" in inline_svg(made.figure, made.figure.words, "one").markup


@pytest.mark.parametrize("colour", [*style.PALETTE, *style.CLASS_COLOURS, "#440154", "#FFFFFF"])
def test_a_colour_can_be_seen_on_a_dark_page(colour):
    digits = colour.lower().removeprefix("#")
    lighter = on_dark(digits)

    def luminance(hexadecimal: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                  for c in to_rgb(hexadecimal)]  # fmt: skip
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    contrast = (luminance(f"#{lighter}") + 0.05) / (luminance(DARK_PAGE) + 0.05)
    assert contrast >= CONTRAST - 0.05
    if luminance(colour) > 0.3:
        assert lighter == digits


def test_learning_curves_are_told_in_words():
    rows = [MetricsRow(e, e, 0.1, 1 / e, val_accuracy=0.9 - abs(e - 2) / 100) for e in (1, 2, 4)]
    alt = words_of(learning_curves(rows, "run"), "").alt
    assert alt == (
        "Learning curves. Training loss goes from 1.000 to 0.2500, best 0.2500 at epoch 4; "
        "validation accuracy goes from 89.00 % to 88.00 %, best 90.00 % at epoch 2."
    )

"""The text under an image, and its colour."""

import numpy as np
from figure_helpers import faults, shown_texts
from matplotlib.colors import to_hex

from mnistlab.figures import style
from mnistlab.figures.pictures import Read, read_images
from mnistlab.figures.run.confused_pairs import Confusion, confused_pairs

IMAGE = np.arange(28 * 20, dtype=np.uint8).reshape(28, 20)


def captions(figure) -> dict[str, str]:
    """Each text under the heading and its colour."""
    return {text.get_text(): to_hex(text.get_color()).upper() for text in shown_texts(figure)[3:]}


def test_a_right_image_has_its_class_and_a_wrong_one_both_in_a_colour_of_its_own():
    reads = [Read(IMAGE, "7", "7", "98.0 %"), Read(IMAGE, "4", "9", "61.5 %")]
    with style.drawing():
        figure = read_images(reads, "heading", "note", "run")
    assert captions(figure) == {
        "7": style.RIGHT,
        "98.0 %": style.RIGHT,
        "4, predicted 9": style.WRONG,
        "61.5 %": style.WRONG,
    }
    for picture in figure.axes[0].get_images():
        np.testing.assert_array_equal(picture.get_array(), IMAGE)
        assert picture.get_clim() == (0, 255)


def test_long_names_stay_apart_and_are_cut_where_they_would_not_fit():
    names = ["T-shirt/top", "Ankle boot", "a class with a very long name of its own"]
    reads = [
        Read(IMAGE, a, b, "> 99.9 %") for a in names for b in [*names, *names] for _ in range(2)
    ]
    with style.drawing():
        figure = read_images(reads, "heading", "note", "run")
    assert faults(figure) == []
    assert "as a cla… its own" in captions(figure)


def test_pairs_say_how_many_of_how_many():
    reads = [Read(IMAGE, "4", "9", "61.5 %")] * 7
    long = [Read(IMAGE, "T-shirt/top", "Ankle boot", "61.5 %")]
    pairs = [
        Confusion("4", "9", 36, 982, reads),
        Confusion("T-shirt/top", "Ankle boot", 1, 8, long),
    ]
    with style.drawing():
        figure = confused_pairs(pairs, "note", "run")
    words = captions(figure)
    assert {"4 predicted as 9", "36 of 982 (3.7 %)", "1 of 8 (12.5 %)"} <= set(words)
    assert len(figure.axes[0].get_images()) == 8
    assert faults(figure) == []

"""The counts behind the confusion matrix, and the text of its cells."""

import numpy as np
import pytest
from figure_helpers import faults, shown_texts
from matplotlib.colors import rgb_to_hsv

from mnistlab.experiment.scores import confusion_counts
from mnistlab.figures import style
from mnistlab.figures.run.confused_pairs import most_confused
from mnistlab.figures.run.confusion_matrix import confusion_matrix

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 2, 2, 1, 0, 2, 2, 2])
COUNTS = np.array([[2, 0, 2], [1, 1, 0], [0, 0, 3]])


def drawn(counts, names):
    with style.drawing():
        return confusion_matrix(counts, names, "test images", "run")


def cells(figure) -> dict[tuple[int, int], str]:
    """The text of each cell by (true class, predicted class)."""
    axes = figure.axes[1]
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in axes.texts}


def test_rows_are_true_classes_and_columns_what_was_read():
    np.testing.assert_array_equal(confusion_counts(LABELS, PREDICTED, 3), COUNTS)


def test_counts_agree_with_scikit_learn_on_random_predictions():
    from sklearn.metrics import confusion_matrix as reference

    rng = np.random.default_rng(3)
    labels, predicted = rng.integers(0, 7, (2, 500))
    expected = reference(labels, predicted, labels=np.arange(8))
    np.testing.assert_array_equal(confusion_counts(labels, predicted, 8), expected)


def test_the_most_confused_pairs_come_first_and_right_ones_never():
    assert most_confused(COUNTS, 5) == [(0, 2), (1, 0)]
    assert most_confused(COUNTS, 1) == [(0, 2)]
    assert most_confused(np.diag([4, 5]), 5) == []


def test_cells_hold_counts_and_per_cent_of_their_row_and_the_title_the_accuracy():
    figure = drawn(COUNTS, ["a", "b", "c"])
    assert cells(figure) == {
        (0, 0): "2\n50.0 %",
        (0, 2): "2\n50.0 %",
        (1, 0): "1\n50.0 %",
        (1, 1): "1\n50.0 %",
        (2, 2): "3\n100.0 %",
    }
    assert "Confusion matrix: accuracy 66.67 %" in [t.get_text() for t in shown_texts(figure)]
    axes = figure.axes[1]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_right_and_wrong_have_a_colour_each_and_the_share_its_depth():
    image = np.asarray(drawn(COUNTS, list("abc")).axes[1].get_images()[0].get_array())
    hue = rgb_to_hsv(image[..., :3])[..., 0]
    opacity = image[..., 3]
    assert hue[0, 0] == pytest.approx(hue[2, 2])
    assert hue[0, 2] == pytest.approx(hue[1, 0])
    assert abs(hue[0, 0] - hue[0, 2]) > 0.1
    assert opacity[2, 2] > opacity[0, 0] > 0


def test_an_empty_cell_shows_the_page_and_words_follow_what_is_behind_them():
    axes = drawn(COUNTS, list("abc")).axes[1]
    opacity = np.asarray(axes.get_images()[0].get_array())[..., 3]
    np.testing.assert_array_equal(opacity == 0, COUNTS == 0)
    halfway, whole, worst = (
        next(text.get_color() for text in axes.texts if text.get_position() == cell)
        for cell in ((0, 0), (2, 2), (2, 0))
    )
    assert (halfway, whole, worst) == (style.INK, style.ON_LIGHT, style.ON_LIGHT)


@pytest.mark.parametrize("names", [list("01"), ["T-shirt/top", *["Ankle boot"] * 9]])
def test_classes_of_any_name_and_number_fit(names):
    counts = np.full((len(names), len(names)), 1234)
    assert faults(drawn(counts, names)) == []


def test_many_classes_have_counts_alone_and_very_many_colours_alone():
    names = [str(label) for label in range(40)]
    some = drawn(np.eye(20, dtype=int) * 3, names[:20])
    assert set(cells(some).values()) == {"3"}
    assert cells(drawn(np.eye(40, dtype=int), names)) == {}
    assert faults(some) == []


def test_a_class_without_an_image_divides_by_nothing():
    assert (1, 0) not in cells(drawn(np.array([[3, 1], [0, 0]]), ["a", "b"]))


@pytest.mark.parametrize("names", [str, lambda number: chr(65 + number % 26), "class {}".format])
@pytest.mark.parametrize("classes", [47, 62, 100, 250])
def test_the_names_of_many_classes_do_not_cover_each_other(classes, names):
    named = list(map(names, range(classes)))
    counts = np.ones((classes, classes), int)
    figure = drawn(counts, named)
    assert faults(figure) == []
    rows = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert rows == named[:: -(-classes * 2 // 125)]

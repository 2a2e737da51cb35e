"""The picture of augmented digits."""

import numpy as np
from PIL import Image

from docs.draw_augmentations import AUGMENTATIONS, DIGITS, DRAWS, FILE, drawn, sheet_of
from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.dataset import load_data


def test_every_row_has_other_draws_of_the_digits_above(tmp_path):
    dataset = load_data(run_config_from_mapping({"data": {"source": "digits"}}), tmp_path)
    rows = drawn(dataset, "digits")
    assert list(rows) == ["as it is", *AUGMENTATIONS]
    as_they_are = rows.pop("as it is")
    for pictures in rows.values():
        assert pictures.shape == as_they_are.shape == (DIGITS, DRAWS, 28, 28)
        assert (pictures != as_they_are).any(axis=(2, 3)).sum() > DIGITS
    flipped = rows["flip: 0.5"]
    mirrored = (flipped == as_they_are[..., ::-1]).all(axis=(2, 3))
    assert (mirrored | (flipped == as_they_are).all(axis=(2, 3))).all()
    figure = sheet_of({"as it is": as_they_are, **rows})
    with Image.open(FILE) as shown:
        width, height = figure.get_size_inches()
        assert abs(shown.width / shown.height - width / height) < 0.02


def test_a_shift_is_whole_pixels(tmp_path):
    dataset = load_data(run_config_from_mapping({"data": {"source": "digits"}}), tmp_path)
    rows = drawn(dataset, "digits")
    for original, draws in zip(rows["as it is"][:, 0], rows["shift: 2"], strict=True):
        moved = [np.roll(original, (y, x), (0, 1)) for y in range(-2, 3) for x in range(-2, 3)]
        assert all(any((draw == one).all() for one in moved) for draw in draws)

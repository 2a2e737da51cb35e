"""Draw docs/images/augmentations.png: digits of MNIST, and what each augmentation makes of them.

python -m docs.draw_augmentations
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnistlab.config import run_config_from_mapping
from mnistlab.data import Dataset
from mnistlab.experiment.dataset import load_data
from mnistlab.figures import style
from mnistlab.figures.pictures import BYTE
from mnistlab.figures.sheet import CAPTION_LINE, CAPTION_SIZE, MARGIN, Sheet
from mnistlab.support import paths
from mnistlab.training.windows import augmented

FILE = Path(__file__).parent / "images" / "augmentations.png"
DIGITS, DRAWS = 4, 4
AFFINE: dict[str, Any] = {"affine": {"rotate": 15, "scale": 0.1, "shear": 10, "shift": 2}}
ELASTIC: dict[str, Any] = {"elastic": {"alpha": 34, "sigma": 4}}
AUGMENTATIONS: dict[str, list[dict[str, Any]]] = {
    "shift: 2": [{"shift": 2}],
    "flip: 0.5": [{"flip": 0.5}],
    "affine": [AFFINE],
    "elastic": [ELASTIC],
    "affine and elastic": [AFFINE, ELASTIC],
}
CAPTIONS, SPACE, GAP = 1.05, 0.12, 0.025  # inches: of a row's name; between digits, pictures


def drawn(dataset: Dataset, source: str = "mnist") -> dict[str, np.ndarray]:
    """The pictures of each row, uint8 (DIGITS, DRAWS, height, width); the first as they are."""
    train = dataset.train
    labels = train.labels[train.indices]
    firsts = [np.flatnonzero(labels == label)[0] for label in range(2, 2 + DIGITS)]
    indices = train.indices[firsts]
    rows = {"as it is": np.repeat(np.asarray(train.images[indices])[:, None], DRAWS, axis=1)}
    for name, augment in AUGMENTATIONS.items():
        config = run_config_from_mapping({"data": {"source": source, "augment": augment}})
        rows[name] = augmented(config, dataset, indices, DRAWS)
    return rows


def sheet_of(rows: dict[str, np.ndarray]) -> Figure:
    """The rows below each other, the draws of a digit beside each other."""
    width = style.WIDTH - 2 * MARGIN - CAPTIONS - (DIGITS - 1) * SPACE
    side = width / (DIGITS * DRAWS) - GAP
    note = (
        f"Four training images, and {DRAWS} draws of each with every augmentation. affine: rotate "
        "15, scale 0.1, shear 10, shift 2; elastic: alpha 34, sigma 4. Every epoch draws anew."
    )
    height = len(rows) * (side + 2 * GAP) + 2 * CAPTION_LINE
    sheet = Sheet(height, "Augmentations", note, "MNIST")
    boxes = []
    for number, (name, digits) in enumerate(rows.items()):
        y = CAPTION_LINE + number * (side + 2 * GAP)
        sheet.write(MARGIN, y + side / 2, name, size=CAPTION_SIZE, va="center")
        for digit, draws in enumerate(digits):
            left = MARGIN + CAPTIONS + digit * (DRAWS * (side + GAP) + SPACE)
            for draw, picture in enumerate(draws[:1] if number == 0 else draws):
                x = left + draw * (side + GAP)
                sheet.picture(x, y, side, picture, style.PICTURE, BYTE)
                boxes.append((x, y, side, side))
    sheet.frame(*boxes)
    return sheet.figure


if __name__ == "__main__":
    whole = load_data(run_config_from_mapping({}), paths.data_dir(None))
    FILE.write_bytes(style.rendered(sheet_of(drawn(whole))))
    print(FILE)

"""A dataset in a notebook: its sizes, the images of each class, and a few of them."""

import base64
import io

import numpy as np
from PIL import Image

from mnistlab.data import Source
from mnistlab.pages.notebook import Fragment, Picture, Table, cells, html_of

SHOWN_OF_EACH = 4  # images of each class
MOST_CLASSES = 20
SCALE = 1.5  # CSS pixels for a pixel of an image


def dataset_html(source: Source) -> str:
    """A dataset as HTML."""
    counts = [
        np.bincount(labels, minlength=len(source.class_names))
        for labels in (source.train_labels, source.test_labels)
    ]
    heads = ("images", "all", *source.class_names[:MOST_CLASSES])
    rows = [
        cells(word, *(f"{count:,}" for count in (of.sum(), *of[:MOST_CLASSES])))
        for word, of in zip(("training", "test"), counts, strict=True)
    ]
    left = len(source.class_names) - MOST_CLASSES
    height, width = source.train_images.shape[1:]
    return html_of(
        Fragment(
            title=source.name,
            kind="dataset",
            told=[f"Grey images of {height} × {width} pixels, {len(source.class_names)} classes."],
            pictures=[_mosaic(source)] if len(source.train_images) else [],
            tables=[Table(heads, rows, note=f"{left} more classes" if left > 0 else "")],
            where=f"SHA-256 {source.sha256}",
        )
    )


def _mosaic(source: Source) -> Picture:
    """The first training images of each class, a column for each class, dark on light."""
    _, height, width = source.train_images.shape
    columns = min(len(source.class_names), MOST_CLASSES)
    sheet = np.zeros((SHOWN_OF_EACH * (height + 1), columns * (width + 1)), np.uint8)
    for label in range(columns):
        for row, index in enumerate(np.flatnonzero(source.train_labels == label)[:SHOWN_OF_EACH]):
            top, left = row * (height + 1), label * (width + 1)
            sheet[top : top + height, left : left + width] = source.train_images[index]
    content = io.BytesIO()
    Image.fromarray(255 - sheet).save(content, "PNG", optimize=True)
    address = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    names = ", ".join(source.class_names[:columns])
    return Picture(address, f"Training images of {names}", round(SCALE * sheet.shape[1]))

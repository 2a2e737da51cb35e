"""Warnings about pixels of 0 and 1 where 255 is white: such images are nearly black."""

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.data.arrays import Bytes

SOME_IMAGES = 1000


def are_bits(images: Bytes) -> bool:
    """Whether the pixels of images, uint8 (n, height, width), are only 0 and 1, and both."""
    # Of other images some are enough to know.
    return bool(images[:SOME_IMAGES].max(initial=0) <= 1 and images.max(initial=0) == 1)


def pixel_warnings(config: RunConfig, dataset: Dataset) -> list[str]:
    """The warning, which begins with the key and its position; empty if there is no reason.

    `standardize` and `none` take such pixels as they are meant.
    """
    if config.data.normalize != "minmax" or not are_bits(dataset.train.images):
        return []
    text = (
        "data.path: the pixels are 0 and 1, but 255 is white: the network sees nearly black "
        "images; multiply the pixels by 255, or set data.normalize to none"
    )
    return [config.located(text)]

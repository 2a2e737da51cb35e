"""What training and `check` warn of before they use a dataset."""

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.experiment.class_coverage import class_warnings
from mnistlab.experiment.pixel_range import pixel_warnings


def data_warnings(config: RunConfig, dataset: Dataset) -> list[str]:
    """The warnings, each of which begins with its key and position."""
    return class_warnings(config, dataset) + pixel_warnings(config, dataset)

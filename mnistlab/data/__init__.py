"""Images and labels: found or downloaded, verified, decoded once, split. Imports
no package above.
"""

from mnistlab.data.info import SourceInfo, SplitInfo, describe, list_datasets
from mnistlab.data.retrieve import DownloadProgress
from mnistlab.data.source import DatasetListing, Source
from mnistlab.data.sources import SOURCES, fetch, open_source
from mnistlab.data.splits import Dataset, Split, scaling, split

__all__ = [
    "SOURCES",
    "Dataset",
    "DatasetListing",
    "DownloadProgress",
    "Source",
    "SourceInfo",
    "Split",
    "SplitInfo",
    "describe",
    "fetch",
    "list_datasets",
    "open_source",
    "scaling",
    "split",
]

"""Runs of files that were changed between them: their configurations do not tell them apart."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.browse.values import settings_of

# A key beside those of the configuration.
DATA_SHA256 = "data.sha256"
DIGITS = 12


def settings_with_digests(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """The settings of runs, by dotted path. The runs whose data have the source and path of another
    run's, but not its content, have the digest of the content as one more setting.
    """
    settings = [settings_of(run) for run in runs]
    places = [(one.get("data.source"), one.get("data.path")) for one in settings]
    datasets = [None if run.record.facts is None else run.record.facts.dataset for run in runs]
    contents = defaultdict(set)
    for place, dataset in zip(places, datasets, strict=True):
        if dataset is not None:
            contents[place].add(dataset.sha256)
    return [
        {**one, DATA_SHA256: dataset.sha256[:DIGITS]}
        if dataset is not None and len(contents[place]) > 1
        else one
        for place, dataset, one in zip(places, datasets, settings, strict=True)
    ]

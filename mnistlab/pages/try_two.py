"""Two networks that answer one drawing on a page: of a sweep, the chosen one and the last."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnistlab.config.dump import setting_as_yaml
from mnistlab.config.sweep import SweepConfig
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.pages.try_it import script_of, try_it
from mnistlab.store.run_dir import open_run
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import MnistlabError
from mnistlab.sweeps.ranking import ranking_of, stages_of
from mnistlab.sweeps.results import TrialRow

logger = logging.getLogger(__name__)


def two_networks(
    lead: str, runs: Sequence[tuple[str, Path]], most_bytes: int, options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The sections of two runs, each with its title, in about `most_bytes` of the page, and the
    sentence above them.

    None if their images differ. If a network cannot answer on a page, the reason is under
    `missing`. `options` are those of Artefacts.
    """
    told: dict[str, Any] = {"lead": lead, "missing": ""}
    try:
        pair = [Artefacts(open_run(path), **options) for _, path in runs]
        if len({_images(run) for run in pair}) > 1:
            return None
        sections = [vars(try_it(run, most_bytes // 2)) for run in pair]
        script = script_of(*(run.model for run in pair))
    except MnistlabError as error:
        logger.debug("no networks on the page: %s", error)
        return told | {"missing": "; ".join(error.messages)}
    titled = [{**one, "title": title} for one, (title, _) in zip(sections, runs, strict=True)]
    return told | {"sections": titled, "script": script}


def two_of_sweep(
    sweep_dir: SweepDir,
    config: SweepConfig,
    rows: Sequence[TrialRow],
    chosen: TrialRow | None,
    most_bytes: int,
    options: Mapping[str, Any],
) -> dict[str, Any] | None:
    """The chosen network of a sweep and the last of its ranking; None if there are no two."""
    ranked = ranking_of(config, rows, stages_of(config)[-1])
    last = next((point.first_trial for point in reversed(ranked) if point.rank), None)
    if chosen is None or last is None or chosen.run_dir == last.run_dir:
        return None
    keys = [
        key
        for key in chosen.parameters | last.parameters
        if _value(chosen, key) != _value(last, key)
    ]
    pair = [(_title(row, keys), sweep_dir.path / row.run_dir) for row in (chosen, last)]
    lead = "The chosen network and the last of the ranking are on this page."
    return two_networks(lead, pair, most_bytes, options)


def _value(row: TrialRow, key: str) -> str:
    return setting_as_yaml(row.parameters, key)


def _title(row: TrialRow, keys: Sequence[str]) -> str:
    """A trial and those parameters in which the two differ that it has."""
    values = ", ".join(f"{key} = {_value(row, key)}" for key in keys if key in row.parameters)
    return f"Trial {row.trial}: {values}" if values else f"Trial {row.trial}"


def _images(run: Artefacts) -> str:
    """What must be the same for two networks to see the same image, as text."""
    data, facts = run.config.data, run.facts.dataset
    keys = {"source", "path", "resize", "deskew", "transpose", "invert"}
    return json.dumps([data.model_dump(mode="json", include=keys), facts.class_names])

"""Two networks of a sweep that answer one drawing on its page: the chosen one and the last."""

import json
import logging
from collections.abc import Mapping, Sequence
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


def try_two(
    sweep_dir: SweepDir,
    config: SweepConfig,
    rows: Sequence[TrialRow],
    chosen: TrialRow | None,
    most_bytes: int,
    options: Mapping[str, Any],
) -> dict[str, Any] | None:
    """The sections of both networks, each with its title, in about `most_bytes` of the page.

    None if there are no two such trials, or their images differ. If a network cannot answer on a
    page, the reason is under `missing`. `options` are those of Artefacts.
    """
    ranked = ranking_of(config, rows, stages_of(config)[-1])
    last = next((point.first_trial for point in reversed(ranked) if point.rank), None)
    if chosen is None or last is None or chosen.run_dir == last.run_dir:
        return None
    pair = [chosen, last]
    try:
        runs = [Artefacts(open_run(sweep_dir.path / row.run_dir), **options) for row in pair]
        if len({_images(run) for run in runs}) > 1:
            return None
        sections = [vars(try_it(run, most_bytes // 2)) for run in runs]
        script = script_of(*(run.model for run in runs))
    except MnistlabError as error:
        logger.debug("no networks on the page: %s", error)
        return {"missing": "; ".join(error.messages)}
    keys = [key for key in chosen.parameters if _value(chosen, key) != _value(last, key)]
    titles = [_title(row, keys) for row in pair]
    titled = [{**one, "title": title} for one, title in zip(sections, titles, strict=True)]
    return {"missing": "", "sections": titled, "script": script}


def _value(row: TrialRow, key: str) -> str:
    return setting_as_yaml(row.parameters, key)


def _title(row: TrialRow, keys: Sequence[str]) -> str:
    """A trial and the parameters in which the two differ."""
    values = ", ".join(f"{key} = {_value(row, key)}" for key in keys)
    return f"Trial {row.trial}: {values}" if values else f"Trial {row.trial}"


def _images(run: Artefacts) -> str:
    """What must be the same for two networks to see the same image, as text."""
    data, facts = run.config.data, run.facts.dataset
    keys = {"source", "path", "resize", "deskew", "transpose", "invert"}
    return json.dumps([data.model_dump(mode="json", include=keys), facts.class_names])

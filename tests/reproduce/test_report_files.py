"""The five reports' files: their stated values are the reports', and every trial is valid."""

import pytest

from mnistlab.config import load_sweep
from mnistlab.reproduce.manifest import known_reports, load_report
from mnistlab.sweeps.space import checked_points

REPORTS = ("a", "b", "c", "d", "e")


def test_there_are_five_reports():
    assert tuple(known_reports()) == REPORTS


@pytest.mark.parametrize("name", REPORTS)
def test_every_experiment_is_in_a_table_and_each_of_its_trials_is_valid(name):
    loaded = load_report(name)
    shown = {table.experiment for table in loaded.report.tables}
    shown |= {figure.experiment for figure in loaded.report.figures}
    assert shown == set(loaded.report.experiments)
    for experiment in loaded.report.experiments:
        assert checked_points(load_sweep(loaded.folder / f"{experiment}.yaml", ["seeds=1"]))


@pytest.mark.parametrize("name", REPORTS)
def test_every_stated_row_belongs_to_a_point_of_its_experiment(name):
    loaded = load_report(name)
    for experiment in loaded.report.experiments:
        source = load_sweep(loaded.folder / f"{experiment}.yaml", ["seeds=1"])
        points = [(block.name, point.parameters) for block, point, _ in checked_points(source)]
        points += [(f"refit:{stage}", {}) for stage in source.config.refit or ()]
        for entry in source.config.reference or ():
            assert any(
                entry.stage in (None, stage)
                and all(values.get(key, "-") == value for key, value in entry.parameters.items())
                for stage, values in points
            ), (experiment, entry)

"""The files of reports and papers: what they state is of a point, and every trial is valid."""

import re

import pytest
import yaml

from mnistlab.config.load_sweep import load_sweep
from mnistlab.config.sweep import SweepConfig
from mnistlab.reproduce.known import KINDS, known
from mnistlab.sweeps.space import checked_points

ALL = {f"{one.group}/{one.name}": one for one in known()}
REPORTS = ("a", "b", "c", "d", "e")


def files_of(one):
    """Every experiment of a report or paper, as a sweep of one seed."""
    loaded = one.load()
    for name, experiment in loaded.report.experiments.items():
        path = loaded.folder / (experiment.file or f"{name}.yaml")
        yield name, load_sweep(path, ["seeds=1", *_a_metric(path)])


def _a_metric(path):
    keys = yaml.safe_load(path.read_text())
    is_sweep = {"parameters", "stages"} & set(keys)
    return [] if is_sweep else ["metric.name=train_accuracy"]


def test_there_are_five_reports_and_the_papers():
    assert tuple(one.name for one in known("reports")) == REPORTS
    assert {"nielsen", "keras", "sklearn"} <= {one.name for one in known("papers")}


def test_no_name_stands_for_two():
    names = [one.name for one in known()]
    assert len(set(names)) == len(names)
    assert not set(names) & {*KINDS, "all"}


@pytest.mark.parametrize("name", ALL)
def test_every_experiment_is_in_a_table_and_each_of_its_trials_is_valid(name):
    loaded = ALL[name].load()
    shown = {table.experiment for table in loaded.report.tables}
    shown |= {figure.experiment for figure in loaded.report.figures}
    shown |= {one.teacher for one in loaded.report.experiments.values()} - {None}
    assert shown == set(loaded.report.experiments)
    for _, source in files_of(ALL[name]):
        assert checked_points(source)


@pytest.mark.parametrize("name", ALL)
def test_every_stated_row_belongs_to_a_point_of_its_experiment(name):
    for experiment, source in files_of(ALL[name]):
        points = [(block.name, point.parameters) for block, point, _ in checked_points(source)]
        points += [(f"refit:{stage}", {}) for stage in source.config.refit or ()]
        for entry in source.config.reference or ():
            assert any(
                entry.stage in (None, stage)
                and all(values.get(key, "-") == value for key, value in entry.parameters.items())
                for stage, values in points
            ), (experiment, entry)


@pytest.mark.parametrize("one", known("papers"), ids=lambda one: one.name)
def test_a_paper_says_where_it_states_a_figure_how_long_it_takes_and_has_two_figures(one):
    report = one.load().report
    assert report.minutes is not None
    assert len(report.figures) >= 2
    for experiment, source in files_of(one):
        config: SweepConfig = source.config
        for entry in config.reference or ():
            assert entry.source, (experiment, entry)


def test_a_folder_of_a_paper_is_its_only_place():
    """No file of the package or of the docs' programs names a paper."""
    package = known()[0].folder.parents[2].parent
    docs = package.parent / "docs"
    names = re.compile(r"\b(" + "|".join(one.name for one in known("papers")) + r")\b.*\.yaml")
    for path in [*package.rglob("*.py"), *docs.glob("*.py")]:
        assert not names.search(path.read_text(encoding="utf-8")), path

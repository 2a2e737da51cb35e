"""A sweep as a Python object that reads its folder on access."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mnistlab.python.arguments import refuse_no_text
from mnistlab.python.run import OnDisk, Run, only_figure
from mnistlab.python.tables import PathLike
from mnistlab.store.browse.found import is_sweep, trials_of
from mnistlab.store.browse.sweep_summary import read_sweep
from mnistlab.store.run_dir import open_run
from mnistlab.store.summary_files import read_summary
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support import paths
from mnistlab.support.errors import UsageError
from mnistlab.support.links import resolved
from mnistlab.sweeps.results import metric_names, parameter_keys, read_trials, sweep_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Sweep(OnDisk):
    """A sweep: its trials, their ranking, and the best run.

    Everything is read from its folder on access. A Sweep is usable wherever a path is expected.
    Damaged files raise UsageError that names the file.
    """

    def __init__(self, path: PathLike, *, data_dir: PathLike | None = None) -> None:
        """The sweep at `path`; raises UsageError, saying what is there, if there is none."""
        if not is_sweep(Path(path)):
            raise UsageError(f"{open_run(Path(path)).path}: is one run, not a sweep")
        self._sweep_dir = SweepDir(resolved(Path(path)))
        self.path = self._sweep_dir.path
        self._data_dir = paths.data_dir(data_dir)

    def __repr__(self) -> str:
        counts = read_sweep(self.path).trials.items()
        told = [f"{count} {status}" for status, count in counts if count]
        return f"<Sweep {self.path}: {', '.join([self.status, *told])}>"

    def _repr_html_(self) -> str:
        """The sweep in a notebook: its answer, its ranking, its learning curves, a link to its
        page.
        """
        from mnistlab.pages.notebook.sweep import sweep_html

        return sweep_html(self.path)

    @property
    def status(self) -> str:
        """running, finished or interrupted."""
        return read_sweep(self.path).status.value

    @property
    def config(self) -> dict[str, Any]:
        """The complete configuration with its run; `mnistlab.sweep(sweep.config)` repeats it."""
        return sweep_of(self._sweep_dir).mapping()

    @property
    def trials(self) -> pd.DataFrame:
        """trials.csv: a row per trial, with its status, parameters, metrics and run folder."""
        rows = read_trials(self._sweep_dir)
        keys = parameter_keys(rows)
        records = [
            {
                "trial": row.trial,
                "status": row.status.value,
                **({"stage": " ".join(row.stages)} if row.stages else {}),
                **row.parameters,
                **row.metrics,
                "run_dir": str(self.path / row.run_dir),
            }
            for row in rows
        ]
        staged = ["stage"] if any(row.stages for row in rows) else []
        names = metric_names(rows)
        columns = ["trial", "status", *staged, *keys, *names, "run_dir"]
        table = pd.DataFrame(records, columns=columns).set_index("trial")
        return table.astype(dict.fromkeys(names, float))

    @property
    def ranking(self) -> pd.DataFrame:
        """ranking.csv: a row per point, best first, with mean, deviation and 95 % interval over
        seeds; `behind` is the winner's lead over it, `p_value` that of its test.
        """
        if not self._sweep_dir.ranking_csv.exists():
            raise UsageError(f"{self.path}: has no ranking yet; the sweep is {self.status}")
        text = read_summary(self._sweep_dir.ranking_csv)
        table = pd.read_csv(io.StringIO(text))
        # pandas before 3.1 misses the last digit of some numbers.
        as_written = pd.read_csv(io.StringIO(text), dtype=str)
        for column in table.select_dtypes("float").columns:
            table[column] = as_written[column].astype(float)
        return table

    @property
    def findings(self) -> list[str]:
        """What the sweep says, in sentences: a best value at the edge of the grid, and the like."""
        from mnistlab.findings import sweep_findings

        return sweep_findings(self._sweep_dir)

    @property
    def figure_names(self) -> list[str]:
        """The names for `figure`, if the sweep has the data."""
        from mnistlab.figures.sweep_figures import sweep_entries

        return [entry.name for entry in sweep_entries(self._sweep_dir, self._options)]

    def figure(self, name: str) -> "Figure":
        """One figure, drawn now: `sweep.figure("learning_curves")`.

        Raises UsageError for an unknown name, LackingError if the sweep lacks its data.
        """
        from mnistlab.figures.sweep_figures import sweep_figures

        refuse_no_text("name", name)
        return only_figure(self.path, sweep_figures(self._sweep_dir, [name], **self._options))

    @property
    def _options(self) -> dict[str, Any]:
        """How a figure opens a trial."""
        return {"data_dir": self._data_dir}

    @property
    def runs(self) -> list[Run]:
        """The trials that have begun, as runs, in the order of their numbers."""
        return [Run(path, data_dir=self._data_dir) for path in trials_of(self.path)]

    @property
    def best(self) -> Run:
        """The best trial; raises UsageError if there is none (yet)."""
        if not self._sweep_dir.best.exists():
            raise UsageError(f"{self.path}: has chosen no trial; the sweep is {self.status}")
        return Run(self._sweep_dir.best, data_dir=self._data_dir)


def load_sweep(path: PathLike, *, data_dir: PathLike | None = None) -> Sweep:
    """The sweep at `path`. Raises UsageError if there is none."""
    return Sweep(path, data_dir=data_dir)

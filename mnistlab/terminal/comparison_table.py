"""Runs side by side on the terminal: a column for what differs, or a row where that fits better."""

import sys
from collections import Counter
from collections.abc import Sequence

from mnistlab.store.browse.comparison import ComparedRun, Comparison
from mnistlab.store.browse.found import folder_names, trial_name
from mnistlab.store.status import Status
from mnistlab.support.metric_names import TEST, VALIDATION
from mnistlab.support.text_format import plain_yaml
from mnistlab.terminal.output import metric_value, print_line, print_note, print_table
from mnistlab.terminal.tables import natural_width
from mnistlab.terminal.width import terminal_width

WIDEST_CELL, LEAST_OF_NAME = 32, 26
IMPORTANT = (VALIDATION.accuracy, TEST.accuracy)


def print_comparison(comparison: Comparison, beside: Sequence[Sequence[str]] = ()) -> None:
    """Print the runs on stdout in the form that fits the terminal; on stderr what is not shown.

    `beside` are more cells for the heading and for each run.
    """
    keys = comparison.shown_keys
    names = list(map(trial_name, folder_names([one.run.path for one in comparison.runs])))
    statuses = [one.run.record.status.words for one in comparison.runs]
    shown = [*keys, *comparison.metrics]
    cells = [_cells(one, keys, comparison.metrics) for one in comparison.runs]
    if beside:
        shown += beside[0]
        cells = [[*own, *more] for own, more in zip(cells, beside[1:], strict=True)]
    told = set(statuses) != {Status.FINISHED.words}
    rows = [["run", *(["status"] if told else []), *shown]]
    for name, status, values in zip(names, statuses, cells, strict=True):
        rows.append([name, *([status] if told else []), *values])
    width = terminal_width(sys.stdout)
    numbers = [str(number) for number, _ in enumerate(names, 1)]
    turned = [["", *numbers], *map(list, zip(shown, *cells, strict=True))]
    if width is None or natural_width(rows) <= width or natural_width(turned) > width:
        telling = _telling_first(comparison, keys)
        important = [rows[0].index(name) for name in (*IMPORTANT, *telling) if name in rows[0]]
        important += range(len(rows[0]) - len(beside[0] if beside else ()), len(rows[0]))
        print_table(
            rows,
            right=range(1 + told, len(rows[0])),
            status=1 if told else None,
            first=[*range(1 + told), *important],
            kept=1 + told + any(name in rows[0] for name in IMPORTANT),
            elsewhere="--csv has all",
            least={0: LEAST_OF_NAME},
        )
    else:
        legend = [list(line) for line in zip(numbers, names, statuses, strict=True)]
        print_table([["", "run", "status"], *legend], status=2)
        print_line("")
        print_table(turned, right=range(1, len(turned[0])))
    _tell_the_rest(comparison)


def _telling_first(comparison: Comparison, keys: Sequence[str]) -> list[str]:
    """The keys by the number of their values: what differs most tells the runs apart."""
    values = {key: {written(one, key) for one in comparison.runs} for key in keys}
    return sorted(keys, key=lambda key: -len(values[key]))


def _tell_the_rest(comparison: Comparison) -> None:
    implied = Counter(key.partition(".")[0] for key in comparison.implied)
    if implied:
        told = ", ".join(f"{count} of {section}" for section, count in sorted(implied.items()))
        print_note(f"not shown: keys that only one type has ({told}); --csv has them")
    if len(comparison.runs) > 1 and not comparison.keys:
        print_note("all runs have the same configuration")


def _cells(one: ComparedRun, keys: Sequence[str], metrics: Sequence[str]) -> list[str]:
    values = [_shortened(written(one, key)) for key in keys]
    return [*values, *(metric_value(metric, one.metrics[metric]) for metric in metrics)]


def written(one: ComparedRun, key: str) -> str:
    """A value as YAML; empty if the run has no such key."""
    return plain_yaml(one.settings[key]) if key in one.settings else ""


def _shortened(text: str) -> str:
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 3]}..."

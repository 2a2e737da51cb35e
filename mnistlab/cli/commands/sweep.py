"""`mnistlab sweep`: many runs, ranked by a metric."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnistlab.cli import completion, options

if TYPE_CHECKING:
    from mnistlab.config.load_sweep import SweepSource

ORDER = 2  # in --help
EXAMPLES = """\b
Examples:
  mnistlab sweep configs/quickstart.yaml optimizer.lr=0.1,0.03,0.01 seeds=3
  mnistlab sweep configs/sweeps/softmax-lr-lambda.yaml --dry-run
  mnistlab sweep configs/sweeps/softmax-stages.yaml --workers 1
  mnistlab sweep configs/quickstart.yaml seed=1,2 --scheduler 127.0.0.1:8786
"""


def sweep(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG",
            help="The YAML file of the sweep; or of a run, followed by the values to try.",
            show_default=False,
            autocompletion=completion.config_files,
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=V1,V2",
            help="Values to try, by their dotted path, read as the items of a YAML list; one value "
            "alone is set in every trial. seeds, metric.name and the like are the sweep's own.",
            show_default=False,
            autocompletion=completion.sweep_values,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The sweep's name, instead of the file's.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the trials; run nothing.")
    ] = False,
    no_plots: options.NoPlots = False,
    track: options.Track = None,
    runs_dir: options.RunsDir = None,
    data_dir: options.DataDir = None,
    workers: options.Workers = "auto",
    scheduler: options.Scheduler = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Train many runs and choose the best."""
    count = options.worker_count(workers)
    from mnistlab.config.load_sweep import load_sweep

    named = [] if name is None else [f"name={options.yaml_string(name)}"]
    source = load_sweep(config, [*(values or ()), *named])
    if dry_run:
        _list_trials(source, as_json=json)
        return 0

    from mnistlab.cli.drawing import figures_beside
    from mnistlab.sweeps.space import most_points

    with figures_beside(wanted=not no_plots, points=most_points(source)) as figures:
        from mnistlab.experiment.dataset import data_dir_of_file
        from mnistlab.python.commands import sweep as command
        from mnistlab.support import paths
        from mnistlab.terminal.watched_sweep import sweep_options

        with sweep_options(data_dir, workers=count, scheduler=scheduler, quiet=quiet) as how:
            folder = paths.runs_dir(runs_dir)
            how = replace(how, data_dir=data_dir_of_file(config, how.data_dir, how.tell))
            result = command.sweep(
                source, folder, how, plots=not no_plots, figures=figures, track=track or ()
            )
    from mnistlab.terminal.sweep_result import tell_sweep

    return tell_sweep(result, quiet=quiet, json=json)


def _list_trials(source: "SweepSource", *, as_json: bool) -> None:
    """Every trial that is known before the first stage has a winner."""
    from mnistlab.config.dump import setting_as_yaml
    from mnistlab.sweeps.space import chosen_later, repetitions
    from mnistlab.sweeps.sweep_run import plan, refuse_missing_weights
    from mnistlab.terminal.output import print_json, print_note, print_table

    planned = plan(source)
    refuse_missing_weights(source)
    for text in repetitions(source):
        print_note(f"warning: {text}")
    for text in chosen_later(source):
        print_note(text)
    if as_json:
        print_json({"trials": planned})
        return
    staged = any("stage" in trial for trial in planned)
    keys = list(dict.fromkeys(key for trial in planned for key in trial["parameters"]))
    head = ["trial", *(["stage", "from"] if staged else []), *keys]
    rows = [head]
    for number, trial in enumerate(planned):
        stage = [trial["stage"], trial["from"] or ""] if staged else []
        cells = [setting_as_yaml(trial["parameters"], key) for key in keys]
        rows.append([str(number), *stage, *cells])
    print_table(rows, right=[0], elsewhere="--json has all")

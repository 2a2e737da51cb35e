"""`mnistlab train`: one configuration, one run, one folder."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.config import RunConfig

ORDER = 1  # in --help
EXAMPLES = """\b
Examples:
  mnistlab train configs/quickstart.yaml
  mnistlab train configs/quickstart.yaml model.hidden=[128,64]
  mnistlab train configs/quickstart.yaml --print-config
"""


def train(
    config: options.Config,
    overrides: options.Overrides = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The run's name, instead of the file's.")
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the complete configuration; run nothing.")
    ] = False,
    no_plots: options.NoPlots = False,
    track: options.Track = None,
    runs_dir: options.RunsDir = None,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Train one run and print the path of its folder."""
    options.set_threads(threads)
    from mnistlab.cli.drawing import figures_beside
    from mnistlab.cli.result import tell_result

    # Before anything is read: it imports as long as this process does.
    drawn = not (no_plots or print_config)
    with figures_beside(wanted=drawn and threads != 1) as figures:
        from mnistlab.config import load_run_config
        from mnistlab.config.load import warn_of

        # Last, so that it wins; validated with all the rest.
        named = [] if name is None else [f"name={options.yaml_string(name)}"]
        run_config = load_run_config(config, [*(overrides or ()), *named])
        warn_of(run_config)
        if print_config:
            _print_config(run_config, as_json=json)
            return 0

        from mnistlab.experiment.dataset import data_dir_of_file
        from mnistlab.python.commands import train as command
        from mnistlab.support import paths
        from mnistlab.terminal.watched import run_options

        with run_options(data_dir, threads=threads, quiet=quiet) as how:
            folder = paths.runs_dir(runs_dir)
            found = data_dir_of_file(config, how.data_dir, how.tell, run_config)
            how = replace(how, data_dir=found)
            result = command.train(
                run_config, folder, how, plots=drawn, figures=figures, track=track or ()
            )
    return tell_result(result, quiet=quiet, json=json)


def _print_config(run_config: "RunConfig", *, as_json: bool) -> None:
    from mnistlab.config import dump_yaml, resolved_mapping
    from mnistlab.terminal.output import print_json, print_result

    if as_json:
        print_json(resolved_mapping(run_config))
    else:
        print_result(dump_yaml(run_config).removesuffix("\n"))

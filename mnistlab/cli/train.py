"""`mnistlab train`: one configuration, one run, one folder."""

import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.config import RunConfig
    from mnistlab.experiment.callbacks import RunResult

EXAMPLES = """\b
Examples:
  mnistlab train configs/quickstart.yaml
  mnistlab train configs/quickstart.yaml optimizer.lr=0.01 model.hidden=[128,64]
  mnistlab train configs/quickstart.yaml --print-config
"""
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy")
EXIT_CODES = {"finished": 0, "stopped_early": 0, "diverged": 1}


def train(
    config: options.Config,
    overrides: options.Overrides = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The run's name, instead of the file's.")
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Print the complete configuration; run nothing."),
    ] = False,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")] = False,
    runs_dir: options.RunsDir = None,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Train one run and print the path of its folder."""
    options.set_threads(threads)
    from mnistlab import paths
    from mnistlab.cli.output import print_json
    from mnistlab.config import load_run_config

    # Last, so that it wins; validated with all the rest.
    named = [] if name is None else [f"name={_yaml_string(name)}"]
    run_config = load_run_config(config, [*(overrides or ()), *named])
    if print_config:
        _print_config(run_config, as_json=json)
        return 0

    from mnistlab import api
    from mnistlab.cli.progress import watch_download, watch_run

    with (
        watch_download(quiet=quiet) as data_progress,
        watch_run(run_config, quiet=quiet) as callback,
    ):
        result = api.train(
            run_config,
            runs_dir=paths.runs_dir(runs_dir),
            data_dir=paths.data_dir(data_dir),
            threads=threads,
            plots=not no_plots,
            callbacks=[callback],
            argv=sys.argv,
            data_progress=data_progress,
        )
    _print_summary(result, quiet=quiet)
    if json:
        print_json(_document(result))
    else:
        print(result.run_dir)
    return EXIT_CODES.get(result.status, 128 + (result.signal or signal.SIGINT))


def _yaml_string(text: str) -> str:
    """The text as a quoted YAML string, so that `--name 007` is a name and no number."""
    return "'" + text.replace("'", "''") + "'"


def _print_config(run_config: "RunConfig", *, as_json: bool) -> None:
    from mnistlab.cli.output import print_json
    from mnistlab.config import dump_yaml, resolved_mapping

    if as_json:
        print_json(resolved_mapping(run_config))
    else:
        print(dump_yaml(run_config), end="")


def _print_summary(result: "RunResult", *, quiet: bool) -> None:
    """How the run ended, on stderr; where it diverged, the advice even with --quiet."""
    from mnistlab.cli.output import number, percent, seconds

    if not quiet:
        how = result.status.replace("_", " ")
        total, training = seconds(result.seconds["total"]), seconds(result.seconds["train"])
        took = f"{total}, {training} of it training"
        print(f"{how} after {_count(result.epochs, 'epoch')} in {took}", file=sys.stderr)
        for split, key in (("validation", "val"), ("test", "test")):
            loss, accuracy = (result.metrics.get(f"{key}_{what}") for what in ("loss", "accuracy"))
            if loss is not None and accuracy is not None:
                line = f"{split:<10}  loss {number(loss)}  accuracy {percent(accuracy)}"
                print(line, file=sys.stderr)
    if result.signal is not None:
        name = signal.Signals(result.signal).name
        print(f"stopped by {name}; its checkpoint is saved", file=sys.stderr)
    if result.advice:
        print(result.advice, file=sys.stderr)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _document(result: "RunResult") -> dict[str, Any]:
    return {
        "run_dir": result.run_dir,
        "status": result.status,
        "epochs": result.epochs,
        "metrics": {name: result.metrics.get(name) for name in METRICS},
        "seconds": {name: result.seconds[name] for name in ("total", "train")},
    }

"""The result of a run, printed for people or for programs, and the exit code."""

import signal
from typing import TYPE_CHECKING, Any

from mnistlab.store.status import Status
from mnistlab.support.metric_names import SPLIT_METRICS, TEST, VALIDATION
from mnistlab.support.signals import exit_code_of
from mnistlab.support.text_format import number, percent, seconds, training_length
from mnistlab.terminal.output import (
    print_findings,
    print_how_to_resume,
    print_json,
    print_note,
    print_path,
    print_status,
    told_before_the_end,
)

if TYPE_CHECKING:
    from mnistlab.experiment.callbacks import RunResult


def tell_result(result: "RunResult", *, quiet: bool, json: bool) -> int:
    """Print the result of a run, its folder or JSON document last; returns the exit code."""
    from mnistlab.findings import findings_of

    _print_summary(result, quiet=quiet)
    is_told = result.signal is None and (json or not quiet)
    findings = findings_of(result.run_dir) if is_told else []
    if not quiet:
        print_findings(findings)
    with told_before_the_end(result.signal):
        if json:
            print_json({**_document(result), "findings": findings})
        else:
            print_path(result.run_dir)
    if result.already_ended:
        return 0
    if result.status is Status.INTERRUPTED:
        return exit_code_of(result.signal or signal.SIGINT)
    return 0 if result.status.finished else 1


def _print_summary(result: "RunResult", *, quiet: bool) -> None:
    """Print on stderr how the run ended; after divergence the advice also with --quiet."""
    if not quiet:
        how = result.status.words
        total, training = seconds(result.seconds.total), seconds(result.seconds.train)
        took = f"in {total}, {training} of it training"
        if result.already_ended:
            print_note("nothing left to do: this run has already ended")
        length = training_length(result.epochs, result.steps)
        print_status(f"{how} after {length}", took)
        for part in (VALIDATION, TEST):
            loss, accuracy = result.metrics.get(part.loss), result.metrics.get(part.accuracy)
            if loss is not None and accuracy is not None:
                line = f"{part.word:<10}  loss {number(loss)}  accuracy {percent(accuracy)}"
                print_note(line)
    if result.signal is not None:
        print_how_to_resume(result.signal, "its checkpoint is saved", result.run_dir)
    if result.advice:
        print_note(result.advice)


def _document(result: "RunResult") -> dict[str, Any]:
    return {
        "run_dir": result.run_dir,
        "status": result.status,
        "epochs": result.epochs,
        "steps": result.steps,
        "metrics": {name: result.metrics.get(name) for name in SPLIT_METRICS},
        "seconds": result.seconds,
    }

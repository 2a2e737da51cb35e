"""The page's tables of whole commands."""

from typing import Any

from benchmarks.peers import LIBRARIES
from benchmarks.tables import markdown, measured_on, peer_title, rounded


def commands_table(result: dict[str, Any]) -> str:
    """The tables of whole commands: seconds, shares of a run, evaluation, memory."""
    return "\n".join(
        [
            _seconds_of_commands(result),
            _shares_of_a_run(result["shares"]),
            _evaluations(result["evaluation"]),
            _memory(result["memory"]),
            measured_on(result),
        ]
    )


def _seconds_of_commands(result: dict[str, Any]) -> str:
    start, train, first = result["start_up"], result["training"], result["first_step"]
    bare, whole = start["import typer"], start["mnistlab --help"]
    seconds = {
        "`python -c 'import typer'`": rounded(bare),
        "`mnistlab --help`": f"{rounded(whole)} ({whole / bare:.2f} × as long)",
        "`mnistlab train`, softmax regression, 10 epochs, with figures: warm": rounded(
            train["warm"]
        ),
        "… the engine to be compiled": rounded(train["engine cold"]),
        "… the dataset to be decoded": rounded(train["dataset cold"]),
        "… both: the first run ever": rounded(train["everything cold"]),
        "imports of a training": rounded(first["imports"]),
        "from the imports to the first step, warm": rounded(first["first step"]),
        "loading MNIST, warm": rounded(result["load"]["load"]),
    }
    for penalty, epoch in result["penalties"].items():
        name = penalty.removeprefix("regularization.").replace("=", " = ")
        seconds[f"an epoch of W3, {name}"] = rounded(epoch)
    return markdown(["command", "seconds"], [[what, value] for what, value in seconds.items()])


def _shares_of_a_run(shares: dict[str, dict[str, float]]) -> str:
    names = [name for name in next(iter(shares.values())) if name != "total"]
    lines = [
        [
            f"`{config}`",
            rounded(found["total"]),
            *(f"{found[n] / found['total']:.1%}" for n in names),
        ]
        for config, found in shares.items()
    ]
    return markdown(["share of a run", "seconds", *names], lines)


def _evaluations(evaluation: dict[str, dict[str, float]]) -> str:
    keys = list(dict.fromkeys(key for found in evaluation.values() for key in found))
    lines = [
        [f"**{row}**", *(f"{1000 * found[key]:.3g}" for key in keys)]
        for row, found in evaluation.items()
    ]
    return markdown(["10,000 test images, ms", *map(peer_title, keys)], lines)


def _memory(memory: dict[str, Any]) -> str:
    if not memory:
        return "Memory is measured on Linux alone.\n"
    lines = [
        ["`mnistlab train`, alone: resident", _megabytes(memory["alone"]["rss"][0])],
        ["two at once: proportional size of each", _megabytes(max(memory["both"]["pss"]))],
        ["two at once: together", _megabytes(sum(memory["both"]["pss"]))],
        *(
            [f"{LIBRARIES[name].name}, the benchmark's process: resident", _megabytes(size)]
            for name, size in memory["peers"].items()
        ),
    ]
    return markdown(["peak memory of W2", "MB"], lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"

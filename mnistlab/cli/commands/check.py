"""`mnistlab check`: the network of a configuration, and a numerical check of its gradients."""

from typing import TYPE_CHECKING, Any

from mnistlab.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnistlab.python.commands.check import CheckResult
    from mnistlab.runtime.program import LayerSpec

VERDICTS = {"right": "ok", "wrong": "WRONG", "not compared": "not compared"}

ORDER = 10  # in --help
EXAMPLES = """\b
Examples:
  mnistlab check configs/quickstart.yaml
  mnistlab check configs/quickstart.yaml model.activation=tanh --json
"""


def check(
    config: options.Config,
    overrides: options.Overrides = None,
    data_dir: options.DataDir = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Show layers and memory, check the gradients."""
    from mnistlab.config import load_run_config
    from mnistlab.config.load import warn_of
    from mnistlab.experiment.dataset import data_dir_of_file
    from mnistlab.python.commands import check as command
    from mnistlab.support import paths
    from mnistlab.terminal.output import print_json, print_lines
    from mnistlab.terminal.progress import watch_download, watch_messages

    run_config = load_run_config(config, overrides or ())
    warn_of(run_config)
    watcher = watch_messages(quiet=quiet)
    with watch_download(quiet=quiet) as data_progress:
        datasets = paths.data_dir(data_dir)
        result = command.check(
            run_config,
            data_dir=data_dir_of_file(config, datasets, watcher.on_message, run_config),
            callbacks=[watcher],
            data_progress=data_progress,
        )
    if json:
        print_json(_document(result))
    else:
        print_lines("\n\n".join([_layers(result), _memory(result), _gradients(result)]))
    return 1 if result.passed is False else 0


def _layers(result: "CheckResult") -> str:
    from mnistlab.terminal.output import table_text

    rows = [["layer", "output", "parameters", ""]]
    for layer in result.layers:
        count = f"{layer.parameters:,}" if layer.parameters else "-"
        shape = " x ".join(map(str, layer.output_shape))
        rows.append([layer.name, shape, count, layer.description])
    rows.append(["total", "", f"{result.parameters:,}", ""])
    return table_text(rows, right=(2,))


def _memory(result: "CheckResult") -> str:
    from mnistlab.support.text_format import human_bytes
    from mnistlab.terminal.output import table_text

    parts = {name: size for name, size in result.memory.items() if name != "total"}
    rows = [["memory", "estimate"], *([name, human_bytes(size)] for name, size in parts.items())]
    rows.append(["total", human_bytes(result.memory["total"])])
    return table_text(rows, right=(1,))


def _gradients(result: "CheckResult") -> str:
    from mnistlab.terminal.output import table_text

    rows = [["gradient of", "error", "uncertainty", "compared", "left out", ""]]
    for tensor in result.tensors:
        errors = [_exponent(tensor.error), _exponent(tensor.uncertainty)]
        counts = [f"{count:,}" for count in (tensor.checked, tensor.left_out)]
        rows.append([tensor.name, *errors, *counts, VERDICTS[tensor.verdict]])
    return "\n".join([table_text(rows, (1, 2, 3, 4), first=(0, 5, 1)), *_sentences(result)])


def _sentences(result: "CheckResult") -> "Iterator[str]":
    """The result of the gradient check in sentences."""
    how = f"finite differences in float64 over {result.images:,} images"
    to = f"{result.threshold:g} or their own uncertainty"
    named = {
        verdict: ", ".join(tensor.name for tensor in result.tensors if tensor.verdict == verdict)
        for verdict in VERDICTS
    }
    if named["wrong"]:
        yield f"WRONG GRADIENT of {named['wrong']}: {how} differ by more than {to}."
    elif named["right"]:
        which = f"gradients of {named['right']}" if named["not compared"] else "gradients"
        yield f"The {which} are correct: {how} agree to {to}."
    if named["not compared"]:
        yield (
            f"Cannot compare the gradient of {named['not compared']}: "
            "it is lost in the rounding of the loss."
        )
    if any(tensor.left_out for tensor in result.tensors if tensor.verdict != "not compared"):
        yield "Left out: elements at a kink of the loss, or whose derivative is lost in rounding."


def _exponent(number: float | None) -> str:
    return "-" if number is None else f"{number:.1e}"


def _document(result: "CheckResult") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "passed": result.passed,
        "threshold": result.threshold,
        "images": result.images,
        "layers": [_layer_document(layer) for layer in result.layers],
        "parameters": result.parameters,
        "memory": result.memory,
        "tensors": [{**asdict(tensor), "passed": tensor.passed} for tensor in result.tensors],
    }


def _layer_document(layer: "LayerSpec") -> "LayerSpec":
    """A layer for --json; `activation` names the activation that follows it."""
    from dataclasses import replace

    follows = layer.activation is not None and layer.kind != "activation"
    return replace(layer, activation=layer.activation.type if follows else None)

"""`mnistlab check`: what a configuration builds, and whether its gradients are right."""

from typing import TYPE_CHECKING, Any

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.api import CheckResult
    from mnistlab.runtime.program import LayerSpec

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
    from mnistlab import api, paths
    from mnistlab.cli.output import print_json, print_lines
    from mnistlab.cli.progress import watch_download, watch_messages
    from mnistlab.config import load_run_config

    run_config = load_run_config(config, overrides or ())
    with watch_download(quiet=quiet) as data_progress:
        result = api.check(
            run_config,
            data_dir=paths.data_dir(data_dir),
            callbacks=[watch_messages(quiet=quiet)],
            data_progress=data_progress,
        )
    if json:
        print_json(_document(result))
    else:
        print_lines("\n\n".join([_layers(result), _memory(result), _gradients(result)]))
    return 0 if result.passed else 1


def _layers(result: "CheckResult") -> str:
    from mnistlab.cli.output import table

    rows = [["layer", "output", "parameters", ""]]
    for layer in result.layers:
        count = f"{layer.parameters:,}" if layer.parameters else "-"
        rows.append([layer.name, _shape(layer.output_shape), count, layer.description])
    rows.append(["total", "", f"{result.parameters:,}", ""])
    return table(rows, right=(2,))


def _memory(result: "CheckResult") -> str:
    from mnistlab.cli.output import human_bytes, table

    parts = {name: size for name, size in result.memory.items() if name != "total"}
    rows = [["memory", "estimate"], *([name, human_bytes(size)] for name, size in parts.items())]
    rows.append(["total", human_bytes(result.memory["total"])])
    return table(rows, right=(1,))


def _gradients(result: "CheckResult") -> str:
    from mnistlab.cli.output import table

    rows = [["gradient of", "error", "compared", "left out", ""]]
    for tensor in result.tensors:
        error = f"{tensor.error:.1e}"
        counts = [f"{count:,}" for count in (tensor.checked, tensor.left_out)]
        rows.append([tensor.name, error, *counts, "ok" if tensor.passed else "WRONG"])
    return f"{table(rows, right=(1, 2, 3))}\n{_verdict(result)}"


def _verdict(result: "CheckResult") -> str:
    how = f"finite differences in float64 over {result.images:,} images"
    if result.passed:
        verdict = f"The gradients are right: {how} agree to {result.threshold:g}."
    else:
        wrong = ", ".join(tensor.name for tensor in result.tensors if not tensor.passed)
        verdict = f"WRONG GRADIENT of {wrong}: {how} differ by more than {result.threshold:g}."
    if any(tensor.left_out for tensor in result.tensors):
        verdict += "\nLeft out: where the loss has a kink, and so no derivative."
    return verdict


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _document(result: "CheckResult") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "passed": result.passed,
        "threshold": result.threshold,
        "images": result.images,
        "layers": [_layer_document(layer) for layer in result.layers],
        "parameters": result.parameters,
        "memory": result.memory,
        "tensors": [asdict(tensor) for tensor in result.tensors],
    }


def _layer_document(layer: "LayerSpec") -> dict[str, Any]:
    """A layer for --json; `activation` names what follows a layer that is none itself."""
    from dataclasses import asdict, replace

    follows = layer.activation is not None and layer.kind != "activation"
    return asdict(replace(layer, activation=layer.activation.type if follows else None))

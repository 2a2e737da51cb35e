"""Write a run's network for other tools."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.experiment.model import Weights, load_model
from mnistlab.store.browse.found import best_of
from mnistlab.store.run_dir import open_run

if TYPE_CHECKING:
    from mnistlab.export.exporter import Exported
    from mnistlab.export.format import Pixels


def export(
    path: Path,
    format: str,
    *,
    output: Path | None = None,
    weights: Weights = "final",
    pixels: "Pixels" = "uint8",
    force: bool = False,
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> "Exported":
    """Write the network of a run, or of a sweep's best trial, in a format of `export/formats/`.

    To `output`, or `model.<suffix>` in the run's folder. An ONNX model takes raw images of `pixels`
    and is compared with mnistlab's outputs before it is written. Raises UsageError if there is no
    such run or weights, if a library is missing, or if the file cannot be written. A file that no
    export wrote is overwritten only with `force`.
    """
    from mnistlab.export.exporter import export_model, refuse_to_overwrite
    from mnistlab.export.formats import usable

    path = best_of(path, tell)
    refuse_to_overwrite(open_run(path), usable(format), output, force=force)
    model = load_model(path, weights, data_dir=data_dir, threads=threads, tell=tell)
    return export_model(model, format, output, pixels, force=force)

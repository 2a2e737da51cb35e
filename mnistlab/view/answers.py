"""What a run's network says of a drawing: the engine's answer, as `predict` gives it."""

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.model import Model, load_model
from mnistlab.pages.try_it import TryIt, script_of, try_it
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import UsageError
from mnistlab.support.run_weights import FINAL, weights_file

MOST_MODELS = 8  # kept for the next drawing


class Answers:
    """The networks that were asked lately. One thread at a time may use it."""

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        threads: int | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._options: dict[str, Any] = {"data_dir": data_dir, "threads": threads, "tell": tell}
        self._models: OrderedDict[tuple[Any, ...], Model] = OrderedDict()

    def answer(self, run: Path, weights: str, pixels: bytes) -> dict[str, Any]:
        """The outputs for one image of the network's size, uint8, and the step of the weights.

        Raises UsageError if there are no such weights, or if the image has another size.
        """
        model = self._model(run, weights)
        height, width = model.image_shape
        if len(pixels) != height * width:
            raise UsageError(
                f"found an image of {len(pixels):,} pixels, expected {height} × {width}"
            )
        image = np.frombuffer(pixels, np.uint8).reshape(1, height, width)
        return {"outputs": model.outputs(image)[0], "step": model.step}

    def section(self, run: Path, weights: str) -> tuple[TryIt, int]:
        """The section "Try it" with these weights, of any size, and the step of the weights.

        Raises LackingError if the network cannot answer on a page.
        """
        artefacts = Artefacts(RunDir(run), weights=weights, **self._options)
        section, step = try_it(artefacts), artefacts.model.step
        if weights == FINAL:
            return section, step
        # The slider's last position is the final weights, which this page does not have.
        facts = json.dumps({**json.loads(section.facts), "epochs": []}).replace("<", "\\u003c")
        return replace(section, facts=facts, epochs=0), step

    def script(self, run: Path, weights: str) -> str:
        """The scripts of that section."""
        return script_of(self._model(run, weights))

    def _model(self, run: Path, weights: str) -> Model:
        key = (run, weights, *_stamps(run, weights))
        if key not in self._models:
            self._models[key] = load_model(run, weights, **self._options)
            if len(self._models) > MOST_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]


def _stamps(run: Path, weights: str) -> list[tuple[int, int] | None]:
    """What changes when a run writes these weights again."""
    run_dir = RunDir(run)
    named = weights_file(weights)
    if named is None:
        raise UsageError(f"weights: found {weights[:40]!r}, expected final, best or epoch-N")
    files = (run / named, run_dir.config, run_dir.last, run_dir.previous)
    stamps: list[tuple[int, int] | None] = []
    for file in files:
        try:
            found = file.stat()
            stamps.append((found.st_mtime_ns, found.st_size))
        except OSError:
            stamps.append(None)
    return stamps

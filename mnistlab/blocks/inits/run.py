"""The weights of another run."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mnistlab.blocks.inits import BIAS, BiasInit
from mnistlab.blocks.inits._stored import StoredInit, from_safetensors
from mnistlab.blocks.section import UserPath, WeightsName
from mnistlab.support.run_weights import find_weights


class WeightsOfRun(StoredInit):
    """Weights and biases of another run, whose layers have the same names and shapes."""

    type: Literal["run"] = Field(
        default="run", description="Weights and biases of another run that has ended."
    )
    path: UserPath = Field(description="The run's folder, relative to this configuration.")
    weights: WeightsName = Field(
        default="final",
        description="The final weights, the best by validation, or those kept after an epoch.",
    )
    bias: BiasInit = BIAS

    def refuse_missing(self) -> None:
        find_weights(self.path, self.weights)

    def stored(self, tensor: Any, files: dict[Path, Any]) -> np.ndarray:
        return from_safetensors(find_weights(self.path, self.weights), tensor, files)

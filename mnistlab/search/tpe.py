"""Points by a tree-structured Parzen estimator."""

from types import ModuleType
from typing import Any, ClassVar, Literal

from pydantic import Field

from mnistlab.blocks.section import Count
from mnistlab.search._optuna import SampledMethod


class Tpe(SampledMethod):
    """Points that resemble the good ones of the earlier points and not the bad ones: a
    tree-structured Parzen estimator (Bergstra et al. 2011), by Optuna.
    """

    type: Literal["tpe"] = "tpe"
    startup: Count = Field(
        default=10, description="The number of points that are drawn at random first."
    )

    several_metrics: ClassVar[bool] = True

    def sampler(self, optuna: ModuleType, seed: int) -> Any:
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=self.startup, multivariate=True, group=True
        )

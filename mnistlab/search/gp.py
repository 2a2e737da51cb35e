"""Points by Bayesian optimisation with a Gaussian process."""

from types import ModuleType
from typing import Any, ClassVar, Literal

from pydantic import Field

from mnistlab.blocks.section import Count
from mnistlab.search._optuna import SampledMethod


class Gp(SampledMethod):
    """Points of the greatest expected improvement by a Gaussian process, by Optuna. It needs
    PyTorch, and suits few points: choosing one takes up to a second.
    """

    type: Literal["gp"] = "gp"
    startup: Count = Field(
        default=10, description="The number of points that are drawn at random first."
    )

    several_metrics: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("torch",)

    def sampler(self, optuna: ModuleType, seed: int) -> Any:
        return optuna.samplers.GPSampler(
            seed=seed, n_startup_trials=self.startup, warn_independent_sampling=False
        )

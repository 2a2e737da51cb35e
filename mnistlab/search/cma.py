"""Points by CMA-ES."""

from types import ModuleType
from typing import Any, ClassVar, Literal

from mnistlab.search._optuna import SampledMethod


class Cma(SampledMethod):
    """Points of a normal distribution whose mean and covariance follow the good points: CMA-ES
    (Hansen 2016), by Optuna. It needs at least two ranges; listed values are drawn at random.
    """

    type: Literal["cma"] = "cma"

    least_ranges: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("cmaes",)

    def sampler(self, optuna: ModuleType, seed: int) -> Any:
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)

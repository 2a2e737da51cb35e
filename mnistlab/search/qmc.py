"""Points of sequences that fill a space evenly."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from mnistlab.search._even import EvenMethod


class Qmc(EvenMethod):
    """Points of a scrambled quasi-random sequence, which fills the space more evenly than random
    points, by SciPy.
    """

    type: Literal["qmc"] = "qmc"
    sequence: Literal["sobol", "halton"] = Field(default="sobol", description="The sequence.")

    def engine(self, dimensions: int, seed: int) -> Any:
        from scipy.stats import qmc

        engines = {"sobol": qmc.Sobol, "halton": qmc.Halton}
        return engines[self.sequence](dimensions, rng=seed)


class Sobol(EvenMethod):
    """Points of a scrambled Sobol sequence: short for {type: qmc, sequence: sobol}."""

    type: Literal["sobol"] = "sobol"

    def engine(self, dimensions: int, seed: int) -> Any:
        return Qmc(trials=self.trials).engine(dimensions, seed)


class Lhs(EvenMethod):
    """A Latin hypercube: each range is cut into as many parts as there are points, and every part
    has one point, by SciPy.
    """

    type: Literal["lhs"] = "lhs"

    grows_by: ClassVar[tuple[str, ...]] = ()

    def points(self, dimensions: int, seed: int) -> Any:
        return self.engine(dimensions, seed).random(self.trials)

    def engine(self, dimensions: int, seed: int) -> Any:
        from scipy.stats import qmc

        return qmc.LatinHypercube(dimensions, rng=seed)

"""The configuration's `init`: how weights and biases start.

A layer's own init (`init.layers.dense1`) is one of the first group of classes; the run's is the
same with the `layers` beside it, one class below.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mnistlab.config.base import BareSection, Positive, Real, Section, TypedUnion, UserPath


class ZeroBias(BareSection):
    """Biases start at zero."""

    type: Literal["zeros"] = Field(default="zeros", description="All zero.")


class NormalBias(Section):
    """Biases start normally distributed around zero."""

    type: Literal["normal"] = Field(
        default="normal", description="Normal around zero, not truncated."
    )
    std: Positive = Field(default=1.0, description="The standard deviation.")


BiasInit = Annotated[ZeroBias | NormalBias, TypedUnion(default="zeros", short=True)]

_BIAS = Field(
    default=ZeroBias(), description="How biases start: zeros, or {type: normal, std: 1.0}."
)


class HeNormal(Section):
    """Normal, variance 2 / fan_in (He et al. 2015)."""

    type: Literal["he_normal"] = Field(
        default="he_normal", description="Normal, variance 2 / fan_in."
    )
    bias: BiasInit = _BIAS


class HeUniform(Section):
    """Uniform, variance 2 / fan_in."""

    type: Literal["he_uniform"] = Field(
        default="he_uniform", description="Uniform, variance 2 / fan_in."
    )
    bias: BiasInit = _BIAS


class GlorotNormal(Section):
    """Normal, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    type: Literal["glorot_normal"] = Field(
        default="glorot_normal", description="Normal, variance 2 / (fan_in + fan_out)."
    )
    bias: BiasInit = _BIAS


class GlorotUniform(Section):
    """Uniform, variance 2 / (fan_in + fan_out)."""

    type: Literal["glorot_uniform"] = Field(
        default="glorot_uniform", description="Uniform, variance 2 / (fan_in + fan_out)."
    )
    bias: BiasInit = _BIAS


class LecunNormal(Section):
    """Normal, variance 1 / fan_in."""

    type: Literal["lecun_normal"] = Field(
        default="lecun_normal", description="Normal, variance 1 / fan_in."
    )
    bias: BiasInit = _BIAS


class VarianceScaling(Section):
    """Variance scale / the named fan."""

    type: Literal["variance_scaling"] = Field(
        default="variance_scaling", description="Variance scale / the named fan."
    )
    scale: Positive = Field(default=1.0, description="What the fan divides.")
    mode: Literal["fan_in", "fan_out", "fan_sum"] = Field(
        default="fan_in", description="Inputs, outputs, or the sum of both, of one unit."
    )
    distribution: Literal["normal", "uniform"] = Field(
        default="normal", description="The distribution's shape; normals are not truncated."
    )
    bias: BiasInit = _BIAS


class NormalInit(Section):
    """Normal around zero, not truncated."""

    type: Literal["normal"] = Field(
        default="normal", description="Normal around zero, not truncated."
    )
    std: Positive = Field(description="The standard deviation.")
    bias: BiasInit = _BIAS


class UniformInit(Section):
    """Uniform from low to high."""

    type: Literal["uniform"] = Field(default="uniform", description="Uniform from low to high.")
    low: Real = Field(description="The least weight.")
    high: Real = Field(description="The greatest weight; above `low`.")
    bias: BiasInit = _BIAS


class PoissonInit(Section):
    """Poisson counts of mean lam, times factor."""

    type: Literal["poisson"] = Field(
        default="poisson", description="Poisson counts times a factor."
    )
    lam: Annotated[Positive, Field(le=1e6)] = Field(description="The mean count.")
    factor: Real = Field(description="What each count is multiplied by.")
    bias: BiasInit = _BIAS


class Zeros(Section):
    """All weights zero."""

    type: Literal["zeros"] = Field(default="zeros", description="All weights zero.")
    bias: BiasInit = _BIAS


class FileInit(Section):
    """Weights read from a file of an earlier run."""

    type: Literal["file"] = Field(default="file", description="Weights read from a file.")
    path: UserPath = Field(description="The file, relative to this configuration.")
    bias: BiasInit = _BIAS


LayerInit = Annotated[
    HeNormal
    | HeUniform
    | GlorotNormal
    | GlorotUniform
    | LecunNormal
    | VarianceScaling
    | NormalInit
    | UniformInit
    | PoissonInit
    | Zeros
    | FileInit,
    TypedUnion(default="he_normal"),
]


class PerLayer(Section):
    """What the run's init has beside a layer's: the layers that start otherwise."""

    bias: BiasInit = _BIAS
    layers: dict[str, LayerInit] = Field(
        default={}, description="A layer's own init, by name: {dense1: {type: normal, std: 1.0}}."
    )

    @model_validator(mode="after")
    def _inherit_bias(self) -> Self:
        for name, layer in self.layers.items():
            if "bias" not in layer.model_fields_set:
                self.layers[name] = layer.model_copy(update={"bias": self.bias})
        return self


class RunHeNormal(PerLayer, HeNormal):
    """he_normal for every layer that `layers` does not name."""


class RunHeUniform(PerLayer, HeUniform):
    """he_uniform for every layer that `layers` does not name."""


class RunGlorotNormal(PerLayer, GlorotNormal):
    """glorot_normal for every layer that `layers` does not name."""


class RunGlorotUniform(PerLayer, GlorotUniform):
    """glorot_uniform for every layer that `layers` does not name."""


class RunLecunNormal(PerLayer, LecunNormal):
    """lecun_normal for every layer that `layers` does not name."""


class RunVarianceScaling(PerLayer, VarianceScaling):
    """variance_scaling for every layer that `layers` does not name."""


class RunNormalInit(PerLayer, NormalInit):
    """normal for every layer that `layers` does not name."""


class RunUniformInit(PerLayer, UniformInit):
    """uniform for every layer that `layers` does not name."""


class RunPoissonInit(PerLayer, PoissonInit):
    """poisson for every layer that `layers` does not name."""


class RunZeros(PerLayer, Zeros):
    """zeros for every layer that `layers` does not name."""


class RunFileInit(PerLayer, FileInit):
    """file for every layer that `layers` does not name."""


InitConfig = Annotated[
    RunHeNormal
    | RunHeUniform
    | RunGlorotNormal
    | RunGlorotUniform
    | RunLecunNormal
    | RunVarianceScaling
    | RunNormalInit
    | RunUniformInit
    | RunPoissonInit
    | RunZeros
    | RunFileInit,
    TypedUnion(default="he_normal"),
]

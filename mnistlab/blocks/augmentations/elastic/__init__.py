"""Elastic distortion. Source: Simard, Steinkraus and Platt (2003)."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mnistlab.blocks.augmentations import AugmentationBlock
from mnistlab.blocks.section import NonNegative, Positive, Section


class Elastic(Section):
    """A random field of displacements, smoothed."""

    alpha: Annotated[NonNegative, Field(le=10_000)] = Field(
        default=34.0, description="The strength: the smoothed field is multiplied by it, in pixels."
    )
    sigma: Annotated[Positive, Field(le=100)] = Field(
        default=4.0, description="The standard deviation of the Gaussian that smooths, in pixels."
    )


class ElasticAugmentation(AugmentationBlock):
    """An item of `augment`: an elastic distortion."""

    type: ClassVar[str] = "elastic"
    elastic: Elastic = Field(description="An elastic distortion of Simard et al. (2003).")

    def build(self, place: Any) -> Any:
        from mnistlab.blocks.augmentations.elastic.ops import build_elastic

        return build_elastic(place, self.elastic)

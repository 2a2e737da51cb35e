"""The momentum of the steps: one number, or a linear ramp over the first epochs."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from mnistlab.blocks.schedules import Steps
from mnistlab.blocks.section import Count, Section, ShareBelowOne, refuse

NUMBER: TypeAdapter[float] = TypeAdapter(ShareBelowOne)


class MomentumRamp(Section):
    """A linear ramp from one momentum to another over the first epochs, constant after them."""

    start: ShareBelowOne = Field(alias="from", description="The momentum of the first step.")
    to: ShareBelowOne = Field(description="The momentum after `epochs`.")
    epochs: Count = Field(description="The number of epochs of the line.")

    def at(self, steps: Steps) -> np.ndarray:
        """The momentum of the steps, float64 (n,); used by Srivastava et al., Dropout (2014)."""
        done = np.minimum(steps.numbers / (self.epochs * steps.per_epoch), 1.0)
        return (1 - done) * self.start + done * self.to


class _NumberOrRamp:
    """Annotation of a key that is a momentum, or a mapping that changes it."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        plain = core_schema.plain_serializer_function_ser_schema(
            lambda value: (
                value.model_dump(by_alias=True) if isinstance(value, MomentumRamp) else value
            )
        )
        return core_schema.no_info_wrap_validator_function(
            self._checked, handler.generate_schema(MomentumRamp), serialization=plain
        )

    @staticmethod
    def _checked(value: Any, as_ramp: Any) -> Any:
        if isinstance(value, Mapping | MomentumRamp):
            return as_ramp(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return NUMBER.validate_python(value)
        refuse("a number, or a mapping such as {from: 0.5, to: 0.95, epochs: 20}")

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [NUMBER.json_schema(), handler(schema["schema"])]}


Momentum = Annotated[float | MomentumRamp, _NumberOrRamp()]

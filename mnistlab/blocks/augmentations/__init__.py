"""Augmentations: random changes of the training images, each in its own file.

An augmentation moves the coordinates at which an image is sampled. A list of augmentations makes
one map from the pixels of the new image to coordinates of the old one, and the image is sampled
once: two augmentations blur no more than one. The result is rounded to bytes, like the dataset's
images.
"""

from typing import Annotated, Any, ClassVar

from mnistlab.blocks.registry import Family, ItemOf
from mnistlab.blocks.section import Section


class AugmentationBlock(Section):
    """The interface of an augmentation; `type` is the key that names it."""

    type: ClassVar[str]

    def build(self, place: Any) -> Any:
        """The op that moves the coordinates; `place` is a Place of `_lowering.py`."""
        raise NotImplementedError(f"augmentation {self.type}: can't be built")


AUGMENTATIONS = Family("mnistlab.blocks.augmentations", AugmentationBlock)

Augmentation = Annotated[AugmentationBlock, ItemOf(AUGMENTATIONS, "augmentation", "shift: 2")]
